"""A trained folder embeds alike through `SentenceTransformer`, our own forward and the command."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner
from tests.diffaug.tiny_encoders import TEMPLATE, Kind, write_encoder

from selfsown.diffaug.commands.embed import Embedder, command
from selfsown.diffaug.embedding.card import card
from selfsown.diffaug.embedding.description import EmbeddingParams, PrefixParams
from selfsown.diffaug.embedding.folder import load_encoder, new_encoder, save_encoder
from selfsown.diffaug.embedding.template import tokenise
from selfsown.diffaug.evaluate.embedding import serve
from selfsown.diffaug.sentence_module import SentenceModule, sentence_transformer
from selfsown.errors import UserError

pytestmark = pytest.mark.usefixtures("plainly")

TEXTS = ["this is w1 and w2", "w3", "the w4 of [MASK] w5 " * 9, "w1 . w2"]
EMBEDDINGS = {
    "mean": EmbeddingParams(pooling="mean", template=None, max_tokens=12),
    "mask": EmbeddingParams(pooling="mask", template=TEMPLATE, max_tokens=12, denoise="always"),
    "late": EmbeddingParams(pooling="mask", template=TEMPLATE, max_tokens=12, denoise="always", denoise_late=2),
    "mean in template": EmbeddingParams(pooling="mean", template=TEMPLATE, max_tokens=12),
}


def write_model(root: Path, embedding: EmbeddingParams, kind: Kind = "bert", length: int = 4) -> tuple[Path, Any]:
    """A folder as stage 2 leaves it, and what was saved in it."""
    source, folder = write_encoder(root / "encoder", kind), root / "model"
    folder.mkdir()
    prefix = PrefixParams(length=length, hidden=16, dropout=0.1) if length else None
    encoder, _ = new_encoder(source, embedding, prefix)
    if encoder.prefix is not None:
        torch.nn.init.normal_(encoder.prefix.embedding.weight, std=3)
    save_encoder(encoder, source, folder, card("made", "At random.", source, embedding, prefix))
    return folder, encoder.eval()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, plainly: None) -> Path:
    return write_model(tmp_path_factory.mktemp("mask"), EMBEDDINGS["mask"])[0]


@pytest.mark.parametrize("name", EMBEDDINGS)
@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_it_embeds_as_what_was_trained(name: str, kind: Kind, tmp_path: Path) -> None:
    folder, trained = write_model(tmp_path, EMBEDDINGS[name], kind)
    loaded, tokenizer = load_encoder(folder)
    wanted = trained.embed(tokenise(tokenizer, TEXTS), 2).numpy()
    assert np.abs(wanted[0] - wanted[1]).max() > 0.01
    assert np.array_equal(loaded.embed(tokenise(tokenizer, TEXTS), 2).numpy(), wanted)
    library = sentence_transformer(folder, device="cpu")
    assert np.allclose(library.encode(TEXTS, batch_size=3), wanted, atol=1e-5)
    assert library.get_embedding_dimension() == 32 and library.max_seq_length == 12
    assert library.similarity_fn_name == "cosine"
    library.save(str(tmp_path / "again"))
    assert np.allclose(sentence_transformer(tmp_path / "again", device="cpu").encode(TEXTS), wanted, atol=1e-5)


def test_the_folder_names_the_class_that_the_library_builds(model: Path) -> None:
    (module,) = json.loads((model / "modules.json").read_text())
    place, _, name = module["type"].rpartition(".")
    assert getattr(import_module(place), name) is SentenceModule and module["path"] == ""
    readme = (model / "README.md").read_text()
    assert "library_name: sentence-transformers" in readme and "4 learnt keys and values" in readme


def test_the_library_by_itself_asks_before_it_imports_the_class(model: Path) -> None:
    from sentence_transformers import SentenceTransformer

    with pytest.raises(ValueError, match="trust_remote_code"):
        SentenceTransformer(str(model), device="cpu", local_files_only=True)


def test_the_mean_of_an_untouched_encoder_is_the_librarys(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    folder, _ = write_model(tmp_path, EMBEDDINGS["mean"], length=0)
    stock = Transformer(str(tmp_path / "encoder"), max_seq_length=14)  # [CLS] and [SEP] among them
    library = SentenceTransformer(modules=[stock, Pooling(32, pooling_mode="mean")], device="cpu")
    texts = [text.replace("[MASK]", "w6") for text in TEXTS]
    assert np.allclose(Embedder.load(folder).embed(texts), library.encode(texts), atol=1e-5)


@pytest.mark.parametrize("name", ["embedding.json", "prefix.safetensors", "tokenizer.json"])
def test_a_folder_that_lacks_something_says_what(name: str, tmp_path: Path) -> None:
    folder, _ = write_model(tmp_path, EMBEDDINGS["mask"])
    (folder / name).unlink()
    with pytest.raises(UserError, match=name):
        load_encoder(folder)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(command, [str(each) for each in arguments], catch_exceptions=False)


@pytest.mark.parametrize("kind", ["txt", "jsonl", "parquet"])
def test_a_files_sentences_become_rows_and_refused_ones_are_named(kind: str, model: Path, tmp_path: Path) -> None:
    file, out = tmp_path / f"sentences.{kind}", tmp_path / "new" / "embeddings.parquet"
    texts = ["w1 is w2", "", "w3 " * 10_000, "the w4", "x" * 100_001, "\u200b"]
    if kind == "txt":
        file.write_text("\n".join(texts) + "\n")
    elif kind == "jsonl":
        file.write_text("".join(json.dumps({"said": text, "n": 1}) + "\n" for text in texts))
    else:
        import pyarrow as pa

        pq.write_table(pa.table({"said": texts}), file)
    done = run(file, "--out", out, "--folder", model, "--column", "said")
    assert done.exit_code == 0 and "3 vectors of 32, 1 of them cut to 12 tokens" in done.stdout
    assert "row 2 refused: empty" in done.stderr and "row 5 refused: too long: 100001" in done.stderr
    made = pq.read_table(out)
    assert made["row"].to_pylist() == [1, 3, 4] and made["cut"].to_pylist() == [False, True, False]
    wanted = Embedder.load(model).embed([texts[0], texts[2], texts[3]])
    assert np.allclose(np.array(made["embedding"].to_pylist()), wanted, atol=1e-5)
    rejected = pq.read_table(out.with_name("embeddings.rejected.parquet"))
    assert [(row["row"], row["reason"].split(":")[0]) for row in rejected.to_pylist()] == [
        (2, "empty"), (5, "too long"), (6, "no token in it")
    ]  # fmt: skip


def test_the_nearest_sentences_come_first(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "sentences.txt"
    file.write_text("w9\nw1 is not w2\nw1 is w2\n")
    lines = run(file, "--like", "w1 is w2", "--top", 2, "--folder", model).stdout.splitlines()
    assert len(lines) == 2 and lines[0] == "1.000  w1 is w2"


@pytest.mark.parametrize(
    ("content", "name", "options", "said"),
    [
        ("w1\n", "a.txt", (), "--out"),
        ("w1\n", "a.txt", ("--like", " "), "empty sentence"),
        ("\n\n", "a.txt", ("--like", "w1"), "no sentence in it"),
        ('{"other": 1}\n', "a.jsonl", ("--like", "w1"), "no 'text' there"),
        ("not json\n", "a.jsonl", ("--like", "w1"), "line 1 is not JSON"),
        ("not parquet\n", "a.parquet", ("--like", "w1"), "not readable as Parquet"),
    ],
)
def test_bad_input_is_said(
    content: str, name: str, options: tuple[str, ...], said: str, model: Path, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=said):
        run(tmp_path / name, "--folder", model, *options)


def test_a_file_that_is_no_text_is_said(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"w1\n\xff\xfe\n")
    with pytest.raises(UserError, match="not UTF-8"):
        run(tmp_path / "a.txt", "--folder", model, "--like", "w1")


def test_a_registered_model_gives_vectors(model: Path) -> None:
    vectors = Embedder.load(model).embed(TEXTS[:2])
    of_length_one = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.allclose(serve(str(model))(np.array([TEXTS[:2]])), of_length_one, atol=1e-5)
