"""XTTS learns a language that it lacks: codes, vocabulary, training, and a folder that the engine speaks from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from tests.plainly import kill_at_checkpoints, plainly
from tests.speech_bt.tiny_xtts import CODES as CODE_COUNT
from tests.speech_bt.tiny_xtts import LETTERS, SPECIAL, tiny_vocabulary, write_tiny_xtts
from tokenizers import Tokenizer
from TTS.config import load_config
from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig
from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer

from selfsown.audio import SAMPLE_RATE, UTTERANCE, encode_flac, unnamed_speaker
from selfsown.errors import UserError
from selfsown.products import REJECTED, CardInfo, read_product
from selfsown.shards import write_product
from selfsown.sources.registry import register_folder
from selfsown.sources.tree import file_sha256
from selfsown.speech_bt.adapt_tts import AdaptTtsParams, adapt_tts, batches, some
from selfsown.speech_bt.adapt_tts.vocabulary import grow
from selfsown.speech_bt.codes import CodesParams, codes
from selfsown.speech_bt.engines import CoquiVoice, EngineError, Failure, load_engine
from selfsown.speech_bt.engines.xtts import XttsEngine
from selfsown.speech_bt.tts import TtsParams, tts
from selfsown.speech_bt.xtts import spelling
from selfsown.speech_bt.xtts.audio_tokenizer import RATE
from selfsown.speech_bt.xtts.spelling import SPACE, encode

__all__ = ["plainly"]

pytestmark = pytest.mark.usefixtures("plainly")

TEXTS = ["xin chào các bạn", "tôi không biết", "cảm ơn bạn", "bạn khỏe không", "chào buổi sáng", "không có gì"]
ARGUMENTS: dict[str, Any] = {
    "max_steps": 8, "per_device_train_batch_size": 2, "per_device_eval_batch_size": 2, "learning_rate": 3e-3,
    "lr_scheduler_type": "constant", "eval_strategy": "steps", "eval_steps": 4, "save_strategy": "steps",
    "save_steps": 4, "save_total_limit": 1, "logging_steps": 4,
}  # fmt: skip
PARAMS: dict[str, Any] = {
    "seed": 3, "data_seed": 1, "languages": ["vi"], "new_tokens": 12, "text_weight": 0.1, "audio_weight": 1.0,
    "prompt_seconds": 0.5, "dev_limit": 2, "arguments": ARGUMENTS,
}  # fmt: skip


def utterances(count: int, split: str) -> list[dict[str, Any]]:
    """Tones with noise, of two speakers; the first is too short to learn from."""
    rows = []
    for index in range(count):
        rng = np.random.default_rng([index, *split.encode()])
        seconds = 0.3 if not index and split == "seed" else float(rng.uniform(0.6, 1.4))
        time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        sound = 0.3 * np.sin(2000 * time * (1 + time)) + 0.01 * rng.normal(size=time.size)
        audio = {"bytes": encode_flac(sound.astype(np.float32), SAMPLE_RATE), "path": ""}
        row = {"id": f"{split}{index}", "audio": audio, "text": TEXTS[index % len(TEXTS)], "language": "vi"}
        row |= {
            "speaker": "ab"[index % 2],
            "duration": seconds,
            "source": "made here",
            "split": split,
            "group": f"{split}{index}",
        }
        rows.append(row)
    return rows


def write_speech(folder: Path, seed: int = 7) -> None:
    """Utterances of three splits."""
    card = CardInfo(name="clips", licence="CC0-1.0", source="made here", seed=1)
    rows = utterances(seed, "seed") + utterances(3, "dev") + utterances(2, "test")
    write_product(folder, [pa.Table.from_pylist(rows, UTTERANCE)], schema=UTTERANCE, card=card)


def write_world(root: Path) -> dict[str, Path]:
    """The model's folder, speech and its codes."""
    paths = {name: root / name for name in ("tts", "speech", "codes")}
    paths["tts"].mkdir(parents=True)
    write_tiny_xtts(paths["tts"])
    write_speech(paths["speech"])
    wanted = CodesParams.model_validate({"languages": ["vi"], "seconds": {"low": 0.5, "high": 2}, "shard_size": 4})
    codes(wanted, tts=paths["tts"], speech=paths["speech"], codes=paths["codes"])
    return paths


@pytest.fixture(scope="module")
def world(plainly: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def adapted(world: dict[str, Path]) -> tuple[Path, dict[str, float]]:
    model = world["tts"].parent / "adapted"
    return model, dict(adapt_tts(AdaptTtsParams.model_validate(PARAMS), model=model, **world))


# --- the model's folder


def test_a_published_model_becomes_ours_and_stays_as_it_is(
    world: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one of the original style, which holds its description under names that are no longer there."""
    source = tmp_path / "source"
    shutil.copytree(world["tts"], source)
    weights = torch.load(source / "model.pth", weights_only=True)["model"]
    with monkeypatch.context() as patch:
        for kind in (XttsArgs, XttsAudioConfig):
            patch.setattr(kind, "__module__", "TTS.tts.models.xtts")
        torch.save({"model": weights, "config": load_config(str(source / "config.json"))}, source / "model.pth")
    before = {path.name: file_sha256(path) for path in source.iterdir()}
    monkeypatch.chdir(tmp_path)
    Path("conf").mkdir()
    Path("conf/sources.yaml").write_text("")
    register_folder(source, "published")
    tts(TtsParams(), source="published", model=tmp_path / "ours")
    assert {path.name: file_sha256(path) for path in source.iterdir()} == before
    made = load_file(tmp_path / "ours/model.safetensors")
    assert made.keys() == weights.keys() and all(torch.equal(made[name], weight) for name, weight in weights.items())
    assert not list((tmp_path / "ours").glob("dvae.pth")) and (tmp_path / "ours/dvae.safetensors").is_file()


# --- codes


def test_codes_are_those_of_the_sound(world: dict[str, Path]) -> None:
    table = read_product(world["codes"])
    rows = {row["id"]: row for row in table.to_pylist()}
    spoken = {row["id"]: row for row in utterances(7, "seed") + utterances(3, "dev")}
    assert set(rows) == set(spoken) - {"seed0"}, "no test clip, and none that is too short"
    for name, row in rows.items():
        samples = int(spoken[name]["duration"] * SAMPLE_RATE) * RATE / SAMPLE_RATE
        assert abs(len(row["codes"]) - samples / 1024) <= 1
        assert len(set(row["codes"])) > 3 and min(row["codes"]) >= 0 and max(row["codes"]) < CODE_COUNT
    refused = pa.parquet.read_table(world["codes"] / REJECTED).to_pylist()
    assert [(row["id"], row["reason"]) for row in refused] == [("seed0", "shorter than XTTS learns from: 0.30 s")]


def test_a_folder_without_its_audio_tokenizer_is_named(world: dict[str, Path], tmp_path: Path) -> None:
    wanted = CodesParams.model_validate({"languages": ["vi"], "seconds": {"low": 0.5, "high": 2}, "shard_size": 4})
    with pytest.raises(UserError, match=r"dvae\.pth"):
        codes(wanted, tts=tmp_path, speech=world["speech"], codes=tmp_path / "codes")


# --- vocabulary

words = st.text(alphabet="abhnạơđ語.", min_size=1, max_size=7)
lines = st.lists(st.lists(words, min_size=1, max_size=4).map(" ".join), max_size=8)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(texts=lines, limit=st.integers(0, 12))
def test_a_vocabulary_grows_without_moving_an_id(texts: list[str], limit: int) -> None:
    old = tiny_vocabulary()
    grown = grow(old, {"vi": texts}, limit)
    before, after = old.get_vocab(), grown.tokenizer.get_vocab()
    assert after.items() >= before.items()
    new = sorted(index for name, index in after.items() if name not in before)
    assert new == list(range(len(before), len(before) + len(grown.parts))) and len(new) <= limit + 1
    assert all(each and max(each) < len(before) for each in grown.parts)
    assert grown.tokenizer.token_to_id("[vi]") is not None
    for text in texts:
        marked = f"[vi]{text}".replace(" ", SPACE)
        tokens = [grown.tokenizer.encode(marked).ids, old.encode(marked.removeprefix("[vi]")).ids]
        assert len(tokens[0]) <= len(tokens[1]) + 1, "no text needs more of them than before"
        assert all(grown.tokenizer.id_to_token(index) is not None for index in tokens[0])
    read = Tokenizer.from_str(grown.tokenizer.to_str())
    assert read.get_vocab() == after, "as a file too"
    assert grow(old, {"vi": texts}, limit).tokenizer.to_str() == grown.tokenizer.to_str()


def test_new_tokens_are_learnt_from_the_text_and_begin_as_their_parts() -> None:
    old = tiny_vocabulary()
    grown = grow(old, {"vi": TEXTS * 3}, 40)
    read = VoiceBpeTokenizer()
    read.tokenizer = grown.tokenizer
    ids = grown.tokenizer.token_to_id
    tokens = encode(read, "Không  BIẾT", "vi")
    assert "".join(map(grown.tokenizer.id_to_token, tokens)) == f"[vi]không{SPACE}biết"
    assert old.token_to_id("[UNK]") not in tokens and ids("không") in tokens
    unlike, like = grown.parts[ids("không") - len(old.get_vocab())], [old.token_to_id(each) for each in ("k", "h", "o")]
    assert list(unlike) == [*like, old.token_to_id("ng")], "the letter under the mark, and the old token at the end"
    rows = torch.arange(len(old.get_vocab()), dtype=torch.float32)[:, None].repeat(1, 2)
    wide = grown.widen(rows)
    assert torch.equal(wide[: len(rows)], rows)
    assert wide[ids("không")].tolist() == [sum(unlike) / len(unlike)] * 2
    marks = [old.token_to_id(mark) for mark in ("[cs]", "[en]")]
    assert wide[ids("[vi]"), 0].item() == sum(marks) / 2


def test_known_languages_are_read_as_upstream_reads_them() -> None:
    tokenizer = VoiceBpeTokenizer()
    tokenizer.tokenizer = tiny_vocabulary()
    for text, language in (("Mám 14 ryb, p. Nováku!", "cs"), ("Dr.  Smith has 2nd", "en-us")):
        assert encode(tokenizer, text, language) == tokenizer.encode(text.strip().lower(), lang=language)
    assert len(SPECIAL) + len(LETTERS) < tokenizer.get_number_tokens()


def test_a_language_whose_rules_are_not_installed_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spelling, "find_spec", lambda module: None)
    spelling.check_rules(["cs", "vi"])
    expected = r"'zh': XTTS reads it by the package pypinyin, .*`pip install pypinyin`"
    (tmp_path / "dvae.safetensors").touch()
    wanted = {"languages": ["cs", "zh"], "seconds": {"low": 0.5, "high": 2}, "shard_size": 4}
    with pytest.raises(UserError, match=expected):
        codes(CodesParams.model_validate(wanted), tts=tmp_path, speech=tmp_path, codes=tmp_path / "codes")
    params = AdaptTtsParams.model_validate(PARAMS | {"languages": ["cs", "zh"]})
    with pytest.raises(UserError, match=expected):
        adapt_tts(params, tts=tmp_path, codes=tmp_path, speech=tmp_path, model=tmp_path / "model")
    voice = CoquiVoice(engine="coqui", model="xtts", licence="none", language="zh-cn", speaker="Ana")
    with pytest.raises(UserError, match=r"'zh-cn': XTTS reads it by the package pypinyin"):
        XttsEngine(SimpleNamespace(args=SimpleNamespace(output_sample_rate=RATE)), None).synthesize(["你好"], voice)
    with pytest.raises(UserError, match=r"'ja': .*`pip install cutlet 'fugashi\[unidic-lite\]'`"):
        spelling.check_rules(["ja"])


# --- training


def test_the_loss_falls_and_only_the_language_model_changes(
    adapted: tuple[Path, dict[str, float]], world: dict[str, Path]
) -> None:
    model, figures = adapted
    curve = json.loads((model / "training.json").read_text())
    assert [point["step"] for point in curve] == [4, 8]
    assert figures["best_dev_loss"] == min(point["dev_loss"] for point in curve) < 0.8 * untrained(world)
    assert figures["clips"] == 6 and figures["left_out"] == 0 and 1 < figures["new_tokens"] <= 13
    before = torch.load(world["tts"] / "model.pth", weights_only=True)["model"]
    after = load_file(model / "model.safetensors")
    assert after.keys() == before.keys()
    for name, weight in before.items():
        assert name.startswith("gpt.") or torch.equal(after[name], weight), name
    count = len(tiny_vocabulary().get_vocab())
    for name in ("gpt.text_embedding.weight", "gpt.text_head.weight", "gpt.text_head.bias"):
        assert len(after[name]) == count + figures["new_tokens"]
    assert not torch.equal(after["gpt.gpt.h.0.attn.c_attn.weight"], before["gpt.gpt.h.0.attn.c_attn.weight"])


def untrained(world: dict[str, Path]) -> float:
    """The dev loss before the first step: the best of a training that learns nothing."""
    changes = {"arguments": ARGUMENTS | {"max_steps": 1, "eval_steps": 1, "save_steps": 1, "learning_rate": 0.0}}
    params = AdaptTtsParams.model_validate(PARAMS | changes)
    return adapt_tts(params, model=world["tts"].parent / "untrained", **world)["best_dev_loss"]


def test_the_grown_model_speaks_the_new_language(adapted: tuple[Path, dict[str, float]]) -> None:
    model, _ = adapted
    voice = CoquiVoice(engine="coqui", model=str(model), licence="none", language="vi", speaker="Ana")
    engine = load_engine(voice)
    engine._model.gpt.max_gen_mel_tokens = 6  # the vocoder is of full size
    sound, _ = engine.synthesize(["Không có gì.", "cảm ơn"], voice)
    assert not isinstance(sound, Failure) and sound.size > 1000 and np.isfinite(sound).all()
    with pytest.raises(EngineError, match="vi"):
        engine.synthesize(["ahoj"], voice.model_copy(update={"language": "hu"}))


def test_a_killed_training_ends_in_the_same_weights(
    adapted: tuple[Path, dict[str, float]], world: dict[str, Path], tmp_path: Path
) -> None:
    params = AdaptTtsParams.model_validate(PARAMS)
    with pytest.MonkeyPatch.context() as patch:
        kill_at_checkpoints(patch)
        with pytest.raises(KeyboardInterrupt):
            adapt_tts(params, model=tmp_path / "killed", **world)
    figures = adapt_tts(params, model=tmp_path / "killed", **world)
    assert figures == adapted[1]
    before, after = (load_file(folder / "model.safetensors") for folder in (adapted[0], tmp_path / "killed"))
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    assert {path.name for path in (tmp_path / "killed").iterdir()} == {path.name for path in adapted[0].iterdir()}


def test_dev_clips_are_drawn_from_all_groups_of_each_language(tmp_path: Path) -> None:
    groups = [*["level 1"] * 9, "level 2", "level 3"]
    rows = [
        {"id": f"{language}{index:02d}", "group": group}
        for language in ("cs", "vi")
        for index, group in enumerate(groups)
    ]
    card = CardInfo(name="clips", licence="CC0-1.0", source="made here", seed=1)
    write_product(tmp_path, [pa.Table.from_pylist(rows, UTTERANCE)], schema=UTTERANCE, card=card)
    clips = [batches.Spoken(row["id"], (row["id"][:2], "a"), (1,), (1,)) for row in rows]
    params = AdaptTtsParams.model_validate(PARAMS | {"languages": ["cs", "vi"], "dev_limit": 3})
    shown = [clip.id for clip in some(clips, tmp_path, params)]
    assert shown == sorted(shown) and len(shown) == 6
    assert {"cs09", "cs10", "vi09", "vi10"} < set(shown), "one of each group"
    assert shown == [clip.id for clip in some(clips, tmp_path, params.model_copy(update={"seed": 4}))]


def test_prompts_are_other_clips_of_the_same_speaker(world: dict[str, Path]) -> None:
    audio = {row["id"]: row["audio"]["bytes"] for row in read_product(world["speech"]).to_pylist()}
    spoken = [batches.Spoken(f"seed{i}", ("vi", "ab"[i % 2]), (1,), (1,)) for i in range(1, 7)]
    prompts = batches.Prompts(spoken, audio, torch.ones(80), seconds=0.5, seed=1)
    heard = [prompts.draw(spoken[0], number) for number in range(12)]
    frames = 1 + round(0.5 * RATE) // 256
    assert {tuple(mel.shape) for mel in heard} == {(80, frames)}
    alone = {each.id: batches.Prompts([each], audio, torch.ones(80), 0.5, 1).draw(each, 0)[:, 4:20] for each in spoken}
    begun = [min(alone, key=lambda name: float((alone[name] - mel[:, 4:20]).abs().sum())) for mel in heard]
    assert set(begun) == {"seed3", "seed5"}, "speaker b's, without the clip itself"
    assert torch.equal(prompts.draw(spoken[0], 3), heard[3])


def test_clips_whose_speaker_has_no_name_are_prompted_by_themselves(world: dict[str, Path]) -> None:
    audio = {row["id"]: row["audio"]["bytes"] for row in read_product(world["speech"]).to_pylist()}
    spoken = [batches.Spoken(f"seed{i}", ("vi", unnamed_speaker("my-folder")), (1,), (1,)) for i in range(1, 7)]
    together = batches.Prompts(spoken, audio, torch.ones(80), 0.5, seed=1)
    for clip in spoken:
        alone = batches.Prompts([clip], audio, torch.ones(80), 0.5, seed=1)
        assert all(torch.equal(together.draw(clip, number), alone.draw(clip, number)) for number in range(4))
