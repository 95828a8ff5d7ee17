"""The page shows every figure with its interval, says what does not favour us, and asks the network for nothing."""

import doctest
import json
import re
import shutil
import warnings
import xml.etree.ElementTree as ET  # only reads what this test made
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML
from tests.report.conftest import PAPER, PARAMS, figures
from tests.report.pages import PROFILES, ROOT, composed, made, row, write

from selfsown.report import page as module
from selfsown.report import paper, plots, results
from selfsown.report.measured import ReportError
from selfsown.report.page import section
from selfsown.report.paper import Claim, PaperError, flat, read_paper
from selfsown.report.results import Figure, Figures, Standing, verdict


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
    assert "| Czech | 10.9 | 5.2 | 52.3 | 66.4 (63.0 to 69.8) | 56.7 (53.3 to 60.1) | 14.6 (9.3 to 19.9) |" in markdown
    assert "| Dutch | 4.9 | 3.7 | 24.5 | – | – | – |" in markdown
    assert "Mean relative reduction over its rows: 38.4 %" in markdown
    assert "| Czech toys | 7.5 | 60.1 (56.7 to 63.5) |" in markdown
    assert "| Dutch toys |" not in markdown, "a row that changes nothing is shown with a figure of ours alone"
    assert "Error rate, % (n\u00a0=\u00a0197) | Error rate out of domain, % (n\u00a0=\u00a088)" in markdown
    for text in (
        "Toy-large-v3",
        "source toy-base",
        "Common Toys 16",
        "lower_case",
        "window (6, 11 s) that",
        "profile fixture, seed 1",
    ):
        assert text in html and text.replace("_", "\\_") in markdown
    assert "second-hand" in html and "second-hand" in markdown


def test_what_does_not_favour_us_is_said(project: Path) -> None:
    for text in made(project)[:2]:
        flat_text = re.sub(r"<[^>]+>|\*", "", text)
        assert re.search(
            r"Established: Both together are better.*\s.*clear of zero. The target of 30.0 % is missed",
            flat_text,
        )
        assert re.search(r"Not established: They are better out of domain too.*\s*.*touches zero", flat_text)
        assert re.search(r"The opposite holds: Made toys alone.*\s*.*wrong side", flat_text)
        assert "do not cover the choice of the training seed" in flat_text


def test_arms_that_were_not_trained_are_absent_and_their_claims_unmeasured(project: Path) -> None:
    left = [each for each in figures() if each["arm"] in ("untouched", "both") and each["measure"] != "minus_real"]
    write(project / "metrics/toys.rows.json", left)
    html, markdown, _ = made(project)
    assert "| made only |" not in markdown and "| real + made |" in markdown
    assert "**Not measured:** Both are better than real alone. No." in markdown
    assert '**Not measured:** Made toys alone are better. No arm "made".' in markdown
    assert markdown.count("**Not measured:**") == 2, "a claim that says no reason is left out"
    assert "real only" not in html.split("Conditions</h3>")[0].split("<table>", 1)[1].split("<h3>Plots")[0]


def test_the_same_figures_give_the_same_bytes(project: Path) -> None:
    assert made(project, "one") == made(project, "two")


COMMITS = ["a1b2c3d4e5f6", "b2c3d4e5f6a1"]


def study(project: Path, seeds: int, name: str = "study", **changes: object) -> None:
    """A study whose parameters are the active ones but for a profile and a limit of its own."""
    toys = {**PARAMS["toys"], "test": {**PARAMS["toys"]["test"], "limit": 1000}}
    rows = figures()
    if seeds > 1:
        rows = [{**each, "sd": 0.0, "seeds": [each["value"]] * seeds} for each in rows]
    merged = {
        "commits": COMMITS[: min(2, seeds)],
        "seeds": [f"seed-{seed + 1}" for seed in range(seeds)],
        "code": "c0de",
        "parameters": {"composed_from": "long", "languages": PARAMS["languages"], "toys": toys},
        "rows": rows,
    }
    write(project / f"metrics/toys.{name}.json", {**merged, **changes})


def test_a_study_comes_first_with_its_seeds_and_the_commits_that_made_it(project: Path) -> None:
    study(project, 2)
    html, markdown, _ = made(project)
    assert markdown.index("### Study") < markdown.index("### This run")
    for text in (html, markdown):
        assert "Mean over 2 seeds, profile long, commits a1b2c3d4, b2c3d4e5. Intervals" in text
        assert "Per seed: 14.6, 14.6." in text


def test_studies_of_variants_stand_side_by_side(project: Path) -> None:
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
    assert "One seed, profile long, commit a1b2c3d4." in scope and "choice of the training seed" in scope
    assert "Mean over" not in scope and "Per seed:" not in markdown


def test_conditions_are_those_the_figures_were_measured_under(project: Path) -> None:
    study(project, 2)
    html, markdown, _ = made(project)
    assert "| | Paper | Ours, study | Ours, this run |" in markdown
    tested = next(line for line in markdown.splitlines() if line.startswith("| Test set |"))
    ours, active = tested.split("|")[3:5]
    assert "at most 1000 toys" in ours and "at most 250 toys" in active
    assert re.search(r"<td>[^<]*at most 1000 toys[^<]*</td><td>[^<]*at most 250 toys", html)
    assert "<code>toys.test.limit</code></th><td>1000</td>" in html
    (project / "metrics/toys.rows.json").unlink()
    assert "250" not in made(project)[1].split("### Conditions")[1]


@pytest.mark.parametrize("lost", ["parameters", "commits", "seeds", "rows"])
def test_a_study_that_does_not_say_what_made_it_is_refused(project: Path, lost: str) -> None:
    """Those of before had no commits: means, by the names of figures, and seeds."""
    study(project, 2)
    path = project / "metrics/toys.study.json"
    write(path, {key: value for key, value in json.loads(path.read_text()).items() if key != lost})
    with pytest.raises(ReportError, match=rf"toys\.study\.json: lacks '{lost}': `selfsown study merge toys` makes it"):
        made(project)


@pytest.mark.parametrize(
    ("place", "name"), [("errors both", "measure 'errors' is not declared"), ("error bot", "arm 'bot' is not declared")]
)
@pytest.mark.parametrize("file", ["toys.rows.json", "toys.study.json"])
def test_figures_of_what_is_not_declared_are_refused(project: Path, file: str, place: str, name: str) -> None:
    rows = [*figures(), row(place, 0.5)]
    if file == "toys.rows.json":
        write(project / "metrics" / file, rows)
    else:
        study(project, 1, rows=rows)
    with pytest.raises(ReportError, match=rf"{file}: {name}: .*; \S*pipelines/toys/paper\.yaml declares them"):
        made(project)


def test_parts_have_figures_of_their_own(project: Path) -> None:
    """A language that `parts` does not name is printed as it is; with several, all items together are not one's."""
    several = figures()
    for part in ("cs", "nl"):
        several += [row(f"error untouched {part}", 0.5, 0.01, 90), row(f"error both {part}", 0.4, 0.01, 90)]
        several.append(row(f"reduction both {part}", 0.2, 0.01, 90))
    write(project / "metrics/toys.rows.json", several)
    write(project / "params.yaml", {**PARAMS, "languages": ["cs", "nl"]})
    _, markdown, _ = made(project)
    for what in ("Czech | 10.9 | 5.2 | 52.3", "Dutch | 4.9 | 3.7 | 24.5"):
        assert f"| {what} | 50.0 (49.0 to 51.0) | 40.0 (39.0 to 41.0) | 20.0 (19.0 to 21.0) |" in markdown
    captions = [line for line in markdown.splitlines() if line.startswith("**Error rates")]
    assert captions == ["**Error rates**", "**Error rates, the Dutch toys**", "**Error rates, cs**"]
    assert "**Established:** Both together are better, the Dutch toys. 20.0 %" in markdown


def test_text_from_models_is_shown_and_never_markup(project: Path) -> None:
    html, markdown, _ = made(project)
    assert "ty | chodí &lt;b&gt;ven&lt;/b&gt;" in html
    assert "| ty \\| chodí &lt;b&gt;ven&lt;/b&gt; |" in markdown
    tables = [line for line in markdown.splitlines() if line.startswith("|")]
    for line, following in pairwise(tables):
        if set(following) <= set("|-: "):
            assert len(re.findall(r"(?<!\\)\|", line)) == following.count("|")


def test_no_metrics_yet(project: Path) -> None:
    (project / "metrics/toys.rows.json").unlink()
    html, markdown, _ = made(project)
    assert "No figures yet" in html and "No figures yet" in markdown
    assert "| Model | Toy-large-v3 | source toy-base |" in markdown, "what would be compared"


@pytest.mark.parametrize("file", ["toys.rows.json", "toys.study.json", "toys.gate.json", "plots/toys/dev.json"])
def test_damaged_figures_are_named(project: Path, file: str) -> None:
    (project / "metrics" / file).write_text('{"wer')
    with pytest.raises(ReportError, match=rf"metrics/{file}: not JSON"):
        made(project)


@pytest.mark.parametrize(("file", "lacking"), [("toys.rows.json", "measure"), ("plots/toys/dev.json", "step")])
def test_rows_of_another_shape_are_named(project: Path, file: str, lacking: str) -> None:
    write(project / "metrics" / file, {"wer_mixed": 0.5})
    with pytest.raises(ReportError, match=rf"metrics/{file}: a row lacks '{lacking}'; make it again"):
        made(project)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("venue:", "venju:", r"venju: Extra inputs"),
        ("${toys.test.windows}", "${toys.test.window}", r"toys\.test\.window}: no such parameter"),
        ("[10.9, 5.2]", "[10.9]", "Czech: labels, ours"),
        (
            "measures: [slips]",
            "measures: [slip]",
            "measure 'slip' is not declared: measures: names error, ood_error, slips",
        ),
        (
            "&arms [untouched,",
            "&arms [touched,",
            "arm 'touched' is not declared: arms: names untouched, real, made, both",
        ),
        ("measure: minus_real, arm", "measure: minus, arm", "measure 'minus' is not declared"),
        (
            "change: {measure: reduction, arm: both}",
            "change: {measure: reduction, arm: all}",
            "arm 'all' is not declared",
        ),
        ("ours: [{measure: error, arm: real}]", "ours: [{measure: error, arm: reel}]", "arm 'reel' is not declared"),
        ("by arm, measures: [error,", "by arm, measures: [errors,", "measure 'errors' is not declared"),
    ],
)
def test_a_wrong_paper_file_is_named(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    path = tmp_path / "paper.yaml"
    path.write_text(PAPER)
    read_paper(path, PARAMS)
    assert PAPER.count(right) == 1
    path.write_text(PAPER.replace(right, wrong))
    with pytest.raises(PaperError, match=rf"paper\.yaml: .*{message}"):
        read_paper(path, PARAMS)


PAPERS = sorted((ROOT / "pipelines").glob("*/paper.yaml"))


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.parent.name)
def test_every_paper_file_fits_every_profile_and_the_figures_that_are_kept(path: Path, tmp_path: Path) -> None:
    YAML(typ="safe").load(path)  # refuses a key that is there twice
    for profile in PROFILES:
        read_paper(path, composed(f"profile={profile}"))
    for file in (ROOT / "metrics").glob(f"{path.parent.name}.*.json"):
        shutil.copy(file, tmp_path)
    section(path, tmp_path, yaml.safe_load((ROOT / "params.yaml").read_text()))


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
    better: paper.Better, lo: float | None, hi: float | None, standing: Standing
) -> None:
    claim = Claim(text="x", measure="m", arm="a", better=better, absent="-")
    found = Figure(0.1 if lo is None or hi is None else (lo + hi) / 2, lo, hi)
    assert verdict(claim, "x", found).standing == standing


def test_the_plots_are_well_formed_and_follow_the_scheme(project: Path) -> None:
    html, _, _ = made(project)
    pictures = re.findall(r'<svg class="plot".*?</svg>', html, re.DOTALL)
    assert len(pictures) == 3
    for picture in pictures:
        ET.fromstring(picture)  # noqa: S314
        assert not re.search(r"#[0-9a-f]{6}\b", picture.replace("href=", "")) and "<style" not in picture
    assert "old_man" in html and "voices" not in pictures[2] and "threshold 0.3" in html


def test_many_curves_of_long_names_leave_room_to_draw() -> None:
    """A warning, an error here, would say that the axes have no size left."""
    plot = paper.Curves(kind="curves", title="t", file="f", x="step", y="rate", series="arm")
    arms = [f"large-decimal-2.4-trained-before-some-set-of-a-long-name-{index}" for index in range(16)]
    rows = [{"arm": arm, "step": step, "rate": 0.1} for arm in arms for step in (1, 2)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = plots.curves(plot, rows, {}, "p")
    assert all(arm in picture for arm in arms)


def test_a_sweep_is_a_line_through_what_arms_have_of_two_measures(project: Path) -> None:
    plot = paper.Sweep(kind="sweep", title="t", x="dose", y=("loss", "cost"), unit="points")
    rows = [
        {"measure": name, "arm": arm, "part": part, "value": value, "lo": value - 0.1, "hi": value + 0.1, "n": 9}
        for name, arm, part, value in (
            ("dose", "b", "", 2.0), ("dose", "a", "", 1.0), ("dose", "c", "", 3.0), ("dose", "a", "de", 7.0),
            ("cost", "a", "", 0.2), ("cost", "b", "", -0.2), ("cost", "d", "", 0.3),
        )
    ]  # fmt: skip
    points = Figures(rows, read_paper(project / "pipelines/toys/paper.yaml", PARAMS)).swept(plot.x, plot.y, plot.unit)
    assert [(arm, at.value, value.value) for arm, (at, value) in points.items()] == [("a", 1, 0.2), ("b", 2, -0.2)]
    picture = plots.sweep(plot, points, ("Dose", "Cost"), 1.5, "p")
    ET.fromstring(picture)  # noqa: S314
    assert all(text in picture for text in (">a<", ">b<", "Dose", "Cost, points", "threshold 1.5"))
    assert "threshold" not in plots.sweep(plot, points, ("Dose", "Cost"), None, "p")
    assert not plots.sweep(plot, dict(list(points.items())[:1]), ("Dose", "Cost"), None, "p"), "a point is no curve"


def test_labels_of_points_side_by_side_do_not_cover_each_other() -> None:
    plot = paper.Sweep(kind="sweep", title="t", x="dose", y=("cost",), unit="number")
    doses = {"a long name": 1.0, "another long name": 1.01, "a third of them": 1.02, "far off": 3.0}
    points = {name: (Figure(dose, n=9), Figure(2.0, n=9)) for name, dose in doses.items()}
    picture = ET.fromstring(plots.sweep(plot, points, ("Dose", "Cost"), None, "p"))  # noqa: S314
    labels = [text for text in picture.iter() if text.text in doses]
    heights = [float(text.attrib["y"]) for text in labels]
    sides = [re.findall("text-anchor: (start|end)", text.attrib["style"]) for text in labels]
    first, below, left, far = zip(heights, sides, strict=True)
    assert below[0] > first[0] + 9 and below[1] == first[1], "a label of 9 points is not below the one before it"
    assert left[0] == first[0] and left[1] != first[1], "nor is the next on the other side"
    assert far == first


def test_parameters_are_listed(project: Path) -> None:
    html, _, _ = made(project)
    assert json.dumps(flat(PARAMS)["toys.train.steps"]) == '"320"' and "toys.train.steps" in html


def test_examples_in_docstrings() -> None:
    for each in (module, paper, results):
        assert doctest.testmod(each).failed == 0


def test_what_a_model_should_not_have_been_trained_on_is_said(project: Path) -> None:
    name = next(path.parent.name for path in sorted(project.glob("pipelines/*/paper.yaml")))
    marked = project / "metrics/plots" / name / "contaminated.json"
    assert not any("Contaminated" in text for text in made(project)[:2])
    write(marked, [{"model": "selfsown-a", "benchmark": "bigbench"}, {"model": "selfsown-b", "benchmark": "bigbench"}])
    for text in made(project)[:2]:
        assert text.count("Contaminated.") == 1 and "selfsown-a, selfsown-b: trained on data of bigbench" in text
