"""How long each stage took when it last ran here, tracked or not: a small file a stage, `.selfsown/durations/`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from selfsown.files import write_json
from selfsown.tracking.uri import private

FOLDER = "durations"


@dataclass(frozen=True)
class Duration:
    """Of the process that finished the stage: what a killed one did before is not in it.

    Attributes:
        ended: UTC, ISO 8601.
    """

    stage: str
    seconds: float
    ended: str


def note(stage: str, seconds: float) -> None:
    """Keep how long a stage took that has just ended."""
    made = Duration(stage, round(seconds, 1), datetime.now(UTC).isoformat(timespec="seconds"))
    write_json(private() / FOLDER / f"{quote(stage, safe='@')}.json", asdict(made))


def durations() -> list[Duration]:
    """What was kept, in the order in which the stages ended."""
    found = [Duration(**json.loads(path.read_bytes())) for path in (private() / FOLDER).glob("*.json")]
    return sorted(found, key=lambda one: (one.ended, one.stage))
