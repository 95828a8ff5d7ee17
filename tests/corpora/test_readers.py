"""Readers of speech corpora: what is well formed is read exactly, what is not is refused with file and row."""

from __future__ import annotations

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@settings(deadline=None)  # cores are shared, so a slow example says nothing
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
