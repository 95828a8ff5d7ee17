"""Fish Fillets: acted dialogue of a game, in Czech and Dutch.

`script/<level>/*dialogs_<language>.lua` names the lines and says them, `sound/<level>/**/<language>/<name>.ogg` speaks
them. The scripts are read as data (their strings and calls are parsed), never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from selfsown.audio import unnamed_speaker
from selfsown.corpora.readers.speech.clips import Clip
from selfsown.corpora.readers.tables import read_text
from selfsown.sources import fetch

LANGUAGES = ("cs", "nl")
TEXTS = "fillets-ng-data"
ROOT = "usr/share/games/fillets-ng"

_TOKEN = re.compile(
    r"""--\[\[.*?\]\]|--[^\n]*|(?P<name>[A-Za-z_]\w*)|(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
        |(?P<long>\[\[.*?\]\])|(?P<sign>[(),])""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(\d{1,3}|.)", re.DOTALL)
_NO_TEXT = "missing field: no dialogStr follows"
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\n": "\n", "a": "", "b": "", "f": "", "v": ""}


@dataclass(frozen=True)
class Line:
    """One line of dialogue: `row` is where its `dialogId` stands, `reason` says what it lacks."""

    name: str
    speaker: str
    text: str
    row: int
    reason: str = ""


def clips(languages: Sequence[str]) -> Iterator[Clip]:
    """Every recording; one whose words are nowhere is refused."""
    for language in (code for code in languages if code in LANGUAGES):
        source = f"{TEXTS}-{language}"
        yield from join(fetch(TEXTS) / ROOT / "script", fetch(source) / ROOT / "sound", language, source)


def join(script: Path, sound: Path, language: str, source: str) -> Iterator[Clip]:
    """The recordings below `sound/<level>` with the lines of `script/<level>`, by name."""
    for level in sorted(path for path in sound.iterdir() if path.is_dir()):
        lines: dict[str, tuple[Path, Line]] = {}
        for file in sorted((script / level.name).glob(f"*dialogs_{language}.lua")):
            lines.update((line.name, (file, line)) for line in read_dialogs(read_text(file)))
        for audio in sorted(level.rglob(f"{language}/*.ogg")):
            found = lines.get(audio.stem)
            line = found[1] if found else None
            reason = f"missing text: no line {audio.stem!r} in script/{level.name}"
            if found:
                file, line = found
                reason = f"{line.reason}: {level.name}/{file.name} line {line.row}" if line.reason else ""
            yield Clip(
                id=f"fillets/{language}/{'/'.join(audio.relative_to(sound).with_suffix('').parts)}",
                group=level.name,
                file=str(audio),
                text=line.text if line else "",
                language=language,
                speaker=f"fillets-{line.speaker}" if line and line.speaker else unnamed_speaker("fillets"),
                source=source,
                reason=reason,
            )


def read_dialogs(script: str) -> Iterator[Line]:
    """The lines of a script: `dialogId(name, font, English)` followed by `dialogStr(text)`."""
    line: Line | None = None
    for call, row, values in _calls(script):
        if call == "dialogId":
            if line is not None:
                yield line
            name, font = (*values, "", "")[:2]
            reason = "" if len(values) >= 2 and name else "missing field: dialogId lacks its name or font"
            line = Line(name, font.removeprefix("font_"), "", row, reason or _NO_TEXT)
        elif call == "dialogStr" and line is not None:
            text = values[0] if values else ""
            reason = (
                line.reason if line.reason != _NO_TEXT else "" if text.strip() else "missing field: empty dialogStr"
            )
            yield Line(line.name, line.speaker, text, line.row, reason)
            line = None
    if line is not None:
        yield line


def _calls(script: str) -> Iterator[tuple[str, int, list[str]]]:
    """(function, row, string arguments) of each call that has only strings."""
    call, row = "", 0
    values: list[str] = []
    for token in _TOKEN.finditer(script):
        if name := token["name"]:
            call, row, values = name, script.count("\n", 0, token.start()) + 1, []
        elif string := token["string"]:
            values.append(_ESCAPE.sub(_unescape, string[1:-1]))
        elif long := token["long"]:
            values.append(long[2:-2].removeprefix("\n"))
        elif token["sign"] == ")" and call:
            yield call, row, values
            call = ""


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code)) if code.isdigit() else _ESCAPED.get(code, code)
