#!/usr/bin/env bash
# PIPELINE on the study profile with SETS (see conf/sets/), once per seed in SEEDS (default 1 2 3), folded into
# metrics/<pipeline>.study.json, or metrics/<pipeline>.study.<set>+<set>.json, sets by name.
# One seed after the other in this checkout, so that a killed study resumes where it was: the errors of a finished seed
# on each test item are kept, and tracked in git, in a folder named by its parameters; the stages of the unfinished one
# go on from their shards and checkpoints. So seeds may also run on different days, or on different machines.
. "$(dirname "$0")/env.sh"
: "${PIPELINE:?which one? make study PIPELINE=speech_bt}"
known_pipeline
# What the evaluation reads, its first input, has a row for each test item.
items=$(python -c '
import shlex, sys, yaml
stages = yaml.safe_load(open(f"pipelines/{sys.argv[1]}/dvc.yaml"))["stages"]
print(shlex.split(stages["evaluate"]["cmd"])[3])' "$PIPELINE")
for seed in ${SEEDS:-1 2 3}; do
    python scripts/set_profile.py profile=study "sets=${SETS:-[]}" "seed=$seed"
    key=$(python -c '
import hashlib, json, sys, yaml
params = yaml.safe_load(open("params.yaml"))
stages = open(f"pipelines/{sys.argv[1]}/dvc.yaml").read()
kept = {key: params.get(key) for key in ("data_seed", "languages", sys.argv[1])}
kept["corpora"] = {name: made for name, made in params["corpora"].items() if f"data/corpora/{name}" in stages}
print(hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:8])' "$PIPELINE")
    study=metrics/$PIPELINE.study/$key
    if [ ! -f "$study/seed-$seed.parquet" ]; then
        dvc repro "pipelines/$PIPELINE/dvc.yaml"
        selfsown keep "$PIPELINE" "$items" "$study/seed-$seed.parquet"
    fi
done
sets=$(tr -d '[] ' <<< "${SETS:-}" | tr ',' '\n' | sort | paste -sd+)
selfsown fold "$PIPELINE" "metrics/$PIPELINE.study${sets:+.$sets}.json" "$study"/seed-*.parquet
