"""Whisper on windows that fit the speech, against the stock path that pads every clip to 30 s.

    scripts/bench.sh whisper_windows        after `make repro`: it uses the products and the model of that run

Training: the same clips once through `Seq2SeqTrainer`, one clip in each 30 s window, and through ours, several in each
shorter window; the same layers train in both, at the same learning rate and clips per step. Transcription: the same
dev clips and the same trained model through `generate` at 30 s and through ours. Both in turn in one process, several
times; the WER of what each made stands beside its speed, because speed alone proves nothing.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import ratio, write_result
from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments, WhisperForConditionalGeneration, WhisperProcessor

from selfsown.audio import decode
from selfsown.bootstrap import rate, rate_difference
from selfsown.device import compute_device, compute_dtype
from selfsown.params import load_params
from selfsown.speech_bt.train import Trainer, TrainParams, freeze, groups_of
from selfsown.speech_bt.train.packing import Spoken, Window, in_batches, plan_windows
from selfsown.speech_bt.train.windows import IGNORED, Collator, Windows
from selfsown.speech_bt.whisper import windowed as whisper
from selfsown.speech_bt.whisper.decoding import Clip, chosen_clips
from selfsown.speech_bt.whisper.scoring import score
from selfsown.text.scoring import normalizer
from selfsown.training import execution_arguments

REPEATS = 3
CLIPS = 48
"""Trained on in each repeat."""
CLIPS_PER_STEP = 8
DEV_CLIPS = 48
MODEL = Path("models/speech_bt/mixed")
UNTOUCHED = Path("models/speech_bt/untouched")
SPEECH, SYNTHETIC, ACCEPTED = (
    Path("data") / name for name in ("corpora/speech", "speech_bt/synthetic", "speech_bt/accepted")
)


class PaddedClips(torch.utils.data.Dataset[dict[str, Any]]):
    """What the library's examples feed Whisper: one clip in a 30 s window."""

    def __init__(self, clips: list[Spoken], processor: WhisperProcessor) -> None:
        self.clips, self.processor = clips, processor

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> dict[str, Any]:
        clip, tokenizer = self.clips[index], self.processor.tokenizer
        features = whisper.log_mel(self.processor, [decode(clip.audio)[0]], whisper.FULL_WINDOW)[0]
        prompt = tokenizer.convert_tokens_to_ids([f"<|{clip.language}|>", "<|transcribe|>", "<|notimestamps|>"])
        ids = tokenizer(" " + clip.text, add_special_tokens=False).input_ids
        return {"input_features": features, "labels": [*prompt, *ids, tokenizer.eos_token_id]}


def pad(items: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """The library's collator for Whisper: labels padded with what no loss is taken of."""
    length = max(len(item["labels"]) for item in items)
    labels = [item["labels"] + [IGNORED] * (length - len(item["labels"])) for item in items]
    return {"input_features": torch.stack([item["input_features"] for item in items]), "labels": torch.tensor(labels)}


def train_stock(network: WhisperForConditionalGeneration, clips: list[Spoken], params: TrainParams, work: str) -> float:
    """Seconds to train on every clip once."""
    steps = len(clips) // CLIPS_PER_STEP
    arguments = arguments_of(params, work, max_steps=steps, per_device_train_batch_size=CLIPS_PER_STEP)
    dataset = PaddedClips(clips, WhisperProcessor.from_pretrained(UNTOUCHED))
    trainer = Seq2SeqTrainer(model=network, args=arguments, data_collator=pad, train_dataset=dataset)
    start = time.perf_counter()
    trainer.train()
    return time.perf_counter() - start


def transcribe_stock(
    network: WhisperForConditionalGeneration, processor: WhisperProcessor, clips: list[Clip]
) -> list[str]:
    """The library's generate, sorted by length, the batch size of ours."""
    order = sorted(clips, key=lambda clip: len(clip.audio))
    heard: dict[str, str] = {}
    for start in range(0, len(order), 16):
        batch = order[start : start + 16]
        features = whisper.log_mel(processor, [decode(clip.audio)[0] for clip in batch], whisper.FULL_WINDOW)
        ids = network.generate(
            features.to(network.device, network.dtype), language=batch[0].language, task="transcribe"
        )
        for clip, text in zip(batch, processor.batch_decode(ids, skip_special_tokens=True), strict=True):
            heard[clip.id] = text
    return [heard[clip.id] for clip in clips]


def errors(clips: list[Clip], heard: list[str], params: TrainParams) -> tuple[np.ndarray, np.ndarray]:
    """Word errors and reference words of each clip."""
    normalize = normalizer(params.normalizer)
    rows = [score(clip.text, text, normalize, clip.language) for clip, text in zip(clips, heard, strict=True)]
    return np.array([row["errors"] for row in rows], float), np.array([row["words"] for row in rows], float)


def train_ours(
    network: whisper.WindowedWhisper,
    groups: list[list[Spoken]],
    windows: list[Window],
    batch: int,
    params: TrainParams,
    work: str,
) -> float:
    """Seconds to train on every window once, `batch` of one length a step."""
    processor = WhisperProcessor.from_pretrained(UNTOUCHED)
    arguments = arguments_of(params, work, num_train_epochs=1, per_device_train_batch_size=batch)
    dataset = Windows(
        groups, [params.augment_real, params.augment_synthetic], windows, pack=params.pack,
        masks=params.spec_augment, processor=processor, seed=params.seed,
    )  # fmt: skip
    collator = Collator(network.config.decoder_start_token_id, network.config.eos_token_id)
    trainer = Trainer(
        dev=[], params=params, model=network, args=arguments, data_collator=collator, train_dataset=dataset
    )
    start = time.perf_counter()
    trainer.train()
    return time.perf_counter() - start


def arguments_of(params: TrainParams, work: str, **changes: Any) -> Seq2SeqTrainingArguments:
    """The same optimizer for both; a constant rate, because each repeat is a few steps."""
    kept = {key: params.arguments[key] for key in ("learning_rate", "weight_decay")}
    return Seq2SeqTrainingArguments(
        output_dir=work, lr_scheduler_type="constant", save_strategy="no", seed=params.seed,
        remove_unused_columns=False, label_names=["labels"], **kept, **execution_arguments(), **changes,
    )  # fmt: skip


def ours(
    network: whisper.WindowedWhisper, processor: WhisperProcessor, clips: list[Clip], windows: tuple[float, ...]
) -> list[str]:
    """Our transcripts."""
    sounds = [decode(clip.audio)[0] for clip in clips]
    return [
        transcript.text
        for transcript in whisper.transcribe(network, processor, sounds, language=clips[0].language, windows=windows)
    ]


def bench_training(params: TrainParams, dev: list[Clip]) -> dict[str, Any]:
    """Clips per second of both, and the dev WER of both models after the last repeat, decoded alike at 30 s."""
    processor = WhisperProcessor.from_pretrained(UNTOUCHED)
    groups, shares = groups_of("mixed", params, processor.tokenizer, SPEECH, SYNTHETIC, ACCEPTED)
    rng = np.random.default_rng(params.seed)
    networks = {}
    for name, kind in (("peer", WhisperForConditionalGeneration), ("ours", whisper.WindowedWhisper)):
        networks[name] = kind.from_pretrained(UNTOUCHED, dtype=torch.float32)
        freeze(networks[name], params.trained_encoder_layers)
    speeds: dict[str, list[float]] = {"peer": [], "ours": []}
    with tempfile.TemporaryDirectory() as work:
        for repeat in range(REPEATS + 1):
            windows, held = [], 0
            for window in plan_windows(groups, shares, CLIPS, params.pack, rng):
                if window.clips and held + len(window.clips) <= CLIPS:
                    windows.append(window)
                    held += len(window.clips)
            batch = max(1, round(CLIPS_PER_STEP * len(windows) / held))
            windows = in_batches(windows, batch)  # what fills no batch of its length is trained on by neither
            clips = [groups[window.group][index] for window in windows for index in window.clips]
            whole = clips[: len(clips) // CLIPS_PER_STEP * CLIPS_PER_STEP]
            taken = {
                "peer": (len(whole), train_stock(networks["peer"], whole, params, work)),
                "ours": (len(clips), train_ours(networks["ours"], groups, windows, batch, params, work)),
            }
            for name, (count, seconds) in taken.items() if repeat else ():  # the first repeat warms up
                speeds[name].append(count / seconds)
            print(f"training, repeat {repeat}: clips, seconds: {taken}", flush=True)
    scores = {}
    for name, network in networks.items():
        copy = whisper.WindowedWhisper(network.config)
        copy.load_state_dict(network.state_dict())
        copy.generation_config = network.generation_config
        copy = copy.to(compute_device(), compute_dtype()).eval()
        scores[name] = errors(dev, ours(copy, processor, dev, (30,)), params)
    return ratio(speeds["ours"], speeds["peer"]) | {"unit": "training clips/s"} | compare(scores)


def bench_transcription(params: TrainParams, dev: list[Clip]) -> dict[str, Any]:
    """Utterances per second of both on the trained model, and the WER of each."""
    network, processor = whisper.load(MODEL)
    stock = WhisperForConditionalGeneration.from_pretrained(MODEL, dtype=compute_dtype()).to(compute_device()).eval()
    speeds: dict[str, list[float]] = {"peer": [], "ours": []}
    heard: dict[str, list[str]] = {}
    for repeat in range(REPEATS):
        for name in speeds:
            start = time.perf_counter()
            if name == "peer":
                heard[name] = transcribe_stock(stock, processor, dev)
            else:
                heard[name] = ours(network, processor, dev, params.pack.seconds)
            speeds[name].append(len(dev) / (time.perf_counter() - start))
        print(f"transcription, repeat {repeat}: {speeds}", flush=True)
    scores = {name: errors(dev, texts, params) for name, texts in heard.items()}
    return ratio(speeds["ours"], speeds["peer"]) | {"unit": "utterances/s"} | compare(scores)


def compare(scores: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
    """WER of both and their paired difference with its 95 % interval."""
    words = scores["peer"][1]
    difference = rate_difference(scores["ours"][0], scores["peer"][0], words)
    rates = {f"wer_{name}": rate(found, words).value for name, (found, _) in scores.items()}
    return rates | {
        "wer_ours_minus_peer": difference.value,
        "wer_ours_minus_peer_lo": difference.lo,
        "wer_ours_minus_peer_hi": difference.hi,
        "wer_ours_minus_peer_n": difference.n,
    }


def main() -> None:
    """Both benchmarks on the active profile's settings."""
    params = load_params("speech_bt.train", TrainParams)
    dev = chosen_clips(SPEECH, ["dev"], params.languages[:1], DEV_CLIPS, params.data_seed)
    parts = {"training": bench_training(params, dev), "transcription": bench_transcription(params, dev)}
    layers = params.trained_encoder_layers
    conditions = {"pack": params.pack.model_dump(), "trained_encoder_layers": layers, "dev_clips": len(dev)}
    packages = ["torch", "transformers"]
    write_result(
        "whisper_windows", seed=params.seed, packages=packages, precision=str(compute_dtype()), **conditions, **parts
    )
    for name, part in parts.items():
        print(
            f"{name}: ours {part['ours']:.2f}, peer {part['peer']:.2f} {part['unit']}: {part['ratio']:.1f}x; WER "
            f"{part['wer_ours']:.3f} and {part['wer_peer']:.3f}"
        )


if __name__ == "__main__":
    main()
