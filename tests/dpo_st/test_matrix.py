"""Every profile's matrix leads from the base to each arm; the paper's own numbers; all figures have a name in print."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from tests.profiles import PROFILES, ROOT, composed, outs

from selfsown.dpo_st.evaluate import EvaluateParams
from selfsown.dpo_st.evaluate.cost import Lineage
from selfsown.dpo_st.evaluate.figures import AFTER, BEFORE, COMPARED
from selfsown.dpo_st.evaluate.items import DISTINCT, FLOPS, GREEDY, KS
from selfsown.report.paper import read_paper
from selfsown.training import planned_batches


def section(profile: str) -> dict[str, Any]:
    found: dict[str, Any] = composed(f"profile={profile}")["dpo_st"]
    return found


@pytest.mark.parametrize("profile", PROFILES)
def test_every_arm_is_made_and_all_that_leads_to_it(profile: str, tmp_path: Path) -> None:
    made = outs(tmp_path, composed(f"profile={profile}"))
    own = section(profile)
    lineage = Lineage.model_validate({name: own["matrix"][name] for name in Lineage.model_fields})
    for arm, model in own["answer"]["arms"].items():
        for step in lineage.steps(model):
            assert (f"data/dpo_st/{step}" if step.startswith("samples/") else f"models/dpo_st/{step}") in made, arm
    assert own["matrix"]["base"] in made or profile in ("smoke", "laptop", "study"), "tinyllama makes it there"
    assert {BEFORE, AFTER, *itertools.chain(*COMPARED)} <= own["answer"]["arms"].keys()
    assert {BEFORE, AFTER} <= set(own["answer"]["drawn"])
    iteration = own["answer"]["arms"][AFTER].removeprefix("dpo/")
    before = f"sft/{own['matrix']['iterations'][iteration]['after']}"
    assert own["answer"]["arms"][BEFORE] == before, "DPO is compared with the model that it went on from"


@pytest.mark.parametrize("profile", PROFILES)
def test_chains_of_samples_and_steps_of_every_model(profile: str) -> None:
    own = section(profile)
    matrix = own["matrix"]
    assert set(own["sft"]["steps"]) == {*matrix["labelled"], *matrix["retrained"]}
    for name, sampled in matrix["sampled"].items():
        kind, _, model = sampled["model"].partition("/")
        assert name == (f"dpo-{model}" if kind == "dpo" else model)
        earlier = sampled["earlier"].removeprefix("data/dpo_st/samples/")
        assert earlier == "data/corpora/rationales" or earlier.startswith("dpo-") == (kind == "dpo"), "two chains"
    steps = own["sft"]["steps"]
    assert len({steps[name] for name in ("control", *matrix["retrained"])}) == 1, "the control takes as many"
    of_dpo = [own["dpo"]["arguments"]["max_steps"]]
    for name, counts in (("sft", steps.values()), ("dpo", of_dpo)):
        every = own[name]["arguments"]["eval_steps"]
        assert all(count % every == 0 for count in counts), "the last step is measured"
    assert own["pairs"]["reference"]["mask_results"] == own["dpo"]["mask_results"] == own["sft"]["mask_results"]


def test_laptop_starts_few_stages(tmp_path: Path) -> None:
    made = outs(tmp_path, composed("profile=laptop"))
    assert len({stage.addressing for stage in made.values() if "dpo_st" in stage.path_in_repo}) <= 14


@pytest.mark.parametrize(
    ("profile", "batch", "rate", "warm_up", "dpo_batch", "dpo_rate", "dpo_steps", "most", "samples"),
    [("gpu", 96, 3e-4, 0.1, 96, 7e-7, 150, 500, 5), ("paper", 128, 2e-5, 0.03, 128, 3e-7, 100, 640, 10)],
)
def test_the_papers_numbers(
    profile: str,
    batch: int,
    rate: float,
    warm_up: float,
    dpo_batch: int,
    dpo_rate: float,
    dpo_steps: int,
    most: int,
    samples: int,
) -> None:
    own = section(profile)
    for name, size, learning, steps in (("sft", batch, rate, None), ("dpo", dpo_batch, dpo_rate, dpo_steps)):
        arguments = own[name]["arguments"]
        per_batch, batches = planned_batches({**arguments, "max_steps": 1})
        assert per_batch * batches == size and arguments["learning_rate"] == learning
        assert arguments["lr_scheduler_type"] == "cosine_with_min_lr"
        assert arguments["lr_scheduler_kwargs"] == {"min_lr_rate": 0.1}
        assert (arguments["weight_decay"], arguments["max_grad_norm"]) == (0.01, 1)
        assert arguments["warmup_steps"] == warm_up and arguments["max_length"] == most
        assert arguments.get("max_steps") == steps
    assert own["dpo"]["arguments"]["beta"] == 0.1 and len(own["matrix"]["iterations"]) == 3
    drawn = own["sample"]["sampling"]
    assert (drawn["temperature"], drawn["top_k"], drawn["max_new_tokens"]) == (0.7, 50, 300)
    assert drawn["samples"] == samples and not own["sft"]["mask_results"]
    rules = {"near_duplicate": 0.7, "gold": True, "order": "text", "check_calculations": False}
    pairs = {"per_question": 3, "prefer": "least_similar", "unanswered": True}
    rules["tokens"] = {"low": 5, "high": most}  # ours: longer ones would be left out of the training
    assert own["pairs"]["rules"] == {**rules, **pairs} and own["labels"]["rules"] == {**rules, "percentile": 90}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_figure_has_a_name_in_print(profile: str) -> None:
    config = composed(f"profile={profile}")
    paper = read_paper(ROOT / "pipelines/dpo_st/paper.yaml", config)
    drawn = [*(f"pass_at_{k}" for k in KS), DISTINCT]
    gains = [*(f"gain_over_{baseline}" for _, baseline in COMPARED), *(f"{name}_gain" for name in drawn)]
    measures = {*GREEDY.values(), *drawn, FLOPS, "flops_per_point", "finished", *gains}
    paper.check_declared(measures | {f"{name}_by_template" for name in gains}, config["dpo_st"]["answer"]["arms"])
    assert set(paper.measures) == measures | {f"{name}_by_template" for name in gains}
    assert config["dpo_st"]["answer"]["main"] in paper.parts


@pytest.mark.parametrize("profile", PROFILES)
def test_the_main_part_is_a_set_that_is_made(profile: str) -> None:
    config = composed(f"profile={profile}")
    tested = {
        made["source"]
        for made in config["corpora"]["rationales"]["sets"]
        if made["kind"] == "test" or made.get("rows", {}).get("test")
    }
    assert config["dpo_st"]["answer"]["main"] in tested
    own = config["dpo_st"]
    EvaluateParams.model_validate({
        **{name: own["matrix"][name] for name in Lineage.model_fields}, **own["evaluate"]
    })  # fmt: skip
