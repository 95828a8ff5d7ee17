"""What the stage asks of recordings: its parameters, and those that hold for a source of the user's own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from selfsown.params import Params, Range
from selfsown.stage import StageParams

Share = Annotated[str, Field(pattern=r"^(100|\d{1,2})(\.\d+)?\s?%$")]
Target = Annotated[float, Field(ge=0)] | Share | None

NO_LIMIT = Range(low=0, high=float("inf"))


class Targets(Params):
    """Per split and language: minutes, a share such as `10%` of all that a source has, or `null`: all that is left.

    Splits are filled in this order. Whole groups may exceed their target.
    """

    test: Target
    dev: Target
    seed: Target
    text: Target


class Minutes(Targets):
    """The same for known corpora, and what is out of domain."""

    ood: Target


class SourceRules(Params):
    """What holds for a source.

    `disjoint`: what no two splits share. Where the texts repeat by design (digits, commands, prompts that many read)
    it is the `speaker`, and a text may stand on both sides.
    """

    minutes: Targets
    seconds: Range
    characters: Range = Field(description="of a transcript, normalised")
    disjoint: Literal["text", "speaker"] = "text"


class SpeechParams(StageParams):
    """Section `corpora.speech`."""

    data_seed: int = Field(ge=0)
    languages: tuple[str, ...] = Field(min_length=1)
    in_domain: tuple[str, ...] = Field(min_length=1, description="fillets, or a source of kind folder")
    out_of_domain: tuple[str, ...] = Field(description="tuxpaint, or a source of kind folder")
    out_of_domain_languages: tuple[str, ...] = Field(description="beside `languages`: shows what a model forgets")
    minutes: Minutes
    seconds: Range
    characters: Range = Field(NO_LIMIT, description="of a transcript, normalised")
    own: SourceRules | None = Field(None, description="of sources of the user's own; null: the same as for the others")
    dbfs: Range = Field(description="root mean square of a clip, dB below full scale")
    near_duplicate: float = Field(gt=0, le=1, description="Jaccard overlap of character 3-grams")
    rate_deviations: float = Field(gt=0, description="robust standard deviations of log characters/s, out of domain")

    def rules(self, own: bool) -> SourceRules:
        """What holds for a source of the user's `own`, or for a known corpus."""
        if own and self.own is not None:
            return self.own
        minutes = Targets(**self.minutes.model_dump(exclude={"ood"}))
        return SourceRules(minutes=minutes, seconds=self.seconds, characters=self.characters)
