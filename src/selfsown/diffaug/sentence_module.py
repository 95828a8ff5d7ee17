"""A sentence encoder's folder as a `SentenceTransformer`, without any code read from the folder.

`modules.json` names the class below, and `SentenceTransformer(folder)` of sentence-transformers 5 imports it by that.
From 6.0 the library asks for `trust_remote_code` before it imports any class that is not its own, from a folder on the
own disk too. `sentence_transformer` hands it the class instead. The class has the methods of the library's own modules
and is none of them, so that only who wants the library imports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from torch import Tensor, nn

from selfsown.diffaug.embedding.encoder import SentenceEncoder
from selfsown.diffaug.embedding.folder import load_encoder, save_encoder
from selfsown.diffaug.embedding.template import tokenise

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class SentenceModule(nn.Module):
    """The whole encoder as one module: text in, `sentence_embedding` `[rows, width]` out."""

    save_in_root = True

    def __init__(self, encoder: SentenceEncoder, tokenizer: Any, folder: Path) -> None:
        super().__init__()
        self.encoder, self.tokenizer, self.folder = encoder, tokenizer, folder

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **kwargs: Any) -> Self:
        """From a local folder; the library's other arguments change nothing here."""
        folder = Path(model_name_or_path, subfolder)
        return cls(*load_encoder(folder), folder)

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """Into an empty folder."""
        card = self.folder / "README.md"
        save_encoder(self.encoder, self.folder, Path(output_path), card.read_text("utf-8") if card.is_file() else "")

    @property
    def max_seq_length(self) -> int:
        """Tokens that a sentence is cut to; those of the template come on top."""
        return self.encoder.params.max_tokens

    def get_word_embedding_dimension(self) -> int:
        """Width of a token's state."""
        return self.encoder.width

    get_embedding_dimension = get_sentence_embedding_dimension = get_word_embedding_dimension

    def preprocess(self, inputs: Sequence[str], prompt: str | None = None, **kwargs: Any) -> dict[str, Tensor]:
        """Texts as `forward` takes them."""
        ids = tokenise(self.tokenizer, [f"{prompt or ''}{text}" for text in inputs])
        return self.encoder.template.lay([each[: self.max_seq_length] for each in ids])

    tokenize = preprocess  # its older name

    def forward(self, features: dict[str, Tensor], **kwargs: Any) -> dict[str, Tensor]:
        """Adds `sentence_embedding`."""
        denoise = self.encoder.params.denoise == "always"
        features["sentence_embedding"] = self.encoder(features["input_ids"], features["lengths"], denoise=denoise)
        return features


def sentence_transformer(folder: Path, **arguments: Any) -> SentenceTransformer:
    """The model of a folder as the library's own object, with its further arguments, such as `device`."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(modules=[SentenceModule.load(str(folder))], similarity_fn_name="cosine", **arguments)
