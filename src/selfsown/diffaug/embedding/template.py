"""A sentence as token ids, and the template around it: `This sentence of "X" means [MASK].` (paper, prompt 00)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor
from transformers import AutoTokenizer

from selfsown.diffaug.embedding.description import MASK, SENTENCE, EmbeddingParams
from selfsown.errors import UserError

Tokens = Sequence[int]


@dataclass(frozen=True)
class Template:
    """The token ids before and after a sentence, [CLS] and [SEP] among them.

    Attributes:
        mask: where [MASK] stands among `before + after`, None where there is none.
        pad: the id that fills rows up.
        worded: whether there is more than [CLS] and [SEP].
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    mask: int | None
    pad: int
    worded: bool

    @classmethod
    def of(cls, tokenizer: Any, params: EmbeddingParams) -> Self:
        """The template of the parameters in a tokenizer's ids.

        Raises:
            UserError: the tokenizer lacks [CLS], [SEP], [PAD], or a [MASK] that is asked for.
        """
        wanted = ["cls_token", "sep_token", "pad_token", *(["mask_token"] if MASK in (params.template or "") else [])]
        if missing := [name for name in wanted if getattr(tokenizer, name) is None]:
            raise UserError(f"{tokenizer.name_or_path}: the tokenizer has no {', '.join(missing)}")
        left, _, right = (params.template or SENTENCE).replace(MASK, tokenizer.mask_token or MASK).partition(SENTENCE)
        before = (tokenizer.cls_token_id, *tokenizer(left, add_special_tokens=False)["input_ids"])
        after = (*tokenizer(right, add_special_tokens=False)["input_ids"], tokenizer.sep_token_id)
        around = before + after
        mask = around.index(tokenizer.mask_token_id) if params.pooling == "mask" else None
        return cls(before, after, mask, tokenizer.pad_token_id, params.template is not None)

    @property
    def size(self) -> int:
        """Tokens of the template alone."""
        return len(self.before) + len(self.after)

    def lay(self, sentences: Sequence[Tokens]) -> dict[str, Tensor]:
        """`input_ids` `[rows, tokens]`, filled up on the right, and `lengths` `[rows]`, of the sentences alone."""
        lengths = [len(sentence) for sentence in sentences]
        width = max(lengths) + self.size
        rows = [[*self.before, *sentence, *self.after] for sentence in sentences]
        filled = [row + [self.pad] * (width - len(row)) for row in rows]
        return {"input_ids": torch.tensor(filled), "lengths": torch.tensor(lengths)}

    def mask_places(self, lengths: Tensor) -> Tensor:
        """Where [MASK] stands in each row: `[rows]`."""
        if self.mask is None:
            raise ValueError("the template has no [MASK] to pool")
        return torch.full_like(lengths, self.mask) if self.mask < len(self.before) else self.mask + lengths

    def own_tokens(self, lengths: Tensor, width: int) -> Tensor:
        """True at what a mean is taken of: `[rows, width]`; without words around it also [CLS] and [SEP]."""
        places = torch.arange(width, device=lengths.device)
        if not self.worded:
            return places < (self.size + lengths)[:, None]
        return (places >= len(self.before)) & (places < (len(self.before) + lengths)[:, None])


def read_tokenizer(folder: Path) -> Any:
    """The fast tokenizer of a folder.

    Raises:
        UserError: there is none.
    """
    if not (folder / "tokenizer.json").is_file():
        raise UserError(f"{folder}: no tokenizer.json there")
    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def tokenise(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """The ids of sentences alone, not cut; `[MASK]` or `</s>` in a text is text like any other."""
    if not texts:
        return []
    made = tokenizer(list(texts), add_special_tokens=False, truncation=False, split_special_tokens=True, verbose=False)
    ids: list[list[int]] = made["input_ids"]
    return ids
