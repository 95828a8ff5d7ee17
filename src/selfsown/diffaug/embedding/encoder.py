"""A sentence encoder: a BERT or RoBERTa, the template around a sentence, a prefix before it, pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from selfsown.diffaug.embedding.description import EmbeddingParams
from selfsown.diffaug.embedding.prefix import PrefixEncoder
from selfsown.diffaug.embedding.template import Template, Tokens
from selfsown.errors import UserError

_FIRST_POSITION = {"bert": lambda config: 0, "roberta": lambda config: config.pad_token_id + 1}
_FIRST_POSITION["xlm-roberta"] = _FIRST_POSITION["camembert"] = _FIRST_POSITION["roberta"]
"""By the encoder's type: the position of a row's first token."""


class SentenceEncoder(nn.Module):
    """Vectors of sentences.

    Attributes:
        lm: the encoder under it, as `AutoModel` loads it, without a pooler.
        prefix: None for an encoder that has none.
    """

    def __init__(
        self, lm: Any, template: Template, params: EmbeddingParams, prefix: PrefixEncoder | None = None
    ) -> None:
        super().__init__()
        self.lm, self.prefix = lm, prefix
        self.template, self.params = template, params
        if lm.config.model_type not in _FIRST_POSITION:
            known = ", ".join(_FIRST_POSITION)
            raise UserError(f"an encoder of type {lm.config.model_type!r} is not known here; known: {known}")
        self.first_position = _FIRST_POSITION[lm.config.model_type](lm.config)
        room = lm.config.max_position_embeddings - self.first_position
        if params.max_tokens + params.denoise_late + template.size > room:
            raise UserError(
                f"max_tokens {params.max_tokens}: with the template's {template.size} tokens more than the {room} that "
                "the encoder has positions for"
            )

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return int(self.lm.config.hidden_size)

    def forward(
        self,
        input_ids: Tensor,
        lengths: Tensor,
        roles: Tensor | None = None,
        words: Tensor | None = None,
        *,
        denoise: bool,
    ) -> Tensor:
        """Vectors `[rows, width]` of rows as `Template.lay` makes them.

        Args:
            input_ids: `[rows, tokens]`.
            lengths: tokens of each sentence alone, `[rows]`.
            roles: which half of the prefix each row sees, `[rows]`; None for all of it.
            words: embeddings of `input_ids` as `look_up` gives them; None to look them up here.
            denoise: subtract what [MASK] says in the template without a sentence.
        """
        tokens = input_ids.shape[1]
        places = torch.arange(tokens, device=input_ids.device)
        seen = places < (self.template.size + lengths)[:, None]
        states = self._states(input_ids if words is None else words, seen, places[None], roles)
        if self.params.pooling == "mean":
            own = self.template.own_tokens(lengths, tokens)[:, :, None]
            return (states * own).sum(dim=1) / own.sum(dim=1).clamp(min=1)
        pooled = states[torch.arange(len(states), device=states.device), self.template.mask_places(lengths)]
        return pooled - self._noise(lengths, roles) if denoise else pooled

    def look_up(self, passes: Sequence[Tensor]) -> list[Tensor]:
        """Embeddings `[rows, tokens, width]` of the tokens of each pass, from the table at once.

        A look-up's gradient is as large as the table, and there are many more words than tokens in a step.
        """
        words = self.lm.get_input_embeddings()(torch.cat([ids.flatten() for ids in passes]))
        parts = words.split([ids.numel() for ids in passes])
        return [part.view(*ids.shape, -1) for part, ids in zip(parts, passes, strict=True)]

    def _states(self, tokens: Tensor, seen: Tensor, places: Tensor, roles: Tensor | None) -> Tensor:
        """The last layer's states `[rows, tokens, width]`.

        Args:
            tokens: their ids, or their embeddings.
            places: positions in a row, counted from 0.
        """
        cache = None
        if self.prefix is not None:
            cache = self.prefix(len(tokens), roles)
            seen = torch.cat([seen.new_ones(len(tokens), cache.get_seq_length()), seen], dim=1)
        made: Tensor = self.lm(
            **{"input_ids" if tokens.ndim == 2 else "inputs_embeds": tokens},
            attention_mask=seen.long(),
            token_type_ids=torch.zeros(tokens.shape[:2], dtype=torch.long, device=tokens.device),
            position_ids=places + self.first_position,  # the library's own would begin behind the prefix
            past_key_values=cache,
        ).last_hidden_state
        return made

    def _noise(self, lengths: Tensor, roles: Tensor | None) -> Tensor:
        """The state at [MASK] without a sentence, the template's tokens where they stand around one of that length.

        `[rows, width]`; rows of one length and role share it.
        """
        asked = lengths[:, None] if roles is None else torch.stack([lengths, roles], dim=1)
        kinds, kind_of_row = torch.unique(asked, dim=0, return_inverse=True)
        around = torch.tensor([*self.template.before, *self.template.after], device=lengths.device)
        places = torch.arange(len(around), device=lengths.device)
        gap = (kinds[:, :1] + self.params.denoise_late) * (places >= len(self.template.before))
        ids = around.expand(len(kinds), -1)
        half = None if roles is None else kinds[:, 1]
        states = self._states(ids, torch.ones_like(ids, dtype=torch.bool), places + gap, half)
        return states[:, self.template.mask][kind_of_row]

    @torch.no_grad()
    def embed(
        self, sentences: Sequence[Tokens], batch_size: int, *, half: bool = False, progress: bool = False
    ) -> Tensor:
        """Vectors as they are used, `[sentences, width]` in fp32 on the processor: all of the prefix is visible.

        Args:
            sentences: token ids, which are cut here.
            half: multiply in bf16. Exact comparisons want fp32.
            progress: show it on a terminal.
        """
        cut = [sentence[: self.params.max_tokens] for sentence in sentences]
        order = sorted(range(len(cut)), key=lambda place: -len(cut[place]))
        made = torch.empty(len(cut), self.width)
        device = next(self.parameters()).device
        shown = tqdm(total=len(cut), unit="sentence", desc="embed", disable=None if progress else True)
        for start in range(0, len(order), batch_size):
            places = order[start : start + batch_size]
            batch = {name: each.to(device) for name, each in self.template.lay([cut[i] for i in places]).items()}
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                vectors = self(**batch, denoise=self.params.denoise == "always")
            made[places] = vectors.float().cpu()
            shown.update(len(places))
        shown.close()
        return made
