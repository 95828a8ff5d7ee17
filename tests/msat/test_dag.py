"""The DAG solver: gold steps lead to the program they were made of, it learns, batches change nothing."""

from pathlib import Path

import pytest
import torch
from tests.msat.test_seq2seq import trained
from tests.msat.tiny_solver import PROBLEMS, problem, tiny_config

from selfsown.arithmetic import Refused, canonical, parse_prefix, print_prefix
from selfsown.msat.solvers.backbone import DagParams
from selfsown.msat.solvers.dag import DagSolver
from selfsown.msat.solvers.representation import Unreadable, collate, encode
from selfsown.msat.solvers.scoring import is_right, solve

EQUATIONS = [
    "+ number0 number1", "- number1 number0", "/ number2 - number0 number1", "* - number0 number1 - number0 number1",
    "/ 100 + * number0 3.14 number2", "- + / number2 number1 number0 * number1 number2", "* number0 number0",
]  # fmt: skip


@pytest.fixture
def solver(encoder: Path) -> DagSolver:
    torch.manual_seed(1)
    return DagSolver.fresh(tiny_config("dag"), encoder).eval()


@pytest.mark.parametrize("equation", EQUATIONS)
def test_a_known_program_is_decoded_and_executed(
    solver: DagSolver, equation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores that are highest at each gold candidate lead the decoder to the gold program and its answer."""
    item = problem("A = number0 . B = number1 . K = number2 ?", "12 5 7", equation)
    encoded = encode(solver.tokenizer, [item], "digits", 60)
    assert not isinstance(encoded[0], Unreadable)
    gold = solver.collate_targets([solver.target(item)], collate([encoded[0]], 0)["spans"])["gold"][0]
    steps = iter(gold.tolist())

    real = solver.scores

    def forced(*read: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        scores, places = real(*read)
        scores = torch.zeros_like(scores)
        scores[(slice(None), *next(steps))] = 1
        return scores, places

    monkeypatch.setattr(solver, "scores", forced)
    (answer,) = solve(solver, [item], 1)
    assert answer.expression is not None and is_right(answer, item)
    assert print_prefix(canonical(answer.expression)) == print_prefix(canonical(parse_prefix(equation)))
    assert next(steps, None) is None


def test_a_solver_learns_and_batched_equals_single(solver: DagSolver) -> None:
    losses = trained(solver)
    assert losses[-1] < 0.1 * losses[0]
    batched = solve(solver, PROBLEMS, len(PROBLEMS))
    assert all(is_right(answer, item) for answer, item in zip(batched, PROBLEMS, strict=True))
    assert batched == [solve(solver, [item], 1)[0] for item in PROBLEMS]


def test_padded_numbers_and_finished_rows_do_not_change_the_loss(solver: DagSolver) -> None:
    from selfsown.msat.training.trainer import Collator, examples_of

    examples = examples_of(solver, PROBLEMS)
    alone = [solver(**Collator(solver)([example]))["loss"].item() for example in examples]
    together = solver(**Collator(solver)(examples))["loss"].item()
    assert together == pytest.approx(sum(alone) / len(alone), rel=1e-4)


def test_a_soft_maximum_is_above_the_hard_one_and_tends_to_it(solver: DagSolver) -> None:
    from selfsown.msat.training.trainer import Collator, examples_of

    batch = Collator(solver)(examples_of(solver, PROBLEMS))
    settings, losses = solver.settings, {}
    for softness in (0, 1e-3, 0.1, 1):
        dag = settings.dag.model_copy(update={"softness": softness})
        solver.settings = settings.model_copy(update={"dag": dag})
        losses[softness] = solver(**batch)["loss"].item()
    solver.settings = settings
    assert losses[0] == pytest.approx(losses[1e-3], abs=0.05)
    assert losses[0] < losses[0.1] < losses[1]


def test_one_number_without_partner_is_refused(encoder: Path) -> None:
    dag = DagParams(dropout=0, margin=1, softness=0, max_steps=4, replacement=False)
    solver = DagSolver.fresh(tiny_config("dag", dag=dag, constants=()), encoder).eval()
    lonely, other = problem("number0 ?", "7", "number0"), PROBLEMS[0]
    assert solve(solver, [lonely], 1)[0].reason == "no step was the last"
    assert solve(solver, [lonely, other], 2)[0].value is None
    with pytest.raises(Unreadable, match="same value twice"):
        solver.target(PROBLEMS[6])
    with pytest.raises(Unreadable, match="constant 100 is not"):
        solver.target(PROBLEMS[5])
    with pytest.raises(Unreadable, match="0 steps"):
        solver.target(lonely)


def test_an_endless_program_is_refused(solver: DagSolver, monkeypatch: pytest.MonkeyPatch) -> None:
    real = solver.scores

    def never_stop(*read: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        scores, places = real(*read)
        scores = torch.zeros_like(scores)
        scores[:, 0, 0, 3, 0] = 1  # the newest value, squared
        return scores, places

    monkeypatch.setattr(solver, "scores", never_stop)
    solver.settings = solver.settings.model_copy(
        update={"dag": DagParams(dropout=0, margin=1, softness=0, max_steps=9, replacement=True)}
    )
    programs = solver.decode(
        collate([e for e in encode(solver.tokenizer, PROBLEMS[:2], "digits", 60) if not isinstance(e, Unreadable)], 0)
    )
    assert all(isinstance(program, Refused) for program in programs)
