"""Sentences as XTTS reads them: its language's mark, then the text in its tokens, spaces among them.

Coqui's tokenizer cleans a text before (numbers become words, marks become letters) and refuses a language that it has
no rules for. Such a language is read as it is written, so that a vocabulary which was grown for it serves.
"""

from __future__ import annotations

from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer

SPACE = "[SPACE]"


def language_code(language: str) -> str:
    """A language as XTTS calls it: `pt` for `pt-br`, and `zh-cn` for any Chinese."""
    code = language.partition("-")[0]
    return "zh-cn" if code == "zh" else code


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
