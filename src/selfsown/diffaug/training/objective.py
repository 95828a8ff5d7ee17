"""The losses of both stages (paper, sections 3.1 and 3.2), over all processes together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize
from torch.utils.checkpoint import checkpoint

from selfsown.device import compute_device
from selfsown.diffaug.embedding.encoder import SentenceEncoder
from selfsown.diffaug.training.dropout import QuickDropout
from selfsown.diffaug.training.gather import gathered
from selfsown.errors import UserError, first_line

HEADS = "heads.safetensors"


class Heads(nn.Module):
    """What stands on the encoder in training alone.

    Attributes:
        mlp: `tanh(Linear)` of a vector; the identity where it is not asked for.
        classifier: of `[u; v; |u - v|]`: 1 where v follows from u, 0 where it contradicts it. Its weights begin at
            zero: random ones are noise that a short stage 1 would first have to unlearn.
    """

    def __init__(self, width: int, *, mlp: bool) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.Tanh()) if mlp else nn.Identity()
        self.classifier: nn.Linear | None = nn.Linear(3 * width, 2)
        nn.init.zeros_(self.classifier.weight)

    def judge(self, premises: Tensor, claims: Tensor) -> Tensor:
        """Logits `[pairs, 2]` of vectors `[pairs, width]`."""
        if self.classifier is None:
            raise ValueError("these heads judge nothing")
        made: Tensor = self.classifier(torch.cat([premises, claims, (premises - claims).abs()], dim=1))
        return made

    def save(self, folder: Path) -> None:
        """Their weights."""
        save_file(self.state_dict(), folder / HEADS)

    def load(self, folder: Path) -> None:
        """Those of a folder.

        Raises:
            UserError: none are there, or of another shape.
        """
        try:
            self.load_state_dict(load_file(folder / HEADS))
        except (OSError, RuntimeError) as error:
            raise UserError(f"{folder / HEADS}: not these heads: {first_line(error)}") from None


def info_nce(anchors: Tensor, positives: Tensor, negatives: Tensor | None = None, *, temperature: float) -> Tensor:
    """Mean of -log(exp(cos(z, z+) / t) / sum over the batch of exp(cos(z, z+) / t) + exp(cos(z, z-) / t)).

    Args:
        anchors: `[rows, width]`, as are the others.
        negatives: hard ones; None for unlabelled sentences.
    """
    others = positives if negatives is None else torch.cat([positives, negatives])
    cosines = normalize(anchors, dim=1) @ normalize(others, dim=1).T
    return cross_entropy(cosines / temperature, torch.arange(len(anchors), device=anchors.device))


def nli_loss(heads: Heads, premises: Tensor, entailments: Tensor, contradictions: Tensor) -> Tensor:
    """Mean cross-entropy over both pairs of each triplet."""
    logits = torch.cat([heads.judge(premises, entailments), heads.judge(premises, contradictions)])
    follows = torch.arange(len(logits), device=logits.device) < len(entailments)
    return cross_entropy(logits, follows.long())


class Objective(nn.Module):
    """Encoder and heads as a trainer takes them: a batch in, its loss out.

    Attributes:
        denoise: whether this stage subtracts the template's noise.
        recompute: passes keep nothing but their vectors and their words' embeddings, and are done again in the
            backward pass, one after another, with the same dropout. So memory follows `pass_rows`, but for those
            embeddings, and not the batch; loss and gradients stay what they are (as with GradCache, Gao et al. 2021).
    """

    def __init__(
        self,
        encoder: SentenceEncoder,
        heads: Heads,
        *,
        temperature: float = 1.0,
        nli_weight: float = 1.0,
        denoise: bool = False,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.encoder, self.heads = encoder, heads
        self.temperature, self.nli_weight = temperature, nli_weight
        self.denoise, self.recompute = denoise, recompute
        if compute_device().type == "cpu":
            # with dropout torch has no fused attention there, and what it falls back to takes longer than this
            encoder.lm.set_attn_implementation("eager")

    def forward(
        self, passes: Sequence[Mapping[str, Tensor]], contrasted: Tensor | None = None, nli: Tensor | None = None
    ) -> dict[str, Tensor]:
        """`loss`, a number in fp32.

        Args:
            passes: `input_ids`, `lengths` and `roles` of some rows each.
            contrasted: which rows are anchors, positives and hard negatives: `[batch, 2 or 3]`.
            nli: which are premises, entailments and contradictions: `[triplets, 3]`.
        """
        words = self.encoder.look_up([each["input_ids"] for each in passes])
        vectors = torch.cat([self._vectors(*each) for each in zip(passes, words, strict=True)])
        with torch.autocast(vectors.device.type, enabled=False):
            vectors = self.heads.mlp(vectors.to(next(self.parameters()).dtype))
            loss = vectors.new_zeros(())
            if contrasted is not None:
                loss = loss + info_nce(*gathered(vectors[contrasted]).unbind(1), temperature=self.temperature)
            if nli is not None:
                loss = loss + self.nli_weight * nli_loss(self.heads, *gathered(vectors[nli]).unbind(1))
        return {"loss": loss}

    def _vectors(self, rows: Mapping[str, Tensor], words: Tensor) -> Tensor:
        given = rows["input_ids"], rows["lengths"], rows["roles"], words
        if not (self.recompute and torch.is_grad_enabled()):
            return self._encoded(*given)
        again: Tensor = checkpoint(self._encoded, *given, use_reentrant=False)
        return again

    def _encoded(self, *given: Tensor) -> Tensor:
        with QuickDropout() if given[0].device.type == "cpu" else nullcontext():
            made: Tensor = self.encoder(*given, denoise=self.denoise)
        return made
