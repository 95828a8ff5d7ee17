"""What speech_bt's stages cost, for `selfsown plan`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from selfsown.plan.architectures import TRAINED, CausalLM, Whisper
from selfsown.plan.models import Model, shape, shape_as
from selfsown.plan.work import COUNTED, Work, trained_bytes, trained_examples

TOKENS_PER_SECOND = 5.3
WORDS = f"{TOKENS_PER_SECOND:g} of Whisper's tokens a second of speech: 600 Czech clips of Fish Fillets"
SENTENCE_SECONDS = 3.4
SENTENCES = f"a sentence of {SENTENCE_SECONDS:g} s: the mean of laptop's accepted speech"
FLAC_BYTES = 21_000.0
FLAC = f"{FLAC_BYTES:,.0f} bytes a second of 16 kHz FLAC: 60 Czech clips of Fish Fillets"
CODES_PER_SECOND = 21.5
CODES = f"XTTS: {CODES_PER_SECOND} codes a second (22,050 Hz, a code each 1,024 samples)"
REAL_TIME = 0.26
IMITATED = f"XTTS takes {REAL_TIME} s of a consumer's GPU for a second of speech: two users' reports, unbatched"
RENDITIONS = "as many sentences as are asked for: a corpus may have fewer"
LONGEST = "each clip in the longest window"
FESTIVAL = "festival-cs"


def works(params: Mapping[str, Any], made: Mapping[str, Model]) -> Iterator[Work]:
    """Speaking, listening and training."""
    section, languages = params["speech_bt"], params["languages"]
    matrix, source = section["matrix"], section["untouched"]["source"]
    model = shape_as(Whisper, source)
    yield Work("speech_bt.untouched", source, disk=4.0 * model.parameters, sources=(source,))
    for name, of in matrix["tts"].items():
        yield Work("speech_bt.tts", name, disk=4.0 * shape(of).parameters, sources=(of,))
    for name, of in matrix["tts"].items():
        yield _adapted(name, shape_as(CausalLM, of), section["adapt_tts"]["arguments"])
    said = section["synthesize"]
    windows = max(section["intelligibility"]["windows"])
    qualities: dict[str, Mapping[str, Any]] = {"": {}, **said["qualities"]}
    for quality, own in qualities.items():
        block = {**said, "voices": {**said["voices"], **(own.get("voices") or {})}}
        spoken = _spoken(block, languages)
        for engine, sentences in spoken.items():
            yield _synthesized(f"{quality} {engine}".strip(), engine, sentences)
        matched = _matched(block) * sum(len(block["voices"][language]) for language in languages)
        heard = matched if quality else sum(spoken.values())  # of a quality the judge hears nothing else
        yield _transcribed("intelligibility", quality, model, heard, windows)
    for arm in matrix["arms"]:
        yield _trained("train", arm, model, section["train"])
    for name in matrix["swept"]:
        yield _trained("train_swept", name, model, section["train"])
    between, tested = section["interpolate"], section["transcribe"]
    clips = len(between["alphas"]) * len(between["splits"]) * between["limit"] * len(languages)
    longest = max(length["seconds"] for length in section["train"]["pack"]["lengths"])
    yield _transcribed("interpolate", between["arm"], model, clips, longest)
    for arm in matrix["transcribed"]:
        choices = tested["untouched_windows" if arm == "untouched" else "windows"]
        clips = len(tested["splits"]) * tested["limit"] * len(languages) + tested["no_speech_clips"]
        yield _transcribed("transcribe", arm, model, len(choices) * clips, max(max(choice) for choice in choices))


def _spoken(block: Mapping[str, Any], languages: list[str]) -> dict[str, float]:
    """Sentences of each engine; the voices of a language share its sentences, and each says what some clips do."""
    shares: dict[str, float] = {}
    for language in languages:
        voices = block["voices"][language]
        sentences = sum(block["sentences"].values()) * block["renditions"] / len(voices)
        for voice in voices:
            shares[voice["engine"]] = shares.get(voice["engine"], 0) + sentences + _matched(block)
    return shares


def _matched(block: Mapping[str, Any]) -> int:
    """Clips whose text a voice says too."""
    return len(block["matched"]["splits"]) * int(block["matched"]["texts"])


def _synthesized(part: str, engine: str, sentences: float) -> Work:
    seconds = sentences * SENTENCE_SECONDS
    said = (SENTENCES, FLAC, RENDITIONS)
    sources = (FESTIVAL,) if engine == "festival" else ()
    if engine != "coqui":
        return Work("speech_bt.synthesize", part, sentences, disk=seconds * FLAC_BYTES, sources=sources, assumed=said)
    codes = seconds * CODES_PER_SECOND
    speaker = shape_as(CausalLM, "xtts-v2")
    flops = 2 * sentences * speaker.forward(SENTENCE_SECONDS * CODES_PER_SECOND)  # and for the vocoder
    return Work(
        "speech_bt.synthesize", part, sentences, codes, flops, seconds * FLAC_BYTES, seconds * REAL_TIME / 3600,
        assumed=(*said, CODES, IMITATED),
    )  # fmt: skip


def _adapted(name: str, model: CausalLM, arguments: Mapping[str, Any]) -> Work:
    clips, codes = trained_examples(arguments), SENTENCE_SECONDS * CODES_PER_SECOND
    return Work(
        "speech_bt.adapt_tts", name, clips, clips * codes, TRAINED * clips * model.forward(codes),
        trained_bytes(model.parameters, arguments), assumed=(SENTENCES, CODES),
    )  # fmt: skip


def _transcribed(stage: str, part: str, model: Whisper, clips: float, seconds: float) -> Work:
    tokens = SENTENCE_SECONDS * TOKENS_PER_SECOND
    return Work(
        f"speech_bt.{stage}", part, clips, clips * tokens, clips * model.transcribe(seconds, tokens),
        assumed=(SENTENCES, WORDS, LONGEST), checked=COUNTED,
    )  # fmt: skip


def _trained(stage: str, arm: str, model: Whisper, block: Mapping[str, Any]) -> Work:
    windows = trained_examples(block["arguments"])
    lengths = block["pack"]["lengths"]
    whole = sum(each["share"] for each in lengths)
    tokens = sum(each["share"] * each["seconds"] for each in lengths) / whole * TOKENS_PER_SECOND
    flops = sum(
        each["share"]
        / whole
        * model.train(each["seconds"], each["seconds"] * TOKENS_PER_SECOND, block["trained_encoder_layers"])
        for each in lengths
    )
    return Work(
        f"speech_bt.{stage}", arm, windows, windows * tokens, windows * flops,
        trained_bytes(model.parameters, block["arguments"]), assumed=(WORDS,), checked=COUNTED,
    )  # fmt: skip
