"""Small sources of problems: templates as the package has them, GSM8K's lines, and parameters of the stage."""

from __future__ import annotations

import json
import random
import textwrap
from pathlib import Path
from typing import Any

from selfsown.corpora.rationales import RationalesParams

PARAMS: dict[str, Any] = {
    "data_seed": 1,
    "form": "native",
    "sets": [
        {
            "kind": "templates",
            "source": "templates",
            "seen": 2,
            "unseen": 1,
            "rows": {"labelled": 6, "pool": 8, "dev": 5, "test": 5, "unseen": 4},
        }
    ],
    "steps": {"low": 1, "high": 2},
    "quantities": {"low": 1, "high": 5},
    "constants": ["2", "7", "100"],
    "tolerance": 0.01,
    "near_duplicate": 0.6,
}
TEMPLATES = 6
"""Of them number 3 is too long for PARAMS, number 4 wrong every time and number 5 not among the sound ones."""

GENERATOR = """
    def generate_{number}(rng: Random, difficulty: float = 1.0) -> dict[str, Any]:
        a, b = rng.randint(10, 9999), rng.randint(2, 99)
        name = rng.choice(["Ann", "Bo"])
        lines = [f"{{name}} has {{a}} {thing} * {{b}} = {{a * b + {off}}} {thing}", *["2 + 2 = 4"] * {more}]
        lines.append(f"With 7 more that is {{a * b + {off}}} + 7 = {{a * b + {off} + 7}}")
        return {{
            "question": f"{{name}} buys {{a}} bags of {{b}} {thing} and finds 7 more. How many {thing} are there?",
            "answer": format_number(a * b + {off} + 7),
            "metadata": {{"answer_cot": "\\n".join([*lines, f"#### {{a * b + {off} + 7}}"])}},
        }}
"""
THINGS = ("pens", "eggs", "nuts", "cups", "hats", "keys")


def write_templates(folder: Path) -> Path:
    """A source with the layout of the package that has GSM-Symbolic; running one of its `__init__` fails."""
    place = folder / "reasoning_gym/arithmetic/gsm_symbolic"
    place.mkdir(parents=True)
    (folder / "reasoning_gym/utils.py").write_text("def format_number(number):\n    return str(number)\n")
    for above in (place, place.parent, place.parent.parent):
        (above / "__init__.py").write_text("raise ImportError('a package that is not installed')\n")
    (place / "gsm_symbolic.py").write_text(f"import absent\n\ntasks_ok = {list(range(TEMPLATES - 1))}\n")
    head = "from random import Random\nfrom typing import Any\n\nfrom reasoning_gym.utils import format_number\n"
    made = [
        textwrap.dedent(GENERATOR.format(number=number, thing=thing, off=int(number == 4), more=3 * (number == 3)))
        for number, thing in enumerate(THINGS)
    ]
    (place / "generators_00_49.py").write_text(head + "".join(made[:2]))
    (place / "generators_50_99.py").write_text(head + "".join(made[2:]))
    return folder


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def gsm8k_row(number: int) -> dict[str, str]:
    """A problem in GSM8K's form, unlike that of another number."""
    count, cost = number + 3, 4 * (number + 3)
    draw = random.Random(number)
    ship, thing, place = ("".join(draw.choices("bdfgklmnprstvz", k=9)) for _ in range(3))
    return {
        "question": f"{ship} {thing} has {count} {place} at $4. All {ship} {thing} {place}?",
        "answer": f"They cost {count}*4 = $<<{count}*4={cost}>>{cost}.\n#### {cost}",
    }


def params(**changes: Any) -> RationalesParams:
    """Parameters of the stage with some keys changed."""
    return RationalesParams.model_validate(PARAMS | changes)
