"""Which sentence is spoken by whom: a function of the input and the seed, and every sentence accounted for."""

from collections import Counter

import numpy as np
import pytest

from selfsown.audio import AugmentParams, decode
from selfsown.errors import UserError
from selfsown.speech_bt.engines import CoquiVoice, EspeakVoice
from selfsown.speech_bt.synthesize import SynthesizeParams, Synthesizer, plan

VOICES = [EspeakVoice(engine="espeak", voice=name) for name in ("cs", "cs+f2", "cs+m3")]


def params(**changes: object) -> SynthesizeParams:
    values = {
        "data_seed": 1, "languages": ("cs",), "sentences": {"dialogue": 10, "prose": 2}, "renditions": 2,
        "matched": {"splits": ("seed", "dev"), "texts": 2},
        "voices": {"cs": tuple(VOICES)}, "augment": AugmentParams(), "qualities": {},
        "shard_size": 4,
    }  # fmt: skip
    return SynthesizeParams.model_validate(values | changes)


def rows(count: int, domain: str = "dialogue") -> list[dict[str, str]]:
    texts = [("slovo " * (1 + i % 7)).strip() + f" {chr(97 + i)}" for i in range(count)]
    return [
        {"id": f"{domain}{i}", "text": text, "language": "cs", "source": "made here", "domain": domain}
        for i, text in enumerate(texts)
    ]


def real(counts: dict[str, int]) -> list[dict[str, str]]:
    return [
        {"id": f"{split}{i}", "text": f"skutečná {split} {i}", "language": "cs", "source": "a game",
         "group": f"level {i % 3}", "split": split}
        for split, count in counts.items() for i in range(count)
    ]  # fmt: skip


def test_every_rendition_has_a_voice_of_its_own_and_longest_come_first() -> None:
    lines = plan(rows(8) + rows(5, "prose"), [], params(), {})
    assert len(lines) == 2 * (8 + 2)
    assert [len(line.text) for line in lines] == sorted((len(line.text) for line in lines), reverse=True)
    spoken = [(line.id.rpartition(".")[0], line.voice.name) for line in lines]
    assert len(set(spoken)) == len(spoken)
    assert len({line.id for line in lines}) == len(lines) == len({line.seed for line in lines})


def test_the_plan_is_a_function_of_the_seed() -> None:
    said = real({"seed": 9, "dev": 9})
    assert plan(rows(20), said, params(), {}) == plan(rows(20), said[::-1], params(), {})
    assert plan(rows(20), said, params(), {}) != plan(rows(20), said, params(data_seed=2), {})


def test_every_voice_says_what_the_same_real_utterances_say() -> None:
    said = real({"seed": 9, "dev": 9, "test": 9, "text": 9})
    said += [{**said[0], "id": "again"}, {**said[9], "id": "nl", "language": "nl"}]  # a text of both is said once
    said += [
        {**row, "id": f"z{row['id']}", "split": "test"} for row in said if row["split"] != "test"
    ]  # a digit, a prompt
    lines = [line for line in plan(rows(3), said, params(), {}) if line.split == "matched"]
    texts = {row["id"]: row["text"] for row in said}
    assert len(lines) == 3 * 4 and all(line.text == texts[line.group] for line in lines)
    by_voice = {voice: {line.group for line in lines if line.voice == voice} for voice in VOICES}
    (same,) = map(set, {tuple(sorted(names)) for names in by_voice.values()})
    assert len(same) == 4 == len({texts[name] for name in same})
    assert sorted(name.rstrip("0123456789") for name in same) in (
        ["dev", "dev", "seed", "seed"],
        ["again", "dev", "dev", "seed"],
    )


POOL = CoquiVoice(engine="coqui", model="xtts", licence="none", language="cs", prompt="*")


def test_a_pool_of_prompts_is_one_voice_and_each_of_its_prompts_says_some_texts() -> None:
    prompts = {"cs": ["u1", "u2", "u3"], "nl": ["u4"]}
    wanted = params(voices={"cs": (POOL, VOICES[0])}, renditions=4, matched={"splits": ("seed",), "texts": 6})
    lines = plan(rows(12), real({"seed": 6}), wanted, prompts)
    matched = [line for line in lines if line.split == "matched"]
    assert Counter(line.speaker for line in matched) == {"coqui-xtts/*": 6, "espeak-cs": 6}
    imitated = Counter(line.voice.prompt for line in matched if isinstance(line.voice, CoquiVoice))
    assert imitated == {"u1": 2, "u2": 2, "u3": 2}
    texts = {line.group for line in matched}
    assert all(sum(line.group == text for line in matched) == 2 for text in texts) and len(texts) == 6
    # What is trained on is spoken by any of them, each rendition of a sentence by another.
    spoken = [(line.group, line.voice) for line in lines if line.split == "synthetic"]
    assert len(set(map(str, spoken))) == len(spoken) == 4 * 10
    assert lines == plan(rows(12), real({"seed": 6}), wanted, prompts)


def test_a_voice_of_any_prompt_needs_a_pool_in_its_language() -> None:
    with pytest.raises(UserError, match=r"voices\.cs: coqui-xtts/\* imitates .* no prompt in cs"):
        plan(rows(3), [], params(voices={"cs": (POOL,)}), {"nl": ["u1"]})


def test_another_quality_says_the_same_by_other_voices_or_with_noise() -> None:
    noise = {"noise_snr_db": {"probability": 1, "low": 5, "high": 5}}
    few = {"voices": {"cs": VOICES[:1]}}
    wanted = params(qualities={"noise": {"augment": noise}, "other": few}, renditions=1)
    said, written = real({"seed": 4}), rows(20) + rows(20, "prose")
    lines = {name: plan(written, said, wanted.of(name), {}) for name in wanted.qualities}
    main = plan(written, said, wanted, {})
    assert lines["noise"] == main and wanted.of("noise").augment != wanted.augment == wanted.of("other").augment
    spoken = [[(line.id, line.text) for line in each if line.split == "synthetic"] for each in (main, lines["other"])]
    assert spoken[0] == spoken[1] and len(spoken[0]) == 10 + 2
    assert {line.speaker for line in lines["other"]} == {VOICES[0].name}
    two = {"cs": tuple(VOICES), "nl": tuple(VOICES[1:])}
    own = params(voices=two, qualities={"other": few}).of("other").voices
    assert own == {"cs": tuple(VOICES[:1]), "nl": two["nl"]}, "a language that the quality does not name"
    with pytest.raises(UserError, match="no 'nosie'; there is noise, other"):
        wanted.of("nosie")


def test_a_domain_is_drawn_from_whatever_the_others_are() -> None:
    written = rows(20) + rows(20, "prose")
    alone, beside = (
        {line.group for line in plan(written, [], params(sentences=wanted), {}) if line.group.startswith("prose")}
        for wanted in ({"prose": 2}, {"dialogue": 7, "prose": 2})
    )
    assert alone == beside


def test_noise_does_not_depend_on_who_else_is_in_the_shard(tmp_path) -> None:
    noise = AugmentParams.model_validate({"noise_snr_db": {"probability": 1, "low": 5, "high": 5}})
    lines = plan(rows(4), [], params(renditions=1), {})
    whole = Synthesizer(noise, tmp_path)(lines).kept.to_pylist()
    alone = [Synthesizer(noise, tmp_path)([line]).kept.to_pylist()[0] for line in lines]
    plain = Synthesizer(AugmentParams(), tmp_path)(lines).kept.to_pylist()
    assert whole == alone and all(a["audio"] != b["audio"] for a, b in zip(whole, plain, strict=True))


def test_a_language_without_voices_or_sentences_is_named() -> None:
    with pytest.raises(UserError, match=r"voices\.nl: no voice"):
        plan(rows(3), [], params(languages=("cs", "nl")), {})
    with pytest.raises(UserError, match="no cs sentence in the domains prose"):
        plan(rows(3), [], params(sentences={"prose": 5}), {})


def test_what_no_voice_should_read_reaches_no_engine(tmp_path) -> None:
    lines = plan(
        [{**rows(1)[0], "text": "Ahoj 😀 lidi."}, {**rows(2)[1], "text": "Ahoj lidi."}], [], params(renditions=1), {}
    )
    result = Synthesizer(AugmentParams(), tmp_path)(lines)
    assert result.kept["text"].to_pylist() == ["Ahoj lidi."]
    assert result.rejected is not None
    assert result.rejected["reason"].to_pylist() == ["symbol: '😀' in 'Ahoj 😀 lidi.'"]


def test_speech_comes_back_in_order_and_what_an_engine_refuses_is_kept(tmp_path) -> None:
    lines = plan([*rows(3), {**rows(1)[0], "id": "mute", "text": "…"}], [], params(renditions=1), {})
    result = Synthesizer(AugmentParams(), tmp_path)(lines)
    kept = result.kept.to_pylist()
    assert result.rejected is not None
    assert result.rejected["id"].to_pylist() == ["mute.0"] and result.rejected["reason"][0].as_py().startswith(
        "engine: "
    )
    assert [row["id"] for row in kept] == [line.id for line in lines if line.text != "…"]
    for row in kept:
        samples, rate = decode(row["audio"]["bytes"])
        assert rate == 16_000 and len(samples) / rate == pytest.approx(row["duration"])
        assert np.sqrt(np.mean(samples**2)) > 0.01
        assert 3 < len(row["text"]) / row["duration"] < 40
