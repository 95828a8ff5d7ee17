#!/usr/bin/env bash
# Fails if `dvc repro` has anything to do: the same inputs must never run a stage twice.
. "$(dirname "$0")/env.sh"
output=$(dvc repro 2>&1) || { echo "$output" && exit 1; }
if grep -q "^Running stage" <<<"$output"; then
    grep "^Running stage" <<<"$output"
    echo "check_idle: these stages ran although nothing had changed" >&2
    exit 1
fi
echo "nothing to do, as it should be"
