"""Evaluation texts that stand in a document: shared runs of words.

After GPT-3 (Brown et al. 2020, appendix C): 13 words in a row in common are a leak. A shorter evaluation text leaks
where all of it stands in the document, unless it has so few words that any book may have them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from selfsown.text.documents.words import Keys, keyed, ngrams, split_words


class HeldOut:
    """Texts that must not be trained on.

    Args:
        texts: of every evaluation.
        shortest: texts of fewer words are not looked for.
        longest: words in a row that make a leak; of a text that has fewer, all of them.
    """

    def __init__(self, texts: Iterable[str], *, shortest: int, longest: int) -> None:
        found: defaultdict[int, list[Keys]] = defaultdict(list)
        for text in texts:
            keys = keyed(split_words(text)).keys
            if len(keys) >= shortest:
                size = min(len(keys), longest)
                found[size].append(ngrams(keys, size))
        self._runs = {size: np.unique(np.concatenate(runs)) for size, runs in sorted(found.items())}

    def leak(self, keys: Keys) -> str:
        """How many words in a row of a held-out text the document has, or an empty text.

        Args:
            keys: the document's words, uint64 [words].
        """
        for size, runs in self._runs.items():
            mine = ngrams(keys, size)
            places = np.minimum(np.searchsorted(runs, mine), len(runs) - 1)
            hits = np.flatnonzero(runs[places] == mine)
            if hits.size:
                return f"held out: {size} words of an evaluation text, from word {hits[0] + 1} on"
        return ""
