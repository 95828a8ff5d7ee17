"""Local tasks for lm-eval, and a tiny Llama that answers them: what reaches the model, and what counts as right."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from selfsown.errors import UserError
from selfsown.tinyllama.evaluate.harness.run import evaluate_tasks
from selfsown.tinyllama.evaluate.harness.tasks import (
    CHANCE,
    CONTEXT_WORDS,
    ENDING_WORDS,
    continuation,
    word_order,
    write_tasks,
)
from selfsown.tinyllama.vocabulary.forms import encode_documents, load_tokenizer

torch.set_num_threads(1)  # tiny tensors: a second thread only waits

SUBJECTS = ("farmer", "gardener", "sailor", "teacher", "painter", "child", "neighbour", "baker")
VERBS = ("watered", "counted", "carried", "forgot", "painted", "measured", "buried", "washed")
OBJECTS = ("seeds", "apples", "letters", "stones", "lanterns", "blankets", "kettles", "maps")
PLACES = ("garden", "harbour", "kitchen", "valley", "attic", "market", "orchard", "library")


def document(seed: int, paragraphs: int = 5) -> str:
    """Paragraphs of eight sentences, lines broken as in a text file. The first names tokens that are no text."""
    rng = random.Random(seed)

    def sentence() -> str:
        words = [rng.choice(part) for part in (SUBJECTS, VERBS, OBJECTS, PLACES)]
        return "The {} of house {} {} all the old {}\nbehind the {}.".format(words[0], rng.randrange(999), *words[1:])

    start = "A line of the page said <s> and another one </s> only."
    return "\n\n".join(" ".join([start, *(sentence() for _ in range(7))]) for _ in range(paragraphs))


DOCUMENTS = [document(seed) for seed in range(8)]


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_continuation_is_the_right_one_of_four_and_the_others_are_of_other_documents() -> None:
    items = continuation(DOCUMENTS, 30, seed=1)
    assert len(items) == 30
    for item in items:
        right = item["choices"][item["label"]]
        homes = [text for text in map(flat, DOCUMENTS) if f"{item['context']} {right}" in text]
        wrong = [choice for place, choice in enumerate(item["choices"]) if place != item["label"]]
        assert len(homes) == 1 and len(set(wrong)) == 3
        assert all(choice not in homes[0] and any(choice in text for text in map(flat, DOCUMENTS)) for choice in wrong)
        assert {len(choice.split()) for choice in item["choices"]} == {ENDING_WORDS}
        assert len(item["context"].split()) == CONTEXT_WORDS
    assert {item["label"] for item in items} == {0, 1, 2, 3}


def test_a_word_order_is_a_sentence_beside_two_of_its_words_swapped() -> None:
    items = word_order(DOCUMENTS, 30, seed=1)
    assert len(items) == 30
    for item in items:
        real, swapped = item["choices"][item["label"]], item["choices"][1 - item["label"]]
        assert any(real in flat(text) for text in DOCUMENTS) and not any(swapped in flat(text) for text in DOCUMENTS)
        differ = [
            place for place, pair in enumerate(zip(real.split(), swapped.split(), strict=True)) if len({*pair}) > 1
        ]
        assert differ == [differ[0], differ[0] + 1] and differ[0] > 0
        assert sorted(real.split()) == sorted(swapped.split()) and swapped.endswith(".")
    assert {item["label"] for item in items} == {0, 1}


@given(st.lists(st.sampled_from(["the", "The", "of", "old", "house", "7", "it's", "b,"]), min_size=1, max_size=12))
def test_no_word_order_pair_is_twice_the_same_sentence(words: list[str]) -> None:
    sentence = " ".join(["A", *words, "end."])
    try:
        (item,) = word_order([sentence], 1, seed=0)
    except UserError:
        swaps = [a.isalpha() and b.isalpha() and a.casefold() != b.casefold() for a, b in pairwise(words)]
        assert len(words) < 4 or not any(swaps)
    else:
        assert item["choices"][item["label"]] == sentence
        assert item["choices"][0].casefold() != item["choices"][1].casefold()


def test_tasks_hang_on_the_seed_alone(tmp_path: Path) -> None:
    write_tasks(DOCUMENTS, tmp_path / "one", size=20, seed=1)
    write_tasks(iter(DOCUMENTS[::-1]), tmp_path / "elsewhere" / "two", size=20, seed=1)
    write_tasks(DOCUMENTS, tmp_path / "other", size=20, seed=2)
    names = sorted(f"{task}.{kind}" for task in CHANCE for kind in ("jsonl", "yaml"))
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == names
    for name in names:
        one, two, other = ((tmp_path / folder / name).read_bytes() for folder in ("one", "elsewhere/two", "other"))
        assert one == two and (one != other) == name.endswith("jsonl")
    assert continuation(DOCUMENTS, 5, seed=1) == continuation(DOCUMENTS, 20, seed=1)[:5]
    assert word_order(DOCUMENTS, 5, seed=1) == word_order(DOCUMENTS, 20, seed=1)[:5]


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        (DOCUMENTS, "continuation: 100 items were asked for, but the held-out documents give only 40: ask for fewer"),
        (DOCUMENTS[:3], "continuation: 100 items .* give only 0"),  # three endings of other documents are needed
        (["Too short."], "continuation: 100 items .* give only 0"),
        ([document(seed, 20) for seed in range(5)] + [DOCUMENTS[0].replace("\n\n", " ")], None),
        ([document(seed, 20).replace(".", "") for seed in range(5)], "word_order: 100 items .* give only 0"),
    ],
)
def test_too_few_documents_are_an_error(documents: list[str], said: str | None, tmp_path: Path) -> None:
    if said is None:
        write_tasks(documents, tmp_path, size=100, seed=0)
    else:
        with pytest.raises(UserError, match=said):
            write_tasks(documents, tmp_path, size=100, seed=0)


ADDS = {
    "nothing": None,
    "bos": "<s> $A",
    "bos and eos": "<s> $A </s>",
}


def tiny_llama(folder: Path, adds: str | None) -> Path:
    """A random Llama of two layers and a byte-level BPE of 400 ids that adds BOS or EOS by itself, or nothing."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    bpe.train_from_iterator(DOCUMENTS, trainer)
    if adds:
        bpe.post_processor = TemplateProcessing(single=adds, special_tokens=[("<s>", 0), ("</s>", 1)])
    PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<s>", eos_token="</s>").save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=bpe.get_vocab_size(), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, initializer_range=0.3,
        bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("llama"), None)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    write_tasks(DOCUMENTS, folder, size=12, seed=3)
    return folder


@pytest.fixture
def reached() -> Iterator[list[list[int]]]:
    """The ids of each sequence that reaches a Llama, padding included."""
    seen: list[list[int]] = []

    def keep(module: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        if isinstance(module, torch.nn.Embedding):
            seen.extend(inputs[0].tolist())

    handle = torch.nn.modules.module.register_module_forward_pre_hook(keep)
    yield seen
    handle.remove()


@pytest.mark.parametrize("adds", ADDS.values(), ids=ADDS)
def test_every_text_reaches_the_model_after_one_bos(
    adds: str | None, tasks: Path, tmp_path: Path, reached: list[list[int]]
) -> None:
    folder = tiny_llama(tmp_path, adds)
    evaluate_tasks(folder, list(CHANCE), tasks, batch_size=1)
    assert len(reached) == 12 * 4 + 12 * 2
    assert all(ids[0] == 0 and not {0, 1} & set(ids[1:]) for ids in reached)


def test_answers_are_those_of_the_likelihoods(llama: Path, tasks: Path) -> None:
    """By hand: log p of each choice after the context, in tokens like those of a document; the same over its bytes."""
    model = LlamaForCausalLM.from_pretrained(llama, dtype=torch.float32).eval()
    tokenizer = load_tokenizer(llama)

    def log_likelihood(context: str, choice: str) -> float:
        start, ids = (document[:-1].tolist() for document in encode_documents(tokenizer, [context, context + choice]))
        assert ids[: len(start)] == start
        with torch.inference_mode():
            scores = model(torch.tensor([ids])).logits[0].log_softmax(-1)
        return sum(scores[place - 1, ids[place]].item() for place in range(len(start), len(ids)))

    expected = {}
    for task in CHANCE:
        for place, line in enumerate((tasks / f"{task}.jsonl").read_text().splitlines()):
            item = json.loads(line)
            context, space = (item["context"], " ") if "context" in item else ("", "")
            values = [log_likelihood(context, space + choice) for choice in item["choices"]]
            norms = [value / len(choice.encode()) for value, choice in zip(values, item["choices"], strict=True)]
            right = [max(range(len(part)), key=part.__getitem__) == item["label"] for part in (values, norms)]
            expected[task, f"{task}/{place}"] = tuple(map(float, right))
    frame = evaluate_tasks(llama, list(CHANCE), tasks, batch_size=4)
    assert {(task, name): (one, norm) for task, name, one, norm in frame.itertuples(index=False)} == expected
    assert {0.0, 1.0} == set(frame["correct"])  # else nothing was told apart


def test_a_limit_draws_items_by_seed(llama: Path, tasks: Path) -> None:
    whole = evaluate_tasks(llama, ["word_order"], tasks)
    drawn = {seed: evaluate_tasks(llama, ["word_order"], tasks, limit=5, seed=seed) for seed in (0, 1)}
    for part in drawn.values():
        assert len(part) == 5
        assert part.merge(whole).shape == part.shape  # the same answers to the same items
    assert set(drawn[0]["id"]) != set(drawn[1]["id"])


def write_task(folder: Path, name: str, **changes: object) -> None:
    """A task in which the answer is written out, with its items."""
    config = {
        "task": name, "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / f"{name}.jsonl")}, "cache_dir": str(folder / "cache")},
        "test_split": "test", "fewshot_split": "test", "output_type": "generate_until", "doc_to_text": "question",
        "doc_to_target": "answer", "generation_kwargs": {"until": ["\n"], "max_gen_toks": 4, "do_sample": False},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }  # fmt: skip
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(config | changes))
    lines = [json.dumps({"question": f"The {name} of house {place}", "answer": "the garden"}) for place in range(4)]
    (folder / f"{name}.jsonl").write_text("\n".join(lines))


def test_a_group_is_one_task_and_shots_are_solved_examples(
    llama: Path, tmp_path: Path, reached: list[list[int]]
) -> None:
    for name in ("baker", "sailor"):
        write_task(tmp_path, name)
    (tmp_path / "trades.yaml").write_text(yaml.safe_dump({"group": "trades", "task": ["baker", "sailor"]}))
    frame = evaluate_tasks(llama, ["trades"], tmp_path, shots={"trades": 2}, batch_size=1)
    assert set(frame["task"]) == {"trades"}
    assert sorted(frame["id"]) == sorted(f"{name}/{place}" for name in ("baker", "sailor") for place in range(4))
    assert (frame["correct"] == 0).all() and (frame["correct_norm"] == 0).all()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(llama)
    prompts = [tokenizer.decode(ids) for ids in reached if len(ids) > 1]
    assert len(prompts) == 8
    assert all(re.fullmatch(r"<s>(The \w+ of house \d the garden\n\n){2}The \w+ of house \d", text) for text in prompts)


def test_what_cannot_be_evaluated_is_named(llama: Path, tasks: Path, tmp_path: Path) -> None:
    write_task(tmp_path, "runs", unsafe_code=True)
    write_task(tmp_path, "vague", metric_list=[{"metric": "bleu", "aggregation": "bleu", "higher_is_better": True}])
    write_task(tmp_path, "gone")
    (tmp_path / "gone.jsonl").unlink()
    for name, folder, said in [
        ("continuatoin", tasks, "continuatoin: no such task in .*; there are: continuation, word_order"),
        ("runs", tmp_path, "runs: it executes what the model writes"),
        ("vague", tmp_path, "vague: it measures bleu, none of which says what is right"),
        ("gone", tmp_path, "gone: its data cannot be loaded .*gone.jsonl"),
    ]:
        with pytest.raises(UserError, match=said):
            evaluate_tasks(llama, [name], folder)
    with pytest.raises(UserError, match="limit 0"):
        evaluate_tasks(llama, ["word_order"], tasks, limit=0)
    with pytest.raises(UserError, match="shots: mmlu: not among the tasks: word_order"):
        evaluate_tasks(llama, ["word_order"], tasks, shots={"mmlu": 5})
    with pytest.raises(UserError, match=r"config\.json is missing"):
        evaluate_tasks(tmp_path, ["word_order"], tasks)


@pytest.mark.slow  # lm-eval reads all its tasks: 9 s
def test_the_papers_tasks_are_lm_evals_and_the_one_that_executes_text_is_refused(llama: Path) -> None:
    from lm_eval.tasks import TaskManager

    names = "hellaswag openbookqa winogrande arc_challenge arc_easy boolq piqa mmlu bbh drop"
    assert set(names.split()) <= set(TaskManager().all_tasks)
    with pytest.raises(UserError, match="humaneval: it executes what the model writes"):
        evaluate_tasks(llama, ["humaneval"])
