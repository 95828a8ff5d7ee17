"""Engines really speak: repeatably, whatever was said before, and what they cannot say is a failure of one sentence."""

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from tests.plainly import plainly

from selfsown.audio import SAMPLE_RATE, UTTERANCE, encode_flac, resample, rms_dbfs, silence_fraction
from selfsown.products import CardInfo
from selfsown.settings import settings
from selfsown.shards import write_product
from selfsown.sources import SourceError, fetch
from selfsown.speech_bt.engines import (
    CoquiVoice,
    EngineError,
    EspeakVoice,
    Failure,
    FestivalVoice,
    Voice,
    load_engine,
    with_prompts,
)
from selfsown.speech_bt.engines.festival import Festival, scheme_string

if TYPE_CHECKING:
    from selfsown.speech_bt.engines.xtts import XttsEngine

__all__ = ["plainly"]

HELLO = "Dobrý den, jak se máte?"
OTHER = "Na shledanou zítra večer."


def clip(sound: np.ndarray | Failure) -> np.ndarray:
    """A result that is audio, with a duration and a level that speech can have."""
    assert not isinstance(sound, Failure), sound
    assert sound.dtype == np.float32 and sound.ndim == 1 and np.isfinite(sound).all() and np.abs(sound).max() <= 1
    return sound


def is_speech(sound: np.ndarray | Failure, rate: int) -> bool:
    sound = clip(sound)
    return 0.8 < len(sound) / rate < 6 and -35 < rms_dbfs(sound) < -8 and silence_fraction(sound, rate) < 0.6


# --- voices as parameters


def test_voices_are_told_apart_by_engine_and_can_be_keys() -> None:
    voices = TypeAdapter(tuple[Voice, ...]).validate_python(
        [
            {"engine": "espeak", "voice": "cs+f2"},
            {"engine": "espeak", "voice": "cs+f2", "rate": 200},
            {"engine": "festival", "voice": "czech_dita"},
            {"engine": "festival", "voice": "czech_dita", "stretch": 1.2, "pitch": 0.9},
            {"engine": "coqui", "model": "xtts", "licence": "CPML", "speaker": "Ana"},
        ]
    )
    assert [voice.name for voice in voices] == [
        "espeak-cs+f2",
        "espeak-cs+f2-rate200",
        "festival-czech_dita",
        "festival-czech_dita-pitch0.9-stretch1.2",
        "coqui-xtts/Ana",
    ]
    assert len(set(voices)) == 5 and all(voice.licence for voice in voices)


def test_a_voice_of_any_prompt_is_one_for_each() -> None:
    said = [{"engine": "espeak", "voice": "cs"}, {"engine": "coqui", "model": "m", "licence": "l", "prompt": "*"}]
    voice, pool = TypeAdapter(tuple[Voice, ...]).validate_python(said)
    assert with_prompts(voice, ["u1", "u2"]) == (voice,) and with_prompts(pool, []) == ()
    assert [each.name for each in with_prompts(pool, ["u1", "u2"])] == ["coqui-m/u1", "coqui-m/u2"]


@pytest.mark.parametrize(
    "voice",
    [
        {"engine": "siri", "voice": "cs"},
        {"engine": "festival", "voice": "czech_dita) (quit"},
        {"engine": "festival", "voice": "czech_dita", "encoding": "no-such"},
        {"engine": "festival", "voice": "czech_dita", "stretch": 9},
        {"engine": "coqui", "model": "xtts"},  # a licence must be named
    ],
)
def test_voices_that_cannot_be_are_refused(voice: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Voice).validate_python(voice)


# --- espeak


@pytest.mark.parametrize("name", ["cs", "cs+f2", "cs+whisper", "cs+klatt4", "de+m3", "vi"])
def test_espeak_says_the_same_whatever_it_said_before(name: str) -> None:
    voice = EspeakVoice(engine="espeak", voice=name)
    engine = load_engine(voice)
    first, other, again = engine.synthesize([HELLO, OTHER, HELLO], voice)
    assert is_speech(first, engine.sample_rate) and is_speech(other, engine.sample_rate)
    np.testing.assert_array_equal(first, again)
    engine.synthesize([OTHER], EspeakVoice(engine="espeak", voice="cs+m1"))
    np.testing.assert_array_equal(first, engine.synthesize([HELLO], voice)[0])
    assert len(clip(first)) != len(clip(other))


def test_espeak_says_the_same_in_another_process() -> None:
    voice = EspeakVoice(engine="espeak", voice="cs+f2")  # a breathy variant: it draws noise
    script = (
        "import hashlib; from selfsown.speech_bt.engines import *; v = EspeakVoice(engine='espeak', voice='cs+f2');"
        f"print(hashlib.sha256(load_engine(v).synthesize([{HELLO!r}], v)[0].tobytes()).hexdigest())"
    )
    runs = {
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout for _ in "ab"
    }
    assert len(runs) == 1
    sound = clip(load_engine(voice).synthesize([HELLO], voice)[0])
    assert runs == {hashlib.sha256(sound.tobytes()).hexdigest() + "\n"}


def test_espeak_reads_text_as_text() -> None:
    voice = EspeakVoice(engine="espeak", voice="en")
    engine = load_engine(voice)
    plain, marked, empty, dots = engine.synthesize(["a b", '<voice name="de">a</voice> [[h@l@U]]', " ", "..."], voice)
    assert len(clip(marked)) > 2 * len(clip(plain))  # the tags are spoken, not obeyed
    assert isinstance(empty, Failure) and isinstance(dots, Failure)


def test_espeak_rate_and_pitch_are_heard() -> None:
    def say(**manner: int) -> np.ndarray:
        voice = EspeakVoice(engine="espeak", voice="cs", **manner)
        return clip(load_engine(voice).synthesize([HELLO], voice)[0])

    assert len(say(rate=320)) < 0.7 * len(say())
    assert not np.array_equal(say(pitch=90)[:20000], say()[:20000])


def test_a_language_that_espeak_lacks_is_named() -> None:
    voice = EspeakVoice(engine="espeak", voice="xx")
    with pytest.raises(EngineError, match="'xx'"):
        load_engine(voice).synthesize([HELLO], voice)


# --- festival


@pytest.mark.parametrize("text", ['a") (quit) ("', "a\\", 'a\\"', 'a\\\\") (system "true', "a\nb", "(quit) a"])
def test_text_stays_inside_its_scheme_string(text: str) -> None:
    literal = scheme_string(text, "iso-8859-2")
    assert isinstance(literal, bytes)
    assert re.fullmatch(rb'"(?:[^"\\\n]|\\["\\])*"', literal)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("日本", "'日'"), ("", "nothing"), ("…!", "nothing"), ("a\x00b", "U\\+0000"), ("a" * 9999, "4000")],
)
def test_what_festival_cannot_read_is_refused_with_a_reason(text: str, reason: str) -> None:
    refused = scheme_string(text, "iso-8859-2")
    assert isinstance(refused, Failure) and re.search(reason, refused.reason)


@pytest.fixture(scope="module")
def festival() -> Festival:
    try:
        return Festival(fetch("festival-cs"))
    except SourceError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", ["dita", "krb", "machac", "ph"])
def test_festival_says_the_same_whatever_it_said_before(festival: Festival, name: str) -> None:
    voice = FestivalVoice(engine="festival", voice=f"czech_{name}")
    first, other, again = festival.synthesize([HELLO, OTHER, HELLO], voice)
    assert is_speech(first, festival.sample_rate) and is_speech(other, festival.sample_rate)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, festival.synthesize([HELLO], voice)[0])
    assert not np.array_equal(first, festival.synthesize([HELLO], voice, seed=1)[0])


def test_festival_speaks_text_that_looks_like_code(festival: Festival, tmp_path: Path) -> None:
    voice = FestivalVoice(engine="festival", voice="czech_machac")
    mark = tmp_path / "mark"
    attack = f'ahoj") (fclose (fopen "{mark}" "w")) (quit) ("'
    spoken = festival.synthesize([attack, "日本", f"\\{attack}", HELLO], voice)
    assert [isinstance(sound, Failure) for sound in spoken] == [False, True, False, False]
    assert not mark.exists()
    np.testing.assert_array_equal(spoken[3], festival.synthesize([HELLO], voice)[0])


def test_festival_stretch_and_pitch_are_heard(festival: Festival) -> None:
    def say(**manner: float) -> np.ndarray:
        voice = FestivalVoice(engine="festival", voice="czech_machac", **manner)
        return clip(festival.synthesize([HELLO], voice)[0])

    assert len(say(stretch=1.5)) == pytest.approx(1.5 * len(say()), rel=0.1)
    high, low = say(pitch=1.6), say()
    assert len(high) == pytest.approx(len(low), rel=0.05) and not np.array_equal(high[: len(low)], low[: len(high)])


def test_a_voice_that_festival_lacks_is_named(festival: Festival) -> None:
    with pytest.raises(EngineError, match="czech_nobody"):
        festival.synthesize([HELLO], FestivalVoice(engine="festival", voice="czech_nobody"))


def test_a_sentence_that_crashes_festival_costs_only_itself(festival: Festival, tmp_path: Path) -> None:
    """A stand-in program, since no text is known to crash the real one: it dies at the word `pad`."""
    real = festival._program
    fake = tmp_path / "festival"
    fake.write_text(
        f'#!/bin/sh\nfor script; do :; done\nsed "/pad/Q" "$script" > cut.scm\n'
        f'"{real}" --datadir "$2" --libdir "$4" --batch cut.scm || exit 1\n! grep -q pad "$script"\n'
    )
    fake.chmod(0o755)
    voice = FestivalVoice(engine="festival", voice="czech_ph")
    expected = festival.synthesize([HELLO, OTHER], voice)
    festival._program = fake
    try:
        spoken = festival.synthesize([HELLO, "pad", OTHER, "pad a pad"], voice)
    finally:
        festival._program = real
    np.testing.assert_array_equal(spoken[0], expected[0])
    np.testing.assert_array_equal(spoken[2], expected[1])
    assert [isinstance(sound, Failure) for sound in spoken] == [False, True, False, True]


# --- coqui: tiny models, randomly initialised, saved and loaded back


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """As in a worker of `map_shards`; on a busy machine, torch threads that wait for each other take minutes."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tiny_vits(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from TTS.tts.configs.vits_config import VitsConfig
    from TTS.tts.models.vits import Vits

    torch.manual_seed(0)
    config = VitsConfig(run_eval=False, use_phonemes=False, text_cleaner="basic_cleaners")
    for key, value in {
        "hidden_channels": 16,
        "hidden_channels_ffn_text_encoder": 16,
        "num_layers_text_encoder": 1,
        "num_layers_flow": 1,
        "num_layers_posterior_encoder": 1,
        "upsample_initial_channel_decoder": 32,
        "use_speaker_embedding": True,
        "num_speakers": 2,
        "speaker_embedding_channels": 8,
    }.items():
        setattr(config.model_args, key, value)
    folder = tmp_path_factory.mktemp("vits")
    speakers = folder / "speakers.json"
    speakers.write_text('{"anna": 0, "petr": 1}')
    config.speakers_file = config.model_args.speakers_file = str(speakers)
    model = Vits(config)
    model.config.save_json(str(folder / "config.json"))
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    return folder


def test_vits_speaks_by_speaker_and_repeats_itself(tiny_vits: Path) -> None:
    def voice(**fields: str) -> CoquiVoice:
        return CoquiVoice(engine="coqui", model=str(tiny_vits), licence="none", **fields)

    anna = voice(speaker="anna")
    engine = load_engine(anna)
    assert engine is load_engine(voice(speaker="petr"))
    first, other, empty, again = engine.synthesize(["hello there", "good bye", "?", "hello there"], anna)
    assert isinstance(empty, Failure) and len(clip(other))
    np.testing.assert_array_equal(clip(first), again)
    for changed in (
        engine.synthesize(["hello there"], anna, seed=1)[0],
        engine.synthesize(["hello there"], voice(speaker="petr"))[0],
    ):
        assert not np.array_equal(first, clip(changed))
    for wrong in (
        {"speaker": "nobody"},
        {},
        {"speaker": "anna", "prompt": "u1"},
        {"speaker": "anna", "language": "cs"},
    ):
        with pytest.raises(EngineError):
            engine.synthesize(["hello"], voice(**wrong))


@pytest.fixture(scope="module")
def tiny_xtts(one_thread: None, plainly: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.speech_bt.tiny_xtts import write_tiny_xtts

    return write_tiny_xtts(tmp_path_factory.mktemp("xtts"))


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seed utterance and a test utterance, spoken by espeak."""
    voice = EspeakVoice(engine="espeak", voice="cs")
    engine = load_engine(voice)
    rows = []
    for name, split, text in (("u1", "seed", HELLO), ("u2", "test", OTHER)):
        sound = resample(clip(engine.synthesize([text], voice)[0]), engine.sample_rate, SAMPLE_RATE)
        audio = {"bytes": encode_flac(sound, SAMPLE_RATE), "path": f"{name}.flac"}
        rows.append({"id": name, "audio": audio, "split": split})
    folder = tmp_path_factory.mktemp("speech") / "product"
    card = CardInfo(name="speech", licence="none", source="espeak", seed=0)
    write_product(folder, [pa.Table.from_pylist(rows, schema=UTTERANCE)], schema=UTTERANCE, card=card)
    return folder


TEXTS = ["Ahoj.", "Dobrý den, jak se máte?", "Kde je ta loď?"]


def xtts_voice(folder: Path, **fields: object) -> CoquiVoice:
    return CoquiVoice.model_validate(
        {"engine": "coqui", "model": str(folder), "licence": "none", "language": "cs", "speaker": "Ana", **fields}
    )


def load_xtts(voice: CoquiVoice, speech: Path | None = None) -> "XttsEngine":
    """The engine, kept to half a second of audio: its vocoder is of full size."""
    engine = load_engine(voice, speech)
    engine._model.gpt.max_gen_mel_tokens = 6
    return engine


def test_xtts_batch_generates_the_codes_of_each_text_alone(tiny_xtts: Path) -> None:
    import torch

    voice = xtts_voice(tiny_xtts, top_k=1)  # the likeliest code each time, so no chance is left
    engine = load_xtts(voice)
    engine._model.gpt.max_gen_mel_tokens = 40
    tokens = [engine._encode(text, voice) for text in [*TEXTS, TEXTS[0]]]
    ana, other = engine._latents(None, "Ana")[0], torch.randn(1, 32, 64, generator=torch.manual_seed(1))
    prefixes = [ana, other, ana, other]
    with torch.inference_mode():
        batched = engine._generate(tokens, torch.cat(prefixes), voice)[0]
        alone = [engine._generate([ids], prefix, voice)[0][0] for ids, prefix in zip(tokens, prefixes, strict=True)]
    assert [codes.tolist() for codes in batched] == [codes.tolist() for codes in alone]
    assert len({tuple(codes.tolist()) for codes in batched}) == 4, "each text and each voice is heard"
    assert max(map(len, batched)) > 5


def test_xtts_speaks_each_sentence_by_its_own_voice(tiny_xtts: Path, speech: Path) -> None:
    ana, cloned = (xtts_voice(tiny_xtts, top_k=1, **who) for who in ({}, {"speaker": None, "prompt": "u1"}))
    engine = load_xtts(ana, speech)
    mixed = engine.synthesize_mixed([TEXTS[0], TEXTS[1], TEXTS[0]], [ana, cloned, cloned])
    alone = [*engine.synthesize(TEXTS[:1], ana), *engine.synthesize([TEXTS[1], TEXTS[0]], cloned)]
    for sound, expected in zip(mixed, alone, strict=True):
        np.testing.assert_allclose(clip(sound), clip(expected), atol=1e-4)
    assert not np.array_equal(mixed[0], mixed[2])


@hypothesis.settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=30),
    manners=st.lists(st.sampled_from([0.7, 0.8]), min_size=30, max_size=30),
    budget=st.integers(1, 200),
)
def test_batches_keep_to_their_budget(lengths: list[int], manners: list[float], budget: int) -> None:
    from selfsown.speech_bt.engines.xtts import batches

    voices = [xtts_voice(Path("x"), temperature=manner, batch_tokens=budget) for manner in manners]
    made = batches({index: [0] * length for index, length in enumerate(lengths)}, voices)
    assert sorted(index for batch in made for index in batch) == list(range(len(lengths)))
    for batch in made:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget
        assert len({manners[index] for index in batch}) == 1
    for first, second in pairwise(made):  # none that would have had room is left to the next
        if manners[first[0]] == manners[second[0]]:
            assert (len(first) + 1) * lengths[first[0]] > budget


def test_xtts_generates_in_half_precision(tiny_xtts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from selfsown.speech_bt.engines.xtts import XttsEngine

    voice = xtts_voice(tiny_xtts, top_k=1)
    whole = load_xtts(voice)
    monkeypatch.setenv("SELFSOWN_PRECISION", "bf16")
    settings.cache_clear()
    try:
        half = XttsEngine(whole._model, None)
        sound = half.synthesize(TEXTS[:1], voice)[0]
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    expected = whole.synthesize(TEXTS[:1], voice)[0]
    assert half._generator.mel_head.weight.dtype == torch.bfloat16
    assert {weight.dtype for weight in whole._model.gpt.parameters()} == {torch.float32}, "prompts are heard as before"
    assert len(clip(sound)) == len(clip(expected))


def test_xtts_sounds_as_upstream_makes_it(tiny_xtts: Path) -> None:
    voice = xtts_voice(tiny_xtts, top_k=1)
    engine = load_xtts(voice)
    latent, embedding = engine._latents(None, "Ana")
    expected = engine._model.inference(TEXTS[0], "cs", latent, embedding, top_k=1, temperature=0.7)["wav"]
    sound = engine.synthesize([TEXTS[1], TEXTS[0]], voice)[1]
    np.testing.assert_allclose(clip(sound), expected, atol=1e-4)


def test_xtts_repeats_itself_by_seed(tiny_xtts: Path) -> None:
    voice = xtts_voice(tiny_xtts, batch_tokens=50)
    engine = load_xtts(voice)
    first = engine.synthesize(TEXTS, voice, seed=5)
    for sound, again in zip(first, engine.synthesize(TEXTS, voice, seed=5), strict=True):
        np.testing.assert_array_equal(clip(sound), again)
    assert not np.array_equal(first[0], engine.synthesize(TEXTS, voice, seed=6)[0])


def test_xtts_imitates_seed_speech_only(tiny_xtts: Path, speech: Path) -> None:
    voice = xtts_voice(tiny_xtts, speaker=None, prompt="u1")
    engine = load_xtts(voice, speech)
    cloned = clip(engine.synthesize(TEXTS[:1], voice)[0])
    assert not np.array_equal(cloned, engine.synthesize(TEXTS[:1], xtts_voice(tiny_xtts))[0])
    with pytest.raises(EngineError, match="'u2'"):
        engine.synthesize(TEXTS[:1], xtts_voice(tiny_xtts, speaker=None, prompt="u2"))
    with pytest.raises(EngineError, match="speech product"):
        load_xtts(voice).synthesize(TEXTS[:1], voice)


def test_xtts_refuses_single_sentences_and_wrong_voices(tiny_xtts: Path) -> None:
    voice = xtts_voice(tiny_xtts)
    engine = load_xtts(voice)
    spoken = engine.synthesize(["a" * 70, "", TEXTS[0]], voice)
    assert [isinstance(sound, Failure) for sound in spoken] == [True, True, False]
    for wrong in ({"language": "vi"}, {"language": None}, {"speaker": "Bob"}, {"speaker": None}, {"prompt": "u1"}):
        with pytest.raises(EngineError):
            engine.synthesize(TEXTS, xtts_voice(tiny_xtts, **wrong))


def test_a_named_model_is_not_downloaded_before_its_licence_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELFSOWN_COQUI_TOS_AGREED", raising=False)
    settings.cache_clear()
    voice = CoquiVoice(engine="coqui", model="tts_models/multilingual/multi-dataset/xtts_v2", licence="CPML")
    with pytest.raises(EngineError, match="SELFSOWN_COQUI_TOS_AGREED"):
        load_engine(voice)


def test_a_model_that_is_a_pickle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model": "bark"}')
    (tmp_path / "model.pth").write_bytes(b"")
    for model in ("tts_models/multilingual/multi-dataset/bark", str(tmp_path)):
        with pytest.raises(EngineError, match="bark is kept as pickles"):
            load_engine(CoquiVoice(engine="coqui", model=model, licence="none"))


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=re.escape(str(tmp_path))):
        load_engine(CoquiVoice(engine="coqui", model=str(tmp_path), licence="none"))
