"""Training: the plan of windows, the batches, one arm end to end, and kill -9 in the middle of it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from tests.speech_bt.tiny_whisper import tiny_model, tiny_processor, tiny_tokenizer
from tests.stage_process import ZERO_2, finish, start_stage
from transformers import WhisperForConditionalGeneration

from selfsown.audio import SAMPLE_RATE, UTTERANCE, AugmentParams, encode_flac
from selfsown.errors import UserError
from selfsown.products import CardInfo
from selfsown.shards import write_product
from selfsown.speech_bt.train import TrainParams, freeze, groups_of, train, training_arguments
from selfsown.speech_bt.train.packing import MAX_LABELS, PackParams, Spoken, Window, in_batches, plan_windows
from selfsown.speech_bt.train.windows import IGNORED, NOTHING_SAID, Collator, SpecAugmentParams, Windows, mask_log_mel
from selfsown.speech_bt.whisper.windowed import MARGIN

TEXTS = ["kde jsme", "ryba", "co to je", "ven", "loď", "tady nic"]
PARAMS: dict[str, Any] = {
    "seed": 3,
    "data_seed": 1,
    "languages": ["cs"],
    "pack": {"lengths": [{"seconds": 4, "share": 1}], "single": 0.3, "noise": 0.1, "gap": 0.2, "temperature": 1},
    "spec_augment": {"time_masks": 1, "time_seconds": 0.3, "mel_masks": 1, "mels": 2},
    "augment_real": {"speed": {"probability": 0.5, "low": 0.9, "high": 1.1}},
    "augment_synthetic": {},
    "real_share": 0.5,
    "trained_encoder_layers": 1,
    "dev_limit": 3,
    "dev_batch_size": 2,
    "normalizer": "whisper_basic",
    "arguments": {
        "max_steps": 12, "per_device_train_batch_size": 2, "learning_rate": 1e-3, "warmup_steps": 2,
        "eval_strategy": "steps", "eval_steps": 4, "save_strategy": "steps", "save_steps": 4, "logging_steps": 4,
        "save_total_limit": 2,
    },
}  # fmt: skip


def clips(count: int, split: str) -> list[dict[str, Any]]:
    rows = []
    for index in range(count):
        rng = np.random.default_rng([index, *split.encode()])
        seconds = float(rng.uniform(0.5, 2))
        sound = (0.1 * rng.normal(size=int(seconds * SAMPLE_RATE))).astype(np.float32)
        row = {"id": f"{split}{index}", "audio": {"bytes": encode_flac(sound, SAMPLE_RATE), "path": ""}}
        row |= {"text": TEXTS[index % len(TEXTS)], "language": "cs", "speaker": "v", "duration": seconds}
        rows.append(row | {"source": "made here", "split": split})
    return rows


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    paths = {name: folder / name for name in ("untouched", "speech", "synthetic", "accepted")}
    tiny_model().export(paths["untouched"])
    tiny_processor().save_pretrained(paths["untouched"])
    card = CardInfo(name="clips", licence="CC0-1.0", source="made here", seed=1)
    real = pa.Table.from_pylist(clips(8, "seed") + clips(4, "dev") + clips(3, "test"), UTTERANCE)
    write_product(paths["speech"], [real], schema=UTTERANCE, card=card)
    made = pa.Table.from_pylist(clips(10, "synthetic"), UTTERANCE)
    write_product(paths["synthetic"], [made], schema=UTTERANCE, card=card)
    write_product(paths["accepted"], [made.select(["id"])[:7]], schema=pa.schema([("id", pa.string())]), card=card)
    return paths


durations = st.lists(st.floats(0.3, 5), min_size=1, max_size=12)


@pytest.mark.parametrize("long", [3.6, 12.0, 30.0])
def test_clips_that_fit_no_window_get_whispers_own(long: float) -> None:
    group = [Spoken(b"", "t", "cs", seconds, 1) for seconds in (1.0, 2.0, 3.5, long, long)]
    assert pack().holding(group[:3]) == pack(), "nothing changes where every clip fits"
    params = pack().holding(group)
    assert params.seconds == (4, 30)
    windows = plan_windows([group], [1], 400, params, np.random.default_rng(0))
    assert {index for window in windows for index in window.clips} == set(range(5)), "each clip is trained on"
    share = sum(window.seconds == 30 for window in windows) / len(windows)
    assert abs(share - 2 * long / (6.5 + 2 * long)) < 0.1
    assert pack().holding(group[3:]).seconds == (30,)


def test_a_length_that_a_group_cannot_fill_is_left_out() -> None:
    params = pack(lengths=[{"seconds": 11, "share": 0.7}, {"seconds": 6, "share": 0.3}])
    short, middling = (
        [Spoken(b"", "t", "cs", seconds, 1) for seconds in each] for each in ((1.0, 5.0), (7.0, 9.0, 10.0))
    )
    assert params.filled_by([short]) == params.filled_by([short, short]) == params
    for groups in ([middling], [middling, short], [short, middling]):
        filled = params.filled_by(groups)
        assert filled.seconds == (11,)
        windows = plan_windows(groups, [1 / len(groups)] * len(groups), 60, filled, np.random.default_rng(0))
        for group, clips in enumerate(groups):
            heard = {index for window in windows if window.group == group for index in window.clips}
            assert heard == set(range(len(clips)))


def pack(**changes: Any) -> PackParams:
    return PackParams.model_validate(PARAMS["pack"] | changes)


@settings(max_examples=60)
@given(durations, durations, st.integers(0, 5), st.floats(0, 1))
def test_windows_hold_what_fits_and_each_group_has_its_share(
    real: list[float], made: list[float], seed: int, single: float
) -> None:
    real, made = [*real, 0.5], [*made, 0.5]  # at least one clip of each group fits
    groups = [[Spoken(b"", "t", "cs", seconds, 1) for seconds in group] for group in (real, made)]
    params = pack(single=single, lengths=[{"seconds": 4, "share": 1}, {"seconds": 2, "share": 1}])
    windows = plan_windows(groups, [0.5, 0.5], 200, params, np.random.default_rng(seed))
    assert windows == plan_windows(groups, [0.5, 0.5], 200, params, np.random.default_rng(seed))
    for window in windows:
        spoken = sum(groups[window.group][index].duration for index in window.clips)
        assert spoken + max(0, len(window.clips) - 1) * params.gap + MARGIN <= window.seconds + 1e-9
    # binomial(200, 1/2) and binomial(200, 1/10): outside these with p < 1e-7
    assert 60 <= sum(window.group == 0 for window in windows) <= 140
    assert 60 <= sum(window.seconds == 2 for window in windows) <= 140
    assert 2 <= sum(not window.clips for window in windows) <= 50


@settings(max_examples=60)
@given(st.lists(st.integers(1, MAX_LABELS), min_size=1, max_size=20), st.integers(0, 5))
def test_a_window_has_no_more_tokens_than_the_decoder_takes(tokens: list[int], seed: int) -> None:
    group = [Spoken(b"", "t", "hi", 0.5, count) for count in tokens]
    params = pack(single=0, lengths=[{"seconds": 30, "share": 1}])
    windows = plan_windows([group], [1], 60, params, np.random.default_rng(seed))
    assert all(sum(tokens[index] for index in window.clips) <= MAX_LABELS for window in windows)
    assert {index for window in windows for index in window.clips} == set(range(len(tokens))), "none is passed over"


def test_a_window_never_mixes_languages() -> None:
    group = [Spoken(b"", "t", language, 0.6, 1) for language in ("cs", "nl") * 10]
    params = pack(lengths=[{"seconds": 11, "share": 1}], single=0)
    windows = plan_windows([group], [1], 100, params, np.random.default_rng(0))
    assert all(len({group[index].language for index in window.clips}) <= 1 for window in windows)
    assert max(len(window.clips) for window in windows) > 1


@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from(["cs", "nl", "hu"]), st.lists(st.floats(0.3, 5), max_size=12)), st.integers(0, 5)
)
def test_no_clip_is_passed_over(durations: dict[str, list[float]], seed: int) -> None:
    group = [Spoken(b"", "t", "cs", 0.5, 1)]
    group += [Spoken(b"", "t", language, length, 1) for language, lengths in durations.items() for length in lengths]
    windows = plan_windows([group], [1], 120, pack(single=0), np.random.default_rng(seed))
    for language in {clip.language for clip in group}:
        fitting = {i for i, clip in enumerate(group) if clip.language == language and clip.duration <= 4 - MARGIN}
        heard = [index for window in windows if window.language == language for index in window.clips]
        epochs = [set(heard[start : start + len(fitting)]) for start in range(0, len(heard), len(fitting) or 1)]
        assert all(epoch == fitting for epoch in epochs[:-1]), "each once, before any is there again"
        assert not epochs or epochs[-1] <= fitting


@pytest.mark.parametrize(("temperature", "share"), [(1, 0.9), (2, 0.75), (1e9, 0.5)])
def test_temperature_balances_languages(temperature: float, share: float) -> None:
    """cs has nine times the seconds of nl: 9 : 1, 3 : 1, 1 : 1."""
    group = [Spoken(b"", "t", language, 0.6, 1) for language in ["cs"] * 18 + ["nl"] * 2]
    windows = plan_windows([group], [1], 1000, pack(temperature=temperature), np.random.default_rng(0))
    assert sum(window.language == "cs" for window in windows) / 1000 == pytest.approx(share, abs=0.05)
    assert {window.language for window in windows if not window.clips} == {"cs", "nl"}, "noise is of both"


def test_a_group_of_which_no_clip_fits_is_named() -> None:
    with pytest.raises(UserError, match=r"pack\.lengths: no clip .* fits a window of 4 s"):
        plan_windows([[Spoken(b"", "t", "cs", 3.8, 1)]], [1], 5, pack(), np.random.default_rng(0))


@given(st.lists(st.sampled_from([4.0, 11.0]), max_size=40), st.integers(1, 4))
def test_each_batch_has_one_length_and_little_is_left_out(lengths: list[float], batch: int) -> None:
    windows = [Window(seconds, 0, "cs", (index,)) for index, seconds in enumerate(lengths)]
    ordered = in_batches(windows, batch)
    for start in range(0, len(ordered), batch):
        assert len({window.seconds for window in ordered[start : start + batch]}) == 1
    assert len(set(ordered)) == len(ordered) and set(ordered) <= set(windows)
    assert all(lengths.count(seconds) - sum(w.seconds == seconds for w in ordered) < batch for seconds in lengths)


def test_no_loss_is_taken_of_the_prompt_which_the_decoder_is_given() -> None:
    processor = tiny_processor()
    row = clips(1, "seed")[0]
    spoken = Spoken(row["audio"]["bytes"], row["text"], "cs", row["duration"], 9)
    token = processor.tokenizer.convert_tokens_to_ids
    tokens = ["<|startoftranscript|>", "<|cs|>", "<|transcribe|>", "<|notimestamps|>"]
    windows = [Window(4, 0, "cs", (0,)), Window(4, 0, "cs", ())]
    dataset = Windows(
        [[spoken]], [AugmentParams()], windows, pack=pack(), processor=processor, seed=1,
        masks=SpecAugmentParams(time_masks=0, time_seconds=0, mel_masks=0, mels=0),
    )  # fmt: skip
    batch = Collator(token("<|startoftranscript|>"), processor.tokenizer.eos_token_id)([dataset[0], dataset[1]])
    for row_index, text in enumerate([row["text"], NOTHING_SAID]):
        assert batch["decoder_input_ids"][row_index, :4].tolist() == token(tokens)
        assert batch["labels"][row_index, :3].tolist() == [IGNORED] * 3
        said = [label for label in batch["labels"][row_index].tolist() if label != IGNORED]
        assert processor.tokenizer.decode(said, skip_special_tokens=True).strip() == text
        assert said[-1] == processor.tokenizer.eos_token_id
        assert batch["decoder_input_ids"][row_index, 4 : 3 + len(said)].tolist() == said[:-1]
    assert batch["input_features"].shape == (2, 8, 400)


def test_masks_hide_no_more_than_they_may() -> None:
    params = SpecAugmentParams(time_masks=2, time_seconds=0.5, mel_masks=2, mels=3)
    for seed in range(20):
        features = torch.randn(8, 300)
        masked = features.clone()
        mask_log_mel(masked, params, np.random.default_rng(seed))
        changed = (masked != features).sum()
        assert changed <= 2 * 50 * 8 + 2 * 3 * 300


def test_only_the_asked_for_layers_train() -> None:
    model = tiny_model()
    freeze(model, 1)
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    still = ("embed_tokens", "encoder.embed_positions", "conv", "encoder.layers.0")
    assert not any(part in name for name in trained for part in still)
    assert any("encoder.layers.1" in name for name in trained) and any("decoder.layers.0" in name for name in trained)


def test_an_argument_the_library_does_not_take_is_named(tmp_path: Path) -> None:
    params = TrainParams.model_validate(PARAMS | {"arguments": {"max_stepz": 3}})
    with pytest.raises(UserError, match=r"params\.yaml: speech_bt\.train\.arguments: .*max_stepz"):
        training_arguments(params, tmp_path)


def test_an_unknown_arm_is_named(inputs: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'dreamt' is not allowed: real, synthetic, mixed, other_text"):
        train(TrainParams.model_validate(PARAMS), arm="dreamt", model=tmp_path / "m", **inputs)


def test_texts_of_the_real_corpus_are_left_out_where_the_arm_says_so(tmp_path: Path) -> None:
    card = CardInfo(name="clips", licence="CC0-1.0", source="made here", seed=1)
    rows = [row | {"source": "a game"} for row in clips(4, "seed")] + [
        row | {"source": "a book"} for row in clips(3, "ood")
    ]
    made = [row | {"source": ("a game", "a book")[index % 2]} for index, row in enumerate(clips(6, "synthetic"))]
    for name, table in (("speech", rows), ("synthetic", made)):
        write_product(tmp_path / name, [pa.Table.from_pylist(table, UTTERANCE)], schema=UTTERANCE, card=card)
    ids = pa.table({"id": [row["id"] for row in made]})
    write_product(tmp_path / "accepted", [ids], schema=ids.schema, card=card)
    params = TrainParams.model_validate(PARAMS)
    said = {}
    for arm in ("mixed", "other_text"):
        groups, shares = groups_of(
            arm, params, tiny_tokenizer(), *(tmp_path / name for name in ("speech", "synthetic", "accepted"))
        )
        assert shares == [0.5, 0.5] and len(groups[0]) == 4
        said[arm] = [clip.audio for clip in groups[1]]
    assert said["mixed"] == [row["audio"]["bytes"] for row in made]
    assert said["other_text"] == [row["audio"]["bytes"] for row in made if row["source"] == "a book"]


def test_a_text_longer_than_the_decoder_takes_is_left_out_with_a_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    card = CardInfo(name="clips", licence="CC0-1.0", source="made here", seed=1)
    tokenizer, rows = tiny_tokenizer(), clips(4, "seed")
    rows[1] |= {"text": "ř" * MAX_LABELS}
    assert len(tokenizer(rows[1]["text"], add_special_tokens=False).input_ids) > MAX_LABELS
    for number, table in enumerate((rows, rows[1:2])):
        write_product(tmp_path / str(number), [pa.Table.from_pylist(table, UTTERANCE)], schema=UTTERANCE, card=card)
    params = TrainParams.model_validate(PARAMS)
    [[*group]], _ = groups_of("real", params, tokenizer, tmp_path / "0", tmp_path, tmp_path)
    assert [clip.text for clip in group] == [row["text"] for row in rows if row["id"] != "seed1"]
    texts = [f" {clip.text}" for clip in group]
    assert sum(clip.tokens for clip in group) == len(tokenizer("".join(texts), add_special_tokens=False).input_ids)
    assert "real: 1 clips of real speech are left out, as each has a text of more than the 440 tokens" in caplog.text
    assert "seed1" in caplog.text
    with pytest.raises(UserError, match="every clip of real speech has a text of more than the 440 tokens"):
        groups_of("real", params, tokenizer, tmp_path / "1", tmp_path, tmp_path)


def command(
    inputs: dict[str, Path], folder: Path, arguments: dict[str, Any] | None = None, **settings: str
) -> subprocess.Popen[bytes]:
    section = PARAMS | {"arguments": PARAMS["arguments"] | (arguments or {})}
    return start_stage("speech_bt.train", section, {"arm": "mixed", **inputs, "model": "model"}, folder, **settings)


@pytest.fixture(scope="module")
def undisturbed(inputs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of one process that nobody disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    finish(command(inputs, folder))
    return folder / "model"


def assert_same_training(model: Path, undisturbed: Path) -> None:
    expected, found = (load_file(folder / "model.safetensors") for folder in (undisturbed, model))
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, msg=name)
    histories = [json.loads((folder / "training.json").read_text()) for folder in (undisturbed, model)]
    assert histories[0] == histories[1] and [point["step"] for point in histories[0]] == [4, 8, 12]
    assert not (model / ".work").exists()


@pytest.mark.parametrize(
    ("launcher", "arguments"),
    [
        ("torchrun", {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 2}),
        ("deepspeed", {"deepspeed": ZERO_2}),
    ],
)
@pytest.mark.slow  # tinyllama's processes share the steps of one in every run of CI
def test_two_processes_share_each_step_of_one(
    launcher: str, arguments: dict[str, Any], inputs: dict[str, Path], undisturbed: Path, tmp_path: Path
) -> None:
    finish(
        command(
            inputs, tmp_path, arguments, SELFSOWN_LAUNCHER=launcher, SELFSOWN_NPROC="2", SELFSOWN_DEVICE="cpu",
            PATH=str(Path(sys.executable).parent),  # no compiler is there
        )
    )  # fmt: skip
    assert_same_training(tmp_path / "model", undisturbed)


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        ({"deepspeed": ZERO_2}, {}, r"deepspeed: needs SELFSOWN_LAUNCHER=deepspeed or torchrun"),
        ({}, {"WORLD_SIZE": "3"}, r"per_device_train_batch_size 2 must be divisible by the 3 processes"),
    ],
)
def test_what_processes_cannot_share_is_named(
    arguments: dict[str, Any],
    environment: dict[str, str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    params = TrainParams.model_validate(PARAMS | {"arguments": PARAMS["arguments"] | arguments})
    with pytest.raises(UserError, match=message):
        training_arguments(params, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kill_9_goes_on_from_the_last_checkpoint_to_the_same_weights(
    inputs: dict[str, Path], undisturbed: Path, tmp_path: Path
) -> None:
    process = command(inputs, tmp_path)
    state = tmp_path / "model" / ".work" / "checkpoint-4" / "trainer_state.json"
    deadline = time.monotonic() + 240
    while not state.is_file():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "model" / "model.safetensors").exists(), "killed too late: it had finished"
    finish(command(inputs, tmp_path))
    assert_same_training(tmp_path / "model", undisturbed)
    model = WhisperForConditionalGeneration.from_pretrained(tmp_path / "model")
    assert type(model) is WhisperForConditionalGeneration and model.generation_config.language == "cs"
