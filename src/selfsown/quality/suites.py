"""One suite of expectations per product, and the thresholds it takes from `params.yaml`.

Every expectation carries a note: the rule in words, shown in the error and in the Data Docs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from selfsown.params import Params
from selfsown.text import letters_of

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
    """Thresholds of judged transcripts, per language: rows of real speech, and the judge's corpus WER on them."""

    min_real_rows: int = Field(ge=1)
    max_wer_real: float = Field(gt=0)


class AcceptedLimits(Params):
    """What the gate must leave, per language."""

    min_rows: int = Field(ge=1)
    min_minutes: float = Field(ge=0)
    min_voices: int = Field(ge=1)


def utterances(limits: SpeechLimits, languages: tuple[str, ...], others: tuple[str, ...] = ()) -> list[Expectation]:
    """Real speech: rows of `selfsown.audio.UTTERANCE` with the columns `frames.speech_frame` computes.

    `others` are languages that may stand on the split `ood` alone.
    """
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    in_domain = gxe.ExpectColumnValuesToBeInSet(
        column="language",
        value_set=list(languages),
        row_condition=Column("split") != "ood",
        notes=f"only out of domain may there be other languages than {', '.join(languages)}",
    )
    return [
        *_speech(limits, (*languages, *others)),
        *([in_domain] if others else []),
        *filled("speaker"),
        *one_of("split", SPLITS),
        *(count_rows(1, f"split {split!r}", Column("split") == split) for split in ("seed", "dev", "test")),
        gxe.ExpectColumnValuesToBeNull(
            column="shared_text", notes="no text of dev, test or ood may stand on another split: the test would leak"
        ),
    ]


def synthetic(limits: SpeechLimits, languages: tuple[str, ...]) -> list[Expectation]:
    """Synthetic speech: like real speech, its `speaker` the voice, none of its texts held out for dev or test."""
    return [*_speech(limits, languages), *filled("speaker"), _not_held_out()]


def sentences(limits: TextLimits, languages: tuple[str, ...]) -> list[Expectation]:
    """Sentences to be spoken: unique, without digits, none of them held out for dev or test."""
    import great_expectations.expectations as gxe

    return [
        *_text(limits, languages),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["language", "text"], notes="a sentence must stand once"),
        gxe.ExpectColumnValuesToNotMatchRegex(column="text", regex=r"\d", notes="digits must be spelled out"),
        _not_held_out(),
    ]


def scores(limits: ScoreLimits, languages: tuple[str, ...]) -> list[Expectation]:
    """Judged transcripts, with the columns `real`, `wer`, `chars_per_second`, and `wer_real` of the row's language."""
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    return [
        *filled("id"),
        gxe.ExpectColumnValuesToBeUnique(column="id", notes="an utterance must be judged once"),
        *filled("voice"),
        *one_of("language", languages),
        *between("words", 1, None, "a reference must have words"),
        *between("errors", 0, None, "word edits cannot be negative"),
        *between("wer", 0, None, "WER cannot be negative"),
        *between("duration_s", 0, None, "there must be sound", strict_min=True),
        *between("silence", 0, 1, "a fraction of the duration"),
        *between("clipping", 0, 1, "a fraction of the samples"),
        *between("chars_per_second", 0, None, "there must be speech", strict_min=True),
        *between("wer_real", 0, limits.max_wer_real, "the judge must understand real speech"),
        *(
            count_rows(
                limits.min_real_rows,
                f"real speech in {language!r} to compare with",
                (Column("real") == True) & (Column("language") == language),  # noqa: E712 - builds a condition
            )
            for language in languages
        ),
    ]


def accepted(limits: AcceptedLimits, languages: tuple[str, ...]) -> list[Expectation]:
    """What the gate left, with `minutes` per row."""
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    found: list[Expectation] = [
        *filled("id"),
        gxe.ExpectColumnValuesToBeUnique(column="id", notes="ids must be unique"),
        *one_of("language", languages),
    ]
    for language in languages:
        where = Column("language") == language
        little = f"too little synthetic speech in {language!r} is left"
        found += [
            count_rows(limits.min_rows, f"accepted speech in {language!r}", where),
            gxe.ExpectColumnSumToBeBetween(
                column="minutes", min_value=limits.min_minutes, row_condition=where, notes=little
            ),
            gxe.ExpectColumnUniqueValueCountToBeBetween(
                column="voice", min_value=limits.min_voices, row_condition=where, notes=little
            ),
        ]
    return found


def _text(limits: TextLimits, languages: tuple[str, ...]) -> list[Expectation]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    return [
        count_rows(limits.min_rows, "the product"),
        *filled("id"),
        gxe.ExpectColumnValuesToBeUnique(column="id", notes="ids must be unique"),
        *one_of("language", languages),
        *filled("text"),
        gxe.ExpectColumnValueLengthsToBeBetween(
            column="text",
            min_value=limits.min_characters,
            max_value=limits.max_characters,
            notes="text too short or too long",
        ),
        gxe.ExpectColumnValuesToMatchRegex(column="text", regex=r".*[^\W\d_]", notes="a text must have letters"),
        *(
            gxe.ExpectColumnValuesToNotMatchRegex(
                column="text",
                regex=foreign_letter(language),
                row_condition=Column("language") == language,
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


def filled(column: str) -> list[Expectation]:
    """No value is missing."""
    import great_expectations.expectations as gxe

    return [gxe.ExpectColumnValuesToNotBeNull(column=column, notes="a value is missing")]


def count_rows(minimum: int, of: str, where: Any = None) -> Expectation:
    """At least `minimum` rows; described by us, as Great Expectations does not show the condition of a row count."""
    import great_expectations.expectations as gxe

    words = f"too few rows: {of}"
    return gxe.ExpectTableRowCountToBeBetween(
        min_value=minimum, row_condition=where, notes=words, description=f"{of}: at least {minimum} rows"
    )


def one_of(column: str, allowed: tuple[str, ...]) -> list[Expectation]:
    """A value must be there, and be one of those allowed."""
    import great_expectations.expectations as gxe

    return [
        *filled(column),
        gxe.ExpectColumnValuesToBeInSet(
            column=column, value_set=list(allowed), notes=f"known values: {', '.join(allowed)}"
        ),
    ]


def between(
    column: str, low: float | None, high: float | None, notes: str, *, strict_min: bool = False
) -> list[Expectation]:
    """A number must be there (NaN counts as missing) and in range."""
    import great_expectations.expectations as gxe

    return [
        *filled(column),
        gxe.ExpectColumnValuesToBeBetween(
            column=column, min_value=low, max_value=high, strict_min=strict_min, notes=notes
        ),
    ]


def _not_held_out() -> Expectation:
    import great_expectations.expectations as gxe

    return gxe.ExpectColumnValuesToBeNull(column="held_out_text", notes="the text is held out for testing")
