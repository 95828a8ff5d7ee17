"""Audio is measured from its bytes; texts that stand on two sides are found."""

import numpy as np
import pandas as pd
import pyarrow as pa

from selfsown.audio import SAMPLE_RATE, SILENCE_DBFS, UTTERANCE, encode_flac
from selfsown.products import CardInfo
from selfsown.shards import write_product
from selfsown.speech_bt.gate import frames


def row(name: str, data: bytes, seconds: float) -> dict:
    return {
        "id": name,
        "audio": {"bytes": data, "path": None},
        "text": "ahoj",
        "language": "cs",
        "speaker": "eva",
        "duration": seconds,
        "source": "made here",
        "split": "dev",
    }


def test_levels_and_durations_come_from_the_audio(tmp_path):
    tone = 0.1 * np.sqrt(2) * np.sin(np.arange(SAMPLE_RATE) * 0.3).astype(np.float32)
    rows = [
        row("right", encode_flac(tone, SAMPLE_RATE), 1.0),
        row("misdeclared", encode_flac(tone, SAMPLE_RATE), 3.0),
        row("silent", encode_flac(np.zeros_like(tone), SAMPLE_RATE), 1.0),
        row("damaged", encode_flac(tone, SAMPLE_RATE)[:50], 1.0),
        row("empty", b"", 1.0),
    ]
    table = pa.Table.from_pylist(rows, schema=UTTERANCE)
    card = CardInfo(name="p", licence="CC0-1.0", source="x", seed=0)
    write_product(tmp_path / "p", [table[:2], table[2:]], schema=UTTERANCE, card=card)
    found = frames.speech_frame(tmp_path / "p").set_index("id")
    assert "audio" not in found
    assert abs(found.loc["right", "rms_dbfs"] + 20) < 0.1 and found.loc["right", "duration_error"] < 1e-6
    assert abs(found.loc["misdeclared", "duration_error"] - 2) < 1e-6
    assert found.loc["silent", "rms_dbfs"] == SILENCE_DBFS
    assert found.loc[["damaged", "empty"], "rms_dbfs"].isna().all()


def test_a_text_may_repeat_within_a_split_and_across_languages():
    frame = pd.DataFrame(
        {
            "text": ["Ano.", "ano", "Ano!", "ne"],
            "language": ["cs", "cs", "nl", "cs"],
            "split": ["dev", "dev", "test", "seed"],
        }
    )
    assert frames.shared_text(frame).tolist() == [None] * 4
    assert frames.held_out_text(frame, frame).tolist() == ["dev: Ano.", "dev: ano", "test: Ano!", None]
    frame["language"] = "cs"
    assert frames.shared_text(frame).tolist() == ["dev, test: Ano.", "dev, test: ano", "dev, test: Ano!", None]


def test_seed_and_text_are_both_training_and_may_share_a_text():
    frame = pd.DataFrame({"text": ["Ano.", "ano", "ne"], "language": ["cs"] * 3, "split": ["seed", "text", "test"]})
    assert frames.shared_text(frame).tolist() == [None] * 3
    frame.loc[2, "text"] = "Ano!"
    assert frames.shared_text(frame).notna().all()
