"""The row of a problem: a question, its numbers, and the expression that answers it."""

from __future__ import annotations

import pyarrow as pa

PROBLEM = pa.schema([
    ("id", pa.string()), ("question", pa.string()), ("numbers", pa.list_(pa.string())), ("equation", pa.string()),
    ("answer", pa.string()), ("steps", pa.int32()), ("operators", pa.string()), ("group", pa.string()),
    ("fold", pa.int32()), ("source", pa.string()), ("split", pa.string()),
])  # fmt: skip
"""One word problem or arithmetic task.

question: words separated by spaces, its numbers replaced by number0, number1, ... in order of appearance.
numbers: what they stand for, exact decimals as written, such as "0.5" or "6565".
equation: prefix; operators, number<i>, and constants as plain decimals.
answer: exact, a decimal or a fraction such as "1/3".
steps, operators: how many operators, and which, in prefix order ("-+").
group: rows of one group are never torn over splits.
fold: in which of a data set's folds the row is tested; -1 when there is none.
split: train, dev or test.
"""
