"""One suite of expectations per product, and the thresholds it takes from `params.yaml`.

Every expectation carries a note: the rule in words, shown in the error and in the Data Docs.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from pydantic import Field

from selfsown.params import Params
from selfsown.quality.expectations import absent, between, count_rows, expect, filled, one_of, unique, where
from selfsown.speech_bt.sampling import SYNTHETIC
from selfsown.text.scoring import error_rate
from selfsown.text.written.alphabets import letters_of

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

SPLITS = ("seed", "text", "dev", "test", "ood")
"""What an utterance may be for; `seed`, `dev` and `test` must not be empty."""


class TextLimits(Params):
    """Thresholds of rows with a text."""

    min_rows: int = Field(ge=1)
    min_characters: int = Field(ge=1)
    max_characters: int = Field(ge=1)


class SpeechLimits(TextLimits):
    """Thresholds of rows with a text and audio; levels are RMS in dB below full scale."""

    min_seconds: float = Field(gt=0)
    max_seconds: float = Field(gt=0)
    min_rms_dbfs: float = Field(le=0)
    max_rms_dbfs: float = Field(le=0)


class ScoreLimits(Params):
    """Thresholds of judged transcripts.

    `min_real_rows` of real speech and the judge's error rate on them, per language; `min_texts` that a voice says too.
    """

    min_real_rows: int = Field(ge=1)
    min_texts: int = Field(ge=1)
    max_wer_real: float = Field(gt=0)
    max_cer_real: float = Field(gt=0, description="in languages without spaces between words")


class AcceptedLimits(Params):
    """What the gate must leave, per language."""

    min_rows: int = Field(ge=1)
    min_minutes: float = Field(ge=0)
    min_voices: int = Field(ge=1)


def utterances(
    limits: SpeechLimits, languages: tuple[str, ...], others: tuple[str, ...] = (), *, by_speaker: bool = False
) -> list[Expectation]:
    """Real speech: rows of `selfsown.audio.UTTERANCE` with the columns `frames.speech_frame` computes.

    `others` are languages that may stand on the split `ood` alone; `by_speaker`: some source is parted so.
    """
    in_domain = expect(
        "ColumnValuesToBeInSet",
        column="language",
        value_set=list(languages),
        row_condition=where("split") != "ood",
        notes=f"only out of domain may there be other languages than {', '.join(languages)}",
    )
    return [
        *_speech(limits, (*languages, *others)),
        *([in_domain] if others else []),
        *filled("speaker"),
        *one_of("split", SPLITS),
        *(count_rows(1, f"split {split!r}", where("split") == split) for split in ("seed", "dev", "test")),
        absent("shared_text", "no text of dev, test or ood may stand on another split: the test would leak"),
        *([absent("shared_speaker", "no speaker may be on two splits where texts are")] if by_speaker else []),
    ]


def synthetic(limits: SpeechLimits, languages: tuple[str, ...]) -> list[Expectation]:
    """Synthetic speech: like real speech, its `speaker` the voice, none of its texts held out for dev or test."""
    return [*_speech(limits, languages), *filled("speaker"), _not_held_out()]


def sentences(limits: TextLimits, languages: tuple[str, ...]) -> list[Expectation]:
    """Sentences to be spoken: unique, none of them held out for dev or test."""
    return [
        *_text(limits, languages),
        expect("CompoundColumnsToBeUnique", column_list=["language", "text"], notes="a sentence must stand once"),
        _not_held_out(),
    ]


def rates(languages: Collection[str]) -> list[str]:
    """The error rates that these languages are judged by, each by one: `wer`, or `cer` where no spaces part words."""
    return sorted({error_rate([language]) for language in languages}, reverse=True)


def scores(limits: ScoreLimits, languages: tuple[str, ...]) -> list[Expectation]:
    """Judged transcripts, with the columns that `rates` of the gate adds."""
    return [
        *unique("id", "an utterance must be judged once"),
        *filled("voice"),
        *one_of("language", languages),
        *between("words", 1, None, "a reference must have words"),
        *between("errors", 0, None, "word edits cannot be negative"),
        *(each for name in rates(languages) for each in _judged(name, 0, None, "a rate cannot be negative", languages)),
        *between("duration_s", 0, None, "there must be sound", strict_min=True),
        *between("silence", 0, 1, "a fraction of the duration"),
        *between("clipping", 0, 1, "a fraction of the samples"),
        *between("chars_per_second", 0, None, "there must be speech", strict_min=True),
        *(
            each
            for name, most in (("wer", limits.max_wer_real), ("cer", limits.max_cer_real))
            if name in rates(languages)
            for each in _judged(f"{name}_real", 0, most, "the judge must understand real speech", languages)
        ),
        expect(
            "ColumnValuesToBeBetween",
            column="texts",
            min_value=limits.min_texts,
            row_condition=where("split") == SYNTHETIC,
            notes="a voice must say what real speech says too, to be compared",
        ),
        *(
            count_rows(
                limits.min_real_rows,
                f"real speech in {language!r} to compare with",
                (where("real") == True) & (where("language") == language),  # noqa: E712 - builds a condition
            )
            for language in languages
        ),
    ]


def _judged(column: str, low: float, high: float | None, notes: str, languages: tuple[str, ...]) -> list[Expectation]:
    """As `between`, on the rows of the languages that are judged by the rate."""
    if len(rates(languages)) == 1:
        return between(column, low, high, notes)
    own = where("measure") == column.removesuffix("_real")
    return between(column, low, high, notes, condition=own)


def accepted(limits: AcceptedLimits, languages: tuple[str, ...]) -> list[Expectation]:
    """What the gate left, with `minutes` per row."""
    found: list[Expectation] = [*unique("id"), *one_of("language", languages)]
    for language in languages:
        spoken = where("language") == language
        little = f"too little synthetic speech in {language!r} is left"
        found.append(count_rows(limits.min_rows, f"accepted speech in {language!r}", spoken))
        floors = {
            "ColumnSumToBeBetween": ("minutes", limits.min_minutes),
            "ColumnUniqueValueCountToBeBetween": ("voice", limits.min_voices),
        }
        for kind, (column, least) in floors.items():
            found.append(expect(kind, column=column, min_value=least, row_condition=spoken, notes=little))
    return found


def _text(limits: TextLimits, languages: tuple[str, ...]) -> list[Expectation]:
    return [
        count_rows(limits.min_rows, "the product"),
        *unique("id"),
        *one_of("language", languages),
        *filled("text"),
        expect(
            "ColumnValueLengthsToBeBetween",
            column="text",
            min_value=limits.min_characters,
            max_value=limits.max_characters,
            notes="text too short or too long",
        ),
        expect("ColumnValuesToMatchRegex", column="text", regex=r".*[^\W\d_]", notes="a text must have letters"),
        absent("unspoken", "a text must say how it is spoken"),
        *(
            expect(
                "ColumnValuesToNotMatchRegex",
                column="text",
                regex=foreign_letter(language),
                row_condition=where("language") == language,
                notes=f"letters of a script that {language!r} is not written in",
            )
            for language in languages
        ),
    ]


def _speech(limits: SpeechLimits, languages: tuple[str, ...]) -> list[Expectation]:
    return [
        *_text(limits, languages),
        *between("duration", limits.min_seconds, limits.max_seconds, "audio too short or too long, in seconds"),
        *between("duration_error", 0, 0.05, "the audio must be as long as its row says, in seconds"),
        *between("rms_dbfs", limits.min_rms_dbfs, limits.max_rms_dbfs, "audio too quiet, too loud, or not finite"),
    ]


def foreign_letter(language: str) -> str:
    """A pattern that finds a letter of another script than the language's.

    >>> import re
    >>> re.findall(foreign_letter("cs"), "Příliš žluťoučký, 'kůň' 5 п λ")
    ['п', 'λ']
    """
    return rf"(?![{letters_of(language)}])[^\W\d_]"


def _not_held_out() -> Expectation:
    return absent("held_out_text", "the text is held out for testing")
