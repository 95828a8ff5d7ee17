# Sourced by the other scripts: repository root, environment set up and first in PATH, this checkout's selfsown in use.
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh
export PATH="$PWD/.venv/bin:$PATH" PYTHONPATH="$PWD/src${PYTHONPATH:+:$PYTHONPATH}"

known_pipeline() { # PIPELINE is a folder with a dvc.yaml
    if [ ! -f "pipelines/$PIPELINE/dvc.yaml" ]; then
        echo "make: no pipeline $PIPELINE; there are: $(ls pipelines | xargs)" >&2
        exit 2
    fi
}
