#!/usr/bin/env bash
# Unit tests; arguments go to pytest. The markers left out here: recipe (needs a finished smoke run) and slow.
. "$(dirname "$0")/env.sh"
exec pytest -n "${TEST_WORKERS:-2}" -m "not recipe and not slow" "$@"
