#!/usr/bin/env bash
# PIPELINE on the study profile, once per seed in SEEDS (default 1 2 3), folded into metrics/<pipeline>.study.json.
# One seed after the other in this checkout, so that a killed study resumes where it was: a finished seed is kept
# under the digest of its parameters, and the stages of the unfinished one go on from their shards and checkpoints.
. "$(dirname "$0")/env.sh"
: "${PIPELINE:?which one? make study PIPELINE=speech_bt}"
study=data/$PIPELINE/study
runs=()
for seed in ${SEEDS:-1 2 3}; do
    python scripts/set_profile.py profile=study "seed=$seed"
    run=$study/$(sha256sum <params.yaml | cut -c1-8)/seed-$seed
    if [ ! -d "$run" ]; then
        dvc repro "pipelines/$PIPELINE/dvc.yaml"
        rm -rf "$run.part" && mkdir -p "$run.part"
        cp -r "data/$PIPELINE/transcripts/." "$run.part" && mv "$run.part" "$run"
    fi
    runs+=("$run")
done
selfsown fold "$PIPELINE" "metrics/$PIPELINE.study.json" "${runs[@]}"
