"""Whisper trains on real seed speech, on accepted synthetic speech, or on both (step 4 of the paper).

Input: the pre-trained checkpoint, the real and the synthetic speech, and which synthetic utterances the gate accepted.
Output: a stock `WhisperForConditionalGeneration` folder and `training.json`, the dev error rate by step
(WER, or CER where no spaces part words). Every arm takes the
same number of optimizer steps. The best checkpoint by that rate is kept; the test split is never read.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import (
    PreTrainedTokenizerBase,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    WhisperProcessor,
    set_seed,
)
from transformers.modeling_outputs import Seq2SeqLMOutput

from selfsown.audio import AugmentParams, decode
from selfsown.device import compute_dtype
from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.products import read_product
from selfsown.speech_bt.train.packing import MAX_LABELS, PackParams, Spoken, in_batches, plan_windows
from selfsown.speech_bt.train.windows import Collator, SpecAugmentParams, Windows, spoken_text
from selfsown.speech_bt.whisper import windowed as whisper
from selfsown.speech_bt.whisper.decoding import Clip, chosen_clips
from selfsown.speech_bt.whisper.scoring import score
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.scoring import Normalizer, error_rate, normalizer
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

log = logging.getLogger(__name__)

ARMS = {
    "real": ("real",),
    "synthetic": ("synthetic",),
    "mixed": ("real", "synthetic"),
    "other_text": ("real", "synthetic"),
}
"""The groups of each arm.

In `other_text` no synthetic speech says a text of the real speech's corpus: so its words are told from what voices do.
"""


class TrainParams(StageParams):
    """`real_share`: of the mixed arm's windows; `trained_encoder_layers`: how many train too, from the top.

    `dev_limit` dev clips, the same for each `seed`, are decoded as in testing, each in the shortest of the windows'
    lengths that holds it.

    `arguments` are `Seq2SeqTrainingArguments`, given to them as they are.
    """

    seed: int = Field(ge=0)
    data_seed: int = Field(ge=0)
    languages: tuple[str, ...]
    pack: PackParams
    spec_augment: SpecAugmentParams
    augment_real: AugmentParams
    augment_synthetic: AugmentParams
    real_share: float = Field(gt=0, lt=1)
    trained_encoder_layers: int = Field(ge=0)
    dev_limit: int = Field(ge=1)
    dev_batch_size: int = Field(ge=1)
    normalizer: Normalizer
    arguments: dict[str, Any]


@stage(tracked=True, distributed=True)
def train(
    params: TrainParams,
    *,
    arm: str,
    untouched: In,
    speech: In,
    synthetic: In,
    accepted: In,
    model: Out,
    identity: Identity,
) -> Metrics:
    """Train one arm; a killed run goes on from its last checkpoint with the same windows."""
    work = work_folder(model, identity)
    set_seed(params.seed)
    network = whisper.WindowedWhisper.from_pretrained(untouched, dtype=torch.float32)
    processor = WhisperProcessor.from_pretrained(untouched)
    freeze(network, params.trained_encoder_layers)
    arguments = training_arguments(params, work)
    groups, shares = groups_of(arm, params, processor.tokenizer, speech, synthetic, accepted)
    augments = {"real": [params.augment_real], "synthetic": [params.augment_synthetic]}
    rng = np.random.default_rng(params.seed)
    batch, batches = planned_batches(params.arguments)
    pack = (params.pack if arm == "synthetic" else params.pack.holding(groups[0])).filled_by(groups)
    spare = batch * len(pack.lengths)  # what fills no batch of its length is left out
    windows = in_batches(plan_windows(groups, shares, batches * batch + spare, pack, rng), batch)
    trainer = Trainer(
        dev=chosen_clips(speech, ["dev"], params.languages, params.dev_limit, params.data_seed),
        params=params,
        model=network,
        args=arguments,
        processing_class=processor,
        data_collator=Collator(network.config.decoder_start_token_id, network.config.eos_token_id),
        train_dataset=Windows(
            groups,
            augments.get(arm, [params.augment_real, params.augment_synthetic]),
            windows[: batches * batch],
            pack=pack,
            masks=params.spec_augment,
            processor=processor,
            seed=params.seed,
        ),
        compute_loss_func=token_loss,
        callbacks=[LogToMlflow()],
    )
    train_to_end(trainer, work)

    def save(made: Path) -> None:
        network.config.trained_windows = list(pack.seconds)  # whoever decodes long audio cuts it to fit them
        network.export(made)
        processor.save_pretrained(made)

    return finish(work, save, dev_history(trainer, error_rate(params.languages)), best=min)


def training_arguments(params: TrainParams, work: Path) -> Seq2SeqTrainingArguments:
    """The parameter block as the library's own arguments, with what the settings decide.

    Raises:
        UserError: a key or value the library does not take.
    """
    return library_arguments(
        Seq2SeqTrainingArguments,
        params.arguments,
        work=work,
        section="speech_bt.train",
        seed=params.seed,
        metric_for_best_model=error_rate(params.languages),
        greater_is_better=False,
        label_names=["labels"],
    )


def freeze(network: whisper.WindowedWhisper, layers: int) -> None:
    """Leave the decoder's and the top `layers` of the encoder's layers trainable (all of them: the convolutions too).

    The token embeddings stay as they are: a third of the weights, of which a small corpus sees few rows.
    """
    network.model.decoder.embed_tokens.requires_grad_(False)
    encoder = network.model.encoder
    encoder.requires_grad_(layers >= len(encoder.layers))
    encoder.embed_positions.requires_grad_(False)
    encoder.layers[max(0, len(encoder.layers) - layers) :].requires_grad_(True)
    encoder.layer_norm.requires_grad_(layers > 0)


def groups_of(
    arm: str, params: TrainParams, tokenizer: PreTrainedTokenizerBase, speech: Path, synthetic: Path, accepted: Path
) -> tuple[list[list[Spoken]], list[float]]:
    """The arm's groups of clips and their shares of the windows.

    A clip whose text has more tokens than Whisper's decoder takes is left out, and a warning names it.

    Raises:
        UserError: an arm that does not exist, or a group without a clip.
    """
    if arm not in ARMS:
        raise UserError(f"params.yaml: speech_bt.matrix.arms: {arm!r} is not allowed: {', '.join(ARMS)}")
    columns = ["id", "audio", "text", "language", "duration", "source", "split"]
    groups = []
    for name in ARMS[arm]:
        table = read_product(speech if name == "real" else synthetic, columns)
        if name == "real":
            table = table.filter(pc.field("split") == "seed")
        else:
            table = table.filter(pc.field("id").isin(read_product(accepted, ["id"])["id"].to_pylist()))
        if (arm, name) == ("other_text", "synthetic"):
            in_domain = read_product(speech, ["source", "split"]).filter(pc.field("split") != "ood")
            table = table.filter(~pc.field("source").isin(in_domain["source"].unique().to_pylist()))
        table = table.filter(pc.field("language").isin(list(params.languages)))
        rows = table.sort_by("id").to_pylist()
        if not rows:
            rest = " that says no text of the real speech's corpus" if arm == "other_text" else ""
            raise UserError(f"{arm}: no {name} speech in {', '.join(params.languages)} to train on{rest}")
        labels = tokenizer([spoken_text(row["text"]) for row in rows], add_special_tokens=False).input_ids
        clips = {
            row["id"]: Spoken(row["audio"]["bytes"], row["text"], row["language"], row["duration"], len(ids))
            for row, ids in zip(rows, labels, strict=True)
        }
        longer = [clip_id for clip_id, clip in clips.items() if clip.tokens > MAX_LABELS]
        reason = f"a text of more than the {MAX_LABELS} tokens that Whisper's decoder takes"
        if len(longer) == len(clips):
            raise UserError(f"{arm}: every clip of {name} speech has {reason}: cut the recordings into shorter ones")
        if longer:
            log.warning(
                "%s: %d clips of %s speech are left out, as each has %s: %s",
                arm,
                len(longer),
                name,
                reason,
                ", ".join(longer[:5]) + (" ..." if len(longer) > 5 else ""),
            )
        groups.append([clip for clip in clips.values() if clip.tokens <= MAX_LABELS])
    return groups, [1.0] if len(groups) == 1 else [params.real_share, 1 - params.real_share]


def token_loss(outputs: Seq2SeqLMOutput, labels: Tensor, num_items_in_batch: Tensor) -> Tensor:
    """Cross-entropy summed over a batch's label tokens, by how many the whole step has.

    So a step is the same in one batch or in several, in one process or in many.
    """
    return cross_entropy(outputs.logits.flatten(0, 1).float(), labels.flatten(), reduction="sum") / num_items_in_batch


class Trainer(OwnOrder, Seq2SeqTrainer):
    """The library's trainer, reading windows in the planned order and measuring errors as testing does."""

    def __init__(self, *, dev: Sequence[Clip], params: TrainParams, **kwargs: Any) -> None:
        super().__init__(**kwargs, eval_dataset=[])
        self.dev = [(clip, decode(clip.audio)[0]) for clip in dev]
        self.params = params
        self.normalize = normalizer(params.normalizer)

    def evaluate(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> dict[str, float]:
        """Corpus error rate on the dev clips in windows of the training's lengths, by its name."""
        # A copy in the decoding precision: under autocast every decoding step would cast all weights again.
        network = copy.deepcopy(self.model).to(compute_dtype()).eval()
        errors = words = 0
        for language in self.params.languages:
            pairs = [(clip, sound) for clip, sound in self.dev if clip.language == language]
            heard = whisper.transcribe(
                network,
                self.processing_class,
                [sound for _, sound in pairs],
                language=language,
                windows=self.params.pack.seconds,
                batch_size=self.params.dev_batch_size,
            )
            for (clip, _), transcript in zip(pairs, heard, strict=True):
                row = score(clip.text, transcript.text, self.normalize, language)
                errors, words = errors + row["errors"], words + row["words"]
        return self.measured(f"{metric_key_prefix}_{error_rate(self.params.languages)}", errors / words)
