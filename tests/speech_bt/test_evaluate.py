"""Comparisons are paired, name their window, and average over seeds before they resample."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from selfsown import study
from selfsown.errors import UserError
from selfsown.shards import CardInfo, write_product
from selfsown.speech_bt.decoding import SCORED
from selfsown.speech_bt.evaluate import fold, measure, per_item


def frame(
    share: float,
    seed: int = 0,
    items: int = 120,
    windows: tuple[float, ...] = (11.0, 30.0),
    languages: tuple[str, ...] = ("cs",),
) -> pd.DataFrame:
    """Scored rows whose words are wrong with probability `share`."""
    rng = np.random.default_rng(seed)
    rows = []
    for window in windows:
        for index in range(items):
            words = 4 + index % 5
            errors = int(rng.binomial(words, share))
            rows.append(
                {
                    "id": f"clip{index:03d}", "split": "test", "language": languages[index % len(languages)],
                    "voice": "v",
                    "window": window, "duration_s": 2.0, "silence": 0.1, "clipping": 0.0, "cut": False,
                    "reference": "r", "hypothesis": "h", "words": words, "errors": errors, "substitutions": errors,
                    "deletions": 0, "insertions": 0, "chars": words * 5, "char_errors": errors, "repeated": False,
                }
            )  # fmt: skip
    invented = int(share < 0.5)
    silent = {"split": "no_speech", "words": 0, "errors": invented, "insertions": invented, "chars": 0}
    rows += [{**rows[0], "id": "noise", "window": window, **silent} for window in windows]
    return pd.DataFrame(rows)


def test_a_clear_gain_is_clear_and_no_gain_is_not() -> None:
    metrics, bars = measure({"untouched": frame(0.6, 1), "real": frame(0.4, 2), "mixed": frame(0.4, 3)})
    assert metrics["wer_relative_reduction_lo"] > 0.15
    assert metrics["wer_mixed_minus_real_lo"] < 0 < metrics["wer_mixed_minus_real_hi"]
    assert metrics["wer_untouched_n"] == 120 and metrics["wer_mixed_30s_n"] == 120
    assert metrics["hallucination_untouched"] == 0 and metrics["hallucination_mixed"] == 1
    assert {bar["arm"] for bar in bars} == {"untouched", "untouched_short", "real", "mixed"}
    assert metrics["substitutions_mixed"] == pytest.approx(metrics["wer_mixed"])


def test_what_shorter_windows_do_is_not_taken_for_training() -> None:
    untouched = pd.concat([frame(0.6, 1, windows=(30.0,)), frame(0.4, 2, windows=(11.0,))])
    metrics, _ = measure({"untouched": untouched, "mixed": frame(0.4, 3, windows=(11.0,))})
    assert metrics["wer_relative_reduction_lo"] > 0.15 and metrics["wer_relative_reduction_untouched_short_lo"] > 0.15
    low, high = (metrics[f"wer_relative_reduction_same_windows_{end}"] for end in ("lo", "hi"))
    assert low < 0 < high
    without, _ = measure({"untouched": frame(0.6, 1, windows=(30.0,)), "mixed": frame(0.4, 3)})
    assert not [key for key in without if "short" in key or "same_windows" in key]


def test_each_language_has_its_own_figures_when_there_are_several() -> None:
    both = ("cs", "nl")
    metrics, _ = measure({"untouched": frame(0.6, 1, languages=both), "mixed": frame(0.4, 3, languages=both)})
    assert metrics["wer_mixed_cs_n"] + metrics["wer_mixed_nl_n"] == metrics["wer_mixed_n"]


def test_other_utterances_cannot_be_paired() -> None:
    with pytest.raises(UserError, match="transcripts/mixed: test: other utterances"):
        measure({"untouched": frame(0.6), "mixed": frame(0.4, items=100)})


def test_seeds_are_averaged_per_utterance(tmp_path: Path) -> None:
    files = []
    for seed in range(3):
        folder = tmp_path / f"seed-{seed}"
        for arm, share in (("untouched", 0.6), ("mixed", 0.4)):
            table = pa.Table.from_pandas(frame(share, 0 if arm == "untouched" else seed), SCORED, preserve_index=False)
            card = CardInfo(name=arm, licence="CC0-1.0", source="made here", seed=seed)
            write_product(folder / arm, [table], schema=SCORED, card=card)
        files.append(tmp_path / f"seed-{seed}.parquet")
        study.keep(files[-1], per_item(folder, {"speech_bt": {"matrix": {"arms": ["mixed"]}}}))
    folded = fold(files, {})
    assert list(folded["seeds"]) == ["seed-0", "seed-1", "seed-2"]
    wers = [run["wer_mixed"] for run in folded["seeds"].values()]
    assert folded["mean"]["wer_mixed"] == pytest.approx(np.mean(wers))
    assert folded["sd"]["wer_mixed"] == pytest.approx(np.std(wers, ddof=1))
    assert folded["sd"]["wer_untouched"] == 0
    width = {key: run["wer_mixed_hi"] - run["wer_mixed_lo"] for key, run in folded["seeds"].items()}
    assert folded["mean"]["wer_mixed_hi"] - folded["mean"]["wer_mixed_lo"] < max(width.values())
