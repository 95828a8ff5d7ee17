"""The gate keeps what is understood, says why it drops the rest, and lets nothing through when a product is unsound."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsown.audio import SAMPLE_RATE, UTTERANCE, encode_flac
from selfsown.products import REJECTED, CardInfo, ProductError, read_card, read_product
from selfsown.quality import GateError
from selfsown.shards import write_product
from selfsown.speech_bt.gate import GateParams, gate, norm_i, robust_z

SPEECH = {
    "min_rows": 4,
    "min_characters": 2,
    "max_characters": 80,
    "min_seconds": 0.2,
    "max_seconds": 20,
    "min_rms_dbfs": -50,
    "max_rms_dbfs": -3,
}
PARAMS = {
    "languages": ["cs"],
    "norm_i": "exp_relative",
    "min_norm_i": 0.3,
    "max_wer": 0.8,
    "max_cer": 0.4,
    "max_silence": 0.6,
    "max_clipping": 0.01,
    "max_length_z": 6,
    "expect": {
        "speech": SPEECH,
        "synthetic": SPEECH,
        "sentences": {"min_rows": 4, "min_characters": 2, "max_characters": 80},
        "intelligibility": {"min_real_rows": 3, "min_texts": 3, "max_wer_real": 0.9, "max_cer_real": 0.5},
        "accepted": {"min_rows": 5, "min_minutes": 0.1, "min_voices": 2},
    },
}
NUMBERS = ["jedna", "dva", "tři", "čtyři", "pět", "šest", "sedm", "osm"]
NOISE = encode_flac(np.random.default_rng(0).uniform(-0.2, 0.2, SAMPLE_RATE // 2).astype(np.float32), SAMPLE_RATE)


def utterances(prefix: str, texts: list[str], splits: list[str], speakers: list[str]) -> list[dict]:
    return [
        {
            "id": f"{prefix}{i}",
            "audio": {"bytes": NOISE, "path": None},
            "text": text,
            "language": "cs",
            "speaker": speaker,
            "duration": 0.5,
            "source": "made here",
            "split": split,
        }
        for i, (text, split, speaker) in enumerate(zip(texts, splits, speakers, strict=True))
    ]


def scored(name: str, voice: str, errors: int, split: str = "synthetic", text: str = "a", **changes: float) -> dict:
    row = {"id": name, "split": split, "language": "cs", "voice": voice, "reference": text, "hypothesis": "b"}
    row |= {"words": 10, "errors": errors, "chars": 42, "duration_s": 3.0, "silence": 0.1, "clipping": 0.0}
    return row | changes


def matched(voice: str, errors: int) -> list[dict]:
    """What the voice says of the real utterances."""
    return [scored(f"r{i}.{voice}", voice, errors, "matched", f"text {i}") for i in range(4)]


@pytest.fixture
def world(tmp_path):
    """The rows of the four products, sound as they are; a test spoils some, then runs the gate over them."""
    return World(tmp_path)


class World:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.speech = utterances(
            "r", [f"věta číslo {n}" for n in NUMBERS], ["seed", "text", "dev", "test"] * 2, ["jan", "eva"] * 4
        )
        self.synthetic = utterances("s", [f"umělá {n}" for n in NUMBERS], ["synthetic"] * 8, ["a", "b"] * 4)
        self.sentences = [{"id": f"t{i}", "text": f"umělá {n}", "language": "cs"} for i, n in enumerate(NUMBERS)]
        self.scores = [scored(f"r{i}", "jan", 2, "dev", f"text {i}") for i in range(4)]
        self.scores += [scored(f"s{i}", "ab"[i % 2], 4) for i in range(8)]
        self.scores += matched("a", 3) + matched("b", 3)

    def run(self, **changes: object) -> dict[str, float]:
        card = CardInfo(name="made", licence="CC0-1.0", source="made here", seed=1)
        tables = {
            "speech": pa.Table.from_pylist(self.speech, schema=UTTERANCE),
            "synthetic": pa.Table.from_pylist(self.synthetic, schema=UTTERANCE),
            "sentences": pa.Table.from_pylist(self.sentences),
            "intelligibility": pa.Table.from_pylist(self.scores),
        }
        for name, table in tables.items():
            write_product(self.root / name, [table], schema=table.schema, card=card)
        paths = {name: self.root / name for name in (*tables, "accepted", "report")}
        return dict(gate(GateParams.model_validate(PARAMS | changes), **paths))

    def error(self) -> str:
        """The gate's message; nothing is accepted and the Data Docs say why."""
        with pytest.raises(GateError) as caught:
            self.run()
        with pytest.raises(ProductError):
            read_card(self.root / "accepted")
        assert "failed" in (self.root / "report" / "index.html").read_text()
        return str(caught.value)


def test_everything_understood_is_accepted(world):
    metrics = world.run()
    assert json.loads(json.dumps(metrics)) == metrics
    assert metrics["voices"] == metrics["voices_kept"] == 2
    assert (metrics["utterances"], metrics["utterances_kept"], metrics["utterances_dropped"]) == (8, 8, 0)
    assert metrics["wer_real"] == pytest.approx(0.2) and metrics["wer_matched"] == pytest.approx(0.3)
    assert metrics["wer_synthetic"] == metrics["wer_accepted"] == pytest.approx(0.4)
    assert metrics["norm_i_cs_a"] == pytest.approx(math.exp(-0.5))
    accepted = read_product(world.root / "accepted")
    assert accepted.column_names == ["id", "voice", "language", "wer", "norm_i"]
    assert accepted["id"].to_pylist() == [f"s{i}" for i in range(8)]
    assert (world.root / "report" / "accepted.html").is_file()


def test_same_inputs_same_bytes(world):
    world.run()
    first = read_card(world.root / "accepted").digest
    world.run()
    assert read_card(world.root / "accepted").digest == first


def test_each_dropped_utterance_keeps_its_reason(world):
    world.scores += [scored(f"v{i}", "mumbler", 4) for i in range(3)] + matched("mumbler", 9)
    world.scores += [
        scored("wrong", "a", 9),
        scored("silent", "a", 3, silence=0.9),
        scored("clipped", "b", 3, clipping=0.2),
        scored("endless", "b", 3, chars=6),
    ]
    metrics = world.run()
    assert metrics["utterances_dropped"] == 7 and metrics["voices_kept"] == 2
    rejected = pq.read_table(world.root / "accepted" / REJECTED).to_pandas().set_index("id")["reason"]
    assert rejected["v0"].startswith("voice not intelligible: norm_i 0.03") and rejected["v0"].endswith("against 0.3")
    assert rejected["wrong"] == "not understood: wer 0.9 against 0.8"
    assert rejected["silent"] == "mostly silence: silence 0.9 against 0.6"
    assert rejected["clipped"] == "clipped: clipping 0.2 against 0.01"
    assert rejected["endless"].startswith("odd length: length_z -")
    assert read_card(world.root / "accepted").dropped == {
        "voice not intelligible": 3,
        "not understood": 1,
        "mostly silence": 1,
        "clipped": 1,
        "odd length": 1,
    }


def test_voices_are_compared_with_real_speech_text_by_text(world):
    world.scores += [scored("other", "jan", 10, "dev", "a text that no voice says")]
    for row in world.scores[4:12]:
        row["errors"] = 8  # hard sentences, and nobody says them in real speech
    metrics = world.run()
    assert metrics["norm_i_cs_a"] == metrics["norm_i_cs_b"] == pytest.approx(math.exp(-0.5))
    world.scores[12] |= {"words": 40, "errors": 16}  # a longer text counts as its words, on both sides
    world.scores[0] |= {"words": 40, "errors": 8}
    assert world.run()["norm_i_cs_a"] == pytest.approx(math.exp((14 - 25) / 14))


def test_a_voice_that_says_nothing_of_what_real_speech_says(world):
    world.scores = [row for row in world.scores if row["voice"] != "b" or row["split"] != "matched"]
    message = world.error()
    assert "column texts: a voice must say what real speech says too" in message and "id='s1' texts=0" in message


def test_what_measures_voices_is_not_trained_on(world):
    held_out = utterances("r3.", ["Věta číslo čtyři."], ["matched"], ["a"])
    world.synthetic += held_out
    world.run()
    assert set(read_product(world.root / "accepted")["id"].to_pylist()) == {f"s{i}" for i in range(8)}


def test_the_formula_is_a_parameter(world):
    assert world.run(norm_i="ratio")["norm_i_cs_a"] == pytest.approx(0.7 / 0.8)


def test_too_little_left_stops_and_says_what_was_dropped(world):
    for row in world.scores[4:10]:
        row["errors"] = 10
    message = world.error()
    assert "accepted, column (rows): too few rows: accepted speech in 'cs'" in message
    assert "min_value=5" in message and "observed: " in message
    assert "Utterances dropped, of 8: " in message and "Norm_I by voice: cs/a " in message
    assert (world.root / "accepted" / REJECTED).is_file()


def test_a_failed_gate_withdraws_what_passed_before(world):
    world.run()
    world.speech[0]["text"] = None
    world.error()


def test_one_text_on_two_splits(world):
    world.speech[3]["text"] = "VĚTA číslo jedna!"
    message = world.error()
    assert "speech, column shared_text" in message and "id='r3' shared_text='seed, test: VĚTA číslo jedna!'" in message


def test_a_synthetic_text_that_is_tested_on(world):
    world.synthetic[0]["text"] = "Věta číslo čtyři."
    message = world.error()
    assert "synthetic, column held_out_text" in message and "id='s0' held_out_text='test: Věta číslo čtyři.'" in message


def test_text_in_another_script(world):
    world.sentences[2]["text"] = "Добрый день"
    assert "sentences, column text: letters of a script that 'cs' is not written in" in (message := world.error())
    assert "id='t2' text='Добрый день'" in message


def test_missing_text_duplicate_id_and_no_duration_in_one_message(world):
    world.speech[0]["text"] = None
    world.synthetic[1]["id"] = "s0"
    world.synthetic[2]["duration"] = 0.0
    message = world.error()
    assert "speech, column text: a value is missing" in message and "id='r0'" in message
    assert "synthetic, column id: ids must be unique" in message
    assert "synthetic, column duration: audio too short or too long" in message and "id='s2' duration=0.0" in message
    assert "min_value=0.2, max_value=20.0" in message


def test_a_judge_that_understands_nothing(world):
    for row in world.scores[:4]:
        row["errors"] = 10
    assert "column wer_real: the judge must understand real speech" in world.error()


def chinese(world, synthetic_errors):
    """The world's rows in Chinese, scored by characters."""
    for rows in (world.speech, world.synthetic, world.sentences):
        for place, row in enumerate(rows):
            first = "真" if rows is world.speech else "假"
            row |= {"language": "zh", "text": f"{first}话{'一二三四五六七八'[place]}。"}
    for row in world.scores:
        row |= {"language": "zh", "errors": 2 if row["split"] == "dev" else synthetic_errors}


def test_chinese_is_judged_by_characters_and_says_so(world):
    chinese(world, 3)
    world.scores.append(scored("wrong", "a", 5, language="zh"))
    metrics = world.run(languages=["zh"])
    assert metrics["cer_real"] == pytest.approx(0.2) and metrics["cer_accepted"] == pytest.approx(0.3)
    assert not [name for name in metrics if "wer" in name]
    assert read_product(world.root / "accepted").column_names == ["id", "voice", "language", "cer", "norm_i"]
    rejected = pq.read_table(world.root / "accepted" / REJECTED).to_pandas().set_index("id")["reason"]
    assert rejected["wrong"] == "not understood: cer 0.5 against 0.4"
    for row in world.scores[:4]:
        row["errors"] = 6
    with pytest.raises(GateError, match="column cer_real: the judge must understand real speech"):
        world.run(languages=["zh"])


def test_languages_of_both_kinds_have_a_rate_each(world):
    other = World(world.root)
    chinese(other, 3)
    for name in ("speech", "synthetic", "sentences", "scores"):
        rows = getattr(world, name)
        rows += [row | {"id": f"zh-{row['id']}"} for row in getattr(other, name)]
    metrics = world.run(languages=["cs", "zh"])
    assert metrics["mer_real"] == pytest.approx(0.2)
    accepted = read_product(world.root / "accepted").to_pandas()
    assert accepted.groupby("language")[["wer", "cer"]].count().to_dict("index") == {
        "cs": {"wer": 8, "cer": 0}, "zh": {"wer": 0, "cer": 8},
    }  # fmt: skip


def test_what_no_voice_should_read_is_seen_in_every_product(world):
    for rows, text in (
        (world.speech, "Věta 😀."),
        (world.synthetic, "Věta číslo 8."),
        (world.sentences, "Piš na a@b."),
    ):
        rows[5]["text"] = text
    message = world.error()
    for name in ("speech", "synthetic", "sentences"):
        assert f"{name}, column unspoken: a text must say how it is spoken" in message


def test_no_synthetic_speech_at_all(world):
    world.scores = world.scores[:4]
    message = world.error()
    assert "too few rows: accepted speech in 'cs'" in message and "Norm_I by voice: no synthetic rows" in message


def test_no_real_speech_to_compare_with(world):
    world.scores = world.scores[4:]
    message = world.error()
    assert "real speech in 'cs' to compare with" in message and "min_value=3" in message and "observed: 0" in message


wers = st.floats(0.001, 3)


@given(wers, wers, wers, st.sampled_from(["exp_relative", "ratio"]))
def test_norm_i_falls_as_synthetic_speech_gets_worse(real, one, other, formula):
    low, high = sorted((one, other))
    assert norm_i(real, low, formula) >= norm_i(real, high, formula) >= 0


@given(st.floats(0, 0.99), st.sampled_from(["exp_relative", "ratio"]))
def test_norm_i_of_equal_speech_is_one(wer, formula):
    assert norm_i(wer, wer, formula) == pytest.approx(1)


@given(wers, wers)
def test_norm_i_is_bounded_by_e(real, synthetic):
    assert norm_i(real, synthetic) <= math.e


def test_a_faultless_judge():
    assert (norm_i(0, 0), norm_i(0, 0.1)) == (1.0, 0.0)


@given(st.lists(st.floats(5, 25), min_size=3, max_size=30), st.floats(0.5, 2))
def test_robust_z_does_not_depend_on_the_unit(paces, unit):
    values = pd.Series(paces)
    assert np.allclose(robust_z(values), robust_z(values * unit), atol=1e-6)
