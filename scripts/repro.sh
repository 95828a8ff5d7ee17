#!/usr/bin/env bash
# dvc repro of everything, or of PIPELINE and what it needs. PROFILE makes that profile the active one first, with SETS.
. "$(dirname "$0")/env.sh"
if [ -n "${PROFILE:-}" ]; then python scripts/set_profile.py "profile=$PROFILE" "sets=${SETS:-[]}"; fi
if [ -n "${PIPELINE:-}" ] && [ ! -f "pipelines/$PIPELINE/dvc.yaml" ]; then
    echo "make: no pipeline $PIPELINE; there are: $(ls pipelines | xargs)" >&2
    exit 2
fi
exec dvc repro ${PIPELINE:+"pipelines/$PIPELINE/dvc.yaml"}
