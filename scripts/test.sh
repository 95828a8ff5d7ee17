#!/usr/bin/env bash
# Unit tests; arguments go to pytest. The markers left out here: recipe (needs a finished smoke run) and slow.
. "$(dirname "$0")/env.sh"
# worksteal: tests of one file mostly stay on one worker, so what they share is made once.
exec pytest -n "${TEST_WORKERS:-2}" --dist worksteal -m "not recipe and not slow" "$@"
