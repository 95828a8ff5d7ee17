"""A draw stands for all: every group is in it, in proportion, whatever the order of the rows."""

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tests.speech_bt.test_train import clips

from selfsown.audio import UTTERANCE
from selfsown.products import CardInfo
from selfsown.shards import write_product
from selfsown.speech_bt.sampling import drawn
from selfsown.speech_bt.whisper.decoding import chosen_clips

sizes = st.lists(st.integers(1, 40), min_size=1, max_size=15)


def groups_of(counts: list[int]) -> dict[str, str]:
    return {f"{group}/{index}": f"{group}" for group, count in enumerate(counts) for index in range(count)}


@given(sizes, st.integers(0, 300), st.integers(0, 3))
def test_every_group_has_its_share(counts: list[int], limit: int, seed: int) -> None:
    groups = groups_of(counts)
    chosen = drawn(groups, limit, seed)
    assert len(set(chosen)) == len(chosen) == min(limit, len(groups)) and set(chosen) <= set(groups)
    taken = Counter(groups[name] for name in chosen)
    if limit >= len(counts):
        assert len(taken) == len(counts), "no group is left out"
    shares = [Fraction(taken[f"{group}"], count) for group, count in enumerate(counts)]
    # The next clip of any group would have brought it above what every other has.
    for group, count in enumerate(counts):
        for other, many in enumerate(counts):
            assert shares[group] - Fraction(1, count) <= shares[other] + Fraction(1, many) or taken[f"{group}"] <= 1


@given(sizes, st.integers(0, 60), st.integers(0, 60), st.randoms(use_true_random=False))
def test_a_draw_hangs_on_the_seed_alone_and_grows(counts: list[int], few: int, more: int, order: object) -> None:
    groups = groups_of(counts)
    names = list(groups)
    order.shuffle(names)  # type: ignore[attr-defined]
    assert drawn({name: groups[name] for name in names}, few, 1) == drawn(groups, few, 1)
    assert drawn(groups, few + more, 1)[:few] == drawn(groups, few, 1)


def test_seeds_draw_differently() -> None:
    groups = groups_of([20, 20])
    assert set(drawn(groups, 10, 1)) != set(drawn(groups, 10, 2))


def test_clips_of_a_product_are_drawn_from_each_split_and_language(tmp_path: Path) -> None:
    rows = [row | {"group": f"level {index // 10}"} for index, row in enumerate(clips(40, "dev") + clips(10, "test"))]
    rows += [row | {"id": f"nl{index}", "language": "nl"} for index, row in enumerate(rows[:20])]
    card = CardInfo(name="clips", licence="CC0-1.0", source="made here", seed=1)
    write_product(tmp_path / "speech", [pa.Table.from_pylist(rows, UTTERANCE)], schema=UTTERANCE, card=card)
    chosen = chosen_clips(tmp_path / "speech", ["dev"], None, 8, 1)
    assert Counter(clip.language for clip in chosen) == {"cs": 8, "nl": 8}
    place = {row["id"]: (row["language"], row["group"]) for row in rows}
    assert Counter(place[clip.id] for clip in chosen) == {
        **{("cs", f"level {level}"): 2 for level in range(4)},
        **{("nl", f"level {level}"): 4 for level in range(2)},
    }
    assert [clip.id for clip in chosen if clip.language == "cs"] == sorted(c.id for c in chosen if c.language == "cs")
    assert len(chosen_clips(tmp_path / "speech", ["dev", "test"], ["cs"])) == 50
    assert {clip.language for clip in chosen_clips(tmp_path / "speech", ["test"], None)} == {"cs"}, "nl has none there"
