"""Sentences become speech: step 2 of the paper, with any of the engines.

Input: sentences and, for engines that clone a voice, the real seed speech as prompts. Output: an `UTTERANCE` product
of 16 kHz mono FLAC whose `speaker` is the voice. Each sentence is spoken `renditions` times, each time by another
voice or prompt drawn by seed from its language's pool (as the paper draws audio prompts): split `synthetic`. Beside
them every voice says what some real utterances say, to be compared with them text by text: split `matched`, which
nothing is trained on. A voice that imitates a pool of prompts is one voice there, whose texts are spread over the
prompts; the path of a clip then begins with the prompt's own name. A shard holds sentences of like length, longest
first as in the paper, so that engines which batch pad little. A sentence that no voice should read, or that its engine
refuses, is kept in `rejected.parquet` with the reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from selfsown.audio import SAMPLE_RATE, UTTERANCE, AugmentParams, augment, encode_flac, resample
from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.params import Params
from selfsown.products import CardInfo, read_card, read_product
from selfsown.shards import ShardResult, map_shards, with_reason
from selfsown.shards.seeds import purpose_seed, shard_seed
from selfsown.speech_bt.engines import Engine, Failure, MixingEngine, Voice, load_engine, with_prompts
from selfsown.speech_bt.sampling import MATCHED, SYNTHETIC, drawn
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.written.spoken import unspoken


class MatchedParams(Params):
    """What every voice says as real speech does: `texts` of each of the `splits`, drawn by seed from all groups."""

    splits: tuple[Literal["seed", "text", "dev"], ...] = Field(min_length=1)
    texts: int = Field(ge=1)


class QualityParams(Params):
    """Speech of another quality: other `voices`, or another `augment`.

    What is left out is as in the main speech, and so is a language that `voices` does not name.
    """

    voices: dict[str, tuple[Voice, ...]] | None = None
    augment: AugmentParams | None = None


class SynthesizeParams(StageParams):
    """`sentences`: how many per language of each domain; `voices`: the pool of each language.

    `qualities`: further products, by name, that say the same sentences.
    """

    data_seed: int = Field(ge=0)
    languages: tuple[str, ...]
    sentences: dict[str, int]
    renditions: int = Field(ge=1)
    matched: MatchedParams
    voices: dict[str, tuple[Voice, ...]]
    augment: AugmentParams
    qualities: dict[str, QualityParams]
    shard_size: int = Field(ge=1)

    def of(self, quality: str) -> SynthesizeParams:
        """With what speech of the quality has in place of the main speech's.

        Raises:
            UserError: there is none of the name.
        """
        if quality not in self.qualities:
            known = ", ".join(self.qualities) or "none"
            raise UserError(f"params.yaml: speech_bt.synthesize.qualities: no {quality!r}; there is {known}")
        own = self.qualities[quality]
        return self.model_copy(
            update={"voices": {**self.voices, **(own.voices or {})}, "augment": own.augment or self.augment}
        )


@dataclass(frozen=True)
class Line:
    """A sentence, the voice that will speak it, and the seed of what is random in that.

    `group`: id of the sentence, or of the real utterance that says the same. `speaker`: name of the voice that is
    judged: of a pool of prompts one for all, where `voice` imitates one of them.
    """

    id: str
    text: str
    language: str
    source: str
    group: str
    split: str
    speaker: str
    voice: Voice
    seed: int


@stage()
def synthesize(
    params: SynthesizeParams,
    *,
    sentences: In,
    speech: In,
    tts: In | None = None,
    prompts: In | None = None,
    quality: str | None = None,
    synthetic: Out,
    identity: Identity,
) -> Metrics:
    """Speak every chosen sentence, and what real speech says.

    `tts` is a model that voices call by its name, `prompts` the pool that they imitate. `quality`: in place of the
    main speech one of `qualities`.

    Raises:
        UserError: a language without voices or without sentences.
    """
    params = params if quality is None else params.of(quality)
    real = read_product(speech, ["id", "text", "language", "source", "group", "split"])
    lines = plan(read_product(sentences).to_pylist(), real.to_pylist(), params, pool_of(prompts))
    shards = [lines[start : start + params.shard_size] for start in range(0, len(lines), params.shard_size)]
    text = read_card(sentences)
    card = map_shards(
        partial(Synthesizer, params.augment, prompts or speech, tts),
        shards,
        synthetic,
        schema=UTTERANCE,
        card=CardInfo(
            name="speech_bt synthetic",
            licence=f"text: {text.licence}; voices: {'; '.join(sorted({line.voice.licence for line in lines}))}",
            source=f"{text.source}, spoken by {', '.join(sorted({line.speaker for line in lines}))}",
            seed=params.data_seed,
            contaminated=text.contaminated,
        ),
        identity=identity,
    )
    return {"utterances": card.rows, "refused": sum(card.dropped.values())}


def pool_of(prompts: Path | None) -> dict[str, list[str]]:
    """Ids of the pool's prompts by language."""
    pool: dict[str, list[str]] = defaultdict(list)
    for row in read_product(prompts, ["id", "language"]).to_pylist() if prompts is not None else ():
        pool[row["language"]].append(row["id"])
    return pool


def plan(
    rows: Sequence[dict[str, str]],
    real: Sequence[dict[str, str]],
    params: SynthesizeParams,
    prompts: Mapping[str, Sequence[str]],
) -> list[Line]:
    """Choose sentences, real utterances and voices by seed.

    Longest first, ties by id, so that the order is a function of the input. Which sentences of a domain are spoken
    depends neither on the voices nor on the other domains, so that all qualities say the same.

    Args:
        prompts: ids of the pool by language.

    Raises:
        UserError: a language without voices, sentences, or the prompts that a voice asks for.
    """

    def generator(*purpose: str) -> np.random.Generator:
        return np.random.default_rng(purpose_seed(params.data_seed, " ".join(("synthesize", *purpose))))

    lines: list[Line] = []
    for language in params.languages:
        voices = _imitating(language, params, prompts.get(language, ()))
        speakers = generator("voices", language)
        each = [(name, voice) for name, members in voices for voice in members]
        for domain, count in params.sentences.items():
            pool = [row for row in rows if row["language"] == language and row["domain"] == domain]
            for index in sorted(generator("sentences", language, domain).permutation(len(pool))[:count]):
                row = pool[index]
                chosen = speakers.permutation(len(each))[: params.renditions]
                for number, place in enumerate(chosen):
                    name, voice = each[place]
                    lines.append(_line(row, SYNTHETIC, number, name, voice, shard_seed(params.data_seed, len(lines))))
        if not any(line.language == language for line in lines):
            raise UserError(
                f"data/corpora/sentences: no {language} sentence in the domains {', '.join(params.sentences)}"
            )
        orders = [speakers.permutation(len(members)) for _, members in voices]
        for turn, row in enumerate(_matched([row for row in real if row["language"] == language], params)):
            for number, (name, members) in enumerate(voices):
                voice = members[orders[number][turn % len(members)]]
                lines.append(_line(row, MATCHED, number, name, voice, shard_seed(params.data_seed, len(lines))))
    return sorted(lines, key=lambda line: (-len(line.text), line.id))


def _imitating(language: str, params: SynthesizeParams, prompts: Sequence[str]) -> list[tuple[str, tuple[Voice, ...]]]:
    """The names of a language's voices, each with itself, or with one that imitates it for every prompt of the pool."""
    place = f"params.yaml: speech_bt.synthesize.voices.{language}"
    if not (voices := params.voices.get(language)):
        raise UserError(
            f"{place}: no voice for a language in `languages`; eSpeak NG has most: "
            f"{language}: [{{engine: espeak, voice: {language}}}]"
        )
    made = [(voice.name, with_prompts(voice, prompts)) for voice in voices]
    if without := [name for name, members in made if not members]:
        raise UserError(f"{place}: {without[0]} imitates any prompt of the pool, and there is no prompt in {language}")
    return made


def _matched(real: Sequence[dict[str, str]], params: SynthesizeParams) -> list[dict[str, str]]:
    """The real utterances whose texts every voice says: of each text one."""
    usable = [row for row in real if row["split"] in params.matched.splits]
    texts = {row["text"]: row for row in sorted(usable, key=lambda row: row["id"])}
    chosen = []
    for split in params.matched.splits:
        pool = {row["id"]: row for row in texts.values() if row["split"] == split}
        names = drawn({name: row["group"] for name, row in pool.items()}, params.matched.texts, params.data_seed)
        chosen += [pool[name] for name in sorted(names)]
    return chosen


def _line(row: dict[str, str], split: str, number: int, speaker: str, voice: Voice, seed: int) -> Line:
    name = f"{row['id']}.{number}"
    return Line(name, row["text"], row["language"], row["source"], row["id"], split, speaker, voice, seed)


class Synthesizer:
    """Speaks shards; engines are loaded when first needed and kept.

    `speech` holds the prompts of cloned voices, `tts` the model that they call by its name.
    """

    def __init__(self, augmentation: AugmentParams, speech: Path, tts: Path | None = None) -> None:
        self.augmentation, self.speech, self.tts = augmentation, speech, tts

    def _engine(self, voice: Voice) -> Engine[Any]:
        return load_engine(voice, self.speech, self.tts)

    def __call__(self, lines: list[Line]) -> ShardResult:
        """One batch per voice, or per engine that mixes voices; rows come back in the shard's order."""
        batches: dict[object, list[Line]] = defaultdict(list)
        rows: dict[str, dict[str, object]] = {}
        reasons: dict[str, str] = {}
        for line in lines:
            if reason := unspoken(line.text):  # some engines would read it, and none as it is written
                reasons[line.id] = reason
                rows[line.id] = self._row(line, np.zeros(0, np.float32))
            else:
                engine = self._engine(line.voice)
                batches[engine if isinstance(engine, MixingEngine) else line.voice].append(line)
        for batch in batches.values():
            engine, texts, seed = self._engine(batch[0].voice), [line.text for line in batch], batch[0].seed
            if isinstance(engine, MixingEngine):
                spoken = engine.synthesize_mixed(texts, [line.voice for line in batch], seed)
            else:
                spoken = engine.synthesize(texts, batch[0].voice, seed)
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
        path = f"{line.id}.flac" if line.voice.name == line.speaker else f"{line.voice.name}/{line.id}.flac"
        return {
            "id": line.id,
            "audio": {"bytes": encode_flac(samples, SAMPLE_RATE) if len(samples) else b"", "path": path},
            "text": line.text,
            "language": line.language,
            "speaker": line.speaker,
            "duration": len(samples) / SAMPLE_RATE,
            "source": line.source,
            "group": line.group,
            "split": line.split,
        }
