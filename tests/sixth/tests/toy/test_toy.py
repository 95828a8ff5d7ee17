"""The toy's own tests."""

from pathlib import Path

import pyarrow.parquet as pq
import torch

from selfsown.products import read_product
from selfsown.toy.corpus import CorpusParams, corpus
from selfsown.toy.languages.classifier import Classifier
from selfsown.toy.languages.words import VOWELS

PARAMS = CorpusParams(data_seed=1, words=300, shard_size=300, own_letters=0.7)


def test_words_can_be_spoken_or_are_kept_with_the_reason(tmp_path: Path) -> None:
    corpus(PARAMS, words=tmp_path / "words")
    kept, refused = read_product(tmp_path / "words").to_pylist(), pq.read_table(tmp_path / "words/rejected.parquet")
    assert len(kept) + refused.num_rows == 300 and len(kept) > 200
    assert all(VOWELS & set(row["word"]) for row in kept)
    assert not any(VOWELS & set(word) for word in refused["word"].to_pylist())
    splits = {(row["word"], row["split"]) for row in kept}
    assert len(splits) == len({word for word, _ in splits}), "a word stands on two splits"


def test_a_classifier_survives_its_folder_and_sees_what_it_may(tmp_path: Path) -> None:
    torch.manual_seed(1)
    for seen in ("all", "last"):
        made = Classifier(seen)
        made.save(tmp_path)
        words = ["kante", "lumo", "sola", "ttttta"]
        assert Classifier.load(tmp_path).languages(words) == made.languages(words)
        torch.testing.assert_close(Classifier.load(tmp_path).counts(words), made.counts(words))
        assert made.counts(["tta"]).sum() == (3 if seen == "all" else 1)
