"""The README of a sentence encoder's folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import yaml

from selfsown.diffaug.embedding.description import EmbeddingParams, PrefixParams
from selfsown.products import read_card

SOURCE = "source.json"
"""In the folder of a fetched encoder: where it is from."""


def card(
    name: str,
    how: str,
    source: Path,
    embedding: EmbeddingParams,
    prefix: PrefixParams | None,
    learnt: Sequence[Path] = (),
) -> str:
    """Markdown, with the header that model hubs read.

    Args:
        how: one paragraph on how it was made.
        source: the fetched encoder's folder.
        learnt: products that were learnt from.
    """
    origin = json.loads((source / SOURCE).read_bytes()) if (source / SOURCE).is_file() else {}
    header = {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["sentence-transformers", "sentence-similarity", "feature-extraction"],
    }
    around = f"in the template `{embedding.template}`" if embedding.template else "without a template"
    pooled = {"mask": "the state at the mask token", "mean": "the mean over the sentence's own tokens"}[
        embedding.pooling
    ]
    before = (
        f"Before the tokens of each layer stand {prefix.length} learnt keys and values (a prefix)."
        if prefix
        else "It has no prefix."
    )
    products = [(path, read_card(path)) for path in learnt]
    lines = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n",
        f"# {name}\n",
        f"{how}\n",
        f"A sentence is cut to {embedding.max_tokens} tokens and read {around}. Its vector is {pooled}. {before}\n",
        "Compare vectors by their cosine.\n",
        "```python",
        "from selfsown.diffaug.sentence_module import sentence_transformer\n",
        'sentence_transformer("this/folder").encode(["A sentence."])  # a SentenceTransformer',
        "```\n",
        "From the shell, `selfsown embed FILE --folder this/folder --out embeddings.parquet`.\n",
        f"- Encoder: {origin.get('source', 'unknown')} {origin.get('version', '')}".rstrip(),
        f"- Licence of the encoder: {origin.get('licence', 'unknown')}",
        f"- Citation: {origin.get('citation', 'unknown')}",
        *(f"- Learnt from: {path.name}, {said.rows:,} rows; {said.source}; {said.licence}" for path, said in products),
        "- Paper: DiffAug, arXiv 2210.16536",
    ]
    notes = [said.note for _, said in products if said.note]
    return "\n".join([*lines, *(f"\n{note}" for note in notes)]) + "\n"
