"""The seq2seq solver: its code, its cached decoding, its adapters, and that it learns."""

from pathlib import Path

import pytest
import torch
from tests.msat.tiny_solver import PROBLEMS, problem, tiny_config

from selfsown.arithmetic import Program, Refused, print_infix
from selfsown.msat.solvers.adapters import train_adapters_only
from selfsown.msat.solvers.backbone import Backbone
from selfsown.msat.solvers.dag import DagSolver
from selfsown.msat.solvers.representation import Unreadable, collate, decimal, encode
from selfsown.msat.solvers.scoring import is_right, solve
from selfsown.msat.solvers.seq2seq import END, WORDS, Seq2SeqSolver, read_written
from selfsown.msat.training.trainer import Collator, examples_of


@pytest.fixture
def solver(encoder: Path) -> Seq2SeqSolver:
    torch.manual_seed(1)
    return Seq2SeqSolver.fresh(tiny_config("seq2seq"), encoder).eval()


def trained(solver: Backbone, steps: int = 150) -> list[float]:
    """Losses of a few steps on the same batch."""
    batch = Collator(solver)(examples_of(solver, PROBLEMS))
    optimizer = torch.optim.AdamW([p for p in solver.parameters() if p.requires_grad], lr=5e-3)
    losses = []
    for _ in range(steps):
        loss = solver.train()(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    solver.eval()
    return losses


def test_the_target_is_the_program_as_code(solver: Seq2SeqSolver) -> None:
    words = [solver.words[i] for i in solver.target(PROBLEMS[3])]
    said = "NUM0 = 2 <SEP> NUM1 = 6 <SEP> m_1 = NUM0 * NUM1 <SEP> NUM2 = 3 0 <SEP> RES_ = m_1 + NUM2"
    assert words == [*said.split(), END]
    assert [solver.words[i] for i in solver.target(PROBLEMS[5])][-3:] == ["*", "100", END]


def test_symbolic_programs_state_no_values(encoder: Path) -> None:
    solver = Seq2SeqSolver.fresh(tiny_config("seq2seq", style="symbolic"), encoder)
    assert " ".join(solver.words[i] for i in solver.target(PROBLEMS[1])) == f"RES_ = NUM0 - NUM1 {END}"


def test_prefix_expressions_state_no_values_and_are_learnt(encoder: Path) -> None:
    torch.manual_seed(1)
    solver = Seq2SeqSolver.fresh(tiny_config("seq2seq", style="prefix"), encoder)
    assert " ".join(solver.words[i] for i in solver.target(PROBLEMS[3])) == f"+ * NUM0 NUM1 NUM2 {END}"
    assert " ".join(solver.words[i] for i in solver.target(PROBLEMS[5])).endswith(f" 100 {END}")
    (digits,) = encode(solver.tokenizer, [PROBLEMS[2]], "digits", 60)
    assert encode(solver.tokenizer, [PROBLEMS[2]], "prefix", 60) == [digits], "questions are as the paper's"
    losses = trained(solver)
    answers = solve(solver, PROBLEMS, len(PROBLEMS))
    assert losses[-1] < 0.1 * losses[0]
    assert all(is_right(answer, item) for answer, item in zip(answers, PROBLEMS, strict=True))
    said = read_written(["+", "*", "NUM0", "3", "NUM1"], "prefix")
    assert isinstance(said, Program) and print_infix(said.expression) == "number0 * 3 + number1" and not said.stated
    for wrong in ("", "+", "+ NUM0", "NUM0 NUM1", "RES_ = NUM0", "+ NUM0 m_1"):
        assert isinstance(read_written(wrong.split(), "prefix"), Refused)


def test_an_unknown_constant_is_named(solver: Seq2SeqSolver) -> None:
    with pytest.raises(Unreadable, match="'60' is not in the vocabulary"):
        solver.target(problem("number0 ?", "3", "* number0 60"))


def test_numbers_are_shown_by_their_digits_and_found_again(solver: Seq2SeqSolver) -> None:
    (made,) = encode(solver.tokenizer, [PROBLEMS[2]], "digits", 60)
    assert not isinstance(made, Unreadable)
    tokens = solver.tokenizer.convert_ids_to_tokens(made.input_ids)
    assert [tokens[first : last + 1] for first, last in made.spans] == [["#", "1", "2", "#"], ["#", "4", "0", "#"]]
    (cut,) = encode(solver.tokenizer, [PROBLEMS[2]], "digits", 8)
    assert isinstance(cut, Unreadable) and "tokens; the solver reads 8" in str(cut)
    (symbolic,) = encode(solver.tokenizer, [PROBLEMS[2]], "symbolic", 60)
    assert not isinstance(symbolic, Unreadable) and all(first == last for first, last in symbolic.spans)
    assert decimal(problem("number0", "0.33349", "number0").numbers[0]) == "0.333"


def test_a_solver_learns_and_batched_equals_single(solver: Seq2SeqSolver) -> None:
    losses = trained(solver)
    assert losses[-1] < 0.1 * losses[0]
    batched = solve(solver, PROBLEMS, len(PROBLEMS))
    assert all(is_right(answer, item) for answer, item in zip(batched, PROBLEMS, strict=True))
    assert batched == [solve(solver, [item], 1)[0] for item in PROBLEMS]


def test_cached_decoding_equals_uncached(solver: Seq2SeqSolver) -> None:
    trained(solver, 40)  # half trained: programs of different lengths, some of them wrong
    encoded = [item for item in encode(solver.tokenizer, PROBLEMS, "digits", 60) if not isinstance(item, Unreadable)]
    batch = collate(encoded, 0)
    cached = solver.greedy(batch["input_ids"], batch["attention_mask"])
    with torch.inference_mode():
        states = solver.read(batch["input_ids"], batch["attention_mask"])
        given = torch.full((len(encoded), 1), WORDS.index("<s>"))
        for _ in range(solver.settings.decoder.max_length):
            best = solver.logits(states, batch["attention_mask"], given)[:, -1].argmax(-1)
            given = torch.cat([given, best[:, None]], 1)
    end = WORDS.index(END)
    uncached = [[*row[1:].tolist(), end] for row in given]
    assert cached == [row[: row.index(end)][: solver.settings.decoder.max_length] for row in uncached]
    assert len({len(row) for row in cached}) > 1


def test_only_adapters_and_head_train_and_the_encoder_starts_as_it_was(encoder: Path, solver: Seq2SeqSolver) -> None:
    fresh = DagSolver.fresh(tiny_config("dag"), encoder).eval()
    ids = torch.randint(4, len(WORDS) // 2, (2, 9))
    torch.testing.assert_close(fresh.read(ids, torch.ones_like(ids)), solver.read(ids, torch.ones_like(ids)))
    before = {name: weight.clone() for name, weight in solver.state_dict().items()}
    train_adapters_only(solver.encoder)
    trained(solver, 3)
    moved = {name for name, weight in solver.state_dict().items() if not torch.equal(weight, before[name])}
    in_encoder = {name for name in moved if name.startswith("encoder.")}
    assert in_encoder and all(".down." in name or ".up." in name for name in in_encoder)
    assert any(name.startswith("layers.") for name in moved)


def constant_weights(solver: Backbone) -> dict[str, torch.Tensor]:
    """What a solver knows of each of its constants."""
    rows = solver.constants if isinstance(solver, DagSolver) else solver.embedding.weight[len(WORDS) :]
    return {text: row.detach().clone() for text, row in zip(solver.settings.constants, rows, strict=True)}


def test_a_constant_that_is_a_digit_is_written_as_the_digit(encoder: Path) -> None:
    """Fine-tuning goes on from the digits that the tasks taught."""
    solver = Seq2SeqSolver.fresh(tiny_config("seq2seq", constants=()), encoder)
    asked = problem("number0 and number1 ?", "12 1", "+ number0 * number1 2")
    digits = solver.target(problem("number0 and number1 ?", "12 1", "+ number0 number1"))
    solver.replace_constants([*"0123456789", "100"])
    assert solver.target(problem("number0 and number1 ?", "12 1", "+ number0 number1")) == digits
    assert [solver.words[index] for index in solver.target(asked)].count("2") == 2
    assert max(solver.target(asked)) < len(WORDS)


@pytest.mark.parametrize("kind", [Seq2SeqSolver, DagSolver])
def test_a_saved_solver_answers_the_same_and_may_take_other_constants(
    kind: type[Backbone], encoder: Path, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    solver = kind.fresh(tiny_config("dag" if kind is DagSolver else "seq2seq"), encoder)
    trained(solver, 60)
    solver.save(tmp_path)
    again = kind.load(tmp_path).eval()
    assert solve(again, PROBLEMS, 3) == solve(solver, PROBLEMS, 3)
    before = constant_weights(again)
    again.replace_constants(["100", "60", "3.14", "2"])
    after = constant_weights(again)
    assert set(after) == {"2", "3.14", "60", "100"} and all(torch.equal(after[text], before[text]) for text in before)
    assert again.settings.constants == ("2", "3.14", "60", "100")
    batch = Collator(again)(examples_of(again, [problem("number0 ?", "3", "* number0 60")]))
    assert torch.isfinite(again(**batch)["loss"])
