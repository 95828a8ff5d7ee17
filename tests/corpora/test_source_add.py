"""`selfsown source add` on real folders: it says what the stage then does, and what it cannot read stays out."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import yaml
from tests.corpora.source_add import add

from selfsown.corpora.speech import SpeechParams, speech
from selfsown.errors import UserError
from selfsown.params import load_params
from selfsown.products import read_card
from selfsown.sources import fetch
from selfsown.sources.registry import load_registry

PARAMS = {
    "data_seed": 1,
    "languages": ["cs"],
    "corpora": {
        "speech": {
            "in_domain": ["fillets"],
            "out_of_domain": [],
            "out_of_domain_languages": [],
            "minutes": {"test": 0.05, "dev": 0.05, "seed": 0.05, "text": None, "ood": 0},
            "seconds": {"low": 0.4, "high": 10.5},
            "dbfs": {"low": -50, "high": -3},
            "near_duplicate": 0.8,
            "rate_deviations": 3.5,
        },
        "problems": {
            "sets": ["bigbench-elementary-math"],
            "stories": {"templates": {"test": 1, "dev": 1}, "rows": {"test": 1, "dev": 1, "train": 1}, "distractor": 0},
            "gsm_symbolic": {"templates": {"test": 1, "dev": 1}, "rows": {"test": 1, "dev": 1, "train": 1}},
            "rows": {"test": 1, "dev": 1, "train": None},
            "constants": ["1"],
            "steps": {"low": 1, "high": 3},
            "quantities": {"low": 1, "high": 5},
            "tolerance": 0.01,
            "near_duplicate": 0.8,
        },
    },
}
WORDS = ("jedna", "dva", "tři", "čtyři", "pět", "šest")


@pytest.fixture
def project(empty_registry: Path) -> Path:
    """A working directory with parameters, an empty registry and an empty folder `recordings`."""
    (empty_registry / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    (empty_registry / "recordings").mkdir()
    return empty_registry


def wave(path: Path, seconds: float = 2.0) -> None:
    soundfile.write(path, 0.1 * np.sin(np.arange(int(seconds * 22_050)) / 9), 22_050, format="WAV")


def manifest(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def follow(said: str) -> SpeechParams:
    """Write into params.yaml what the command said to write there."""
    params = yaml.safe_load(Path("params.yaml").read_text())
    for key, value in re.findall(r"^  ([\w.]+): (.*)$", said.partition("Say in params.yaml")[2], re.MULTILINE):
        section = params
        *path, last = key.split(".")
        for part in path:
            section = section[part]
        section[last] = yaml.safe_load(value) if last != "minutes" else {**yaml.safe_load(value), "ood": 0}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    return load_params("corpora.speech", SpeechParams)


def test_what_is_said_is_what_the_stage_then_keeps_and_refuses(project: Path) -> None:
    recordings = project / "recordings"
    rows = [{"audio": f"{word}.wav", "text": f"Řekni {word} {word[::-1]}.", "split": ""} for word in WORDS]
    for row in rows:
        wave(recordings / row["audio"])
    rows[0]["split"], rows[1]["split"] = "test", "validation"
    wave(recordings / "short.wav", 0.2)
    wave(recordings / "empty.wav", 0.0)
    (recordings / "noise.wav").write_bytes(b"not audio")
    names = ("short.wav", "empty.wav", "noise.wav", "absent.wav", "")
    bad = [(name, f"Tady je {word}.") for name, word in zip(names, WORDS, strict=False)]
    bad += [("jedna.wav", ""), ("jedna.wav", "Je 8 hodin."), ("jedna.wav", "Привет.")]
    manifest(recordings / "manifest.csv", rows + [{"audio": a, "text": t, "split": ""} for a, t in bad])

    said = add("mine", "recordings")
    assert said.startswith("mine: 6 recordings, 0.20 minutes\n")
    table = [line.split() for line in said.splitlines() if re.match(r"  cs\b", line)]
    assert table == [["cs", "not", "given", "4", "0.13"], ["cs", "dev", "1", "0.03"], ["cs", "test", "1", "0.03"]]
    assert "8 rows refused:" in said
    for line in (
        "1  digits, the first: jedna.wav: '8' in 'Je 8 hodin.'",
        "1  duration, the first: short.wav: 0.20 s, allowed 0.4 to 10.5",
        "2  missing field, the first: manifest.csv row 11 has no audio",
        "3  unreadable audio, the first: empty.wav: expected mono samples, got an array of shape [0]",
        "1  wrong script, the first: jedna.wav: 'П' is not a letter of cs",
    ):
        assert f"  {line}\n" in said
    for key in ("gate.expect", "synthesize.voices"):
        assert f"\n  # speech_bt.{key}: " in said.partition("Say in params.yaml")[2]
    assert fetch("mine") == Path("recordings")

    speech(follow(said), corpus=project / "speech")
    card = read_card(project / "speech")
    refused = {kind: int(count) for count, kind in re.findall(r"^ +(\d+)  ([\w ]+), the first", said, re.MULTILINE)}
    assert (card.rows, card.dropped) == (6, refused)


def test_parquet_is_counted_by_decoding_it(project: Path) -> None:
    wave(project / "a.wav", 3.0)
    sound = {"bytes": (project / "a.wav").read_bytes(), "path": None}
    table = {"audio": [sound, {"bytes": None, "path": "x"}], "sentence": ["Ano.", "Ne."], "language": ["cs", "cs"]}
    pq.write_table(pa.table(table), project / "recordings/a.parquet")
    said = add("mine", "recordings")
    assert said.startswith("mine: 1 recordings, 0.05 minutes\n")
    assert "1  unreadable audio, the first: a.parquet row 2: no bytes in its audio column\n" in said


def test_rows_without_a_language_are_in_the_first_and_others_are_told(project: Path) -> None:
    (project / "params.yaml").write_text(yaml.safe_dump({**PARAMS, "languages": ["nl", "cs"]}))
    wave(project / "recordings/a.wav")
    texts = ("De kat zit.", "Het is goed.", "Waar ben je?", "Kom naar huis.", "Wij gaan morgen.", "Dank je wel.")
    rows = [{"audio": "a.wav", "text": text} for text in texts]
    manifest(project / "recordings/manifest.csv", rows)
    said = add("mine", "recordings")
    assert "  nl        not given            6      0.20\n" in said
    assert "  languages: [nl]  # no other: the folder has no column `language`\n" in said
    assert follow(said).languages == ("nl",)
    speech(follow(said), corpus=project / "speech")
    assert read_card(project / "speech").rows == 6

    languages = ("de", "klingon")
    manifest(
        project / "recordings/manifest.csv", [{**row, "language": c} for row, c in zip(rows, languages, strict=False)]
    )
    said = add("mine", "recordings")
    assert said.startswith("mine: 1 recordings") and "\n  languages: [de]\n" in said
    assert "1  unknown language, the first: a.wav: languages: 'klingon' is not allowed: letters are known for" in said


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("manifest.csv", "audio,words\na.wav,Ano.\n", r"manifest\.csv: no column for text: .*found audio, words"),
        ("manifest.csv", "audio,text\n", "no recording that can be used\n0 rows refused"),
        (
            "manifest.csv",
            "audio,text\nb.wav,Ano.\n",
            "can be used\n1 rows refused:\n +1  unreadable audio, .*b.wav: No",
        ),
        ("manifest.csv", "audio,text\na.wav," + "x" * 200_000, r"manifest\.csv: cannot be read: Error: field larger"),
        ("metadata.jsonl", "{oops\n", r"metadata\.jsonl line 1: not JSON"),
        ("a.parquet", "PAR1 not Parquet", r"a\.parquet: cannot be read: ArrowInvalid"),
        ("notes.txt", "Ano.", r"expected a manifest\.csv, a metadata\.jsonl or \*\.parquet"),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_error_and_not_pinned(
    project: Path, name: str, data: str, message: str
) -> None:
    wave(project / "recordings/a.wav")
    (project / "recordings" / name).write_text(data)
    with pytest.raises(UserError, match=message):
        add("mine", "recordings")
    with pytest.raises(UserError, match="nowhere: no such folder"):
        add("mine", "nowhere")
    assert (project / "conf/sources.yaml").read_text() == "# nothing yet\n"


def test_a_set_of_problems_is_read_as_such(project: Path) -> None:
    header = "Question,Equation,Answer,Numbers\n"
    (project / "recordings/train.csv").write_text(header + "number0 and number1,+ number0 number1,3.0,1.0 2.0\n")
    with pytest.raises(
        UserError, match=r"recordings: cannot be read as svamp: .*dev\.csv: cannot be read: No such file"
    ):
        add("svamp", "recordings")
    assert (project / "conf/sources.yaml").read_text() == "# nothing yet\n"
    (project / "recordings/dev.csv").write_text(
        header + "number0 and number1,+ number0 number1,4000.0,1000.0 3000.0\nnumber0 and one,+ number0 1,9.0,1.0\n"
    )
    said = add("svamp", "recordings")
    assert said.startswith("svamp: 2 problems: test 1, train 1\n1 rows refused:\n")
    assert "1  wrong answer, the first: svamp/dev.csv/1: the equation gives 2, stated is 9\n" in said
    assert "  corpora.problems.sets: [bigbench-elementary-math, svamp]\n" in said
    assert load_registry()["svamp"].kind == "folder"


def test_a_file_name_that_is_not_utf8_is_said(project: Path) -> None:
    wave(project / "recordings/a.wav")
    manifest(project / "recordings/manifest.csv", [{"audio": "a.wav", "text": "Ano."}])
    Path(os.fsdecode(b"recordings/caf\xe9.wav")).touch()
    with pytest.raises(UserError, match=r"recordings: the name of the file b'caf\\xe9\.wav' is not UTF-8: rename it"):
        add("mine", "recordings")
    assert (project / "conf/sources.yaml").read_text() == "# nothing yet\n"


def test_a_published_set_in_another_encoding_or_with_a_mark_is_read_or_named(project: Path) -> None:
    text = "Question,Equation,Answer,Numbers\nZoë has number0 and number1,+ number0 number1,3.0,1.0 2.0\n"
    for name in ("train", "dev"):
        (project / f"recordings/{name}.csv").write_bytes(text.encode("utf-8-sig"))
    assert add("svamp", "recordings").startswith("svamp: 2 problems")
    (project / "recordings/dev.csv").write_bytes(text.encode("cp1252"))
    with pytest.raises(UserError, match=r"dev\.csv line 2: not UTF-8 \(byte 0xeb\): save the file as UTF-8"):
        add("svamp", "recordings")
