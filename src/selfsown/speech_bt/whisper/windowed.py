"""Whisper with encoder windows shorter than 30 s, and fast greedy transcription of many short clips.

A stock Whisper pads every clip to 30 s, so a 3 s clip pays for ten. Here the positional embeddings are cut to the
window, which may be any multiple of 20 ms. The weights and the saved checkpoint stay the stock ones: at 30 s the
outputs equal the stock model's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from transformers import WhisperForConditionalGeneration, WhisperProcessor
from transformers.cache_utils import DynamicCache, EncoderDecoderCache
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from selfsown.audio import SAMPLE_RATE
from selfsown.device import compute_device, compute_dtype

FULL_WINDOW = 30.0
MARGIN = 0.5
"""Seconds of silence that a window leaves after its clip: without any, the last word is often lost."""

TOKENS_PER_SECOND = 12
EXTRA_TOKENS = 12
"""A transcript is cut at EXTRA_TOKENS + TOKENS_PER_SECOND x duration: about twice what fast Czech speech needs."""

_DENSER = {
    20: "ar fa he ja kk ko mn ps sd ta tg th tt ur yi yo yue zh",
    30: "hi hy mr ne sa",
    50: "as bn kn ml pa si te",
    75: "am bo gu ka km lo my",
}
"""The same rate for languages of which Whisper's tokenizer, learnt from little of them, needs more tokens a character:
so much more as it needs in translations of programs (Czech 0.5; Thai 0.8, Hindi 1.0, Bengali 1.9, Burmese 2.6)."""
_RATES = {language: rate for rate, languages in _DENSER.items() for language in languages.split()}

LOOP_SPAN = 12
LOOP_DISTINCT = 3
"""A transcript whose last LOOP_SPAN tokens hold at most LOOP_DISTINCT different ones is stopped there."""


class Transcript(NamedTuple):
    """Text of one clip; `cut` says that the loop stop or the length cap ended it."""

    text: str
    cut: bool


class WindowedWhisper(WhisperForConditionalGeneration):
    """The stock model whose forward takes log-mel windows of any even number of frames.

    Save it with `export`, so that the checkpoint names the stock class.
    """

    accepts_loss_kwargs = False
    """Without this the trainer would conclude from `**kwargs` that the loss is divided by the step's tokens."""

    def forward(self, input_features: Tensor | None = None, **kwargs: Any) -> Any:
        """As the stock forward, for `input_features` `[batch, mels, frames]` of any even `frames` up to 3000."""
        if input_features is not None and kwargs.get("encoder_outputs") is None:
            kwargs["encoder_outputs"] = (encode(self.model.encoder, input_features),)
        return super().forward(**kwargs)

    def export(self, folder: Path) -> None:
        """Save as a stock `WhisperForConditionalGeneration`."""
        stock = WhisperForConditionalGeneration(self.config)
        stock.load_state_dict(self.state_dict())
        stock.generation_config = self.generation_config
        stock.save_pretrained(folder)


def load(folder: Path) -> tuple[WindowedWhisper, WhisperProcessor]:
    """A checkpoint ready to transcribe: on the device and in the precision that the settings name."""
    model = WindowedWhisper.from_pretrained(folder, dtype=compute_dtype())
    return model.to(compute_device()).eval(), WhisperProcessor.from_pretrained(folder)


def encode(encoder: WhisperEncoder, log_mel: Tensor) -> Tensor:
    """Encoder states `[batch, frames / 2, width]` of windows `[batch, mels, frames]`.

    Raises:
        ValueError: an odd number of frames, or more than the model has positions for.
    """
    frames = log_mel.shape[-1]
    limit = 2 * encoder.embed_positions.num_embeddings
    if frames % 2 or frames > limit:
        raise ValueError(f"a window of {frames} frames: needs an even number up to {limit}")
    states = nn.functional.gelu(encoder.conv1(log_mel))
    states = nn.functional.gelu(encoder.conv2(states)).transpose(1, 2)
    states = states + encoder.embed_positions.weight[: frames // 2]
    for layer in encoder.layers:
        states = layer(states, None)
    return encoder.layer_norm(states)


def log_mel(processor: WhisperProcessor, clips: Sequence[np.ndarray[Any, Any]], window: float) -> Tensor:
    """Log-mel features `[clips, mels, 100 x window]` of 16 kHz clips, padded with silence to `window` seconds."""
    features = processor.feature_extractor(
        list(clips),
        sampling_rate=SAMPLE_RATE,
        padding="max_length",
        max_length=round(window * SAMPLE_RATE),
        return_tensors="pt",
    )
    return features["input_features"]


def window_for(duration: float, windows: Sequence[float]) -> float:
    """The shortest of `windows` that holds a clip of `duration` seconds with a margin, else the full 30 s.

    >>> window_for(3.0, [4, 8]), window_for(3.6, [4, 8]), window_for(9.0, [4, 8])
    (4, 8, 30.0)
    """
    return min((window for window in windows if window >= duration + MARGIN), default=FULL_WINDOW)


def most_tokens(duration: float, language: str) -> int:
    """Where the transcript of a clip of `duration` seconds is cut.

    >>> most_tokens(2.0, "cs"), most_tokens(2.0, "my")
    (36, 162)
    """
    return EXTRA_TOKENS + int(_RATES.get(language, TOKENS_PER_SECOND) * duration)


@torch.inference_mode()
def transcribe(
    model: WhisperForConditionalGeneration,
    processor: WhisperProcessor,
    clips: Sequence[np.ndarray[Any, Any]],
    *,
    language: str,
    windows: Sequence[float] = (FULL_WINDOW,),
    batch_size: int = 16,
) -> list[Transcript]:
    """Greedy transcripts of 16 kHz float32 clips, in their order.

    Clips are batched by window and length, so each batch stops early; a batch's composition depends on nothing but
    the clips. Clips longer than 30 s are cut off there.

    Args:
        windows: encoder windows in seconds; a clip gets the shortest that holds it, 30 s if none does.
    """
    durations = [len(clip) / SAMPLE_RATE for clip in clips]
    chosen = [window_for(duration, windows) for duration in durations]
    order = sorted(range(len(clips)), key=lambda i: (chosen[i], durations[i], i))
    prompt = decoder_prompt(processor, model, language)
    transcripts: dict[int, Transcript] = {}
    while order:
        batch = [i for i in order[:batch_size] if chosen[i] == chosen[order[0]]]
        order = order[len(batch) :]
        features = log_mel(processor, [clips[i] for i in batch], chosen[batch[0]]).to(model.device, model.dtype)
        states = encode(model.model.encoder, features)
        caps = [most_tokens(durations[i], language) for i in batch]
        for i, (tokens, cut) in zip(batch, decode(model, states, prompt, caps), strict=True):
            transcripts[i] = Transcript(processor.tokenizer.decode(tokens, skip_special_tokens=True).strip(), cut)
    return [transcripts[i] for i in range(len(clips))]


def decoder_prompt(processor: WhisperProcessor, model: WhisperForConditionalGeneration, language: str) -> list[int]:
    """Token ids that ask for a transcript without timestamps; English-only models know no language tokens."""
    names = ["<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>"]
    if not getattr(model.generation_config, "is_multilingual", True):
        names = [names[0], names[-1]]
    return [int(i) for i in processor.tokenizer.convert_tokens_to_ids(names)]


def decode(
    model: WhisperForConditionalGeneration, states: Tensor, prompt: Sequence[int], caps: Sequence[int]
) -> list[tuple[list[int], bool]]:
    """Greedy tokens after `prompt` for encoder `states` `[batch, positions, width]`, each with whether it was cut.

    A row ends at the end token, at its cap, or when it loops; finished rows leave the batch. Suppressed tokens are
    those of the model's generation config.
    """
    config = model.generation_config
    limit = model.config.max_target_positions - len(prompt)
    suppress = torch.tensor(config.suppress_tokens or [], dtype=torch.long, device=states.device)
    suppress_first = torch.tensor(config.begin_suppress_tokens or [], dtype=torch.long, device=states.device)
    end = model.config.eos_token_id
    results: list[tuple[list[int], bool]] = [([], False) for _ in caps]
    rows = list(range(len(caps)))
    cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
    ids = torch.tensor([prompt] * len(rows), device=states.device)
    for step in range(limit):
        hidden = model.model.decoder(
            input_ids=ids, encoder_hidden_states=states, past_key_values=cache, use_cache=True
        ).last_hidden_state[:, -1]
        logits = model.proj_out(hidden)
        logits[:, suppress] = -torch.inf
        if step == 0:
            logits[:, suppress_first] = -torch.inf
        best = logits.argmax(-1).tolist()
        going = []
        for position, (row, token) in enumerate(zip(rows, best, strict=True)):
            tokens, _ = results[row]
            if token == end:
                continue
            tokens.append(token)
            if len(tokens) >= min(caps[row], limit) or loops(tokens):
                results[row] = (tokens, True)
            else:
                going.append(position)
        if not going:
            break
        if len(going) < len(rows):
            keep = torch.tensor(going, device=states.device)
            cache.batch_select_indices(keep)
            states = states[keep]
            rows = [rows[position] for position in going]
        ids = torch.tensor([[best[position]] for position in going], device=states.device)
    return results


def loops(tokens: Sequence[int]) -> bool:
    """Whether the last `LOOP_SPAN` tokens hold at most `LOOP_DISTINCT` different ones."""
    return len(tokens) >= LOOP_SPAN and len(set(tokens[-LOOP_SPAN:])) <= LOOP_DISTINCT
