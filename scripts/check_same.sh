#!/usr/bin/env bash
# Same inputs, same bytes: every data stage, up to the gates, in two fresh clones of this checkout in different folders,
# one worker in the first and two in the second. Fails if a product differs. PROFILE (default smoke) says which data.
# What is not committed is not in a clone. Downloads and .venv are shared, DVC's cache and lock files are not.
. "$(dirname "$0")/env.sh"
gates=$(grep -l '^  gate:' pipelines/*/dvc.yaml | sed 's/$/:gate/')
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for workers in 1 2; do
    clone=$folder/$workers$(printf '%.0s-worker' $(seq "$workers"))
    git clone -q . "$clone"
    ln -s "$(realpath .venv)" "$clone/.venv"
    if [ -f .env ]; then cp .env "$clone"; fi
    echo "check_same: $clone" >&2
    (
        cd "$clone"
        export SELFSOWN_WORKERS=$workers SELFSOWN_TRACKING=false PYTHONPATH=$clone/src
        dvc config --quiet --local cache.dir "$clone/.dvc/cache"
        rm -f dvc.lock pipelines/*/dvc.lock # they hold the hashes of what was made before, here or elsewhere
        python scripts/set_profile.py "profile=${PROFILE:-smoke}"
        dvc repro $gates
    )
done
python - "$folder"/* <<'END'
import sys
from pathlib import Path

import yaml


def products(clone: Path) -> dict[str, str]:
    """Path and md5 of all data and models in the lock files of a clone."""
    stages = [stage for lock in clone.glob("pipelines/*/dvc.lock") for stage in yaml.safe_load(lock.read_text())["stages"].values()]
    outs = [out for stage in stages for out in stage.get("outs", [])]
    return {out["path"]: out["md5"] for out in outs if out["path"].startswith(("data/", "models/"))}


one, two = (products(Path(clone)) for clone in sys.argv[1:])
different = [path for path in one.keys() | two.keys() if one.get(path) != two.get(path)]
for path in sorted(one.keys() | two.keys()):
    print(f"{path:32} {one.get(path, '-'):36} {two.get(path, '-'):36} {'DIFFERENT' if path in different else 'same'}")
if different or not one:
    sys.exit(f"check_same: {len(different)} of {len(one)} products differ between one worker and two")
print(f"check_same: {len(one)} products, the same bytes from one worker and from two")
END
