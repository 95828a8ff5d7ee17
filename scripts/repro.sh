#!/usr/bin/env bash
# dvc repro of everything, or of PIPELINE and what it needs. PROFILE makes that profile the active one first, with SETS.
. "$(dirname "$0")/env.sh"
if [ -n "${PIPELINE:-}" ]; then known_pipeline; fi
if [ -n "${SETS:-}" ] && [ -z "${PROFILE:-}" ]; then
    echo "make: SETS=$SETS changes params.yaml: say PROFILE= too, such as PROFILE=laptop" >&2
    exit 2
fi
if [ -n "${PROFILE:-}" ]; then python scripts/set_profile.py "profile=$PROFILE" "sets=${SETS:-[]}"; fi
exec dvc repro ${PIPELINE:+"pipelines/$PIPELINE/dvc.yaml"}
