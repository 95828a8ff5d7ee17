"""Seeds and orders that follow from a parameter alone: the same for any number of workers, on any machine."""

from __future__ import annotations

import hashlib
import json


def shard_seed(seed: int, index: int) -> int:
    """The seed of shard `index`: independent of worker count and order."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{index}".encode()).digest()[:4], "big")


def purpose_seed(seed: int, purpose: str) -> int:
    """A seed for one purpose, unlike those of the shards."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{purpose}".encode()).digest()[:8], "big")


def rank(seed: int, name: str) -> bytes:
    """A place in an order that looks random, and changes neither with the machine nor with the other names."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def chance(text: str, seed: int) -> float:
    """A number in [0, 1) that hangs on the text and the seed alone: which side of a split a group is on."""
    digest = hashlib.sha256(json.dumps([seed, text]).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
