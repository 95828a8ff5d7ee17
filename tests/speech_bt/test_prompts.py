"""The pool of prompts: clear clips of unlike speakers, and sentences that are spoken by each of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.plainly import plainly
from tests.speech_bt.test_adapt_tts import write_speech
from tests.speech_bt.tiny_whisper import tiny_model, tiny_processor
from tests.speech_bt.tiny_xtts import write_tiny_xtts

from selfsown.corpora.sentences import SENTENCE
from selfsown.errors import UserError
from selfsown.products import REJECTED, CardInfo, read_product
from selfsown.shards import write_product
from selfsown.speech_bt.engines import CoquiVoice, load_engine
from selfsown.speech_bt.gate import compared, rates
from selfsown.speech_bt.intelligibility import IntelligibilityParams, intelligibility
from selfsown.speech_bt.prompts import PromptsParams, left_out, prompts
from selfsown.speech_bt.synthesize import SynthesizeParams, synthesize

__all__ = ["plainly"]

pytestmark = pytest.mark.usefixtures("plainly")

PARAMS: dict[str, Any] = {
    "languages": ["vi"], "seconds": {"low": 0.5, "high": 2}, "dbfs": {"low": -30, "high": -5}, "max_wer": 100,
    "max_cosine": 1.0, "limit": 4, "windows": [4], "batch_size": 4, "shard_size": 4, "normalizer": "whisper_basic",
}  # fmt: skip


def params(**changes: Any) -> PromptsParams:
    return PromptsParams.model_validate(PARAMS | changes)


@pytest.fixture(scope="module")
def world(plainly: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("prompts")
    paths = {name: root / name for name in ("judge", "tts", "speech")}
    tiny_model().export(paths["judge"])
    tiny_processor().save_pretrained(paths["judge"])
    paths["tts"].mkdir()
    write_tiny_xtts(paths["tts"])
    write_speech(paths["speech"])
    return paths


def test_the_pool_is_of_seed_clips_and_speaks(world: dict[str, Path], tmp_path: Path) -> None:
    made = {name: tmp_path / name for name in ("measured", "prompts")}
    figures = prompts(params(), **world, **made)
    pool = {row["id"]: row for row in read_product(made["prompts"]).to_pylist()}
    assert figures == {"prompts": 4, "prompts_vi": 4} and {row["split"] for row in pool.values()} == {"seed"}
    refused = {row["id"]: row["reason"] for row in pq.read_table(made["prompts"] / REJECTED).to_pylist()}
    assert set(refused) | set(pool) == {f"seed{index}" for index in range(7)} and not set(refused) & set(pool)
    assert refused["seed0"].startswith("length")
    said = {"id": "s0", "text": "ahoj", "language": "vi", "source": "made", "domain": "prose"}
    sentences = pa.Table.from_pylist([said], SENTENCE)
    card = CardInfo(name="made", licence="CC0-1.0", source="made here", seed=1)
    write_product(tmp_path / "sentences", [sentences], schema=SENTENCE, card=card)
    voice = CoquiVoice(engine="coqui", model="tts", licence="none", language="cs", prompt="*")
    engine = load_engine(voice, made["prompts"], world["tts"])
    engine._model.gpt.max_gen_mel_tokens = 6  # the vocoder is of full size
    measured = {row["id"]: row for row in read_product(made["measured"]).to_pylist()}
    first = next(iter(pool))
    np.testing.assert_allclose(engine._latents(first, None)[1].flatten(), measured[first]["embedding"], atol=1e-6)
    wanted = SynthesizeParams.model_validate(
        {"data_seed": 1, "languages": ["vi"], "sentences": {"prose": 1}, "renditions": 2, "augment": {},
         "qualities": {}, "matched": {"splits": ["seed"], "texts": 5}, "voices": {"vi": [voice]}, "shard_size": 20}
    )  # fmt: skip
    synthesize(
        wanted, sentences=tmp_path / "sentences", speech=world["speech"], tts=world["tts"], prompts=made["prompts"],
        synthetic=tmp_path / "synthetic",
    )  # fmt: skip
    spoken = read_product(tmp_path / "synthetic").to_pylist()
    assert Counter(row["split"] for row in spoken) == {"synthetic": 2, "matched": 5}
    assert {row["speaker"] for row in spoken} == {"coqui-tts/*"}
    imitated = Counter(Path(row["audio"]["path"]).parts[1] for row in spoken if row["split"] == "matched")
    assert imitated.keys() == pool.keys() and max(imitated.values()) == 2, "five texts, four prompts"
    assert len({row["audio"]["bytes"] for row in spoken if row["group"] == "s0"}) == 2
    judge = IntelligibilityParams.model_validate(
        {"languages": ["vi"], "windows": [4], "batch_size": 8, "shard_size": 20, "normalizer": "whisper_basic"}
    )
    places = {"speech": world["speech"], "synthetic": tmp_path / "synthetic", "intelligibility": tmp_path / "judged"}
    intelligibility(judge, model=world["judge"], **places)
    voices = compared(rates(read_product(tmp_path / "judged").to_pandas(), ["vi"]), "exp_relative")
    assert voices.index.tolist() == [("vi", "coqui-tts/*")], "one voice to the gate"


def test_a_language_without_a_prompt_says_what_took_them(world: dict[str, Path], tmp_path: Path) -> None:
    made = {name: tmp_path / name for name in ("measured", "prompts")}
    with pytest.raises(UserError, match="no vi prompt is left: level 6, length 1"):
        prompts(params(dbfs={"low": -3, "high": 0}), **world, **made)
    assert (made["prompts"] / REJECTED).is_file()


vectors = st.tuples(st.floats(0, 6.2), st.floats(0, 2), st.integers(-40, 0))


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=st.lists(vectors, max_size=15), cosine=st.floats(0.2, 1), limit=st.integers(1, 6))
def test_no_two_speakers_of_the_pool_are_alike(
    drawn: list[tuple[float, float, int]], cosine: float, limit: int
) -> None:
    rows = {
        f"u{index:02d}": {"id": f"u{index:02d}", "wer": wer, "dbfs": dbfs, "embedding": [np.cos(turn), np.sin(turn)]}
        for index, (turn, wer, dbfs) in enumerate(drawn)
    }
    asked = params(max_cosine=cosine, limit=limit, max_wer=1.5)
    reasons = left_out(list(rows.values()), asked)
    pool = {name: row for name, row in rows.items() if name not in reasons}
    assert len(pool) <= limit
    for name, row in pool.items():
        assert row["wer"] <= 1.5 and -30 <= row["dbfs"] <= -5
        for other in pool.keys() - {name}:
            assert np.dot(row["embedding"], pool[other]["embedding"]) < cosine
    for name, reason in reasons.items():
        if reason.startswith("speaker"):  # one that is understood as well took its place
            row, near = rows[name], pool[reason.removeprefix("speaker: as in ")[:3]]
            assert np.dot(row["embedding"], near["embedding"]) >= cosine - 1e-9 and near["wer"] <= row["wer"]
        if reason.startswith("limit"):
            assert len(pool) == limit
