#!/usr/bin/env bash
# Resolve pyproject.toml into requirements.lock again: every platform, Python 3.11 and later, with hashes.
# Needs uv (pip install uv). Pass --upgrade, or --upgrade-package NAME, to move versions that are locked already.
set -euo pipefail
cd "$(dirname "$0")/.."
compile="uv pip compile --universal --python-version 3.11 --generate-hashes --group dev pyproject.toml -o requirements.lock"
# The header of the lock file is the command itself, without this machine's indexes and flags.
export UV_CUSTOM_COMPILE_COMMAND=$compile
exec $compile --no-emit-index-url --no-emit-find-links "$@"
