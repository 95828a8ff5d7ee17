"""Arms small enough for tests: folders of random encoders, as `SentenceTransformer` saves them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.corpora.sentences_project import words

ARMS = ("untouched_mean", "untouched_cls", "simcse", "diffaug", "simcse_tenth", "diffaug_tenth")


def write_arms(root: Path, arms: tuple[str, ...] = ARMS) -> Path:
    """A folder for each arm, each with other weights; trained ones with their dev history."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    made = {word for number in (*range(80), *range(5000, 5020)) for word in words(number)}
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "it", "the", "one", "no", "by", "water", *sorted(made)]
    tokenizer = Tokenizer(models.WordLevel({name: place for place, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    for seed, arm in enumerate(arms):
        torch.manual_seed(seed)
        config = BertConfig(
            vocab_size=len(names), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
            max_position_embeddings=64, initializer_range=0.5,
        )  # fmt: skip
        BertModel(config).save_pretrained(root / "bare" / arm)
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(root / "bare" / arm)
        modules = [Transformer(str(root / "bare" / arm), max_seq_length=32), Pooling(16, pooling_mode="mean")]
        SentenceTransformer(modules=modules, device="cpu").save(str(root / "arms" / arm))
        if not arm.startswith("untouched"):
            curve = [{"step": step, "dev_auc": 0.5 + seed / 100} for step in (10, 20)]
            (root / "arms" / arm / "training.json").write_text(json.dumps(curve))
    return root / "arms"
