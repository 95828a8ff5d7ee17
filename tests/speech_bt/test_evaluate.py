"""Comparisons are paired, name their window, and average over seeds before they resample."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from selfsown.errors import UserError
from selfsown.evaluation import Row
from selfsown.speech_bt.card import card
from selfsown.speech_bt.evaluate import EVALUATION, measure
from selfsown.study import average


def frame(
    share: float,
    seed: int = 0,
    items: int = 120,
    windows: tuple[float, ...] = (11.0, 30.0),
    languages: tuple[str, ...] = ("cs",),
    split: str = "test",
    also: Sequence[pd.DataFrame] = (),
) -> pd.DataFrame:
    """Scored rows whose words are wrong with probability `share`, and those of `also`."""
    rng = np.random.default_rng(seed)
    rows = []
    for window in windows:
        for index in range(items):
            words = 4 + index % 5
            errors = int(rng.binomial(words, share))
            rows.append(
                {
                    "id": f"{split}{index:03d}", "split": split, "language": languages[index % len(languages)],
                    "window": window, "cut": False, "words": words, "errors": errors, "substitutions": errors,
                    "deletions": 0, "insertions": 0, "chars": words * 5, "char_errors": errors, "repeated": False,
                }
            )  # fmt: skip
    invented = int(share < 0.5)
    silent = {"split": "no_speech", "words": 0, "errors": invented, "insertions": invented, "chars": 0}
    rows += [{**rows[0], "id": f"noise-{split}", "window": window, **silent} for window in windows]
    return pd.concat([pd.DataFrame(rows), *also])


def measured(frames: dict[str, pd.DataFrame]) -> dict[tuple[str, str, str], Row]:
    """Rows by measure, arm and part."""
    rows = measure(frames, {})
    found = {row[:3]: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_a_clear_gain_is_clear_and_no_gain_is_not() -> None:
    found = measured({"untouched": frame(0.6, 1), "real": frame(0.4, 2), "mixed": frame(0.4, 3)})
    assert all(found["wer_relative_reduction", arm, ""].lo > 0.15 for arm in ("mixed", "real"))
    change = found["wer_minus_real", "mixed", ""]
    assert change.lo < 0 < change.hi
    wers = {arm: row for (name, arm, _), row in found.items() if name == "wer"}
    assert wers.keys() == {"untouched", "untouched_short", "real", "mixed"} and {row.n for row in wers.values()} == {
        120
    }
    assert found["wer_other_windows", "mixed", "30 s"].n == 120
    assert found["hallucination", "untouched", ""].value == 0 and found["hallucination", "mixed", ""].value == 1
    assert found["substitutions", "mixed", ""].value == pytest.approx(wers["mixed"].value)
    assert found["cer", "mixed", ""].value == pytest.approx(wers["mixed"].value / 5)
    assert ("wer_relative_reduction", "untouched", "") not in found


def test_what_shorter_windows_do_is_not_taken_for_training() -> None:
    untouched = pd.concat([frame(0.6, 1, windows=(30.0,)), frame(0.4, 2, windows=(11.0,))])
    found = measured({"untouched": untouched, "mixed": frame(0.4, 3, windows=(11.0,))})
    assert all(found["wer_relative_reduction", arm, ""].lo > 0.15 for arm in ("mixed", "untouched_short"))
    same = found["wer_relative_reduction_same_windows", "mixed", ""]
    assert same.lo < 0 < same.hi
    without = measured({"untouched": frame(0.6, 1, windows=(30.0,)), "mixed": frame(0.4, 3)})
    assert not [place for place in without if "short" in place[1] or "same_windows" in place[0]]


def test_each_language_has_its_own_figures_when_there_are_several() -> None:
    both = ("cs", "nl")
    found = measured({"untouched": frame(0.6, 1, languages=both), "mixed": frame(0.4, 3, languages=both)})
    parts = {part: row.n for (name, arm, part), row in found.items() if (name, arm) == ("wer", "mixed")}
    assert parts == {"": 120, "cs": 60, "nl": 60}
    alone = measured({"untouched": frame(0.6, 1), "mixed": frame(0.4, 3)})
    assert {part for name, _, part in alone if name == "wer"} == {""}


def test_languages_without_spaces_are_measured_by_character() -> None:
    alone = measured({arm: frame(share, seed, languages=("zh",)) for arm, share, seed in
                      (("untouched", 0.6, 1), ("real", 0.5, 2), ("mixed", 0.4, 3))})  # fmt: skip
    assert not [name for name, _, _ in alone if "wer" in name or "mer" in name]
    assert alone["cer_relative_reduction", "mixed", ""].lo > 0 and alone["cer_minus_real", "mixed", ""].hi < 0
    assert alone["cer", "mixed", ""].value == pytest.approx(alone["substitutions", "mixed", ""].value)
    both = ("cs", "zh")
    found = measured({"untouched": frame(0.6, 1, languages=both), "mixed": frame(0.4, 3, languages=both)})
    kinds = {
        part: {name for name, _, at in found if name in ("wer", "cer", "mer") and at == part} for part in ("", *both)
    }
    assert kinds == {"": {"mer", "cer"}, "cs": {"wer", "cer"}, "zh": {"cer"}}
    assert {part for name, _, part in found if name == "cer_relative_reduction"} == {"zh"}


def test_the_splits_are_told_apart() -> None:
    short = frame(0.8, 5, items=40, split="ood", windows=(11.0,))
    ood = [short, short.assign(window=30.0)]
    found = measured({"untouched": frame(0.6, 1, also=ood), "mixed": frame(0.4, 3, also=ood)})
    assert found["ood_wer", "mixed", ""].n == 40 and found["wer", "mixed", ""].n == 120
    forgot = found["ood_wer_relative_reduction", "mixed", ""]
    assert forgot[3:6] == (0, 0, 0), "the same errors"


def test_weights_between_stand_on_both_sides_of_the_table() -> None:
    ood = [frame(share, 5, items=40, split="ood", languages=("es", "ru")) for share in (0.3, 0.9, 0.6)]
    dev = frame(0.4, 9, items=30, split="dev", windows=(11.0,)).query("split == 'dev'")
    test = {"untouched": frame(0.6, 1, also=ood[:1]), "mixed": frame(0.3, 2, also=ood[1:2])}
    between = {"interpolated": frame(0.35, 3, also=ood[2:])}
    found = measured({**test, **between, "alpha_0.4": dev, "alpha_1": pd.concat([dev, frame(0.3, 2, also=ood[1:2])])})
    assert found["ood_wer_minus_trained", "interpolated", ""].hi < 0 < found["wer_minus_trained", "interpolated", ""].lo
    assert found["dev_wer", "alpha_0.4", ""].n == 30 and found["ood_wer", "interpolated", "ru"].n == 20
    assert {name for name, arm, _ in found if arm == "alpha_0.4"} == {"dev_wer"}, "no other split was decoded"
    few = {"alpha_1": frame(0.3, 2, items=50)}
    assert measured({"untouched": frame(0.6, 1), "mixed": frame(0.3, 2), **few})["wer", "alpha_1", ""].n == 50
    assert found["wer", "alpha_1", ""].value == found["wer", "mixed", ""].value
    assert not [place for place in found if place[0] == "dev_wer" and "alpha" not in place[1]]


def test_the_card_says_what_was_forgotten() -> None:
    ood = [frame(share, 5, items=40, split="ood", languages=("es", "ru")) for share in (0.3, 0.9)]
    rows = measure({"untouched": frame(0.6, 1, also=ood[:1]), "mixed": frame(0.3, 2, also=ood[1:])}, {})
    said = card("mixed", ["cs"], rows, None)
    figures = {row[:3]: row for row in rows}
    for arm in ("untouched", "mixed"):
        row = figures["wer", arm, ""]
        assert f"{100 * row.value:.1f} % (95 % interval {100 * row.lo:.1f} to {100 * row.hi:.1f})" in said
    for part, named in (("", "all"), ("es", "es"), ("ru", "ru")):
        (line,) = (line for line in said.splitlines() if line.startswith(f"| {named} |"))
        for arm in ("untouched", "mixed"):
            assert f"| {100 * figures['ood_wer', arm, part].value:.1f} % (" in line
    assert "- Languages: cs" in said and "trained +" not in said
    assert "0.6 x trained + 0.4 x untouched" in card("interpolated", ["cs", "nl"], rows, 0.6)
    without = card("mixed", ["cs"], [row for row in rows if not row.measure.startswith("ood")], None)
    assert "Not measured: other languages" in without


def test_references_without_words_are_not_rated() -> None:
    silent = frame(0.4, 3)
    silent.loc[silent["id"] == "test000", "words"] = 0
    found = measured({"untouched": silent, "mixed": silent})
    assert found["wer", "mixed", ""].n == 119


def test_other_utterances_cannot_be_paired() -> None:
    with pytest.raises(UserError, match="wer_relative_reduction of mixed: measured on other items"):
        measured({"untouched": frame(0.6), "mixed": frame(0.4, items=100)})
    rewritten = frame(0.4).assign(words=lambda rows: rows["words"] + 1)
    with pytest.raises(UserError, match="wer_relative_reduction of mixed: measured on other items"):
        measured({"untouched": frame(0.6), "mixed": rewritten})


def test_seeds_are_averaged_per_utterance(tmp_path: Path) -> None:
    files = [tmp_path / f"seed-{seed}.parquet" for seed in range(3)]
    runs = [{"untouched": frame(0.6, 0), "mixed": frame(0.4, 10 + seed)} for seed in range(3)]
    for file, run in zip(files, runs, strict=True):
        EVALUATION.write_items(run, file)
    found = {(row["measure"], row["arm"], row["part"]): row for row in average(files, EVALUATION, {})}
    each = [measured(run)["wer", "mixed", ""] for run in runs]
    wer, values = found["wer", "mixed", ""], [row.value for row in each]
    assert wer["seeds"] == pytest.approx(values) and len(set(values)) > 1
    assert wer["value"] == pytest.approx(np.mean(values)) and wer["sd"] == pytest.approx(np.std(values, ddof=1))
    assert found["wer", "untouched", ""]["sd"] == 0
    assert wer["hi"] - wer["lo"] < max(row.hi - row.lo for row in each)
    assert found["hallucination", "mixed", ""]["value"] == 1
