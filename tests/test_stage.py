"""Parameters: every mistake is one readable line naming file, key, value and what is allowed."""

import json
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

import pytest
from click.testing import CliRunner
from pydantic import Field, model_validator

from selfsown import params as params_module
from selfsown import stage as stage_module
from selfsown.cli import stage_command
from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.params import Params, ParamsError, load_params
from selfsown.stage import In, Metrics, Out, Stage, StageParams, run_stage, stage


class Optimizer(Params):
    learning_rate: float = Field(gt=0)
    schedule: Literal["linear", "cosine"] = "linear"


class Ball(Params):
    kind: Literal["ball"]
    diameter: float


class Kite(Params):
    kind: Literal["kite"]
    tail_length: float


class ToyParams(StageParams):
    seed: int = Field(ge=0)
    languages: tuple[str, ...]
    arms: tuple[str, ...]
    steps: int = Field(ge=1)
    pause: int = 0
    optimizer: Optimizer
    boxes: dict[str, tuple[Annotated[Ball | Kite, Field(discriminator="kind")], ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _some_work(self) -> Self:
        if self.pause >= self.steps:
            raise ValueError(f"pause {self.pause} must be below steps {self.steps}")
        return self


@stage()
def toy(params: ToyParams, *, arm: str, corpus: In, extra: In | None = None, model: Out) -> Metrics:
    """Write what it was given."""
    model.write_text(f"{arm} {params.steps} {corpus.read_text()}")
    return {"steps": params.steps}


@stage()
def grow(params: ToyParams, *, arm: str, corpus: In, model: Out, identity: Identity) -> Metrics:
    """Write under which identity it ran."""
    model.write_text(identity.digest)
    return {}


GOOD = """
seed: 3
languages: [cs]
toys:
  matrix: {arms: [a, b]}
  toy: {steps: 5, optimizer: {learning_rate: 0.1}}
"""


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(params_module, "stage_names", lambda: ["toys.toy"])
    Path("pipelines/toys").mkdir(parents=True)
    Path("pipelines/toys/dvc.yaml").write_text("stages: {toy: {matrix: {arm: '${toys.matrix.arms}'}}}")


def load(text: str) -> ToyParams:
    Path("params.yaml").write_text(text)
    return load_params("toys.toy", ToyParams)


def test_a_stage_may_have_the_parameters_of_another() -> None:
    class AlsoParams(ToyParams):
        section: ClassVar[str] = "toy"

    Path("params.yaml").write_text(GOOD)
    assert load_params("toys.also", AlsoParams).model_dump() == load(GOOD).model_dump()
    Path("params.yaml").write_text(GOOD.replace("steps: 5", "setps: 5"))
    with pytest.raises(ParamsError, match=r"params\.yaml: toys\.toy\.setps: unknown key"):
        load_params("toys.also", AlsoParams)


def test_shared_and_matrix_keys_reach_the_models_that_declare_them() -> None:
    params = load(GOOD)
    assert (params.seed, params.languages, params.arms, params.steps) == (3, ("cs",), ("a", "b"), 5)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps: 5", "setps: 5", r"params\.yaml: toys\.toy\.setps: unknown key; did you mean 'steps'\? known: .*steps"),
        ("steps: 5", "steps: 0", r"params\.yaml: toys\.toy\.steps: 0 is not allowed: .*greater than or equal to 1"),
        ("steps: 5", "steps: many", r"toys\.toy\.steps: 'many' is not allowed: .*valid integer"),
        ("steps: 5, ", "", r"params\.yaml: toys\.toy\.steps: missing"),
        ("0.1", "-1", r"toys\.toy\.optimizer\.learning_rate: -1 is not allowed"),
        ("0.1", "0.1, schedule: cubic", r"optimizer\.schedule: 'cubic' is not allowed: .*'linear' or 'cosine'"),
        ("learning_rate", "lr", r"toys\.toy\.optimizer\.lr: unknown key; .*known: learning_rate, schedule"),
        ("  toy:", "  tyo:", r"toys\.tyo: unknown key; did you mean 'toy'\?"),
        ("seed: 3", "seed: -3", r"params\.yaml: seed: -3 is not allowed"),
        ("steps: 5", "steps: 5, seed: 4", r"toys\.toy\.seed: set it once, at the top level"),
        ("toys:", "toyz:", r"params\.yaml: toyz: unknown key; did you mean 'toys'\? known: composed_from, .*toys"),
        ("seed: 3", "sede: 3", r"params\.yaml: sede: unknown key; did you mean 'seed'\?"),
        ("seed: 3", "seed: 3\n7: 8", r"params\.yaml: 7: unknown key; known: "),
        (GOOD, "seed: 3", r"params\.yaml: toys: section missing"),
        (GOOD, "[]", r"params\.yaml: \[\] is not allowed: expected a section"),
        (GOOD, "toys: 5", r"params\.yaml: toys: 5 is not allowed: expected a section"),
        (
            "arms: [a, b]",
            "arms: [a, b], arm: [c]",
            r"toys\.matrix\.arm: unknown key; did you mean 'arms'\? known: arms$",
        ),
        ("{arms: [a, b]}", "[a, b]", r"params\.yaml: toys\.matrix: \['a', 'b'\] is not allowed: expected a section"),
        ("steps: 5", "steps: 5, pause: 5", r"params\.yaml: toys\.toy: .*pause 5 must be below steps 5$"),
        (
            "steps: 5",
            "steps: 5, boxes: {red: [{kind: kite, tail: 1}]}",
            r"boxes\.red\.0\.kite\.tail: unknown key; .*known: kind, tail_length$",
        ),
        (
            "steps: 5",
            "steps: 5, boxes: {red: [{kinds: kite}]}",
            r"params\.yaml: toys\.toy\.boxes\.red\.0\.kind: missing$",
        ),
        ("seed: 3", "seed: [", r"params\.yaml: cannot be read as YAML"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        load(GOOD.replace(old, new))


def test_signature_decides_inputs_outputs_and_options(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(toy, Stage)
    assert toy.inputs == ("corpus", "extra") and toy.outputs == ("model",)
    monkeypatch.setattr(Stage, "name", "toys.toy")
    Path("params.yaml").write_text(GOOD)
    Path("corpus.txt").write_text("words")
    run_stage(
        toy, {"arm": "a", "corpus": Path("corpus.txt"), "extra": None, "model": Path("m.txt")}, Path("out/m.json")
    )
    assert Path("m.txt").read_text() == "a 5 words"
    assert json.loads(Path("out/m.json").read_text()) == {"steps": 5}


def test_a_missing_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_module, "load_stage", lambda _: toy)
    result = CliRunner().invoke(stage_command("toys.toy"), ["--arm", "a", "--corpus", "c"])
    assert result.exit_code == 2 and "Missing option '--model'" in result.output


def test_missing_input_is_named_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "name", "toys.toy")
    Path("params.yaml").write_text(GOOD)
    with pytest.raises(UserError, match=r"--corpus nowhere: does not exist; `dvc repro` makes it"):
        run_stage(toy, {"arm": "a", "corpus": Path("nowhere"), "extra": None, "model": Path("m.txt")})


def test_an_identity_is_of_what_decides_the_result_and_reads_each_input_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "name", "toys.toy")
    read: list[Path] = []
    digest = stage_module._digest
    monkeypatch.setattr(stage_module, "_digest", lambda path: read.append(path) or digest(path))

    def ran(
        parameters: str = GOOD, arm: str = "a", words: str = "words", corpus: str = "c.txt", model: str = "m"
    ) -> str:
        Path("params.yaml").write_text(parameters)
        Path(corpus).write_text(words)
        read.clear()
        run_stage(grow, {"arm": arm, "corpus": Path(corpus), "model": Path(model)})
        assert read == [Path(corpus)]
        return Path(model).read_text()

    first = ran()
    assert ran(model="elsewhere") == ran(corpus="moved.txt") == ran(f"{GOOD}composed_from: smoke") == first
    others = [ran(GOOD.replace("steps: 5", "steps: 6")), ran(GOOD.replace("seed: 3", "seed: 4")), ran(arm="b")]
    others += [ran(words="other words")]
    monkeypatch.setattr(stage_module.closure, "digest", lambda _: "other code")
    others += [ran()]
    assert len({first, *others}) == 6
    assert grow(load(GOOD), arm="a", corpus=Path("c.txt"), model=Path("m")) == {}, "bare, it works its identity out"
    assert Path("m").read_text() == others[-1]


def test_no_command_line_gives_an_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_module, "load_stage", lambda _: grow)
    assert {option.name for option in stage_command("toys.toy").params} == {"arm", "corpus", "model", "metrics"}
