"""What the results page says of the recogniser: the paper's languages beside ours, by the names of the arms."""

from pathlib import Path

import pandas as pd
from tests.report.pages import ROOT, composed, row, said_of
from tests.speech_bt.test_evaluate import frame
from tests.speech_bt.test_sweeps import judged

from selfsown.report.paper import read_paper
from selfsown.speech_bt.evaluate import measure
from selfsown.speech_bt.sweeps import judged_items

RATES = [
    row("wer untouched", 0.664, 0.034, 197),
    row("wer mixed", 0.567, 0.034, 197),
    row("ood_wer mixed", 0.6, 0.05, 88),
    row("wer_relative_reduction mixed", 0.146, 0.053, 197),
    row("wer_relative_reduction synthetic", -0.064, 0.041, 197),
    row("ood_wer_relative_reduction mixed", 0.031, 0.058, 88),
]


def test_figures_stand_beside_the_papers_of_the_language(tmp_path: Path) -> None:
    text = said_of("speech_bt", tmp_path, RATES, "profile=laptop")
    assert "| Czech | 10.9 | 5.2 | 52.3 | 66.4 (63.0 to 69.8) | 56.7 (53.3 to 60.1) | 14.6 (9.3 to 19.9) |" in text
    assert "| Dutch | 4.9 | 3.7 | 24.5 | – | – | – |" in text
    assert "Mean relative reduction over its rows: 31.7 %" in text
    assert "WER in domain, % (n\u00a0=\u00a0197)" in text and "WER out of domain, % (n\u00a0=\u00a088)" in text
    for condition in ("Whisper-large-v3", "Common Voice 16", "whisper\\_basic", "encoder window"):
        assert condition in text.split("### Conditions")[1]
    assert "The target of 30.0 % is missed" in text and "second-hand" in text
    both = "Real and synthetic speech together make a better"
    assert f"**Not established:** {both} one than the untouched model out of domain too. " in text
    assert "**The opposite holds:** Synthetic speech alone makes a better recogniser" in text
    assert f"**Not measured:** {both} recogniser than as many steps on real speech alone" in text


def test_of_several_languages_each_stands_in_its_row(tmp_path: Path) -> None:
    several = [row(f"wer {arm} {part}", value, 0.01, 90) for arm, value in (("untouched", 0.5), ("mixed", 0.4))
               for part in ("cs", "nl")]  # fmt: skip
    text = said_of("speech_bt", tmp_path, [*RATES, *several], "profile=laptop", "languages=[cs,nl]")
    assert "| Czech | 10.9 | 5.2 | 52.3 | 50.0 (49.0 to 51.0) | 40.0 (39.0 to 41.0) | – |" in text
    assert "| Dutch | 4.9 | 3.7 | 24.5 | 50.0 (49.0 to 51.0) | 40.0 (39.0 to 41.0) | – |" in text
    assert "Error rates on real speech, nl" in text


def test_chinese_stands_beside_the_papers_chinese_by_its_character_errors(tmp_path: Path) -> None:
    rows = [row(f"cer {arm} zh", value, 0.01, 90) for arm, value in (("untouched", 0.3), ("mixed", 0.2))]
    rows += [row(f"wer {arm} cs", 0.5, 0.01, 90) for arm in ("untouched", "mixed")]
    rows += [row("mer_relative_reduction mixed", 0.3, 0.05, 90), row("cer_relative_reduction mixed zh", 0.3, 0.05, 90)]
    text = said_of("speech_bt", tmp_path, rows, "profile=laptop", "languages=[cs,zh]")
    assert (
        "| Chinese, CER | 16.1 | 13.6 | 15.5 | 30.0 (29.0 to 31.0) | 20.0 (19.0 to 21.0) | 30.0 (25.0 to 35.0) |"
        in text
    )
    assert "| Czech | 10.9 | 5.2 | 52.3 | 50.0 (49.0 to 51.0) | 50.0 (49.0 to 51.0) | – |" in text
    claim = "Real and synthetic speech together make a better recogniser than the untouched model, in domain, zh. "
    assert f"**Established:** {claim}" in text


def test_a_sweep_is_drawn_with_its_threshold(tmp_path: Path) -> None:
    change = [row("wer_minus_real mixed", -0.08, 0.03, 236), row("wer_minus_real quality_band", 0.02, 0.03, 236)]
    quality = [row("norm_i mixed", 1.2, 0.1, 30), row("norm_i quality_band", 0.7, 0.1, 30)]
    rows = [*RATES, *change, *quality, row("norm_i_threshold mixed", 1.2)]
    text = said_of("speech_bt", tmp_path, rows, "profile=study", "variant=sweeps")
    html = (tmp_path / "out/index.html").read_text()
    assert "What synthetic speech changes, by how intelligible it is" in html and "threshold 1.2" in html
    assert "Error rate by minutes of synthetic speech" not in html, "of which nothing was measured"
    assert "| Festival, 300 to 1,000 Hz | 0.7 (0.6 to 0.8) |" in text


def test_what_the_sweeps_measure_is_declared() -> None:
    parameters = composed("profile=study", "variant=sweeps")["speech_bt"]
    also = [frame(0.5, split="dev")]
    frames = {arm: frame(0.5, number, also=also) for number, arm in enumerate(parameters["matrix"]["transcribed"])}
    for number, arm in enumerate(parameters["evaluate"]["sweeps"]["norm_i"]):
        frames[arm] = pd.concat(
            [frame(0.3, number, also=[frame(0.3, split="dev")]), judged_items(judged(5, 3 + number), 11.0)]
        )
    rows = measure(frames, parameters)
    paper = read_paper(ROOT / "pipelines/speech_bt/paper.yaml", composed("profile=study", "variant=sweeps"))
    paper.check_declared({row.measure for row in rows}, {row.arm for row in rows})
    assert {"norm_i", "norm_i_threshold", "minutes", "real_share"} <= {row.measure for row in rows}


def test_whatever_is_measured_is_declared() -> None:
    parameters = composed("profile=study")
    arms = [*parameters["speech_bt"]["matrix"]["transcribed"], "other_text"]
    alphas = [f"alpha_{alpha:g}" for alpha in parameters["speech_bt"]["interpolate"]["alphas"]]
    rows = []
    for languages in (("cs", "nl"), ("cs", "zh"), ("zh",)):
        found = [frame(0.5, split=split, languages=languages) for split in ("test", "ood")]
        dev = [*found, frame(0.5, split="dev", languages=languages)]
        also = {arm: dev if arm in alphas else found for arm in (*arms, *alphas)}
        rows += measure({arm: frame(0.5, languages=languages, also=more) for arm, more in also.items()}, {})
    paper = read_paper(ROOT / "pipelines/speech_bt/paper.yaml", parameters)
    paper.check_declared({row.measure for row in rows}, {row.arm for row in rows})
    assert {"untouched_short", *arms, *alphas} == {row.arm for row in rows} and "ood_wer_minus_real" in {
        r.measure for r in rows
    }


def test_every_claim_and_table_stands_for_a_language_that_is_counted_in_characters() -> None:
    said = read_paper(ROOT / "pipelines" / "speech_bt" / "paper.yaml", composed("profile=laptop"))
    for claim in said.claims:
        names = [claim.measure] if isinstance(claim.measure, str) else [*claim.measure]
        assert {name.replace("wer", "cer") for name in names} <= {*names}, claim.text
    for table in said.tables:
        assert {name.replace("wer", "cer") for name in table.measures} <= {*table.measures}, table.caption
