"""Products as the frames their suites look at: audio measured instead of loaded, texts compared between products."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from selfsown.audio import AudioError, decode, rms_dbfs
from selfsown.products import iter_product
from selfsown.settings import settings
from selfsown.text.written.normal import normalize_for_comparison
from selfsown.text.written.spoken import unspoken

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


def shared_text(speech: pd.DataFrame, repeating: Collection[str] = ()) -> pd.Series[str]:
    """For each utterance whose text leaks between splits of its language, splits and text; missing for the others.

    `seed` and `text` are one side, that of training: what was said on both is in training anyway. A text that only one
    source has, and one of those whose texts are `repeating` by design, does not leak.
    """
    splits, own = _splits(speech), [{name} for name in repeating]
    sources = _of(speech, "source") if own else defaultdict(set)
    leaks = [splits[key] if _leaks(splits[key]) and sources[key] not in own else set() for key in _keys(speech)]
    return _named(speech, leaks)


def shared_speaker(speech: pd.DataFrame, sources: Collection[str]) -> pd.Series[str]:
    """For each utterance of such a source whose speaker is on training and held-out splits, source and speaker."""
    names = pd.Series([f"{row.source}: {row.speaker}" for row in speech.itertuples()], index=speech.index, dtype=object)
    parted = speech["source"].isin(list(sources))
    splits = speech[parted].groupby(names[parted])["split"].agg(set)
    torn = {name for name, found in splits.items() if len(found - {"text"}) > 1}
    return names.where(names.isin(torn) & parted, None)


def _leaks(splits: set[str]) -> bool:
    return len(splits) > 1 and not splits.isdisjoint(HELD_OUT)


def held_out_text(frame: pd.DataFrame, speech: pd.DataFrame) -> pd.Series[str]:
    """For each row whose text stands on held-out splits of `speech` alone, split and text; missing for the others."""
    splits = {key: found for key, found in _splits(speech).items() if found <= set(HELD_OUT)}
    return _named(frame, [splits.get(key, set()) for key in _keys(frame)])


def unspoken_text(frame: pd.DataFrame) -> pd.Series[str]:
    """For each row whose text does not say how it is spoken, why; missing for the others."""
    reasons = [unspoken(text) if isinstance(text, str) else None for text in frame["text"]]
    return pd.Series(reasons, index=frame.index, dtype=object)


def _named(frame: pd.DataFrame, splits: list[set[str]]) -> pd.Series[str]:
    rows = [
        f"{', '.join(sorted(found))}: {text}" if found else None
        for found, text in zip(splits, frame["text"], strict=True)
    ]
    return pd.Series(rows, index=frame.index, dtype=object)


def _splits(speech: pd.DataFrame) -> dict[tuple[str, str], set[str]]:
    return _of(speech, "split")


def _of(speech: pd.DataFrame, column: str) -> dict[tuple[str, str], set[str]]:
    """What each text of a language has in a column."""
    found: dict[tuple[str, str], set[str]] = {}
    for key, value in zip(_keys(speech), speech[column], strict=True):
        found.setdefault(key, set()).add(str(value))
    return found


def _keys(frame: pd.DataFrame) -> list[tuple[str, str]]:
    texts = (text if isinstance(text, str) else "" for text in frame["text"])
    return [(language, normalize_for_comparison(text)) for language, text in zip(frame["language"], texts, strict=True)]
