"""Voices as parameters: what a line of `speech_bt.synthesize.voices` may say, told apart by `engine`."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, field_validator

from selfsown.params import Params
from selfsown.sources import describe

Factor = Annotated[float, Field(ge=0.5, le=2)]


class EspeakVoice(Params):
    """A rule-based voice for any of about 130 languages."""

    engine: Literal["espeak"]
    voice: str = Field(description="language, or language+variant: cs, cs+f2, cs+Annie", pattern=r"^[\w+ -]+$")
    rate: int = Field(160, ge=80, le=450, description="words per minute")
    pitch: int = Field(50, ge=0, le=100)

    @property
    def name(self) -> str:
        """The speaker of its utterances."""
        return _name(self, self.voice)

    @property
    def licence(self) -> str:
        """Of the program that speaks."""
        return "eSpeak NG, GPL-3.0-or-later"


class FestivalVoice(Params):
    """A diphone voice of an unpacked Festival."""

    engine: Literal["festival"]
    voice: str = Field(description="as Festival calls it: czech_machac", pattern=r"^[a-z][a-z0-9_]*$")
    source: str = Field("festival-cs", description="entry of conf/sources.yaml: the tree with program and voices")
    encoding: str = Field("iso-8859-2", description="what the voice reads")
    stretch: Factor = Field(1.0, description="of durations: 1.2 is slower by a fifth")
    pitch: Factor = Field(1.0, description="of the mean pitch; Czech voices only")

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str) -> str:
        try:
            return codecs.lookup(encoding).name
        except LookupError:
            raise ValueError(f"{encoding} is no encoding that Python knows") from None

    @property
    def name(self) -> str:
        """The speaker of its utterances."""
        return _name(self, self.voice)

    @property
    def licence(self) -> str:
        """Of program and voices, as the source's entry says."""
        return describe(self.source).licence


class CoquiVoice(Params):
    """A neural voice of coqui-tts. XTTS-v2's weights are for non-commercial use (Coqui Public Model License).

    A voice of XTTS is either one of its `speaker`s or imitates the seed utterance `prompt`. The sampling defaults are
    those of the paper's code; models other than XTTS ignore them.
    """

    engine: Literal["coqui"]
    model: str = Field(description="tts_models/<language>/<data>/<model>, an entry of conf/sources.yaml, or a folder")
    licence: str = Field(description="of the weights; it goes on the card of what they speak")
    speaker: str | None = Field(None, description="name, for models with several")
    prompt: str | None = Field(None, description="for XTTS: id of a seed utterance, or * for each prompt of the pool")
    language: str | None = Field(None, description="for models with several; XTTS needs it")
    batch_tokens: int = Field(2000, ge=1, description="of text, of all sentences that are spoken at once, padding too")
    temperature: float = Field(0.7, gt=0)
    top_k: int = Field(50, ge=1)
    top_p: float = Field(0.85, gt=0, le=1)
    repetition_penalty: float = Field(10.0, gt=0)

    @property
    def name(self) -> str:
        """The speaker of its utterances."""
        return _name(self, "/".join(part for part in (self.model, self.speaker, self.prompt) if part))

    @property
    def sampling(self) -> tuple[float, ...]:
        """What must be the same for all that is spoken at once."""
        return self.batch_tokens, self.temperature, self.top_k, self.top_p, self.repetition_penalty


EACH_PROMPT = "*"
"""As the `prompt` of a voice: any in its language, one for each utterance."""

Voice = Annotated[EspeakVoice | FestivalVoice | CoquiVoice, Field(discriminator="engine")]


def _name(voice: EspeakVoice | FestivalVoice | CoquiVoice, own: str) -> str:
    """Engine and voice, and what was changed of the voice's manner: two manners are two speakers to a gate."""
    fields = type(voice).model_fields
    manner = {key: getattr(voice, key) for key in ("rate", "pitch", "stretch") if key in fields}
    changed = [f"{key}{value:g}" for key, value in manner.items() if value != fields[key].default]
    return "-".join([voice.engine, own, *changed])


def with_prompts(voice: Voice, prompts: Sequence[str]) -> tuple[Voice, ...]:
    """The voice, or where its prompt is `*` a voice for each of `prompts`."""
    if isinstance(voice, CoquiVoice) and voice.prompt == EACH_PROMPT:
        return tuple(voice.model_copy(update={"prompt": prompt}) for prompt in prompts)
    return (voice,)
