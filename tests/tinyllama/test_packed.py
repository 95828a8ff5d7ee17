"""Vocabulary and packing: any text comes back, documents begin and end, nothing is padded or lost but a remainder."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.tinyllama.corpora import packed_folder, tiny_tokenizer, write_documents

from selfsown.corpora.schemas.document import EXERCISE
from selfsown.errors import UserError
from selfsown.products import CardInfo, ProductError, read_product
from selfsown.shards import write_product
from selfsown.tinyllama.model.llama import IGNORED
from selfsown.tinyllama.pack import PackParams, pack
from selfsown.tinyllama.packed.streams import Packed, TokenStream
from selfsown.tinyllama.tokenizer import TokenizerParams, sample, tokenizer
from selfsown.tinyllama.training.data import Shifted
from selfsown.tinyllama.vocabulary.forms import BEGIN, END, SPECIAL, encode_documents, load_tokenizer, token_bytes


@given(st.text(max_size=60))
def test_any_text_comes_back_from_its_tokens(text: str) -> None:
    made = tiny_tokenizer()
    text = text.encode(errors="replace").decode()
    (tokens,) = encode_documents(made, [text])
    assert tokens[0] == made.bos_token_id and tokens[-1] == made.eos_token_id
    assert made.decode(tokens[1:-1].tolist()) == text
    assert token_bytes(made)[tokens].sum() == len(text.encode())


def test_what_looks_like_a_special_token_is_text() -> None:
    made = tiny_tokenizer()
    (tokens,) = encode_documents(made, [f"a {END} b {BEGIN}<|user|>"])
    assert [int((tokens == made.convert_tokens_to_ids(word)).sum()) for word in (*SPECIAL[:2], "<|user|>")] == [1, 1, 0]


@pytest.mark.parametrize(("digits", "pieces"), [(1, ["1", "2", "3", "4"]), (3, ["123", "4"])])
def test_digits_stand_in_groups(digits: int, pieces: list[str]) -> None:
    made = tiny_tokenizer(digits=digits, texts=["1234 1234 123 123 99 " * 50])
    assert made.convert_ids_to_tokens(made("1234", add_special_tokens=False).input_ids) == pieces


def test_a_prompt_begins_and_does_not_end() -> None:
    made = tiny_tokenizer()
    ids = made("hello").input_ids
    assert ids[0] == made.bos_token_id and made.eos_token_id not in ids


def test_the_tokenizer_is_trained_on_training_documents_alone(tmp_path: Path) -> None:
    write_documents(tmp_path / "text", ["seen words here"] * 3, ["unseen zebra"] * 3)
    assert {"unseen zebra"}.isdisjoint(sample(tmp_path, {"text": 1}, 10_000, 1))
    params = TokenizerParams(data_seed=1, tokenizers={"web": {"mixture": {"text": 1}, "characters": 1000, "size": 300}})
    tokenizer(params, vocabulary="web", documents=tmp_path, tokenizer=tmp_path / "made")
    assert load_tokenizer(tmp_path / "made").bos_token == BEGIN
    with pytest.raises(UserError, match=r"tinyllama\.matrix\.vocabularies: 'other' is not described; known: web"):
        tokenizer(params, vocabulary="other", documents=tmp_path, tokenizer=tmp_path / "none")


def test_packed_documents_are_theirs_to_the_letter(tmp_path: Path) -> None:
    texts = [f"document number {place} says {'so ' * place}" for place in range(9)]
    packed, made = packed_folder(tmp_path, texts, ["kept aside"])
    streams = Packed.open(packed).of("train", ["text"])
    tokens, offsets = streams["text"].documents()
    said = [made.decode(tokens[a + 1 : b - 1].tolist()) for a, b in pairwise(offsets)]
    assert sorted(said) == sorted(texts)
    table = read_product(packed)
    assert table.num_rows == 10 and table.schema.names == ["id", "collection", "split", "input_ids"]


def test_of_solved_questions_the_answers_alone_are_learnt(tmp_path: Path) -> None:
    """Packed as chats; a sequence that begins inside an answer learns nothing of it: its question is not there."""
    solved = [(f"{place} and {place} ?", f"{place} + {place}\n#### {2 * place}") for place in range(2, 9)]
    rows = [
        dict.fromkeys(EXERCISE.names, "toy")
        | {"id": question, "text": f"{question}\n{said}", "question": question, "rationale": said, "split": split}
        for question, said in solved
        for split in ("train", "validation")
    ]  # fmt: skip
    card = CardInfo(name="toy", licence="CC0-1.0", source="made here", seed=1)
    write_product(tmp_path / "documents/toy", [pa.Table.from_pylist(rows, EXERCISE)], schema=EXERCISE, card=card)
    made = tiny_tokenizer()
    made.save_pretrained(tmp_path / "tokenizer")
    pack(
        PackParams(data_seed=1, collections={"web": ("toy",)}), vocabulary="web", documents=tmp_path / "documents",
        tokenizer=tmp_path / "tokenizer", packed=tmp_path / "packed",
    )  # fmt: skip
    stream = Packed.open(tmp_path / "packed").of("train", ["toy"])["toy"]
    whole = stream.read([0], stream.tokens)
    answer = made.convert_tokens_to_ids("<|assistant|>")
    labels = Shifted(made.bos_token_id, answer=answer)(list(whole))["labels"][0]
    assert made.decode(labels[labels != IGNORED]) == "".join(f"{said}{END}" for _, said in solved)
    inside = int((whole[0] == answer).argmax()) + 2
    later = Shifted(made.bos_token_id, answer=answer)([whole[0, inside:]])["labels"][0]
    assert made.decode(later[later != IGNORED]) == "".join(f"{said}{END}" for _, said in solved[1:])
    assert (Shifted(made.bos_token_id)(list(whole))["labels"] == torch.from_numpy(whole[:, 1:])).all()


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(1, 9))
def test_sequences_are_the_stream_cut_and_the_rest_is_left_out(sizes: list[int], length: int) -> None:
    """Across shards; every token in them was written by a document, so no padding is trained on."""
    whole = np.arange(sum(sizes), dtype=np.uint16)
    stream = TokenStream("toy", list(np.split(whole, np.cumsum(sizes)[:-1])))
    if sum(sizes) < length:
        with pytest.raises(UserError, match=f"toy: {sum(sizes)} tokens do not fill one sequence of {length}"):
            stream.sequences(length)
        return
    count = stream.sequences(length)
    assert stream.read(range(count), length).ravel().tolist() == whole[: count * length].tolist()
    assert sum(sizes) - count * length < length


def test_a_shard_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    packed, _ = packed_folder(tmp_path, ["some words"] * 4, ["aside"])
    shard = packed / json.loads((packed / "card.json").read_text())["shards"][0]["file"]
    shard.write_bytes(shard.read_bytes()[:-200])
    with pytest.raises(ProductError, match=rf"{shard}: cannot be read"):
        Packed.open(packed)


def test_a_collection_that_is_not_there_is_named(tmp_path: Path) -> None:
    packed, _ = packed_folder(tmp_path, ["some words"] * 4, ["aside"])
    with pytest.raises(UserError, match="no document of 'code' is on the split 'train'; there: text"):
        Packed.open(packed).of("train", ["text", "code"])
