"""The README of a product: `datasets.load_dataset` reads the folder by it, and it says what the card says."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from datasets import Audio, Dataset, get_dataset_config_names, load_dataset

from selfsown.audio import UTTERANCE, encode_flac
from selfsown.products import CardInfo, read_product
from selfsown.shards import with_reason, write_product

CARD = CardInfo(name="made/speech", licence="GPL-2.0-only", source="a game: its dialogue", seed=1, note="FLAC.")
PROBLEM = pa.schema(
    [
        ("id", pa.string()),
        ("numbers", pa.list_(pa.string())),
        ("fold", pa.int32()),
        ("place", pa.struct([("file", pa.string()), ("right", pa.bool_())])),
    ]
)


def load(product: Path, *configuration: str) -> Dataset:
    return load_dataset(str(product), *configuration, cache_dir=str(product.parent / "cache"))["train"]


def utterances(count: int, audio: bool = True) -> pa.Table:
    samples = np.sin(np.arange(1600) / 10)
    row = {"text": "Ano.", "language": "cs", "speaker": "eva", "duration": 0.1, "source": "mine", "split": "dev"}
    data = encode_flac(samples, 16_000) if audio else None
    return pa.Table.from_pylist(
        [{**row, "id": f"{i}", "audio": {"bytes": data, "path": f"{i}.flac"}} for i in range(count)], UTTERANCE
    )


def test_speech_is_loaded_as_audio_and_the_refused_rows_by_name(tmp_path: Path) -> None:
    rejected = with_reason(utterances(2, audio=False), ["digits: 8", "duration: 0.1 s"])
    card = write_product(
        tmp_path / "speech", [utterances(3), utterances(4)], schema=UTTERANCE, card=CARD, rejected=rejected
    )
    kept = load(tmp_path / "speech")
    assert isinstance(kept.features["audio"], Audio)
    assert kept.num_rows == card.rows == 7
    sound = kept.cast_column("audio", Audio(decode=False))[6]["audio"]
    samples, rate = soundfile.read(io.BytesIO(sound["bytes"]))
    assert (sound["path"], rate, samples.size) == ("3.flac", 16_000, 1600)

    assert get_dataset_config_names(str(tmp_path / "speech")) == ["default", "rejected"]
    refused = load(tmp_path / "speech", "rejected")
    assert refused["reason"][:] == ["digits: 8", "duration: 0.1 s"]
    assert isinstance(refused.features["audio"], Audio)

    text = (tmp_path / "speech/README.md").read_text().rpartition("---\n")[2]
    for said in ("# made/speech", "FLAC.", "7", "GPL-2.0-only", "a game: its dialogue", "- digits: 1"):
        assert said in text


def test_a_product_without_refused_rows_has_one_configuration(tmp_path: Path) -> None:
    rows = [
        {"id": f"{i}", "numbers": ["1", "2"][: i % 3], "fold": i, "place": {"file": "a", "right": i > 2}}
        for i in range(5)
    ]
    write_product(tmp_path / "problems", [pa.Table.from_pylist(rows, PROBLEM)], schema=PROBLEM, card=CARD)
    assert load(tmp_path / "problems").to_list() == read_product(tmp_path / "problems").to_pylist() == rows
    assert get_dataset_config_names(str(tmp_path / "problems")) == ["default"]
    with pytest.raises(ValueError, match="rejected"):
        load(tmp_path / "problems", "rejected")


def test_the_same_product_has_the_same_readme_anywhere(tmp_path: Path) -> None:
    for place in ("one", "two"):
        write_product(tmp_path / place, [utterances(1)], schema=UTTERANCE, card=CARD)
    assert (tmp_path / "one/README.md").read_bytes() == (tmp_path / "two/README.md").read_bytes()
