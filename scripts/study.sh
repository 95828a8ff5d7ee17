#!/usr/bin/env bash
# PIPELINE on PROFILE (default study) with VARIANT (see conf/variant/), once per seed in SEEDS (default 1 2 3), merged into
# metrics/<pipeline>.study.json, or metrics/<pipeline>.study.<profile>+<variant>.json: another profile than study, then
# variants by name.
# It runs in a clone of its own (.selfsown/study/), at the commit of its first kept seed, else of HEAD when it began, so that
# no edit here changes the study half-way. DVC's cache, MLflow's store and the environment are this checkout's. What is kept
# of a finished seed, and tracked in git, is in metrics/<pipeline>.study/: called again it goes on with the next, and the
# stages of an unfinished one from their shards and checkpoints. To begin anew at HEAD, remove that folder and the clones.
# AT_ONCE=2 runs two seeds side by side, each in a clone of its own with its share of the cores: for models too small to
# use all.
. "$(dirname "$0")/needs_git.sh"
. "$(dirname "$0")/env.sh"
: "${PIPELINE:?which one? make study PIPELINE=<one of pipelines/>}"
known_pipeline
profile=${PROFILE:-study}
variants=$(tr -d '[] ' <<<"${VARIANT:-}" | tr ',' '\n' | sort | paste -sd,)
chosen=$(tr ' ' '\n' <<<"$profile ${variants//,/ }" | sed '1{/^study$/d};/^$/d' | paste -sd+)
name=$PIPELINE.study${chosen:+.$chosen}
kept=$PWD/metrics/$PIPELINE.study/${chosen:-plain}
clones=$PWD/.selfsown/study/$name

settle() { # the commit of all lanes: of the kept seeds, else of a clone that is there, else HEAD
    local lane
    commit=$(sed -n 's/^ "commit": "\([0-9a-f]*\)".*/\1/p' "$kept"/seed-*.json 2>/dev/null | head -1 || true)
    for ((lane = 0; lane < at_once; lane++)); do
        if [ -d "$(in_lane $lane)" ]; then commit=${commit:-$(git -C "$(in_lane $lane)" rev-parse HEAD)}; fi
    done
    commit=${commit:-$(git rev-parse HEAD)}
}

in_lane() { # the first lane's clone is called as the study
    if [ "$1" = 0 ]; then echo "$clones"; else echo "$clones-$1"; fi
}

prepare() { # the lane's clone, whole or not there
    if grep -qs '"code": "not recorded"' "$kept"/seed-*.json; then
        echo "study: the seeds in $kept do not say which code made them: no other joins them; remove them to begin anew" >&2
        exit 1
    fi
    if [ ! -d "$clone" ]; then
        rm -rf "$clone.tmp"
        git clone -q --no-checkout . "$clone.tmp"
        git -C "$clone.tmp" checkout -q --detach "$commit"
        ln -s ../../../.env "$clone.tmp/.env" # execution settings, if there are any
        mv "$clone.tmp" "$clone"
    elif [ "$(git -C "$clone" rev-parse HEAD)" != "$commit" ]; then
        echo "study: $clone is not at ${commit:0:8}, the commit of the other seeds: remove it" >&2
        exit 1
    fi
    (cd "$clone" && dvc cache dir --quiet --local "$cache") # each time: this checkout may have been moved
}

run_lane() { # every AT_ONCE-th seed, one after another, in the lane's clone: an unfinished one goes on where it was
    local place=0 seed
    clone=$(in_lane "$1")
    for seed in $seeds; do
        if [ $((place++ % at_once)) != "$1" ] || [ -f "$kept/seed-$seed.parquet" ]; then continue; fi
        prepare
        echo "study: $name, seed $seed, commit ${commit:0:8}, in $clone" >&2
        (
            cd "$clone"
            export PYTHONPATH=$clone/src
            python scripts/set_profile.py "profile=$profile" "variant=[$variants]" "seed=$seed"
            dvc repro "pipelines/$PIPELINE/dvc.yaml"
            selfsown study keep "$PIPELINE" "$kept/seed-$seed.parquet"
        )
    done
}

cache=$(dvc cache dir) seeds=${SEEDS:-1 2 3} at_once=${AT_ONCE:-1}
if [[ ! $at_once =~ ^[1-9][0-9]*$ ]]; then
    echo "study: AT_ONCE=$at_once is no number of seeds: 1, 2, ..." >&2
    exit 2
fi
if [ "$at_once" -gt 1 ]; then
    share=$((($(nproc) + at_once - 1) / at_once))
    export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$share} SELFSOWN_WORKERS=${SELFSOWN_WORKERS:-$share}
fi
settle
export PIPELINE profile variants name kept clones commit cache seeds at_once
export -f in_lane prepare run_lane
seq 0 $((at_once - 1)) | xargs --max-args=1 --max-procs="$at_once" bash -euo pipefail -c 'run_lane "$1"' run_lane || exit 1
selfsown study merge "$PIPELINE" "metrics/$name.json" "$kept"/seed-*.parquet
