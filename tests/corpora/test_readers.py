"""Readers of speech corpora: what is well formed is read exactly, what is not is refused with file and row."""

from __future__ import annotations

import csv
import json
import random
import re
import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsown.corpora.readers.documents.own import holds_texts
from selfsown.corpora.readers.documents.rows import json_lines, parquet
from selfsown.corpora.readers.rationales import gsm8k, own
from selfsown.corpora.readers.speech import fillets, folder, tuxpaint
from selfsown.errors import UserError

SCRIPT = r"""
-- dialogId("commented", "font_small", "out")
dialogId("a-1", "font_small", "He said \"no\".")
dialogStr("Řekl \"ne\".")
dialogId("bare", "font_big", "no words")

dialogId('b-2', 'font_big',
"two lines")
dialogStr(
"C:\\WINDOWS\065")
dialogId("c-3", "", "")
dialogStr("")
print("os.exit()")
dialogId("last", "font_big", "x")
"""


def test_script_is_parsed_not_run():
    lines = {line.name: line for line in fillets.read_dialogs(SCRIPT)}
    assert list(lines) == ["a-1", "bare", "b-2", "c-3", "last"]
    assert lines["a-1"].text == 'Řekl "ne".'
    assert lines["a-1"].speaker == "small"
    assert lines["b-2"].text == r"C:\WINDOWSA"
    assert lines["bare"].reason == lines["last"].reason == "missing field: no dialogStr follows"
    assert lines["c-3"].reason == "missing field: empty dialogStr"
    assert lines["bare"].row == 5


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip), max_size=5))
def test_any_text_survives_quoting(texts):
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for text in texts)
    script = "\n".join(f'dialogId("n{i}", "font_big", "")\ndialogStr("{text}")' for i, text in enumerate(quoted))
    assert [line.text for line in fillets.read_dialogs(script)] == texts


def test_dialogue_is_joined_by_level_and_name(tmp_path):
    script, sound = tmp_path / "script/reef", tmp_path / "sound/reef/cs"
    script.mkdir(parents=True)
    sound.mkdir(parents=True)
    (script / "dialogs_cs.lua").write_text(SCRIPT)
    for name in ("a-1", "bare", "unheard-of"):
        (sound / f"{name}.ogg").touch()
    clips = {clip.id: clip for clip in fillets.join(tmp_path / "script", tmp_path / "sound", "cs", "fillets")}
    assert clips["fillets/cs/reef/cs/a-1"].text == 'Řekl "ne".'
    assert clips["fillets/cs/reef/cs/a-1"].group == "reef"
    assert clips["fillets/cs/reef/cs/a-1"].reason == ""
    assert clips["fillets/cs/reef/cs/bare"].reason == "missing field: no dialogStr follows: reef/dialogs_cs.lua line 5"
    assert clips["fillets/cs/reef/cs/unheard-of"].reason.startswith("missing text: no line 'unheard-of'")


def test_caption_without_its_language_is_refused_by_file(tmp_path):
    for stamp, caption in {"cow": "A cow.\nnl.utf8=Een koe.\n", "ox": "An ox.\nnl.utf8=\n", "elk": "An elk.\n"}.items():
        (tmp_path / f"{stamp}.txt").write_text(caption)
        (tmp_path / f"{stamp}_desc_nl.ogg").touch()
    (tmp_path / "yak_desc_nl.ogg").touch()
    clips = {clip.group: clip for clip in tuxpaint.join(tmp_path, ["nl"])}
    assert clips["cow"].text == "Een koe."
    assert clips["ox"].reason == "missing field: empty caption: ox.txt line 2"
    assert clips["elk"].reason == "missing field: elk.txt has no nl.utf8= line"
    assert clips["yak"].reason == "missing text: no file yak.txt"


def manifest(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_manifest_rows_are_read_or_refused(tmp_path):
    rows = [
        {"audio": "a.wav", "text": "Ano, \nprosím.", "split": "train", "speaker": "eva"},
        {"audio": "", "text": "x", "split": "", "speaker": ""},
        {"audio": "b.wav", "text": "", "split": "", "speaker": ""},
        {"audio": "../secret.wav", "text": "x", "split": "", "speaker": ""},
        {"audio": "c.wav", "text": "x", "split": "tset", "speaker": ""},
    ]
    manifest(tmp_path / "manifest.csv", rows)
    good, *bad = folder.read(tmp_path, "mine", ["cs"])
    assert (good.text, good.split, good.speaker, good.language) == ("Ano, \nprosím.", "seed", "eva", "cs")
    assert [clip.reason.split(":")[0] for clip in bad] == ["missing field"] * 2 + [
        "outside its folder",
        "unknown split",
    ]
    assert "manifest.csv row 2 has no audio" in bad[0].reason


def test_missing_column_is_one_clear_error(tmp_path):
    manifest(tmp_path / "manifest.csv", [{"audio": "a.wav", "words": "Ano."}])
    with pytest.raises(
        UserError, match=r"manifest\.csv: no column for text: expected one named text or .*audio, words"
    ):
        list(folder.read(tmp_path, "mine", ["cs"]))
    manifest(tmp_path / "manifest.csv", [{"audio": "a.wav", "text": "Ano."}])
    with pytest.raises(UserError, match="no column for language"):
        list(folder.read(tmp_path, "mine", ["cs", "nl"]))


def test_metadata_and_audio_parquet_are_read(tmp_path):
    (tmp_path / "json").mkdir()
    (tmp_path / "json/metadata.jsonl").write_text(json.dumps({"file_name": "a.wav", "transcription": "Ano."}) + "\n")
    (clip,) = folder.read(tmp_path / "json", "mine", ["cs"])
    assert (clip.text, clip.file) == ("Ano.", str(tmp_path / "json/a.wav"))

    (tmp_path / "parquet").mkdir()
    audio = [{"bytes": b"RIFF", "path": None}, {"bytes": None, "path": "x"}]
    pq.write_table(pa.table({"audio": audio, "sentence": ["Ano.", "Ne."]}), tmp_path / "parquet/p.parquet")
    assert [clip.row for clip in folder.read(tmp_path / "parquet", "mine", ["cs"])] == [0, 1]

    pq.write_table(pa.table({"audio": ["a.wav"], "text": ["Ano."]}), tmp_path / "parquet/p.parquet")
    with pytest.raises(UserError, match="column 'audio': expected a struct"):
        list(folder.read(tmp_path / "parquet", "mine", ["cs"]))
    (tmp_path / "parquet/p.parquet").unlink()
    with pytest.raises(UserError, match=r"expected a manifest\.csv, a metadata\.jsonl or"):
        list(folder.read(tmp_path / "parquet", "mine", ["cs"]))


def test_broken_json_line_is_named(tmp_path):
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.wav", "text": "x"}\n{oops\n')
    with pytest.raises(UserError, match=r"metadata\.jsonl line 2: not JSON"):
        list(folder.read(tmp_path, "mine", ["cs"]))


def test_a_manifest_in_another_encoding_is_named_with_its_line(tmp_path):
    """As a spreadsheet saves it on Windows: cp1250 or latin-2, not UTF-8."""
    for name, lines in {
        "manifest.csv": ["audio,text", "a.wav,Ano.", "b.wav,Příliš žluťoučký kůň."],
        "metadata.jsonl": ['{"audio": "a.wav", "text": "Ano."}', "", '{"audio": "b.wav", "text": "Příliš žluťoučký."}'],
    }.items():
        mine = tmp_path / name.partition(".")[0]
        mine.mkdir()
        (mine / name).write_bytes("\r\n".join(lines).encode("cp1250"))
        with pytest.raises(UserError, match=rf"{name} line 3: not UTF-8.*: save the file as UTF-8"):
            list(folder.read(mine, "mine", ["cs"]))
        (mine / name).write_bytes("\r\n".join(lines).encode("utf-8-sig"))
        assert [clip.text[:3] for clip in folder.read(mine, "mine", ["cs"])] == ["Ano", "Pří"]


PIECES = ("Ano", " ", ",", '"', '""', "ž", "\n", "c1.wav,", "nan.", ";", "'", "\t", "pes")


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_random_manifests_are_read_whole_or_refused_with_a_line(tmp_path, count):
    """Half are written by a program that quotes, half by hand: no row is ever missing without a word."""
    rng, file = random.Random(5), tmp_path / "manifest.csv"
    whole = refused = partly = 0
    for number in range(5):
        (tmp_path / f"c{number}.wav").touch()
    for number in range(count):
        texts = ["".join(rng.choices(PIECES, k=rng.randrange(1, 5))) + "." for _ in range(rng.randrange(1, 5))]
        quoted = number % 2 == 0
        if not quoted:
            texts = [text.replace("\n", " ") for text in texts]
        with file.open("w", newline="") as sink:
            if quoted:
                csv.writer(sink).writerows([("audio", "text"), *((f"c{i}.wav", text) for i, text in enumerate(texts))])
            else:
                sink.write("\n".join(["audio,text", *(f"c{i}.wav,{text}" for i, text in enumerate(texts))]))
        try:
            found = list(folder.read(tmp_path, "mine", ["cs"]))
        except UserError as error:
            refused += bool(re.search(r"lines? \d+", str(error)))
            continue
        assert len(found) == len(texts)
        for clip, text in zip(found, texts, strict=True):
            if not clip.reason:
                assert clip.text == text.strip() or (not quoted and next(csv.reader([text]))[0].strip() == clip.text)
            assert not clip.reason or re.search(r"(line|row) \d+", clip.reason)
        whole, partly = whole + all(not c.reason for c in found), partly + any(c.reason for c in found)
    assert whole + refused + partly == count and min(whole, refused, partly) > count / 10


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a.wav,Když prší, zůstaň."], "wrong number of fields: manifest.csv line 2: 3 fields, the header has 2"),
        (["a.wav"], "wrong number of fields: manifest.csv line 2: 1 field, the header has 2"),
        (["a.wav,Ano.,,"], ""),
        (["a.wav,nan"], "missing field: manifest.csv row 1 has no text: 'nan' stands for none in CSV"),
        (["a.wav,NULL"], "missing field: manifest.csv row 1 has no text: 'NULL' stands for none in CSV"),
        (["NULL,Ano."], "missing field: manifest.csv row 1 has no audio: 'NULL'"),
        (["a.wav,\0"], "not a text: manifest.csv row 1: text has '\\x00' in it"),
        (["a.wav,Nan."], ""),
    ],
)
def test_a_row_that_is_not_what_it_seems_is_refused_by_its_place(tmp_path, lines, message):
    (tmp_path / "manifest.csv").write_text("\n".join(["audio,text", *lines]))
    (clip,) = folder.read(tmp_path, "mine", ["cs"])
    assert clip.reason.startswith(message) and bool(clip.reason) == bool(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a.wav,"Ahoj světe.\nb.wav,Ano.\nc.wav,Dobře "tak".', r"lines 2 to 4: a quote is missing there"),
        ('a.wav,"Ahoj světe.\nb.wav,Ano.', r"unexpected end of data: lines 2 to 3"),
        (
            'a.wav,"Ahoj.\nb.wav,Ano."\nc.wav,Ne.',
            r"line 3: it reads like a row of its own, .* quotes that line 2 opens",
        ),
        ("a.wav," + "x" * 200_000, r"field larger than field limit \(131072\): lines 2 to 2"),
    ],
)
def test_quotes_that_would_swallow_rows_refuse_the_file_by_line(tmp_path, text, message):
    (tmp_path / "manifest.csv").write_text(f"audio,text\n{text}\n")
    with pytest.raises(UserError, match=rf"manifest\.csv.*{message}"):
        list(folder.read(tmp_path, "mine", ["cs"]))
    (tmp_path / "manifest.csv").write_text("audio,text,text\na.wav,Ano.,Ne.\n")
    with pytest.raises(UserError, match=r"manifest\.csv line 1: column 'text' stands twice"):
        list(folder.read(tmp_path, "mine", ["cs"]))


def test_what_is_missing_depends_on_whether_the_file_has_types(tmp_path):
    values = [
        (float("nan"), ""), (None, ""), ("", ""), (" ", ""), (float("inf"), ""), ("nan", "nan"), ("null", "null"),
        ("Ano.", "Ano."), (0, "0"), (5.0, "5"),
    ]  # fmt: skip
    rows = [json.dumps({"audio": "a.wav", "text": "Ano.", "speaker": value}) for value, _ in values]
    (tmp_path / "metadata.jsonl").write_text("\n".join([*rows, '{"audio": "a.wav", "text": NaN}']))
    *found, last = folder.read(tmp_path, "mine", ["cs"])
    assert [clip.speaker for clip in found] == [said or "mine-unknown" for _, said in values]
    assert last.reason == "missing field: metadata.jsonl row 11 has no text"
    for odd in ("true", '["Ano."]', '"\\ud800"'):
        (tmp_path / "metadata.jsonl").write_text(f'{{"audio": "a.wav", "text": {odd}}}')
        (clip,) = folder.read(tmp_path, "mine", ["cs"])
        assert clip.reason.startswith("not a text: metadata.jsonl row 1: text ")


def test_a_row_with_one_key_twice_is_refused_by_its_line(tmp_path):
    good = '{"audio": "a.wav", "text": "Ano."}'
    (tmp_path / "metadata.jsonl").write_text(f'{good}\n\n{{"audio": "a.wav", "text": "Ano.", "text": "Ne."}}\n{good}\n')
    found = list(folder.read(tmp_path, "mine", ["cs"]))
    refused = "repeated key: metadata.jsonl line 3: 'text' stands twice; name each key once"
    assert [clip.reason for clip in found] == ["", refused, ""]
    (tmp_path / "metadata.jsonl").write_text('{"text": "Ano.", "text": "Ne."} oops')
    with pytest.raises(UserError, match=r"metadata\.jsonl line 1: not JSON"):
        list(folder.read(tmp_path, "mine", ["cs"]))
    (tmp_path / "texts.jsonl").write_text('{"text": "Ano."}\n{"text": "Ano.", "text": "Ne."}\n{"text": "A\\ud800"}\n')
    reasons = [document.reason for document in json_lines(tmp_path / "texts.jsonl")]
    assert reasons == [
        "", "repeated key: 'text' stands twice; name each key once",
        "not a text: text has '\\ud800' in it, which is no character of any text",
    ]  # fmt: skip
    problem = '{"question": "How many?", "answer": "#### 5"'
    (tmp_path / "train.jsonl").write_text(f'{problem}}}\n{problem}, "answer": "#### 6"}}\n')
    (tmp_path / "metadata.jsonl").unlink()
    (tmp_path / "texts.jsonl").unlink()
    reasons = [worked.reason for worked in gsm8k.read("gsm8k", tmp_path)]
    assert reasons == ["", "repeated key: train.jsonl line 2: 'answer' stands twice; name each key once"]


@pytest.mark.parametrize(
    ("said", "split"),
    [
        ("Train", "seed"), ("training", "seed"), ("seed", "seed"), ("TEST", "test"), ("testing", "test"),
        ("eval", "test"), ("val", "dev"), ("valid", "dev"), ("Validation", "dev"), ("dev", "dev"), ("ood", "ood"),
        ("text", "text"), (" ", ""),
    ],
)  # fmt: skip
def test_a_column_names_splits_as_a_file_does(tmp_path, said, split):
    (tmp_path / "manifest.csv").write_text(f"audio,text,split\na.wav,Ano.,{said}\n")
    (clip,) = folder.read(tmp_path, "mine", ["cs"])
    assert (clip.split, clip.reason) == (split, "")


def test_names_in_both_forms_of_unicode_are_one_name(tmp_path):
    composed, apart = (unicodedata.normalize(form, "káva/kůň.wav") for form in ("NFC", "NFD"))
    (tmp_path / apart).parent.mkdir()
    (tmp_path / apart).touch()
    (tmp_path / "manifest.csv").write_text(
        f"audio,text\n{composed},Ano.\n{apart},Ano.\n./{composed},Ano.\nx{composed},N.\n"
    )
    *found, other = folder.read(tmp_path, "mine", ["cs"])
    assert {clip.file for clip in found} == {str(tmp_path / apart)} and not Path(other.file).exists()


def test_tags_of_a_language_are_that_language(tmp_path):
    tags = ("cs-CZ", "CS", "cs_CZ", "cs", "nl-BE")
    (tmp_path / "manifest.csv").write_text("\n".join(["audio,text,language", *(f"a.wav,Ano.,{tag}" for tag in tags)]))
    assert [clip.language for clip in folder.read(tmp_path, "mine", ["cs", "nl"])] == ["cs"] * 4 + ["nl"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a Git LFS pointer stands in place"),
        (b"", "the file is empty"),
        (b"PAR1 not Parquet", "cannot be read: ArrowInvalid"),
    ],
)
def test_parquet_that_is_none_is_named_with_what_it_is(tmp_path, data, message):
    (tmp_path / "p.parquet").write_bytes(data)
    for read in (
        lambda: list(folder.read(tmp_path, "mine", ["cs"])),
        lambda: holds_texts(tmp_path),
        lambda: list(own.read("mine", tmp_path)),
        lambda: list(parquet(tmp_path / "p.parquet")),
    ):
        with pytest.raises(UserError, match=rf"p\.parquet: {message}"):
            read()


def test_parquet_says_its_split_by_its_name_and_hidden_files_are_passed_over(tmp_path):
    names = {
        "train-00000-of-00001": "seed", "data/test-0": "test", "validation/0": "dev", "val_1": "dev", "latest": "",
        "train-test": "", "eval": "test",
    }  # fmt: skip
    sound = {"bytes": b"RIFF", "path": None}
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"audio": [sound], "text": ["Ano."]}), tmp_path / f"{name}.parquet")
    (tmp_path / "._train.parquet").write_bytes(b"\0\5\26\7")
    found = {
        clip.id.removeprefix("mine/").removesuffix("/000000"): clip for clip in folder.read(tmp_path, "mine", ["cs"])
    }
    assert {name: clip.split for name, clip in found.items()} == names
    pq.write_table(pa.table({"audio": [sound], "text": ["A."], "split": ["dev"]}), tmp_path / "eval.parquet")
    assert {clip.split for clip in folder.read(tmp_path, "mine", ["cs"]) if "/eval/" in clip.id} == {"dev"}
