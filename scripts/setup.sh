#!/usr/bin/env bash
# Make the virtual environment .venv from requirements.lock; does nothing when it is already there.
# Needs Python 3.11+ and nothing else of the system: no root, no pip, no python3-venv.
#   PYTHON=python3.12           the interpreter to use
#   SELFSOWN_VENV_CACHE=folder  keep environments there, one per lock file, and share them between checkouts
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."

main() {
    # A finished environment is left alone, whatever python made it, unless PYTHON asks for another one.
    if [ -z "${PYTHON:-}" ] && [ -z "${SELFSOWN_VENV_CACHE:-}" ] && ready .venv; then
        touch .venv/stamp 2>/dev/null || true # the time of last use, by which .ci/run clears old ones away
        return
    fi
    local python venv=$PWD/.venv
    python=$(find_python)
    if [ -n "${SELFSOWN_VENV_CACHE:-}" ]; then
        mkdir -p "$SELFSOWN_VENV_CACHE"
        venv=$(realpath "$SELFSOWN_VENV_CACHE")/$(fingerprint "$python")
        exec 9>"$venv.lock"
    else
        exec 9<requirements.lock
    fi
    flock 9 # two set-ups at once: the second waits and finds the work done
    if ! ready "$venv" || [ "$(stamp "$python" "$venv")" != "$(cat "$venv/stamp")" ]; then install "$python" "$venv"; fi
    if [ "$venv" != "$PWD/.venv" ]; then
        launcher "$venv"
        touch "$venv/stamp"
        if [ "$(readlink .venv || true)" != "$venv" ]; then rm -rf .venv && ln -s "$venv" .venv; fi
    fi
}

install() { # python, venv. Killed half-way it leaves no stamp, so the next call starts afresh.
    local python=$1 venv=$2 quiet=-qq
    if [ -t 2 ]; then quiet=; fi # somebody watches: pip's progress bars instead of silence
    echo "setup: $("$python" -V), packages of requirements.lock into $venv (about 7 GB)" >&2
    rm -rf "$venv"
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv "$venv"
    else
        "$python" -m venv --without-pip "$venv"
        install_pip "$venv"
    fi
    # --compile also where PYTHONDONTWRITEBYTECODE is set: without it, importing mlflow takes 7 s instead of 3.
    # The lock file names every package, so nothing is left to resolve (older pips try to, and fall over extras).
    "$venv/bin/python" -m pip install $quiet --compile --no-deps --require-hashes -r requirements.lock >&2
    if [ "$venv" = "$PWD/.venv" ]; then
        "$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable . >&2
    fi
    stamp "$python" "$venv" >"$venv/stamp"
    echo "setup: done" >&2
}

launcher() { # venv. Shared by several checkouts, so it points to none: scripts/env.sh names the checkout in PYTHONPATH.
    # The guard matters: processes that are spawned import this file again.
    printf '#!%s\nfrom selfsown.cli import main\n\nif __name__ == "__main__":\n    main()\n' "$1/bin/python" >"$1/bin/.selfsown"
    chmod +x "$1/bin/.selfsown"
    mv "$1/bin/.selfsown" "$1/bin/selfsown"
}

ready() { # venv: complete, in place, and made from this very lock file
    [ -f "$1/stamp" ] && [ "$(cat "$1/stamp")" = "$(stamp "$1/bin/python" "$(realpath "$1")")" ]
}

stamp() { # python, venv. The folder counts: an environment does not survive being moved.
    echo "$(fingerprint "$1") $2"
}

fingerprint() { # python: what decides the contents of an environment
    { cat requirements.lock && "$1" -c 'import platform, sys; print(sys.implementation.cache_tag, platform.machine())'; } |
        sha256sum | cut -c1-16
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo "setup: Python 3.11 or newer is needed; ${PYTHON:-python3} is $("${PYTHON:-python3}" -V 2>&1 || true)." \
        "Install it (apt install python3.11) or name it: make test PYTHON=/path/to/python3.11" >&2
    return 1
}

install_pip() { # venv. Debian keeps pip apart from its python3; its wheel package can be fetched without root.
    local venv=$1 work wheel
    wheel=$(find /usr/share/python-wheels -name 'pip-*.whl' 2>/dev/null | head -1 || true)
    if [ -z "$wheel" ]; then
        work=$venv/pip-wheel
        mkdir -p "$work/lists/partial" "$work/cache"
        echo "setup: this python3 has no pip; taking it from the Debian package python3-pip-whl" >&2
        local apt=(apt-get -qq -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=)
        if ! { "${apt[@]}" update && (cd "$work" && "${apt[@]}" download python3-pip-whl) &&
            dpkg-deb -x "$work"/python3-pip-whl_*.deb "$work"; } >&2; then
            echo "setup: cannot fetch python3-pip-whl; install python3-venv, or name another python with PYTHON=" >&2
            return 1
        fi
        wheel=$(find "$work" -name 'pip-*.whl' | head -1)
    fi
    "$venv/bin/python" "$wheel/pip" install --quiet --no-index "$wheel" >&2
    rm -rf "$venv/pip-wheel"
}

main
