"""The page shows every figure with its interval, says what does not favour us, and asks the network for nothing."""

import doctest
import json
import re
import warnings
import xml.etree.ElementTree as ET  # only reads what this test made
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from selfsown.report import page as module
from selfsown.report import paper, plots, results
from selfsown.report.page import PageParams, ReportError, page
from selfsown.report.paper import Claim, PaperError, flat, read_paper
from selfsown.report.results import Part, verdict

from .conftest import PARAMS, PROFILES, ROOT, composed, estimate, figures, write


def made(project: Path, folder: str = "out") -> tuple[str, str, str]:
    out = project / folder
    page(
        PageParams(),
        figures=project / "metrics",
        pipelines=project / "pipelines",
        parameters=project / "params.yaml",
        html=out / "index.html",
        markdown=out / "results.md",
        picture=out / "dag.svg",
    )
    return tuple((out / name).read_text() for name in ("index.html", "results.md", "dag.svg"))


class Balanced(HTMLParser):
    """Fails on a tag closed out of order; collects ids and everything a browser would load."""

    VOID = ("meta", "link", "br", "hr", "img", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for key, value in attrs:
            if key == "id":
                self.ids.append(value or "")
            if key in ("src", "href", "xlink:href") and tag != "a":
                self.loaded.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_sound_and_self_contained(project: Path) -> None:
    html, _, _ = made(project)
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    assert all(address.startswith(("#", "data:")) for address in parser.loaded)
    assert "@import" not in html and not re.search(r"url\((?!#)", html)
    assert "<script" not in html


def test_figures_stand_beside_the_papers_with_conditions_intervals_and_n(project: Path) -> None:
    html, markdown, _ = made(project)
    row = "| Czech | 10.9 | 5.2 | 52.3 | 66.4 (63.0 to 69.8) | 56.7 (53.3 to 60.1) | 14.6 (9.3 to 19.9) |"
    assert row in markdown
    assert "| Dutch | 4.9 | 3.7 | 24.5 | – | – | – |" in markdown
    assert "Mean relative reduction over its rows: 31.7 %" in markdown
    assert "WER in domain, % (n\u00a0=\u00a0197)" in markdown and "WER out of domain, % (n\u00a0=\u00a088)" in markdown
    for text in (
        "Whisper-large-v3",
        "source whisper-base",
        "Common Voice 16",
        "whisper_basic",
        "encoder window (6, 11 s) that",
        "profile fixture, seed 1",
    ):
        assert text in html and text.replace("_", "\\_") in markdown
    assert "second-hand" in html and "second-hand" in markdown


def test_what_does_not_favour_us_is_said(project: Path) -> None:
    for text in made(project)[:2]:
        flat_text = re.sub(r"<[^>]+>|\*", "", text)
        assert re.search(
            r"Established: Real and synthetic speech together.*\s.*clear of zero. The target of 30.0 % is missed",
            flat_text,
        )
        assert re.search(r"Not established: They do so out of domain too.*\s*.*touches zero", flat_text)
        assert re.search(r"The opposite holds: Synthetic speech alone.*\s*.*wrong side", flat_text)
        assert "do not cover the choice of the training seed" in flat_text


def test_arms_that_were_not_trained_are_absent_and_their_claims_unmeasured(project: Path) -> None:
    left = {key: value for key, value in figures().items() if "real" not in key and "synthetic" not in key}
    write(project / "metrics/speech_bt.json", left)
    html, markdown, _ = made(project)
    assert "| synthetic only |" not in markdown and "| real + synthetic |" in markdown
    assert markdown.count("**Not measured:**") == 3
    assert "real only" not in html.split("Conditions</h3>")[0].split("<table>", 1)[1].split("<h3>Plots")[0]


def test_the_same_figures_give_the_same_bytes(project: Path) -> None:
    assert made(project, "one") == made(project, "two")


def study(project: Path, seeds: int, name: str = "study", **changes: object) -> None:
    """Folded figures of a study whose parameters are the active ones but for a profile and a limit of its own."""
    speech = {**PARAMS["speech_bt"], "transcribe": {**PARAMS["speech_bt"]["transcribe"], "limit": 1000}}
    parameters = {"profile": "long", "languages": PARAMS["languages"], "speech_bt": speech}
    runs = {f"seed-{seed + 1}": figures() for seed in range(seeds)}
    folded = {"mean": figures(), "sd": {}, "seeds": runs, "parameters": parameters}
    write(project / f"metrics/speech_bt.{name}.json", {**folded, **changes})


def test_a_study_comes_first_with_its_seeds(project: Path) -> None:
    study(project, 2)
    _, markdown, _ = made(project)
    assert markdown.index("### Study") < markdown.index("### This run")
    assert "Mean over 2 seeds, profile long." in markdown and "Per seed: 14.6, 14.6." in markdown


def test_studies_of_other_sets_stand_side_by_side(project: Path) -> None:
    for name, seeds in (("study", 2), ("study.more", 3), ("study.more+fewer", 1)):
        study(project, seeds, name)
    _, markdown, _ = made(project)
    order = [markdown.index(f"### {title}\n") for title in ("Study", "Study: more", "Study: more, fewer", "This run")]
    assert order == sorted(order)
    assert "| | Paper | Ours, study | Ours, study: more | Ours, study: more, fewer | Ours, this run |" in markdown


def test_a_study_of_one_seed_is_no_mean(project: Path) -> None:
    study(project, 1)
    _, markdown, _ = made(project)
    scope = markdown.split("### Study")[1].split("\n- ")[0]
    assert "One seed, profile long." in scope and "do not cover the choice of the training seed" in scope
    assert "Mean over" not in scope and "Per seed:" not in markdown


def test_conditions_are_those_the_figures_were_measured_under(project: Path) -> None:
    study(project, 2)
    html, markdown, _ = made(project)
    assert "| | Paper | Ours, study | Ours, this run |" in markdown
    tested = next(line for line in markdown.splitlines() if line.startswith("| Test set |"))
    ours, active = tested.split("|")[3:5]
    assert "at most 1000 utterances" in ours and "at most 250 utterances" in active
    assert re.search(r"<td>[^<]*at most 1000 utt[^<]*</td><td>[^<]*at most 250 utt", html)
    assert "<code>speech_bt.transcribe.limit</code></th><td>1000</td>" in html
    (project / "metrics/speech_bt.json").unlink()
    assert "250" not in made(project)[1].split("### Conditions")[1]


def test_a_study_that_does_not_say_its_parameters_is_refused(project: Path) -> None:
    study(project, 2)
    path = project / "metrics/speech_bt.study.json"
    write(path, {key: value for key, value in json.loads(path.read_text()).items() if key != "parameters"})
    with pytest.raises(ReportError, match=r"speech_bt\.study\.json: .*make study PIPELINE=speech_bt"):
        made(project)


def test_several_languages_have_rows_of_their_own(project: Path) -> None:
    several = figures()
    for language in ("cs", "nl"):
        several |= estimate(f"wer_untouched_{language}", 0.5, 0.01) | estimate(f"wer_mixed_{language}", 0.4, 0.01)
        several |= estimate(f"wer_relative_reduction_{language}", 0.2, 0.01)
    write(project / "metrics/speech_bt.json", several)
    write(project / "params.yaml", {**PARAMS, "languages": ["cs", "nl"]})
    _, markdown, _ = made(project)
    assert "| Dutch | 4.9 | 3.7 | 24.5 | 50.0 (49.0 to 51.0) | 40.0 (39.0 to 41.0) | 20.0 (19.0 to 21.0) |" in markdown
    assert "Error rates on real speech, nl" in markdown


def msat(project: Path, found: dict[str, float], *overrides: str) -> str:
    """What the page says of msat, whose figures these are under a composed profile."""
    write(project / "params.yaml", composed(*overrides))
    write(project / "metrics/msat.json", found)
    folder = project / "pipelines/msat"
    folder.mkdir(exist_ok=True)
    (folder / "paper.yaml").write_bytes((ROOT / "pipelines/msat/paper.yaml").read_bytes())
    return made(project)[1].split("## MsAT")[1].split("\n## ")[0]


def solved(part: str = "") -> dict[str, float]:
    """Figures of both solvers on a set: some of each kind."""
    found: dict[str, float] = {}
    for solver, rate in (("seq2seq", 0.31), ("dag", 0.42)):
        for arm, less in (("pretrained", 0.0), ("scratch", 0.04)):
            found |= estimate(f"mwp_accuracy_{solver}_{arm}{part}", rate - less, 0.03, 1000)
            found |= estimate(f"mwp_accuracy_{solver}_{arm}{part}_enlarged", rate - less - 0.1, 0.03, 900)
        found |= estimate(f"mwp_gain_{solver}_pretrained{part}", 0.04, 0.01, 1000)
        found |= estimate(f"mwp_gain_{solver}_pretrained{part}_enlarged", 0.03, 0.05, 900)
    return found


PUBLISHED = ("profile=study", "sets=published")


def test_every_set_of_problems_has_its_figures_beside_the_papers(project: Path) -> None:
    folds = {
        f"mwp_accuracy_dag_pretrained_mawps{end}": value for end, value in (("_fold0", 0.5), ("_mean_of_folds", 0.6))
    }
    found = solved() | solved("_svamp") | solved("_mawps") | folds
    text = msat(project, found, *PUBLISHED)
    for title in ("BIG-bench's elementary_math_qa", "SVAMP", "MAWPS"):
        table = text.split(f"**Accuracy on word problems, {title}**")[1].split("**")[0]
        assert "Accuracy, % (n\u00a0=\u00a01,000) | Larger numbers, % (n\u00a0=\u00a0900)" in table
        assert "| seq2seq, arithmetic first | 31.0 (28.0 to 34.0) | 21.0 (18.0 to 24.0) |" in table
        gains = text.split(f"**Gain of arithmetic first over none, {title}**")[1].split("**")[0]
        assert "| DAG, arithmetic first | 4.0 (3.0 to 5.0) | 3.0 (−2.0 to 8.0) |" in gains and "scratch" not in gains
        for solver in ("seq2seq", "DAG"):
            claim = f"Arithmetic first makes the {solver} solver better at word problems, {title}. 4.0 points"
            assert f"**Established:** {claim}" in text
    assert "| SVAMP | 39.8 | 48.9 | 31.0 (28.0 to 34.0) | 42.0 (39.0 to 45.0) |" in text
    assert "| SVAMP | 36.2 | 48.2 | 21.0 (18.0 to 24.0) | 32.0 (29.0 to 35.0) |" in text
    assert "| MAWPS | 84.1 | 91.6 | 27.0 (24.0 to 30.0) | 38.0 (35.0 to 41.0) |" in text
    assert "second-hand" in text
    assert "| DAG, arithmetic first | 60.0 | 50.0 |" in text.split("**Accuracy on word problems by fold, MAWPS**")[1]


def test_sets_that_were_not_measured_are_not_mentioned(project: Path) -> None:
    text = msat(project, solved(), "profile=laptop").split("### Conditions")[0]
    for name in ("SVAMP", "MAWPS", "ASDiv", "by fold", "Not measured", "the encoder too", "second-hand"):
        assert name not in text
    text = msat(project, solved() | solved("_svamp"), *PUBLISHED)
    assert "| SVAMP | 39.8" in text and "| MAWPS |" not in text and "Not measured" not in text
    pretrained = {key: value for key, value in solved().items() if "scratch" not in key and "gain" not in key}
    assert msat(project, pretrained, "profile=laptop").count("**Not measured:**") == 2


def test_figures_without_a_sets_name_are_of_the_first_set(project: Path) -> None:
    """SVAMP in these profiles, a single fold of MAWPS in the last."""
    text = msat(project, solved() | solved("_mawps"), "profile=gpu")
    assert "| SVAMP | 39.8 | 48.9 | 31.0 (28.0 to 34.0)" in text and "BIG-bench" not in text.split("### Conditions")[0]
    text = msat(project, solved(), "profile=gpu", "msat.matrix.sets=[mawps-fold2]")
    assert "| MAWPS | 91.6 | 94.3 | 31.0 (28.0 to 34.0)" in text and "| SVAMP |" not in text


def test_text_from_models_is_shown_and_never_markup(project: Path) -> None:
    html, markdown, _ = made(project)
    assert "ty | chodí &lt;b&gt;ven&lt;/b&gt;" in html
    assert "| ty \\| chodí &lt;b&gt;ven&lt;/b&gt; |" in markdown
    tables = [line for line in markdown.splitlines() if line.startswith("|")]
    for line, following in pairwise(tables):
        if set(following) <= set("|-: "):
            assert len(re.findall(r"(?<!\\)\|", line)) == following.count("|")


def test_no_metrics_yet(project: Path) -> None:
    (project / "metrics/speech_bt.json").unlink()
    html, _, _ = made(project)
    assert "No figures yet" in html


def test_damaged_figures_are_named(project: Path) -> None:
    (project / "metrics/speech_bt.json").write_text('{"wer')
    with pytest.raises(ReportError, match=r"metrics/speech_bt\.json: not JSON"):
        made(project)


def test_a_wrong_paper_file_is_named(tmp_path: Path) -> None:
    good = (ROOT / "pipelines/speech_bt/paper.yaml").read_text()
    path = tmp_path / "paper.yaml"
    path.write_text(good.replace("venue:", "venju:"))
    with pytest.raises(PaperError, match=r"venju: Extra inputs"):
        read_paper(path, PARAMS)
    path.write_text(good.replace("${speech_bt.transcribe.windows}", "${speech_bt.transcribe.window}"))
    with pytest.raises(PaperError, match=r"speech_bt\.transcribe\.window}: no such parameter"):
        read_paper(path, PARAMS)
    path.write_text(good.replace("[10.9, 5.2]", "[10.9]"))
    with pytest.raises(PaperError, match="Czech: labels, ours"):
        read_paper(path, PARAMS)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_has_the_parameters_the_conditions_name(profile: str) -> None:
    for path in sorted((ROOT / "pipelines").glob("*/paper.yaml")):
        read_paper(path, composed(f"profile={profile}"))


@pytest.mark.parametrize(
    ("better", "lo", "hi", "standing"),
    [
        ("higher", 0.01, 0.2, "established"),
        ("higher", -0.01, 0.2, "not established"),
        ("higher", 0.0, 0.2, "not established"),
        ("higher", -0.2, -0.01, "the opposite holds"),
        ("lower", -0.2, -0.01, "established"),
        ("lower", -0.2, 0.01, "not established"),
        ("lower", 0.01, 0.2, "the opposite holds"),
        ("higher", None, None, "no interval"),
    ],
)
def test_a_claim_is_established_only_clear_of_zero(
    better: str, lo: float | None, hi: float | None, standing: str
) -> None:
    claim = Claim(text="x", key="k", better=better, absent="-")
    metrics = {"k": 0.1} if lo is None else {"k": (lo + hi) / 2, "k_lo": lo, "k_hi": hi}
    assert verdict(claim, metrics, Part("", "", "")).standing == standing


def test_the_plots_are_well_formed_and_follow_the_scheme(project: Path) -> None:
    html, _, _ = made(project)
    pictures = re.findall(r'<svg class="plot".*?</svg>', html, re.DOTALL)
    assert len(pictures) == 3
    for picture in pictures:
        ET.fromstring(picture)  # noqa: S314
        assert not re.search(r"#[0-9a-f]{6}\b", picture.replace("href=", "")) and "<style" not in picture
    assert "festival_machac" in html and "threshold 0.3" in html


def test_many_curves_of_long_names_leave_room_to_draw() -> None:
    """A warning, an error here, would say that the axes have no size left."""
    plot = paper.Curves(kind="curves", title="t", file="f", x="step", y="rate", series="arm")
    arms = [f"seq2seq-digits-2.4-pretrained-bigbench-elementary-math-{index}" for index in range(16)]
    rows = [{"arm": arm, "step": step, "rate": 0.1} for arm in arms for step in (1, 2)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = plots.curves(plot, rows, {}, "p")
    assert all(arm in picture for arm in arms)


def test_parameters_are_listed(project: Path) -> None:
    html, _, _ = made(project)
    assert json.dumps(flat(PARAMS)["speech_bt.train.steps"]) == '"320"' and "speech_bt.train.steps" in html


def test_examples_in_docstrings() -> None:
    for each in (module, paper, results):
        assert doctest.testmod(each).failed == 0
