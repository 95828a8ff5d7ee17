"""Who writes the completions: a model of the library in length-sorted batches, or vLLM.

Decoder-only and encoder-decoder models alike; which of both follows from the model's config.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import AutoConfig, GenerationConfig, LogitsProcessorList

from selfsown.dpo_st.language.forms import encode_question
from selfsown.dpo_st.language.models import load_model, load_tokenizer
from selfsown.dpo_st.sampling import UNREAD, Completion, Request, SamplingParams
from selfsown.dpo_st.sampling.calculator import CalculatorProcessor, Spelling
from selfsown.dpo_st.sampling.draw import Draw, streams
from selfsown.errors import UserError

Prompts = list[list[int]]
"""Tokens of each prompt, `[rows][tokens]`."""


class Backend(Protocol):
    """Writes on after prompts."""

    def write(self, requests: Sequence[Request], prompts: Prompts) -> list[list[int]]:
        """The tokens written after each prompt; what stands behind the first end token is not looked at."""


class Sampler:
    """Completes questions.

    Args:
        config: the model's.

    Raises:
        UserError: the tokenizer has no end token.
    """

    def __init__(self, backend: Backend, tokenizer: Any, config: Any, max_new_tokens: int) -> None:
        if tokenizer.eos_token_id is None:
            raise UserError("the tokenizer names no end token (eos_token): no completion would end")
        self._backend = backend
        self._tokenizer = tokenizer
        seen = None if config.is_encoder_decoder else getattr(config, "max_position_embeddings", None)
        self._longest = None if seen is None else seen - max_new_tokens

    @classmethod
    def load(cls, folder: Path, params: SamplingParams, seed: int) -> Sampler:
        """With the model of a folder.

        Raises:
            UserError: vLLM is asked for and not there.
        """
        tokenizer = load_tokenizer(folder)
        if params.backend == "vllm":
            from selfsown.dpo_st.sampling.vllm import Vllm

            config = AutoConfig.from_pretrained(folder)
            return cls(Vllm(folder, tokenizer, params, seed), tokenizer, config, params.max_new_tokens)
        return cls.of(load_model(folder), tokenizer, params, seed)

    @classmethod
    def of(cls, model: Any, tokenizer: Any, params: SamplingParams, seed: int) -> Sampler:
        """With a model that is at hand, such as one that is being trained; the parameters' backend is not looked at."""
        return cls(Transformers(model, tokenizer, params, seed), tokenizer, model.config, params.max_new_tokens)

    def fits(self, question: str) -> bool:
        """Whether a question leaves room for `max_new_tokens` in what the model sees."""
        return self._has_room(encode_question(self._tokenizer, question))

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """A completion of each request, in their order; an `UNREAD` one of a question that does not fit."""
        encoded = {text: encode_question(self._tokenizer, text) for text in {each.question for each in requests}}
        fitting = {text: ids for text, ids in encoded.items() if self._has_room(ids)}
        asked = [request for request in requests if request.question in fitting]
        written = iter(self._backend.write(asked, [fitting[request.question] for request in asked]))
        return [
            self._completion(each, next(written)) if each.question in fitting else Completion(each.id, each.k, *UNREAD)
            for each in requests
        ]

    def _has_room(self, prompt: list[int]) -> bool:
        return self._longest is None or len(prompt) <= self._longest

    def _completion(self, request: Request, ids: list[int]) -> Completion:
        end = self._tokenizer.eos_token_id
        finished = end in ids
        ids = ids[: ids.index(end) + 1] if finished else ids
        text = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False).strip()
        return Completion(request.id, request.k, text, len(ids), finished)


class Transformers:
    """A model of the library, batch by batch, the longest prompts first."""

    def __init__(self, model: Any, tokenizer: Any, params: SamplingParams, seed: int) -> None:
        self._model = model
        self._params = params
        self._seed = seed
        end = tokenizer.eos_token_id
        self._pad = end if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        self._both = bool(model.config.is_encoder_decoder)
        self._spelling = Spelling(tokenizer) if params.calculator else None
        self._settings = GenerationConfig(
            max_new_tokens=params.max_new_tokens,
            do_sample=False,
            num_beams=1,
            repetition_penalty=1.0,
            use_cache=True,
            eos_token_id=end,
            pad_token_id=self._pad,
        )

    def write(self, requests: Sequence[Request], prompts: Prompts) -> list[list[int]]:
        """As `Backend.write`."""
        written: list[list[int]] = [[] for _ in requests]
        order = sorted(range(len(requests)), key=lambda at: (-len(prompts[at]), requests[at].id, requests[at].k))
        training = self._model.training
        self._model.eval()
        try:
            for start in range(0, len(order), self._params.batch_size):
                places = order[start : start + self._params.batch_size]
                made = self._batch([requests[at] for at in places], [prompts[at] for at in places])
                for at, ids in zip(places, made, strict=True):
                    written[at] = ids
        finally:
            self._model.train(training)
        return written

    @torch.no_grad()  # not inference_mode: a model in training goes on with what ZeRO-3 gathered here
    def _batch(self, requests: list[Request], prompts: Prompts) -> list[list[int]]:
        ids, mask = self._padded(prompts)
        processors = LogitsProcessorList()
        if self._spelling is not None:
            processors.append(CalculatorProcessor(self._spelling))
        if self._params.temperature > 0:
            numbers = streams(requests, self._params.max_new_tokens, self._seed).to(ids.device)
            processors.append(Draw(numbers, self._params.temperature, self._params.top_k))
        made = self._model.generate(
            input_ids=ids, attention_mask=mask, generation_config=self._settings, logits_processor=processors
        )
        said: list[list[int]] = made[:, 1 if self._both else ids.shape[1] :].tolist()
        return said

    def _padded(self, prompts: Prompts) -> tuple[Tensor, Tensor]:
        """Ids and mask `[rows, tokens]`; a decoder goes on at the end, so padding stands before its prompts."""
        width = max(map(len, prompts))
        ids = torch.full((len(prompts), width), self._pad)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            where = slice(0, len(prompt)) if self._both else slice(width - len(prompt), width)
            ids[row, where] = torch.tensor(prompt)
            mask[row, where] = 1
        return ids.to(self._model.device), mask.to(self._model.device)
