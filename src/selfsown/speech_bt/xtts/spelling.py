"""Sentences as XTTS reads them: its language's mark, then the text in its tokens, spaces among them.

Coqui's tokenizer cleans a text before (numbers become words, marks become letters) and refuses a language that it has
no rules for. Such a language is read as it is written, so that a vocabulary which was grown for it serves. For Chinese
and Japanese its rules are packages that are not installed with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer

from selfsown.errors import UserError

SPACE = "[SPACE]"

_PACKAGES = {"zh": ("pypinyin", "pypinyin"), "ja": ("cutlet", "cutlet 'fugashi[unidic-lite]'")}
"""By language: the module that coqui's rules import, and what `pip install` takes."""


def language_code(language: str) -> str:
    """A language as XTTS calls it: `pt` for `pt-br`, and `zh-cn` for any Chinese."""
    code = language.partition("-")[0]
    return "zh-cn" if code == "zh" else code


def check_rules(languages: Iterable[str]) -> None:
    """Before any work: whether the rules for the languages are there.

    Raises:
        UserError: a package is not installed; the message says which.
    """
    for language in languages:
        module, wanted = _PACKAGES.get(language.partition("-")[0], ("", ""))
        if module and find_spec(module) is None:
            raise UserError(
                f"languages: {language!r}: XTTS reads it by the package {module}, which is not installed here: "
                f"`pip install {wanted}` into the environment, or leave the language out"
            )


def clean(tokenizer: VoiceBpeTokenizer, sentence: str, language: str) -> str:
    """What is spoken of a sentence, in lower case, by the tokenizer's rules for the language where it has some."""
    text = sentence.strip().lower()
    try:
        cleaned: str = tokenizer.preprocess_text(text, language.partition("-")[0])
    except NotImplementedError:  # a language that XTTS has no rules for
        return " ".join(text.split())
    return cleaned


def encode(tokenizer: VoiceBpeTokenizer, sentence: str, language: str) -> list[int]:
    """Token ids of a sentence, as `VoiceBpeTokenizer.encode` gives them for the languages that it takes."""
    marked = f"[{language_code(language)}]{clean(tokenizer, sentence, language)}"
    ids: list[int] = tokenizer.tokenizer.encode(marked.replace(" ", SPACE)).ids
    return ids
