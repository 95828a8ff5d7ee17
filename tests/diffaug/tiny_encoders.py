"""Encoders small enough for tests, triplets that they can learn, and sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, RobertaConfig, RobertaModel

from selfsown.diffaug.contrast import ContrastParams
from selfsown.diffaug.prefix import PrefixStageParams
from selfsown.products import CardInfo
from selfsown.shards import write_product

torch.set_num_threads(1)  # tiny tensors: a second thread only waits

Kind = Literal["bert", "roberta"]
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = ["this", "sentence", "of", "means", "is", "not", "the", "and", "MASK", *'".[]', *(f"w{i}" for i in range(40))]
TEMPLATE = 'this sentence of "{sentence}" means {mask} .'
CARD = CardInfo(name="made", licence="CC0-1.0", source="made here", seed=1)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A token a word or mark; what is no word of it is [UNK]."""
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate([*SPECIAL, *WORDS])}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]",
    )  # fmt: skip


def write_encoder(folder: Path, kind: Kind = "bert", dropout: float = 0.1) -> Path:
    """A random encoder's folder, as `diffaug.encoder` makes it."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "vocab_size": len(SPECIAL) + len(WORDS), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 64, "max_position_embeddings": 64, "initializer_range": 0.2, "pad_token_id": 0,
        "hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout,
    }  # fmt: skip
    made = BertModel(BertConfig(**sizes)) if kind == "bert" else RobertaModel(RobertaConfig(**sizes))
    made.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def triplet(place: int, split: str = "train") -> dict[str, str]:
    """What follows says `is`, what contradicts `is not`; two triplets share a page."""
    about = f"w{place % 40} and w{place * 7 % 40}"
    return {
        "id": f"{split}{place}", "premise": f"the sentence is {about}" + " and the w1" * (place % 3),
        "entailment": f"this is {about}", "contradiction": f"this is not {about}", "group": f"{split}-page{place // 2}",
        "source": "made", "language": "en", "split": split,
    }  # fmt: skip


def write_triplets(folder: Path, train: int = 40, dev: int = 12) -> Path:
    rows = [*(triplet(place) for place in range(train)), *(triplet(place, "dev") for place in range(dev))]
    return write_rows(folder, [*rows, triplet(0, "test")])


def write_prose(folder: Path, count: int = 40) -> Path:
    made = [f"w{place % 40} is the w{place * 3 % 40}" + " and w2" * (place % 4) for place in range(count)]
    return write_rows(
        folder, [{"id": f"s{i}", "text": t, "source": "made", "language": "en"} for i, t in enumerate(made)]
    )


def write_rows(folder: Path, rows: list[dict[str, str]]) -> Path:
    table = pa.Table.from_pylist(rows)
    write_product(folder, [table], schema=table.schema, card=CARD)
    return folder


def write_world(root: Path, dropout: float = 0.1) -> Path:
    """A folder with `encoder`, `triplets` and `prose`."""
    write_encoder(root / "encoder", dropout=dropout)
    write_triplets(root / "triplets")
    write_prose(root / "prose")
    return root


ARGUMENTS: dict[str, Any] = {
    "max_steps": 4, "per_device_train_batch_size": 8, "per_device_eval_batch_size": 16, "learning_rate": 1e-3,
    "lr_scheduler_type": "linear", "eval_strategy": "steps", "eval_steps": 2, "save_strategy": "steps",
    "save_steps": 2, "logging_steps": 1,
}  # fmt: skip
EMBEDDING = {"pooling": "mask", "template": TEMPLATE, "max_tokens": 12, "denoise": "always"}
SHARED = {"seed": 1, "data_seed": 1, "mlp": True, "dev_limit": 10, "pass_rows": 10}


def prefix_params(**changes: Any) -> PrefixStageParams:
    """Names: `main`, of all labels, and `half`."""
    section = {
        **SHARED, "labels": {"main": 1.0, "half": 0.5}, "embedding": EMBEDDING,
        "prefix": {"length": 4, "hidden": 16, "dropout": 0.1},
        "arguments": {**ARGUMENTS, **changes.pop("arguments", {})},
    }  # fmt: skip
    return PrefixStageParams.model_validate({**section, **changes})


def contrast_params(**changes: Any) -> ContrastParams:
    section = {
        **SHARED, "embedding": EMBEDDING, "temperature": 0.05, "nli_weight": 0.5, "nli_batch": 4,
        "arms": {
            "simcse": {"setting": "supervised"}, "diffaug": {"setting": "supervised"},
            "semi": {"setting": "semi_supervised", "labels": 0.5}, "alone": {"setting": "unsupervised"},
        },
        "arguments": {**ARGUMENTS, **changes.pop("arguments", {})},
    }  # fmt: skip
    return ContrastParams.model_validate({**section, **changes})
