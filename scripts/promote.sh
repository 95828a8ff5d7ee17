#!/usr/bin/env bash
# Promote MODEL's candidate in the store of MLFLOW_TRACKING_URI; with CHECK=true only say what would be decided. The reason
# is in the summary. Ends as `selfsown promote` does: with status 3 where the evidence says no.
. "$(dirname "$0")/env.sh"
: "${MODEL:?which one? MODEL=<a registered model>}"
[ "${CHECK:-false}" = true ] && check=--check || check=
selfsown promote "$MODEL" $check | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"
