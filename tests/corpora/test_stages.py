"""The two stages on a small folder of recordings: what is kept, what is refused and why, and equal bytes."""

from __future__ import annotations

import csv
import io
import itertools
import re

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from selfsown.audio import SAMPLE_RATE, decode
from selfsown.corpora.sentences import Sentence, SentencesParams, _judge, sentences
from selfsown.corpora.speech import Judge, SpeechParams, speech
from selfsown.errors import UserError
from selfsown.params import Range
from selfsown.products import read_card, read_product
from selfsown.settings import settings
from selfsown.sources import register_folder

SPEECH = {
    "data_seed": 1,
    "languages": ["cs"],
    "in_domain": ["mine"],
    "out_of_domain": [],
    "out_of_domain_languages": [],
    "minutes": {"test": 0.05, "dev": 0.05, "seed": 0.05, "text": None, "ood": 0.0},
    "seconds": {"low": 0.4, "high": 10.5},
    "dbfs": {"low": -50, "high": -3},
    "near_duplicate": 0.8,
    "rate_deviations": 3.5,
}
SENTENCES = {
    "data_seed": 1,
    "languages": ["cs"],
    "texts": [],
    "limits": {"dialogue": 100},
    "characters": {"low": 2, "high": 160},
    "words": {"low": 3, "high": 25},
    "digits": "spell",
    "near_duplicate": 0.8,
    "ngram": 8,
}
NUMBERS = ["jedna", "dva", "tři", "čtyři", "pět", "šest", "sedm", "osm", "devět", "deset", "jedenáct", "dvanáct"]


def wave(path, seconds, rate=22_050, level=0.1, subtype="PCM_16", value=None):
    time = np.arange(int(seconds * rate)) / rate
    samples = level * np.sin(2 * np.pi * 220 * time)
    if value is not None:
        samples[10] = value
    soundfile.write(path, samples, rate, format="WAV", subtype=subtype)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A working directory whose source `mine` has twelve good clips and one of each kind of bad."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    rows = []
    for number, word in enumerate(NUMBERS):
        wave(folder / f"{number}.wav", 2.0)
        rows.append({"audio": f"{number}.wav", "text": f"Řekni {word} {word[::-1]}.", "group": str(number)})
    wave(folder / "empty.wav", 0.0)
    wave(folder / "short.wav", 0.2)
    wave(folder / "quiet.wav", 2.0, level=1e-5)
    wave(folder / "nan.wav", 2.0, subtype="FLOAT", value=float("nan"))
    wave(folder / "good.wav", 2.0)
    (folder / "noise.wav").write_bytes(b"not audio")
    rows += [
        {"audio": f"{name}.wav", "text": f"Tady je {name}.", "group": "bad"} for name in ("empty", "short", "quiet")
    ]
    rows += [{"audio": f"{name}.wav", "text": "Nic tu není.", "group": "bad"} for name in ("nan", "noise", "absent")]
    rows += [{"audio": "good.wav", "text": text, "group": "bad"} for text in ("Привет.", "", "Je 8 hodin.", "A%1.")]
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["audio", "text", "group"])
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SELFSOWN_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()
    register_folder(folder, "mine")
    yield tmp_path
    settings.cache_clear()


def workers(monkeypatch, count):
    monkeypatch.setenv("SELFSOWN_WORKERS", str(count))
    settings.cache_clear()


def test_speech_keeps_the_good_and_says_why_not_the_bad(project, monkeypatch):
    monkeypatch.setattr("selfsown.corpora.speech.CLIPS_PER_SHARD", 8)
    workers(monkeypatch, 1)
    metrics = speech(SpeechParams.model_validate(SPEECH), corpus=project / "one")
    rows = read_product(project / "one").to_pylist()
    assert sorted(row["text"] for row in rows) == sorted(f"Řekni {word} {word[::-1]}." for word in NUMBERS)
    assert {row["split"] for row in rows} == {"seed", "text", "dev", "test"}
    assert metrics["clips_cs_test"] == 2
    samples, rate = decode(rows[0]["audio"]["bytes"])
    assert (rate, samples.size) == (SAMPLE_RATE, round(2.0 * SAMPLE_RATE))
    assert pytest.approx(2.0) == rows[0]["duration"]

    rejected = pq.read_table(project / "one/rejected.parquet").to_pylist()
    reasons = {row["text"]: row["reason"].split(":")[0] for row in rejected}
    assert reasons["Tady je short."] == "duration"
    assert reasons["Tady je quiet."] == "level"
    assert reasons["Tady je empty."] == "unreadable audio"
    assert reasons["Привет."] == "wrong script"
    assert reasons["Je 8 hodin."] == "digits"
    assert reasons["A%1."] == "markup or code"
    assert reasons[""] == "missing field"
    unreadable = sorted(row["reason"] for row in rejected if row["text"] == "Nic tu není.")
    assert "1 samples are not finite" in " ".join(unreadable)
    assert "No such file or directory" in " ".join(unreadable)
    assert not any(str(project) in row["reason"] for row in rejected)
    assert sum(read_card(project / "one").dropped.values()) == len(rejected) == 10

    workers(monkeypatch, 2)
    speech(SpeechParams.model_validate(SPEECH), corpus=project / "two")
    assert {p.name: p.read_bytes() for p in (project / "one").iterdir()} == {
        p.name: p.read_bytes() for p in (project / "two").iterdir()
    }

    for name in ("first", "second"):
        counts = sentences(SentencesParams.model_validate(SENTENCES), speech=project / "one", corpus=project / name)
    assert read_card(project / "first") == read_card(project / "second")
    trained = {row["text"] for row in rows if row["split"] in ("seed", "text")}
    assert {row["text"] for row in read_product(project / "first").to_pylist()} <= trained
    assert counts["sentences_cs_dialogue"] + counts["rejected"] == len(trained)


def test_a_language_that_loses_every_sentence_says_so_at_once(project, monkeypatch):
    workers(monkeypatch, 1)
    speech(SpeechParams.model_validate(SPEECH), corpus=project / "one")
    long = SentencesParams.model_validate({**SENTENCES, "characters": {"low": 100, "high": 160}})
    with pytest.raises(UserError) as caught:
        sentences(long, speech=project / "one", corpus=project / "none")
    said = str(caught.value)
    assert re.search(r"corpora\.sentences: 'cs': no sentence is left\. Refused: characters \d+\.", said)
    assert "corpora.sentences.texts: add texts" in said and (project / "none/rejected.parquet").is_file()


def test_symbols_are_refused_in_recordings_and_numbers_are_read_in_sentences(project, monkeypatch):
    workers(monkeypatch, 1)
    with (project / "recordings/manifest.csv").open("a", newline="") as file:
        csv.writer(file).writerows([["good.wav", "Ahoj 😀 světe.", "bad"], ["good.wav", "Píše na a@b hned.", "bad"]])
    register_folder(project / "recordings", "mine")
    speech(SpeechParams.model_validate(SPEECH), corpus=project / "one")
    reasons = {row["text"]: row["reason"] for row in pq.read_table(project / "one/rejected.parquet").to_pylist()}
    assert reasons["Ahoj 😀 světe."].startswith("symbol: ") and reasons["Píše na a@b hned."].startswith(
        "markup or code"
    )
    params = SentencesParams.model_validate(SENTENCES)
    texts = ("Dali za to 25 000 korun.", "Sejdeme se 3. října ráno.", "Mám tě ♥ moc rád.")
    judged = [_judge(Sentence(text, "cs", "mine", "prose"), params) for text in texts]
    assert [(each.text, each.reason.partition(":")[0]) for each in judged] == [
        ("Dali za to dvacet pět tisíc korun.", ""), (texts[1], "digits"), (texts[2], "symbol"),
    ]  # fmt: skip


def test_a_chinese_sentence_is_not_too_few_words():
    params = SentencesParams.model_validate(SENTENCES)
    assert _judge(Sentence("我们明天去北京。", "zh", "mine", "prose"), params).reason == ""


def test_what_no_split_has_room_for_is_refused_and_moves_nothing_else(project, monkeypatch):
    monkeypatch.setattr("selfsown.corpora.speech.CLIPS_PER_SHARD", 8)
    workers(monkeypatch, 1)
    minutes = {"test": 0.05, "dev": 0.05, "seed": 0.05, "text": 0.05, "ood": 0.0}
    speech(SpeechParams.model_validate({**SPEECH, "minutes": minutes}), corpus=project / "short")
    parts = [
        pq.read_table(path, columns=["id"])["id"].to_pylist() for path in sorted((project / "short").glob("part*"))
    ]
    refused = {row["id"]: row["reason"] for row in pq.read_table(project / "short/rejected.parquet").to_pylist()}
    surplus = {name for name, reason in refused.items() if reason == "surplus: no room left in test, dev, seed, text"}
    assert len(surplus) == read_card(project / "short").dropped["surplus"] >= 4
    everything = sorted(f"mine/manifest/{row:06d}" for row in range(len(NUMBERS) + 10))
    assert sorted([*itertools.chain(*parts), *refused]) == everything
    placed = [name for name in everything if name not in surplus]
    assert parts == [[n for n in placed[at : at + 8] if n not in refused] for at in range(0, len(placed), 8)]


def test_a_language_without_speech_is_an_error(tmp_path):
    params = SpeechParams.model_validate({**SPEECH, "languages": ["de"], "in_domain": ["fillets"]})
    with pytest.raises(UserError, match="languages: 'de': none of"):
        speech(params, corpus=tmp_path / "out")


def test_stereo_of_any_rate_becomes_mono_at_16_khz(tmp_path):
    from selfsown.corpora.readers.speech.clips import Clip

    buffer = io.BytesIO()
    soundfile.write(buffer, np.full((44_100, 2), [0.2, 0.0]), 44_100, format="WAV")
    path = tmp_path / "a.wav"
    path.write_bytes(buffer.getvalue())
    judge = Judge(Range(low=0.4, high=10.5), Range(low=-50, high=-3))
    row = judge([Clip("a", "g", str(path), "Ano.", "cs", "s", "src", split="seed")]).kept.to_pylist()[0]
    samples, rate = decode(row["audio"]["bytes"])
    assert (rate, samples.shape, row["duration"]) == (SAMPLE_RATE, (SAMPLE_RATE,), 1.0)
    assert abs(float(np.median(samples)) - 0.1) < 0.01
