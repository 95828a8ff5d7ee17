"""XTTS learns from seed speech, also a language that it does not know (paper, fine-tuning of the TTS model).

Input: the model's folder, the codes of seed and dev speech, and that speech, from which prompts are taken. Only the
language model over text and audio tokens trains; the audio tokenizer and the vocoder stay as they are. A language that
the model lacks first gets tokens of its own. The loss is that of text and codes, each clip conditioned on other clips
of its speaker. Output: a folder that the `coqui` engine loads, of the step with the least loss on dev codes, and
`training.json`, that loss by step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import torch
from pydantic import Field
from torch import Tensor
from transformers import Trainer, TrainingArguments, set_seed
from TTS.tts.layers.xtts.gpt import GPT
from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
from TTS.tts.models.xtts import Xtts

from selfsown.device import compute_dtype
from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.products import read_product
from selfsown.shards.seeds import purpose_seed
from selfsown.speech_bt.adapt_tts.batches import Clips, Collator, Prompts, Spoken, plan
from selfsown.speech_bt.adapt_tts.vocabulary import TEXT_ROWS, grow
from selfsown.speech_bt.sampling import drawn
from selfsown.speech_bt.xtts.folder import (
    SPEAKERS,
    VOCABULARY,
    build_xtts,
    read_config,
    read_weights,
    save_xtts,
)
from selfsown.speech_bt.xtts.spelling import check_rules, clean, encode, language_code
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.training import (
    LogToMlflow,
    dev_history,
    finish,
    library_arguments,
    planned_batches,
    train_to_end,
    work_folder,
)
from selfsown.training.orders import OwnOrder

SECTION = "speech_bt.adapt_tts"

_STOPS = 4
"""Stop codes that the model is to say after a clip's own, and take the loss of."""


class AdaptTtsParams(StageParams):
    """Section `speech_bt.adapt_tts`.

    Attributes:
        new_tokens: at most, for each language that the model lacks. Public reports: 2,000 serve well, 5,000 worse.
        text_weight: of the loss on text tokens; coqui's trainer has 0.01.
        audio_weight: of the loss on codes.
        prompt_seconds: of other clips of the speaker.
        dev_limit: dev utterances of a language at most, the same for each `seed`.
        arguments: `TrainingArguments`, as they are.
    """

    seed: int = Field(ge=0)
    data_seed: int = Field(ge=0)
    languages: tuple[str, ...]
    new_tokens: int = Field(ge=0, le=5000)
    text_weight: float = Field(ge=0)
    audio_weight: float = Field(gt=0)
    prompt_seconds: float = Field(gt=0.4, le=30)
    dev_limit: int = Field(ge=1)
    arguments: dict[str, Any]


@stage(tracked=True, distributed=True)
def adapt_tts(params: AdaptTtsParams, *, tts: In, codes: In, speech: In, model: Out, identity: Identity) -> Metrics:
    """Train one model; a killed run goes on from its last whole checkpoint.

    Raises:
        UserError: no seed or dev speech that the model can take, arguments that the library does not take, or a
            language whose rules are not installed.
    """
    check_rules(params.languages)
    work = work_folder(model, identity)
    set_seed(params.seed)
    rows = read_product(codes).to_pylist()
    network, new = grown_xtts(tts, rows, params)
    learnt, dev = (fitting(network, rows, split) for split in ("seed", "dev"))
    audio = read_audio(speech, {clip.id for clip in (*learnt, *dev)})
    batch, batches = planned_batches(params.arguments)
    arguments = library_arguments(
        TrainingArguments,
        params.arguments,
        work=work,
        section=SECTION,
        seed=params.seed,
        metric_for_best_model="loss",
        greater_is_better=False,
    )

    def prompted(clips: Sequence[Spoken], purpose: str) -> Prompts:
        seed = purpose_seed(params.seed, purpose)
        return Prompts(clips, audio, network.mel_stats, params.prompt_seconds, seed)

    shown = some(dev, speech, params)
    trainer = DevTrainer(
        dev=Clips(shown, range(len(shown)), prompted(dev, "adapt_tts dev")),
        model=Adapted(network.gpt, params.text_weight, params.audio_weight),
        args=arguments,
        data_collator=Collator(network.gpt.stop_text_token, network.gpt.code_stride_len),
        train_dataset=Clips(
            learnt, plan(len(learnt), batch * batches, params.seed), prompted(learnt, "adapt_tts prompts")
        ),
        callbacks=[LogToMlflow()],
    )
    train_to_end(trainer, work)
    figures = finish(
        work, lambda made: save_xtts(made, network, tts / SPEAKERS), dev_history(trainer, "loss"), best=min
    )
    return {**figures, "clips": len(learnt), "left_out": len(rows) - len(learnt) - len(dev), "new_tokens": new}


def grown_xtts(tts: Path, rows: Sequence[Mapping[str, Any]], params: AdaptTtsParams) -> tuple[Xtts, int]:
    """The model with tokens for each language that it lacks, and how many these are.

    Raises:
        UserError: a first version of XTTS, which hears prompts in another way.
    """
    config = read_config(tts)
    if not config.model_args.gpt_use_perceiver_resampler:
        raise UserError(f"{tts}: an XTTS of the first version: adapt_tts needs the second, XTTS-v2")
    reader = VoiceBpeTokenizer(tts / VOCABULARY)
    wanted = [language for language in params.languages if language_code(language) not in config.languages]
    texts = {
        language_code(language): [
            clean(reader, row["text"], language)
            for row in rows
            if row["language"] == language and row["split"] == "seed"
        ]
        for language in wanted
    }
    grown = grow(reader.tokenizer, texts, params.new_tokens)
    weights = read_weights(tts)
    weights |= {name: grown.widen(weights[name]) for name in TEXT_ROWS}
    config.languages = [*config.languages, *texts]
    reader.tokenizer = grown.tokenizer
    return build_xtts(config, reader, weights), len(grown.parts)


def fitting(network: Xtts, rows: Sequence[Mapping[str, Any]], split: str) -> list[Spoken]:
    """The utterances of a split that are not too long for the model, by id.

    Raises:
        UserError: there are none.
    """
    clips = [
        Spoken(
            row["id"],
            (row["language"], row["speaker"]),
            tuple(encode(network.tokenizer, row["text"], row["language"])),
            tuple(row["codes"]),
        )
        for row in sorted(rows, key=lambda row: row["id"])
        if row["split"] == split
    ]
    # Before a text stands its start, before codes theirs; after both stops.
    most_tokens, most_codes = network.gpt.max_text_tokens - 2, network.gpt.max_mel_tokens - 1 - _STOPS
    kept = [clip for clip in clips if len(clip.tokens) <= most_tokens and 0 < len(clip.codes) <= most_codes]
    if not kept:
        raise UserError(
            f"no {split} utterance that XTTS can take: of {len(clips)} there all have more than {most_tokens} tokens "
            f"or {most_codes} codes" if clips else f"no {split} utterance with codes: see what `codes` left out"
        )  # fmt: skip
    return kept


def some(clips: Sequence[Spoken], speech: Path, params: AdaptTtsParams) -> list[Spoken]:
    """Of each language `dev_limit` clips, drawn from all groups of the corpus."""
    table = read_product(speech, ["id", "group"])
    groups = dict(zip(table["id"].to_pylist(), table["group"].to_pylist(), strict=True))
    kept: set[str] = set()
    for language in params.languages:
        own = {clip.id: groups[clip.id] for clip in clips if clip.speaker[0] == language}
        kept |= set(drawn(own, params.dev_limit, params.data_seed))
    return [clip for clip in clips if clip.id in kept]


def read_audio(speech: Path, wanted: set[str]) -> dict[str, bytes]:
    """Encoded clips by id."""
    table = read_product(speech, ["id", "audio"]).filter(pc.field("id").isin(sorted(wanted)))
    return {row["id"]: row["audio"]["bytes"] for row in table.to_pylist()}


class Adapted(torch.nn.Module):
    """The language model of an XTTS with its loss."""

    def __init__(self, gpt: GPT, text_weight: float, audio_weight: float) -> None:
        super().__init__()
        self.gpt, self.text_weight, self.audio_weight = gpt, text_weight, audio_weight

    def forward(
        self, text: Tensor, text_lengths: Tensor, codes: Tensor, wav_lengths: Tensor, prompts: Tensor
    ) -> dict[str, Tensor]:
        """`loss`, and `audio_loss`: mean negative log-likelihood of a batch's codes, their stops included."""
        on_text, on_audio, _ = self.gpt(text, text_lengths, codes, wav_lengths, cond_mels=prompts)
        return {"loss": self.text_weight * on_text + self.audio_weight * on_audio, "audio_loss": on_audio}


class DevTrainer(OwnOrder, Trainer):
    """The library's trainer, reading clips in the planned order and measuring the loss on dev codes."""

    def __init__(self, *, dev: Clips, **kwargs: Any) -> None:
        super().__init__(**kwargs, eval_dataset=[])
        self.dev = dev

    @torch.no_grad()
    def evaluate(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> dict[str, float]:
        """Mean over all dev codes, the prompts the same each time."""
        device, half = self.args.device, compute_dtype() == torch.bfloat16
        size = self.args.per_device_eval_batch_size
        total = count = 0.0
        self.model.eval()
        for start in range(0, len(self.dev), size):
            items = [self.dev[place] for place in range(start, min(start + size, len(self.dev)))]
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                batch = {name: each.to(device) for name, each in self.data_collator(items).items()}
                loss = self.model(**batch)["audio_loss"]
            said = sum(len(item["codes"]) + _STOPS for item in items)
            total, count = total + float(loss) * said, count + said
        self.model.train()
        return self.measured(f"{metric_key_prefix}_loss", total / count)
