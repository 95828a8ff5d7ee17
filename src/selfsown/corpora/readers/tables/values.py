"""What a value of a row says, and when it says nothing: one rule for all readers and all columns.

JSON and Parquet have types, so there a text is what it is and only null, NaN and blanks are missing. In CSV all is
text, so there the signs that programs write for a missing value are missing too.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

SIGNS = frozenset({
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NAN", "NULL", "NaN", "None", "\\N", "n/a", "nan", "null",
})  # fmt: skip
"""What pandas reads as missing in CSV, and what databases export."""


_ODD = re.compile("[\0\ud800-\udfff]")


class NotTextError(ValueError):
    """A value that cannot be read as text; the message says what it is."""


def missing(value: object, *, typed: bool = True) -> bool:
    """Whether a value stands for none; `typed`: it is from JSON or Parquet, not from CSV.

    >>> missing(float("nan")), missing("nan"), missing("nan", typed=False), missing(" "), missing(0)
    (True, False, True, True, False)
    """
    if isinstance(value, str):
        return not value.strip() or (not typed and value.strip() in SIGNS)
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def text_of(values: Mapping[str, Any], names: Sequence[str], *, typed: bool = True) -> str:
    """The first of the columns `names` that says something, as text in NFC without blanks around it; empty for none.

    Raises:
        NotTextError: it is neither text nor a number, or holds what no text can.
    """
    for name in names:
        value = values.get(name)
        if missing(value, typed=typed):
            continue
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise NotTextError(f"{name} is {str(value)[:40]!r}, of type {type(value).__name__}")
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # a column of whole numbers that lacked one somewhere
        text = unicodedata.normalize("NFC", str(value).strip())
        if fault := odd_sign(text):
            raise NotTextError(f"{name} {fault}")
        return text
    return ""


def odd_sign(text: str) -> str:
    r"""What is in a text that no file of text can hold, such as JSON's `\ud800`; empty where nothing is."""
    odd = _ODD.search(text)
    return f"has {odd[0]!r} in it, which is no character of any text" if odd else ""
