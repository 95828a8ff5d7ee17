"""Products as the frames their suites look at: audio measured instead of loaded, texts compared between products."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from selfsown.audio import AudioError, decode, rms_dbfs
from selfsown.products import iter_product
from selfsown.settings import settings
from selfsown.text.written.normal import normalize_for_comparison

HELD_OUT = ("dev", "test", "ood")


def speech_frame(product: Path) -> pd.DataFrame:
    """All columns of an utterance product but the audio, plus `rms_dbfs` and `duration_error` (seconds)."""
    frames = []
    # The decoder is C code that lets go of the interpreter lock, so threads are enough.
    with ThreadPoolExecutor(settings().worker_count) as pool:
        for table in iter_product(product):
            measured = np.array(list(pool.map(_measure, _audio_bytes(table)))).reshape(-1, 2)
            frame = table.drop_columns(["audio"]).to_pandas()
            frame["duration_error"] = (measured[:, 0] - frame["duration"]).abs()
            frame["rms_dbfs"] = measured[:, 1]
            frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _audio_bytes(table: pa.Table) -> Iterator[bytes | None]:
    for batch in table.select(["audio"]).to_batches(max_chunksize=64):
        for row in batch.column("audio").to_pylist():
            yield row["bytes"] if row else None


def _measure(data: bytes | None) -> tuple[float, float]:
    """Seconds and level of one utterance; NaN where it cannot be decoded, which its suite counts as missing."""
    try:
        samples, sample_rate = decode(data or b"")
    except AudioError:
        return float("nan"), float("nan")
    return len(samples) / sample_rate, rms_dbfs(samples)


def shared_text(speech: pd.DataFrame) -> pd.Series[str]:
    """For each utterance whose text leaks between splits of its language, splits and text; missing for the others.

    `seed` and `text` are one side, that of training: what was said on both is in training anyway.
    """
    splits = _splits(speech)
    return _named(speech, [found if _leaks(found := splits[key]) else set() for key in _keys(speech)])


def _leaks(splits: set[str]) -> bool:
    return len(splits) > 1 and not splits.isdisjoint(HELD_OUT)


def held_out_text(frame: pd.DataFrame, speech: pd.DataFrame) -> pd.Series[str]:
    """For each row whose text stands on a held-out split of `speech`, split and text; missing for the others."""
    splits = _splits(speech[speech["split"].isin(HELD_OUT)])
    return _named(frame, [splits.get(key, set()) for key in _keys(frame)])


def _named(frame: pd.DataFrame, splits: list[set[str]]) -> pd.Series[str]:
    rows = [
        f"{', '.join(sorted(found))}: {text}" if found else None
        for found, text in zip(splits, frame["text"], strict=True)
    ]
    return pd.Series(rows, index=frame.index, dtype=object)


def _splits(speech: pd.DataFrame) -> dict[tuple[str, str], set[str]]:
    splits: dict[tuple[str, str], set[str]] = {}
    for key, split in zip(_keys(speech), speech["split"], strict=True):
        splits.setdefault(key, set()).add(str(split))
    return splits


def _keys(frame: pd.DataFrame) -> list[tuple[str, str]]:
    texts = (text if isinstance(text, str) else "" for text in frame["text"])
    return [(language, normalize_for_comparison(text)) for language, text in zip(frame["language"], texts, strict=True)]
