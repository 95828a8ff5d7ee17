"""Sentences become speech: step 2 of the paper, with any of the engines.

Input: sentences and, for engines that clone a voice, the real seed speech as prompts. Output: an `UTTERANCE` product
of 16 kHz mono FLAC whose `speaker` is the voice. Each sentence is spoken `renditions` times, each time by another
voice drawn by seed from its language's pool (the paper draws audio prompts the same way): split `synthetic`. Beside
them every voice says what some real utterances say, to be compared with them text by text: split `matched`, which
nothing is trained on. A shard holds sentences of like length, longest first as in the paper, so that engines which
batch pad little. A sentence that no voice should read, or that its engine refuses, is kept in `rejected.parquet` with
the reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from selfsown.audio import SAMPLE_RATE, UTTERANCE, AugmentParams, augment, encode_flac, resample
from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.params import Params
from selfsown.products import CardInfo, read_card, read_product
from selfsown.shards import ShardResult, map_shards, with_reason
from selfsown.shards.seeds import shard_seed
from selfsown.speech_bt.engines import Failure, Voice, load_engine
from selfsown.speech_bt.sampling import MATCHED, SYNTHETIC, drawn
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.written.spoken import unspoken


class MatchedParams(Params):
    """What every voice says as real speech does: `texts` of each of the `splits`, drawn by seed from all groups."""

    splits: tuple[Literal["seed", "text", "dev"], ...] = Field(min_length=1)
    texts: int = Field(ge=1)


class SynthesizeParams(StageParams):
    """`sentences`: how many per language of each domain; `voices`: the pool of each language."""

    data_seed: int = Field(ge=0)
    languages: tuple[str, ...]
    sentences: dict[str, int]
    renditions: int = Field(ge=1)
    matched: MatchedParams
    voices: dict[str, tuple[Voice, ...]]
    augment: AugmentParams
    shard_size: int = Field(ge=1)


@dataclass(frozen=True)
class Line:
    """A sentence, the voice that will speak it, and the seed of what is random in that.

    `group`: id of the sentence, or of the real utterance that says the same.
    """

    id: str
    text: str
    language: str
    source: str
    group: str
    split: str
    voice: Voice
    seed: int


@stage()
def synthesize(params: SynthesizeParams, *, sentences: In, speech: In, synthetic: Out, identity: Identity) -> Metrics:
    """Speak every chosen sentence, and what real speech says.

    Raises:
        UserError: a language without voices or without sentences.
    """
    real = read_product(speech, ["id", "text", "language", "source", "group", "split"])
    lines = plan(read_product(sentences).to_pylist(), real.to_pylist(), params)
    shards = [lines[start : start + params.shard_size] for start in range(0, len(lines), params.shard_size)]
    text = read_card(sentences)
    card = map_shards(
        partial(Synthesizer, params.augment, speech),
        shards,
        synthetic,
        schema=UTTERANCE,
        card=CardInfo(
            name="speech_bt synthetic",
            licence=f"text: {text.licence}; voices: {'; '.join(sorted({line.voice.licence for line in lines}))}",
            source=f"{text.source}, spoken by {', '.join(sorted({line.voice.name for line in lines}))}",
            seed=params.data_seed,
            contaminated=text.contaminated,
        ),
        identity=identity,
    )
    return {"utterances": card.rows, "refused": sum(card.dropped.values())}


def plan(rows: Sequence[dict[str, str]], real: Sequence[dict[str, str]], params: SynthesizeParams) -> list[Line]:
    """Choose sentences, real utterances and voices by seed.

    Longest first, ties by id, so that the order is a function of the input.
    """
    lines: list[Line] = []
    for language in params.languages:
        if not (voices := params.voices.get(language)):
            raise UserError(
                f"params.yaml: speech_bt.synthesize.voices.{language}: no voice for a language in `languages`; "
                f"eSpeak NG has most: {language}: [{{engine: espeak, voice: {language}}}]"
            )
        rng = np.random.default_rng([params.data_seed, *language.encode()])
        for domain, count in params.sentences.items():
            pool = [row for row in rows if row["language"] == language and row["domain"] == domain]
            for index in sorted(rng.permutation(len(pool))[:count]):
                row = pool[index]
                chosen = rng.permutation(len(voices))[: params.renditions]
                for number, voice in enumerate(chosen):
                    lines.append(_line(row, SYNTHETIC, number, voices[voice], shard_seed(params.data_seed, len(lines))))
        if not any(line.language == language for line in lines):
            raise UserError(
                f"data/corpora/sentences: no {language} sentence in the domains {', '.join(params.sentences)}"
            )
        for row in _matched([row for row in real if row["language"] == language], params):
            for number, voice in enumerate(voices):
                lines.append(_line(row, MATCHED, number, voice, shard_seed(params.data_seed, len(lines))))
    return sorted(lines, key=lambda line: (-len(line.text), line.id))


def _matched(real: Sequence[dict[str, str]], params: SynthesizeParams) -> list[dict[str, str]]:
    """The real utterances whose texts every voice says: of each text one."""
    texts = {row["text"]: row for row in sorted(real, key=lambda row: row["id"])}
    chosen = []
    for split in params.matched.splits:
        pool = {row["id"]: row for row in texts.values() if row["split"] == split}
        names = drawn({name: row["group"] for name, row in pool.items()}, params.matched.texts, params.data_seed)
        chosen += [pool[name] for name in sorted(names)]
    return chosen


def _line(row: dict[str, str], split: str, number: int, voice: Voice, seed: int) -> Line:
    name = f"{row['id']}.{number}"
    return Line(name, row["text"], row["language"], row["source"], row["id"], split, voice, seed)


class Synthesizer:
    """Speaks shards; engines are loaded when first needed and kept. `speech` holds the prompts of cloned voices."""

    def __init__(self, augmentation: AugmentParams, speech: Path) -> None:
        self.augmentation, self.speech = augmentation, speech

    def __call__(self, lines: list[Line]) -> ShardResult:
        """One batch per voice; rows come back in the shard's order."""
        by_voice: dict[Voice, list[Line]] = defaultdict(list)
        rows: dict[str, dict[str, object]] = {}
        reasons: dict[str, str] = {}
        for line in lines:
            if reason := unspoken(line.text):  # some engines would read it, and none as it is written
                reasons[line.id] = reason
                rows[line.id] = self._row(line, np.zeros(0, np.float32))
            else:
                by_voice[line.voice].append(line)
        for voice, batch in by_voice.items():
            engine = load_engine(voice, self.speech)
            spoken = engine.synthesize([line.text for line in batch], voice, batch[0].seed)
            for line, audio in zip(batch, spoken, strict=True):
                if isinstance(audio, Failure):
                    reasons[line.id] = f"engine: {audio.reason}"
                    rows[line.id] = self._row(line, np.zeros(0, np.float32))
                else:
                    samples = resample(audio, engine.sample_rate, SAMPLE_RATE)
                    rng = np.random.default_rng(line.seed)
                    rows[line.id] = self._row(line, augment(samples, SAMPLE_RATE, self.augmentation, rng))
        table = pa.Table.from_pylist([rows[line.id] for line in lines], schema=UTTERANCE)
        refused = pa.array([line.id in reasons for line in lines])
        kept = table.filter(pa.compute.invert(refused))
        return ShardResult(
            kept, with_reason(table.filter(refused), [reasons[line.id] for line in lines if line.id in reasons])
        )

    @staticmethod
    def _row(line: Line, samples: np.ndarray) -> dict[str, object]:
        return {
            "id": line.id,
            "audio": {"bytes": encode_flac(samples, SAMPLE_RATE) if len(samples) else b"", "path": f"{line.id}.flac"},
            "text": line.text,
            "language": line.language,
            "speaker": line.voice.name,
            "duration": len(samples) / SAMPLE_RATE,
            "source": line.source,
            "group": line.group,
            "split": line.split,
        }
