"""Products as the frames their suites look at: audio measured instead of loaded, texts compared between products."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from selfsown.audio import AudioError, decode
from selfsown.settings import settings
from selfsown.shards import iter_product

SILENCE_DBFS = -120.0
"""What digital silence is counted as; a logarithm of zero would not fit into JSON."""

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


def rms_dbfs(samples: NDArray[Any]) -> float:
    """Root mean square of samples in [-1, 1] as dB below full scale; NaN for none or for samples that are not finite.

    >>> round(rms_dbfs(np.full(100, 0.1)), 3)
    -20.0
    """
    if not samples.size:
        return float("nan")
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return float("nan") if not np.isfinite(power) else max(SILENCE_DBFS, 10 * math.log10(max(power, 1e-30)))


def text_key(text: object) -> str:
    """What makes two texts the same to a listener: words, without case and punctuation; "" for a missing text.

    >>> text_key("Ahoj, světe!") == text_key("ahoj světe")
    True
    """
    return " ".join(re.findall(r"\w+", text.casefold() if isinstance(text, str) else ""))


def shared_text(speech: pd.DataFrame) -> pd.Series[str]:
    """For each utterance whose text stands on two splits in its language, splits and text; missing for the others."""
    splits = _splits(speech)
    return _named(speech, [found if len(found := splits[key]) > 1 else set() for key in _keys(speech)])


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
    return [(language, text_key(text)) for language, text in zip(frame["language"], frame["text"], strict=True)]
