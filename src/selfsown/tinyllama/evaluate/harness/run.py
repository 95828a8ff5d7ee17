"""A model of a folder on tasks of EleutherAI's lm-eval, item by item, so that intervals can be estimated.

Paper, section 4: HellaSwag, OpenBookQA, WinoGrande, ARC challenge and easy, BoolQ and PIQA without solved examples,
MMLU with 5, BBH and DROP with 3. The paper has HumanEval too. It is left out: it executes text that the model wrote,
which this repository never does. Any task of lm-eval that does so is refused.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import torch
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForCausalLM, PreTrainedModel

from selfsown.device import compute_device
from selfsown.errors import UserError, first_line
from selfsown.shards.seeds import rank
from selfsown.tinyllama.vocabulary.forms import load_tokenizer

COLUMNS = ("task", "id", "correct", "correct_norm")

RIGHT = ("acc", "exact_match", "em")
"""How tasks name what is 1 for a right answer and 0 for a wrong one; the first of these that a task measures."""


def evaluate_tasks(
    model_folder: Path,
    tasks: Sequence[str],
    include_path: Path | None = None,
    *,
    limit: int | None = None,
    batch_size: int = 16,
    shots: Mapping[str, int] = MappingProxyType({}),
    seed: int = 0,
) -> pd.DataFrame:
    """Answer the items of tasks, in fp32.

    Args:
        model_folder: a causal language model and its tokenizer, as transformers saves them.
        tasks: names of tasks or groups of lm-eval, or of those in `include_path`.
        include_path: a folder of tasks (`write_tasks`). lm-eval's own are then left out: to read them takes 9 s.
        limit: at most so many items of a task, and of each member of a group, drawn by `seed`.
        batch_size: sequences at a time; changes no answer but for rounding.
        shots: solved examples before each item, by task; a task that is not named here has its own number.
        seed: of the items under a `limit`, and of the solved examples.

    Returns:
        A row an item: `task` as asked for; `id`, unique in the task; `correct`, 1 or 0: the likeliest choice, or the
        answer to the letter, is right; `correct_norm`: likewise where a choice's log-likelihood is divided by its
        length in bytes. Where a task does not measure that, it is `correct`, as in the paper's averages.

    Raises:
        UserError: no such model or task, a task that executes what the model writes, one whose data cannot be loaded,
            or one that does not say which answers are right.
    """
    # Imported here: a second or two that nothing else should wait for.
    from lm_eval.evaluator import evaluate

    if limit is not None and limit < 1:
        raise UserError(f"lm-eval: limit {limit}: at least one item of each task is needed, or null for all")
    logging.getLogger("lm_eval").setLevel(logging.ERROR)  # else it warns that the model is loaded already
    lm = language_model(model_folder, batch_size)
    with tempfile.TemporaryDirectory() as cache:
        loaded = _load(tasks, include_path, Path(cache))
        members = {member: task for group in loaded.values() for member, task in group.items()}
        _set_shots(loaded, shots, seed)
        # `simple_evaluate` does this and, in seconds, lists every installed package.
        results = evaluate(
            lm,
            {"tasks": members, "groups": {}, "group_map": {}},
            samples=None
            if limit is None
            else {name: _drawn(name, task, limit, seed) for name, task in members.items()},
            bootstrap_iters=0,
        )
    rows = [
        row for name, group in loaded.items() for member in group for row in _rows(name, member, results["samples"])
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def language_model(folder: Path, batch_size: int) -> Any:
    """The model as lm-eval asks it: every text begins with BOS, and no EOS follows, as in a document of ours.

    Raises:
        UserError: the folder holds no model, or no tokenizer that names BOS and EOS.
    """
    from lm_eval.models.huggingface import HFLM

    if not (folder / "config.json").exists():
        raise UserError(f"{folder}: no model here: config.json is missing; name a folder that a training stage wrote")
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype=torch.float32)
    tokenizer = load_tokenizer(folder)
    # Tokenizers differ in what they add by themselves. lm-eval takes what follows the context's tokens for the answer:
    # an EOS at the context's end would shift them.
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{tokenizer.bos_token} $A", special_tokens=[(tokenizer.bos_token, tokenizer.bos_token_id)]
    )
    tokenizer.split_special_tokens = True  # what looks like a special token is text, as in a document
    return HFLM(
        pretrained=model.to(compute_device()).eval(), tokenizer=tokenizer, add_bos_token=True, batch_size=batch_size
    )


def _load(names: Sequence[str], include_path: Path | None, cache: Path) -> dict[str, dict[str, Any]]:
    """The tasks of each name, by their own names: one, or the members of a group."""
    from datasets.exceptions import DatasetsError
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=include_path, include_defaults=include_path is None)
    loaded = {}
    for name in names:
        entry = manager.task_index.get(name)
        if entry is None:
            known = ", ".join(manager.all_tasks) if include_path else "`lm_eval ls tasks` lists them all"
            raise UserError(f"{name}: no such task in {include_path or 'lm-eval'}; there are: {known}")
        _refuse_execution(name, (entry.cfg or {}).get("unsafe_code"))
        try:
            loaded[name] = manager.load([_local(entry, cache) if include_path else name])["tasks"]
        except (OSError, DatasetsError) as error:
            raise UserError(
                f"{name}: its data cannot be loaded ({first_line(error)}): allow this machine to reach the hub, or "
                "leave the task out of `tasks`"
            ) from error
        for member, task in loaded[name].items():
            _refuse_execution(member, getattr(task, "UNSAFE_CODE", False))
    return loaded


def _local(entry: Any, cache: Path) -> Any:
    """A task whose items lie beside it, wherever that is; a copy of them goes to `cache`, not to the user's own."""
    config = entry.cfg or {}
    if config.get("dataset_path") != "json":
        return entry.name
    files = config["dataset_kwargs"]["data_files"]
    there = {split: str(entry.yaml_path.parent / file) for split, file in files.items()}
    return {**config, "dataset_kwargs": {"data_files": there, "cache_dir": str(cache)}}


def _refuse_execution(name: str, unsafe: object) -> None:
    if unsafe:
        raise UserError(f"{name}: it executes what the model writes, which is never done here; leave it out of `tasks`")


def _set_shots(loaded: Mapping[str, Mapping[str, Any]], shots: Mapping[str, int], seed: int) -> None:
    if unknown := sorted(set(shots) - set(loaded)):
        raise UserError(f"shots: {', '.join(unknown)}: not among the tasks: {', '.join(loaded)}")
    for name, group in loaded.items():
        for task in group.values():
            task.set_config("num_fewshot", shots.get(name, task.get_config("num_fewshot") or 0))
            task.set_fewshot_seed(seed)


def _drawn(name: str, task: Any, limit: int, seed: int) -> list[int]:
    places = sorted(range(len(task.eval_docs)), key=lambda place: rank(seed, f"{name}/{place}"))
    return sorted(places[:limit])


def _rows(name: str, member: str, samples: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[tuple[Any, ...]]:
    answers = samples[member]
    right = next((metric for metric in RIGHT if metric in answers[0]), None)
    if right is None:
        raise UserError(f"{member}: it measures {', '.join(answers[0]['metrics'])}, none of which says what is right")
    for answer in answers:
        if answer["filter"] == answers[0]["filter"]:  # others read the same answers in another way
            correct = float(answer[right])
            yield name, f"{member}/{answer['doc_id']}", correct, float(answer.get("acc_norm", correct))
