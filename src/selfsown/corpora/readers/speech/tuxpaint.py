"""Tux Paint stamps: captions read aloud by volunteers, in a dozen languages; a corpus for out-of-domain tests.

`<stamp>.txt` holds `<language>.utf8=<caption>` lines, `<stamp>_desc_<language>.ogg` the recording. Some captions were
rewritten after they were read, so a clip stays only if its speaking rate is plausible among those of its language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from selfsown.corpora.readers.speech.clips import Clip
from selfsown.sources import fetch

LANGUAGES = ("be", "bg", "ca", "da", "el", "es", "fr", "lt", "nl", "ro", "ru")
SOURCE = "tuxpaint-stamps-default"


def clips(languages: Sequence[str]) -> Iterator[Clip]:
    """Every recording in the languages; one whose caption is missing is refused."""
    wanted = [code for code in languages if code in LANGUAGES]
    if wanted:
        yield from join(fetch(SOURCE) / "usr/share/tuxpaint/stamps", wanted)


def join(stamps: Path, languages: Sequence[str]) -> Iterator[Clip]:
    """The recordings below `stamps` with the captions beside them."""
    for language in languages:
        for audio in sorted(stamps.rglob(f"*_desc_{language}.ogg")):
            stamp = audio.with_name(audio.name.removesuffix(f"_desc_{language}.ogg"))
            caption, reason = _caption(stamp.with_name(f"{stamp.name}.txt"), language)
            path = stamp.relative_to(stamps).as_posix()
            yield Clip(
                id=f"tuxpaint/{language}/{path}",
                group=path,
                file=str(audio),
                text=caption,
                language=language,
                speaker=f"tuxpaint-{language}",
                source=SOURCE,
                reason=reason,
            )


def _caption(file: Path, language: str) -> tuple[str, str]:
    """The caption and, where there is none, the reason."""
    if not file.is_file():
        return "", f"missing text: no file {file.name}"
    for row, line in enumerate(file.read_text("utf-8", errors="replace").splitlines(), start=1):
        key, _, caption = line.partition("=")
        if key.strip() == f"{language}.utf8":
            return caption.strip(), "" if caption.strip() else f"missing field: empty caption: {file.name} line {row}"
    return "", f"missing field: {file.name} has no {language}.utf8= line"
