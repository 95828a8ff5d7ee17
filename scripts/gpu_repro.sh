#!/usr/bin/env bash
# What a GPU runner does: PROFILE (default gpu), all pipelines or PIPELINE, with what DVC's remote and the tracking server
# have; what it made goes there. The summary, against BASE (default main), is reports/summary.md.
# A run that was killed goes on. What is finished is known by the lock files, whose copies are kept in .selfsown/made/
# beside the commit's that they replaced, and put back over those alone; with SELFSOWN_WORK, a folder on a disk that
# outlives the checkout, there, and DVC's cache beside them.
rm -f "$(dirname "$0")/../reports/summary.md" # first: whatever fails, that of an earlier run is not uploaded as ours
. "$(dirname "$0")/needs_git.sh"
. "$(dirname "$0")/env.sh"
export PROFILE=${PROFILE:-gpu}
if [ -n "${PIPELINE:-}" ]; then known_pipeline; fi
if [ -n "${SELFSOWN_WORK:-}" ]; then export SELFSOWN_WORK=${SELFSOWN_WORK/#\~\//$HOME/}; fi
kept=${SELFSOWN_WORK:-.selfsown}/made/$PROFILE
mkdir -p "$kept"
if [ -n "${SELFSOWN_WORK:-}" ]; then dvc cache dir --quiet --local "$(realpath "$SELFSOWN_WORK")/dvc"; fi

python scripts/set_profile.py "profile=$PROFILE"
python scripts/keep_made.py restore "$kept"
python scripts/keep_made.py watch "$kept" & # ends with this script, however that ends
status=0
dvc repro --pull --allow-missing ${PIPELINE:+"pipelines/$PIPELINE/dvc.yaml"} || status=$?
python scripts/keep_made.py save "$kept"

if dvc remote list | grep -q .; then dvc push || status=$?; else echo "gpu_repro: DVC has no remote: nothing is pushed" >&2; fi
selfsown sync || status=$?
selfsown compare "${BASE:-main}" >reports/summary.md || status=$?
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    printf '\nLocks and figures: `gh run download %s --name run --dir run && cp -r run/. . && rm -r run` in a clone at commit `%s`, then commit them.\n' \
        "$GITHUB_RUN_ID" "$(git rev-parse --short HEAD)" >>reports/summary.md
    cat reports/summary.md >>"$GITHUB_STEP_SUMMARY"
fi
exit "$status"
