#!/usr/bin/env bash
# dvc repro of everything, or of PIPELINE and what it needs. PROFILE makes that profile the active one first, with VARIANT.
. "$(dirname "$0")/needs_git.sh"
. "$(dirname "$0")/env.sh"
if [ -n "${PIPELINE:-}" ]; then known_pipeline; fi
if [ -n "${VARIANT:-}" ] && [ -z "${PROFILE:-}" ]; then
    echo "make: VARIANT=$VARIANT changes params.yaml: say PROFILE= too, such as PROFILE=laptop" >&2
    exit 2
fi
if [ -n "${PROFILE:-}" ]; then python scripts/set_profile.py "profile=$PROFILE" "variant=${VARIANT:-[]}"; fi
exec dvc repro ${PIPELINE:+"pipelines/$PIPELINE/dvc.yaml"}
