"""vLLM as the sampler's backend, where it is installed: a GPU box's choice, for decoder-only models.

Its seeds are each request's own, so a row does not depend on its place in the queue. Its kernels may still round
differently in batches of another size: rows are as reproducible as vLLM is.

vLLM has had two engines with two interfaces for logits processors (looked up for 0.33): the calculator sits in the
newer one (`current`) where there is one, unless `VLLM_USE_V2_MODEL_RUNNER=0` asks for the older (`legacy`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import AutoConfig

from selfsown.dpo_st.sampling import Request, SamplingParams
from selfsown.errors import UserError
from selfsown.shards.seeds import purpose_seed

RUNNER = "VLLM_USE_V2_MODEL_RUNNER"
CURRENT = "vllm.v1.worker.gpu.sample.logits_processor"


class Vllm:
    """Writes on after prompts with vLLM's offline engine.

    Raises:
        UserError: vLLM is not installed, or the model has an encoder, which vLLM does not run.
    """

    def __init__(self, folder: Path, tokenizer: Any, params: SamplingParams, seed: int) -> None:
        if find_spec("vllm") is None:
            raise UserError(
                "sampling.backend: 'vllm' is not installed here: `pip install vllm` into the environment of a GPU "
                "machine, or set `backend: transformers`"
            )
        if AutoConfig.from_pretrained(folder).is_encoder_decoder:
            raise UserError(f"{folder}: vLLM runs no encoder-decoder model: set `backend: transformers`")
        self._params = params
        self._seed = seed
        processors = [calculator_processor()] if params.calculator else None  # before vLLM reads its environment
        self._vllm: Any = import_module("vllm")
        self._engine = self._vllm.LLM(
            model=str(folder),
            tokenizer=str(folder),
            max_num_seqs=params.batch_size,
            generation_config="vllm",
            logits_processors=processors,
            async_scheduling=False,
            seed=0,
        )

    def write(self, requests: Sequence[Request], prompts: list[list[int]]) -> list[list[int]]:
        """The tokens written after each prompt."""
        asked = [{"prompt_token_ids": prompt} for prompt in prompts]
        made = self._engine.generate(asked, [self._sampling(request) for request in requests], use_tqdm=False)
        return [list(one.outputs[0].token_ids) for one in made]

    def _sampling(self, request: Request) -> Any:
        return self._vllm.SamplingParams(
            temperature=self._params.temperature,
            top_k=self._params.top_k,
            max_tokens=self._params.max_new_tokens,
            seed=purpose_seed(self._seed, f"{request.k}:{request.id}") >> 1,  # it takes signed numbers
            detokenize=False,
        )


def calculator_processor() -> str:
    """The name of the calculator's class for the engine that vLLM will run, which is settled by asking."""
    runner = os.environ.setdefault(RUNNER, "1" if _has_current() else "0")
    if runner == "0":
        from selfsown.dpo_st.sampling.vllm import legacy as module
    else:
        from selfsown.dpo_st.sampling.vllm import current as module  # type: ignore[no-redef]
    return f"{module.__name__}:{module.Calculators.__name__}"


def _has_current() -> bool:
    try:
        return find_spec(CURRENT) is not None
    except ModuleNotFoundError:
        return False
