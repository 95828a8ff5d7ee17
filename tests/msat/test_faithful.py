"""The solvers, and how they are scored, are as the authors' code has them (TianduoWang/MsAT at 64bbdd8)."""

from fractions import Fraction
from pathlib import Path

import pytest
import torch
from tests.msat.tiny_solver import PROBLEMS, problem, tiny_config
from torch import nn, optim

from selfsown.arithmetic import Program, Refused, parse_program, print_code
from selfsown.msat.solvers.dag import OPERATORS, DagSolver
from selfsown.msat.solvers.scoring import executed, is_right, is_right_as_written, solve
from selfsown.msat.solvers.seq2seq import Seq2SeqSolver
from selfsown.msat.training.trainer import Collator, examples_of


@pytest.fixture
def dag(encoder: Path) -> DagSolver:
    torch.manual_seed(1)
    return DagSolver.fresh(tiny_config("dag"), encoder).eval()


SUM = problem("A = number0 . B = number1 . A + B ?", "3 5", "+ number0 number1")


@pytest.mark.parametrize(
    ("code", "right", "as_written"),
    [
        ("NUM0 = 3 <SEP> NUM1 = 5 <SEP> RES_ = NUM0 + NUM1", True, True),
        ("NUM0 = 3 <SEP> NUM1 = 5 0 <SEP> RES_ = NUM0 + NUM1", True, False),
        ("NUM0 = 4 <SEP> NUM1 = 4 <SEP> RES_ = NUM0 + NUM1", True, True),  # two errors that make up for each other
        ("NUM0 = 1 3 <SEP> NUM1 = 5 <SEP> RES_ = NUM0 - NUM1", False, True),
        ("RES_ = NUM0 + NUM1", True, True),  # what is not written is the question's
        ("NUM2 = 8 <SEP> RES_ = NUM2 + 0", False, True),  # a number that the question lacks
        ("NUM4 = 8 <SEP> RES_ = NUM4 + 0", False, False),
        ("NUM0 = 3 <SEP> NUM1 = 5 <SEP> m_1 = NUM0 + NUM1", False, False),  # no RES_
    ],
)
def test_the_program_of_the_seq2seq_solver_is_run_over_what_it_wrote_too(
    code: str, right: bool, as_written: bool, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    solver = Seq2SeqSolver.fresh(tiny_config("seq2seq"), encoder).eval()
    monkeypatch.setattr(solver, "greedy", lambda *_: [[solver.words.index(word) for word in code.split()]])
    (answered,) = solve(solver, [SUM], 1)
    assert (is_right(answered, SUM), is_right_as_written(answered, SUM)) == (right, as_written)


def test_what_was_written_may_be_off_by_a_hundredth_and_what_was_not_by_a_ten_thousandth() -> None:
    third = problem("number0 and number1 ?", "0.3333 1", "+ number0 number1")
    assert third.expression is not None
    said = executed(parse_program(print_code(third.expression, [Fraction("0.333"), Fraction(1)])), third.numbers)
    assert said.as_written == Fraction("1.333") and said.value == Fraction("1.3333")
    assert is_right(said, third) and is_right_as_written(said, third)
    for off, right, as_written in (("0.00005", True, True), ("0.009", False, True), ("0.011", False, False)):
        made = executed(Program(SUM.expression, {}), [Fraction(3), 5 + Fraction(off)])
        assert (is_right(made, SUM), is_right_as_written(made, SUM)) == (right, as_written)


def test_the_dag_solver_writes_no_numbers(dag: DagSolver) -> None:
    answers = solve(dag, PROBLEMS, 4)
    assert any(answer.value is not None for answer in answers)
    assert all(answer.as_written == answer.value for answer in answers)
    assert executed(Refused("none"), []).as_written is None


def test_before_the_stopper_and_the_scorer_of_values_stands_a_layer(dag: DagSolver) -> None:
    """The score of a candidate is that of its result, of its two values, and of going on or stopping."""
    for network, scores in ((dag.stopper, 2), (dag.value_score, 1)):
        assert [type(part) for part in network] == [nn.Linear, nn.ReLU, nn.LayerNorm, nn.Dropout, nn.Linear]
        assert network[0].weight.shape == (dag.width, dag.width) and network[-1].weight.shape == (scores, dag.width)
    values, there = torch.randn(1, 3, dag.width), torch.ones(1, 3, dtype=torch.bool)
    candidates = dag.candidates(there)
    results = dag.results(values, candidates)
    scores, places = dag.scores(values, candidates, results)
    made = results[places[0, 0, 2]]
    of_values = dag.value_score(values[0, 0]) + dag.value_score(values[0, 2])
    torch.testing.assert_close(scores[0, 0, 2], dag.score(made) + dag.stopper(made) + of_values)
    assert scores[0, 0, 2].shape == (len(OPERATORS), 2)


def test_what_a_step_made_is_the_state_and_the_values_are_the_input(dag: DagSolver) -> None:
    """With an update gate that keeps the state, every value becomes what was made."""
    width = dag.width
    with torch.no_grad():
        for weight in dag.gru.parameters():
            weight.zero_()
        dag.gru.bias_hh[width : 2 * width] = 50
    made = torch.randn(2, width)
    there, active = torch.ones(2, 3, dtype=torch.bool), torch.ones(2, dtype=torch.bool)
    values, _ = dag.step(torch.randn(2, 3, width), there, made, active)
    torch.testing.assert_close(values, made[:, None].expand(-1, 4, -1))


def test_the_gru_starts_at_random_as_theirs_or_hands_values_on(encoder: Path) -> None:
    """After a step every value is most like the one it was, where it starts so; at random it is not."""
    kept = {}
    for start in ("random", "values"):
        torch.manual_seed(1)
        config = tiny_config("dag", dag=tiny_config("dag").dag.model_copy(update={"gru_start": start}))
        solver = DagSolver.fresh(config, encoder).eval()
        before, made = 0.4 * torch.randn(20, 6, solver.width), torch.randn(20, solver.width)
        active, there = torch.ones(20, dtype=torch.bool), torch.ones(20, 6, dtype=torch.bool)
        after = solver.step(before, there, made, active)[0][:, 1:]
        kept[start] = nn.functional.cosine_similarity(after, before, dim=-1).mean().item()
    assert kept["values"] > 0.6 > 0.2 > abs(kept["random"])


def test_constants_start_at_standard_deviation_one_and_new_ones_too(encoder: Path) -> None:
    torch.manual_seed(0)
    solver = DagSolver.fresh(tiny_config("dag", constants=tuple(map(str, range(60)))), encoder)
    assert solver.constants.std().item() == pytest.approx(1, abs=0.1)
    solver.replace_constants([*map(str, range(60, 120))])
    assert solver.constants.std().item() == pytest.approx(1, abs=0.1)


def test_a_mean_clipped_at_a_share_takes_the_step_of_a_sum(dag: DagSolver) -> None:
    """The loss is a mean over the batch, theirs a sum; `conf/msat/paper.yaml` divides the clip and Adam's epsilon."""
    examples = examples_of(dag, PROBLEMS)
    batch, start = Collator(dag)(examples), {name: weight.clone() for name, weight in dag.state_dict().items()}

    def stepped(times: float, clip: float, epsilon: float) -> dict[str, torch.Tensor]:
        dag.load_state_dict(start)
        optimizer = optim.AdamW(dag.parameters(), lr=1e-2, eps=epsilon)
        for _ in range(3):
            optimizer.zero_grad()
            (times * dag(**batch)["loss"]).backward()
            nn.utils.clip_grad_norm_(dag.parameters(), clip)
            optimizer.step()
        return {name: weight.clone() for name, weight in dag.state_dict().items()}

    dag(**batch)["loss"].backward()
    # The others change no difference of scores: their gradient is rounding.
    learn = [
        name for name, weight in dag.named_parameters() if weight.grad is not None and weight.grad.abs().max() > 1e-5
    ]
    size = len(examples)
    theirs, ours = stepped(size, 0.1, 1e-8), stepped(1, 0.1 / size, 1e-8 / size)
    for name in learn:
        torch.testing.assert_close(ours[name], theirs[name], atol=3e-5, rtol=1e-4, msg=name)
    other = stepped(1, 1e6, 1e-8)  # never clipped
    assert any(not torch.allclose(other[name], theirs[name], atol=3e-5, rtol=1e-4) for name in learn)
