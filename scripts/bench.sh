#!/usr/bin/env bash
# Every benchmark in turn, or those named: scripts/bench.sh whisper_windows. Some measure what `make repro` made.
. "$(dirname "$0")/env.sh"
[ $# -gt 0 ] || set -- $(cd benchmarks && ls *.py | sed 's/\.py$//' | grep -vx 'common\|corpus') # what the others share
for name in "$@"; do python "benchmarks/$name.py"; done
