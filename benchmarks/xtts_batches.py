"""XTTS speaking each sentence by another prompt: all of them in batches, against a batch for each voice.

    python benchmarks/xtts_batches.py                 minutes on two cores
    python benchmarks/xtts_batches.py --one-thread    the same in seconds of the processor, where others work too
    python benchmarks/xtts_batches.py --smoke         a few prompts; writes no result

The model is random and a sixteenth as wide as XTTS-v2 everywhere, the vocoder too, with 12 layers for its 30: what is
measured is how sentences are put together, not how fast XTTS-v2 is. Voices are prepared before the clock starts. The
peer is the same engine, called once for each voice with its sentences, as the paper's code and this repository did
before. In a greedy run both must make the same sound, or nothing is written.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from common import ratio, write_result
from tokenizers import Tokenizer
from tokenizers.models import BPE
from TTS.tts.configs.xtts_config import XttsConfig
from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
from TTS.tts.models.xtts import Xtts
from TTS.vocoder.models.hifigan_generator import HifiganGenerator

from selfsown.audio import SAMPLE_RATE, UTTERANCE, encode_flac
from selfsown.device import compute_dtype
from selfsown.products import CardInfo
from selfsown.shards import write_product
from selfsown.speech_bt.engines import CoquiVoice
from selfsown.speech_bt.engines.xtts import XttsEngine

SEED = 1
PROMPTS, REPEATS, CODES = 100, 2, 30
WIDTH, LAYERS = 64, 12
SPECIAL = ["[STOP]", "[UNK]", "[SPACE]", "[START]", "[cs]"]
WORDS = ["voda", "ryba", "moře", "kámen", "hlubina", "světlo", "bublina", "písek", "vrak", "poklad", "tma", "a"]


def tiny_xtts() -> Xtts:
    """Random, and loud enough that text and voice change what it says."""
    torch.manual_seed(SEED)
    letters = sorted(set("".join(WORDS)))
    tokenizer = Tokenizer(BPE({name: index for index, name in enumerate([*SPECIAL, *letters])}, []))
    tokenizer.add_special_tokens(SPECIAL)
    config = XttsConfig(languages=["cs"])
    sizes = {
        "layers": LAYERS, "n_model_channels": WIDTH, "n_heads": 4, "max_audio_tokens": CODES + 3,
        "max_text_tokens": 200,
        "number_text_tokens": len(SPECIAL) + len(letters), "start_text_token": 3, "stop_text_token": 0,
        "num_audio_tokens": 1026, "start_audio_token": 1024, "stop_audio_token": 1025, "use_perceiver_resampler": True,
    }  # fmt: skip
    for name, value in sizes.items():
        setattr(config.model_args, f"gpt_{name}", value)
    config.model_args.decoder_input_dim = WIDTH
    model = Xtts(config)
    model.tokenizer = VoiceBpeTokenizer()
    model.tokenizer.tokenizer = tokenizer
    model.speaker_manager = None
    with torch.no_grad():
        for name, weights in model.gpt.named_parameters():
            if "c_attn" in name or "c_proj" in name or "c_fc" in name:
                weights.mul_(12)
        model.gpt.mel_head.bias[1025] -= 4  # it would stop at once
    # As `HifiDecoder` builds it, its 512 channels divided by 16.
    model.hifigan_decoder.waveform_decoder = HifiganGenerator(
        WIDTH, 1, "1", [[1, 3, 5]] * 3, [3, 7, 11], [16, 16, 4, 4], 32, [8, 8, 2, 2], inference_padding=0,
        cond_channels=512, conv_pre_weight_norm=False, conv_post_weight_norm=False, conv_post_bias=False,
        cond_in_each_up_layer=True,
    )  # fmt: skip
    model.eval()
    return model


def write_pool(folder: Path, count: int) -> list[str]:
    """Prompts of noise in as many colours, by id."""
    rng = np.random.default_rng(SEED)
    rows = []
    for index in range(count):
        sound = np.convolve(rng.normal(size=2 * SAMPLE_RATE), rng.normal(size=8), "same")
        audio = encode_flac((0.2 * sound / np.abs(sound).max()).astype(np.float32), SAMPLE_RATE)
        rows.append({"id": f"p{index:03d}", "split": "seed", "audio": {"bytes": audio, "path": ""}})
    card = CardInfo(name="prompts", licence="CC0-1.0", source="made here", seed=SEED)
    write_product(folder, [pa.Table.from_pylist(rows, UTTERANCE)], schema=UTTERANCE, card=card)
    return [str(row["id"]) for row in rows]


class Bench:
    """Sentences, each with a prompt of its own."""

    def __init__(self, pool: Path, count: int) -> None:
        self.engine = XttsEngine(tiny_xtts(), pool)
        words = random.Random(SEED)
        self.sentences = [" ".join(words.choices(WORDS, k=words.randint(3, 12))) for _ in range(count)]
        self.voices = [
            CoquiVoice(engine="coqui", model="tiny", licence="none", language="cs", prompt=name)
            for name in write_pool(pool, count)
        ]
        for voice in self.voices:
            self.engine._latents(voice.prompt, None)

    def ours(self, seed: int) -> None:
        """All at once."""
        self.engine.synthesize_mixed(self.sentences, self.voices, seed)

    def peer(self, seed: int) -> None:
        """Voice by voice."""
        for sentence, voice in zip(self.sentences, self.voices, strict=True):
            self.engine.synthesize([sentence], voice, seed)

    def check(self) -> None:
        """The likeliest code each time: alone and in a batch the same."""
        voices = [voice.model_copy(update={"top_k": 1}) for voice in self.voices[:8]]
        mixed = self.engine.synthesize_mixed(self.sentences[:8], voices)
        for sentence, voice, sound in zip(self.sentences, voices, mixed, strict=False):
            alone = self.engine.synthesize([sentence], voice)[0]
            if not (isinstance(sound, np.ndarray) and np.allclose(sound, alone, atol=1e-3)):
                raise SystemExit(f"{sentence!r} does not sound as it does alone: no result")


def measure(bench: Bench, repeats: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Utterances per second of both, in turn."""
    speeds: dict[str, list[float]] = {"ours": [], "peer": []}
    for repeat in range(repeats):
        for name, speak in (("ours", bench.ours), ("peer", bench.peer)):
            start = clock()
            speak(repeat)
            speeds[name].append(len(bench.sentences) / (clock() - start))
        print(f"repeat {repeat}: {speeds}", flush=True)
    return speeds


def main() -> None:
    """Measure, print, write the result."""
    smoke, one_thread = "--smoke" in sys.argv, "--one-thread" in sys.argv
    if one_thread:
        torch.set_num_threads(1)
    clock = time.process_time if one_thread else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "pool", 10 if smoke else PROMPTS)
        if compute_dtype() == torch.float32:
            bench.check()
        found = ratio(**measure(bench, 1 if smoke else REPEATS, clock))
    print(f"ours {found['ours']:.1f}, peer {found['peer']:.1f} utterances/s: {found['ratio']:.1f}x")
    if smoke:
        return
    write_result(
        "xtts_batches",
        seed=SEED,
        packages=["coqui-tts", "torch", "transformers"],
        unit="utterances/s",
        clock="seconds of the processor, one thread" if one_thread else "seconds",
        precision=str(compute_dtype()),
        prompts=PROMPTS,
        codes=CODES,
        width=WIDTH,
        layers=LAYERS,
        what="ours: sentences of 100 voices in batches of like length; peer: each voice by itself",
        **found,
    )


if __name__ == "__main__":
    main()
