"""Make a profile the active one: compose `conf/` into `params.yaml`, and run nothing.

    python scripts/set_profile.py profile=smoke
    python scripts/set_profile.py profile=study variant=[published,symbolic] seed=2

`params.yaml` is the truth, and is committed as `laptop`: stages read it and nothing else, `dvc exp run -S key=value`
changes keys of what is there. Numbers edited in it would be lost here, so a `params.yaml` that is neither committed nor
some profile's own composition is not overwritten.
"""

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from hydra.errors import HydraException

from selfsown.plan.profile import choices, composed

PARAMS = Path("params.yaml")


def same(text: str, other: str) -> bool:
    """Whether two texts of parameters say the same, in comments too: what is composed has none."""
    try:
        return bool(yaml.safe_load(text) == yaml.safe_load(other)) and text.count("#") == other.count("#")
    except yaml.YAMLError:
        return False


def leaves(value: Any, place: str = "") -> set[str]:
    """Dotted names with their values, of all that is not a section."""
    if not isinstance(value, dict):
        return {f"{place} {value!r}"}
    return {leaf for key, inner in value.items() for leaf in leaves(inner, f"{place}.{key}")}


def edited(text: str) -> bool:
    """True when `params.yaml` holds something that neither git nor `conf/` can give back (a seed they can)."""
    committed = subprocess.run(["git", "show", f"HEAD:./{PARAMS}"], check=False, capture_output=True)
    if committed.returncode == 0 and committed.stdout == text.encode():
        return False
    try:
        active = yaml.safe_load(text)
    except yaml.YAMLError:
        return True
    if not isinstance(active, dict) or active.get("composed_from") not in choices("profile"):
        return True
    own = (f"profile={active['composed_from']}", f"seed={active.get('seed')}")
    without, there = leaves(yaml.safe_load(composed(*own))), leaves(active)
    # Only those of which something is there: all choices of all variants would take a minute.
    variants = [
        name
        for name in choices("variant")
        if (leaves(yaml.safe_load(composed(*own, f"variant={name}"))) - without) & there
    ]
    some = itertools.chain.from_iterable(itertools.combinations(variants, n) for n in range(len(variants) + 1))
    return not any(same(text, composed(*own, f"variant=[{','.join(chosen)}]")) for chosen in some)


def main(overrides: list[str]) -> None:
    """Compose, unless edits would be lost."""
    chosen = [override.removeprefix("profile=") for override in overrides if override.startswith("profile=")]
    if unknown := set(chosen) - set(choices("profile")):
        sys.exit(f"profile: no profile {min(unknown)!r}; there are: {', '.join(choices('profile'))}")
    try:
        wanted = composed(*overrides)
    except HydraException as error:
        sys.exit(f"profile: {' '.join(overrides)}: {error}")
    text = PARAMS.read_text() if PARAMS.exists() else ""
    if same(text, wanted):
        return
    if text and edited(text):
        sys.exit(
            "profile: params.yaml has edits that are in no profile: `dvc repro` runs them as they are; commit them, "
            "or drop them with `git checkout params.yaml`"
        )
    PARAMS.write_text(wanted)
    back = "" if overrides == ["profile=laptop"] else "; `make repro PROFILE=laptop` brings the default back"
    print(f"profile: params.yaml is now {' '.join(overrides)}{back}")


if __name__ == "__main__":
    main(sys.argv[1:])
