"""What a suite of speech or of sentences refuses, row by row."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from selfsown import quality
from selfsown.speech_bt.gate import frames, suites
from selfsown.text.written import alphabets

LANGUAGES = ("cs", "nl")
TEXT = suites.TextLimits(min_rows=2, min_characters=3, max_characters=60)
SPEECH = suites.SpeechLimits(
    min_rows=4, min_characters=3, max_characters=60, min_seconds=0.3, max_seconds=20, min_rms_dbfs=-50, max_rms_dbfs=-3
)
SPLITS = ("seed", "text", "dev", "test")
TEXTS = (
    "Dobrý den",
    "Kde je nádraží?",
    "Zloději utekli oknem.",
    "Děkuju, Müllere",
    "Goedemorgen!",
    "Waar is het café?",
)


def speech(**changes: dict[int, object]) -> pd.DataFrame:
    """Six sound utterances; `column={row: value}` spoils single cells."""
    frame = pd.DataFrame(
        {
            "id": [f"u{i}" for i in range(6)],
            "text": TEXTS,
            "language": ["cs"] * 4 + ["nl"] * 2,
            "speaker": "eva",
            "duration": 2.5,
            "source": "made here",
            "split": [*SPLITS, "dev", "test"],
            "duration_error": 0.0,
            "rms_dbfs": -20.0,
        }
    )
    for column, cells in changes.items():
        frame[column] = frame[column].astype(object) if column in ("text", "split", "language") else frame[column]
        for row, value in cells.items():
            frame.loc[row, column] = value
    frame["shared_text"] = frames.shared_text(frame)
    frame["unspoken"] = frames.unspoken_text(frame)
    return frame


def lines(texts=("Jedna věta.", "Druhá věta."), languages=("cs", "cs"), against=None) -> pd.DataFrame:
    frame = pd.DataFrame({"id": [f"s{i}" for i in range(len(texts))], "text": texts, "language": languages})
    frame["held_out_text"] = frames.held_out_text(frame, speech() if against is None else against)
    frame["unspoken"] = frames.unspoken_text(frame)
    return frame


def check_speech(frame: pd.DataFrame, report: Path) -> None:
    quality.check({"speech": frame}, {"speech": suites.utterances(SPEECH, LANGUAGES)}, report)


def test_other_languages_may_stand_out_of_domain_alone(tmp_path):
    suite = {"speech": suites.utterances(SPEECH, LANGUAGES, ("es",))}
    spanish = {"language": {4: "es"}, "text": {4: "Buenos días"}}
    quality.check({"speech": speech(**spanish, split={4: "ood"})}, suite, tmp_path / "sound")
    with pytest.raises(quality.GateError, match="only out of domain may there be other languages than cs, nl"):
        quality.check({"speech": speech(**spanish)}, suite, tmp_path / "unsound")


@pytest.mark.parametrize(
    ("changes", "column", "threshold", "observed", "sample"),
    [
        ({"text": {1: "Привет, мир"}}, "text", "not_match_regex(regex=", "1 of 4 rows", "id='u1' text='Привет, мир'"),
        ({"text": {2: None}}, "text", "not_be_null()", "1 of 6 rows", "id='u2'"),
        ({"text": {0: "12 34"}}, "text", "match_regex(regex=", "1 of 6 rows", "id='u0' text='12 34'"),
        ({"id": {3: "u1"}}, "id", "be_unique()", "2 of 6 rows", "id='u1'"),
        (
            {"text": {3: "dobrý DEN!"}},
            "shared_text",
            "to_be_null()",
            "2 of 6 rows",
            "id='u3' shared_text='seed, test: dobrý DEN!'",
        ),
        ({"duration": {4: 0.0}}, "duration", "min_value=0.3, max_value=20.0", "1 of 6 rows", "id='u4' duration=0.0"),
        ({"duration": {4: np.nan}}, "duration", "not_be_null()", "1 of 6 rows", "id='u4' duration=nan"),
        (
            {"rms_dbfs": {5: -80.0}},
            "rms_dbfs",
            "min_value=-50.0, max_value=-3.0",
            "1 of 6 rows",
            "id='u5' rms_dbfs=-80.0",
        ),
        ({"rms_dbfs": {5: np.nan}}, "rms_dbfs", "not_be_null()", "1 of 6 rows", "id='u5' rms_dbfs=nan"),
        ({"language": {5: "pl"}}, "language", "value_set=['cs', 'nl']", "1 of 6 rows", "id='u5' language='pl'"),
        (
            {"split": {0: "train"}},
            "split",
            "value_set=['seed', 'text', 'dev', 'test', 'ood']",
            "1 of 6",
            "id='u0' split='train'",
        ),
        ({"split": {0: "text"}}, "(rows)", "min_value=1) where split == 'seed'", "observed: 0", ""),
    ],
)
def test_a_bad_cell_is_named_with_threshold_observation_and_row(tmp_path, changes, column, threshold, observed, sample):
    with pytest.raises(quality.GateError) as caught:
        check_speech(speech(**changes), tmp_path / "docs")
    message = str(caught.value)
    blocks = [block for block in message.split("\n- ") if f"column {column}:" in block and threshold in block]
    assert len(blocks) == 1, message
    assert blocks[0].startswith("speech, ") or blocks[0].startswith("- speech, ")
    assert observed in blocks[0]
    assert sample in blocks[0]
    assert str(tmp_path / "docs" / "index.html") in message
    assert "failed" in (tmp_path / "docs" / "index.html").read_text()


TEXTS_SPOILED = ("Jedna věta.", "Jedna věta.", "Mám 3 psy.", "waar is het CAFÉ", "Zloději utekli oknem")


def test_sentences_may_not_repeat_hold_digits_or_leak(tmp_path):
    frame = lines(TEXTS_SPOILED, ["cs", "cs", "cs", "nl", "cs"])
    with pytest.raises(quality.GateError) as caught:
        quality.check({"sentences": frame}, {"sentences": suites.sentences(TEXT, LANGUAGES)}, tmp_path / "docs")
    message = str(caught.value)
    assert "column language, text: a sentence must stand once" in message
    assert "id='s2' unspoken=" in message and "Mám 3 psy." in message
    assert "id='s3' held_out_text='test: waar is het CAFÉ'" in message and "id='s4' held_out_text=" in message


def test_importing_the_gate_does_not_import_great_expectations():
    code = "import sys, selfsown.speech_bt.gate; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_letters_of_a_language_are_those_that_the_texts_may_have() -> None:
    """A letter of each script, in every language that the corpora know: both sides call the same ones foreign."""
    scripts = {"Latin": "aŘ", "Cyrillic": "дЇ", "Greek": "λἀ", "Devanagari": "कॐ", "Han": "水", "Kana": "のカー々"}
    scripts |= {"Thai": "กไ", "Lao": "ກໄ", "Khmer": "កឥ", "Burmese": "ကဥ"}
    assert scripts.keys() == alphabets._SCRIPTS.keys()
    for language, (own, _) in alphabets._LETTERS.items():
        for script, letters in scripts.items():
            for letter in letters:
                foreign = bool(re.search(suites.foreign_letter(language), letter))
                assert foreign == (script not in own), (language, script)
