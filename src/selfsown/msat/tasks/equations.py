"""How many tasks have one, two and three steps, and the equations they are made of.

The step mix of a difficulty (the mean number of steps) is the authors' quadratic programme in closed form. Operands
are drawn as their generator draws them (ranges, divisors, at most 50 trials), for all templates at once. No two
equations share a program, whichever of their numbers is asked for: that is what lets tasks be split by equation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from selfsown.arithmetic import OPERATORS
from selfsown.errors import UserError

STEPS = (1, 2, 3)
BOUNDS = np.array([100, 400, 2000])
"""Operands are below one of these."""

TRIALS = 50
ROUNDS = 50
"""Of visits to all sequences of operators, before equations count as used up."""

_ADD, _SUBTRACT, _MULTIPLY, _DIVIDE = range(4)  # in the order of OPERATORS
_PLACES = 1 << 14  # above every operand and result, so that four of them and their operators fit an int64
_MOST_FACTORS = 27  # of a number below 10**8, which no dividend reaches

IntArray = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
BoolArray = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Equations:
    """Left-deep equations of one number of steps: `operators` [n, steps] as indices, innermost first, `operands`
    [n, steps + 1] and `results` [n]."""

    operators: IntArray
    operands: IntArray
    results: IntArray

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, rows: slice | IntArray | BoolArray) -> Equations:
        return Equations(self.operators[rows], self.operands[rows], self.results[rows])


def mean_steps(difficulty: str) -> float:
    """The number that a difficulty of the matrix is.

    Raises:
        UserError: not a number from 1 to 3.
    """
    try:
        steps = float(difficulty)
    except ValueError:
        steps = 0.0
    if not 1 <= steps <= 3:
        raise UserError(f"params.yaml: msat.matrix.difficulties: {difficulty!r} is not allowed: mean steps, 1 to 3")
    return steps


def step_mix(
    size: int, difficulty: float, weights: tuple[float, float, float] = (1, 1, 1), penalty: float = 30
) -> tuple[float, float, float]:
    """Tasks with one, two and three steps: min 1/2 sum(w n^2) + penalty n2, given their sum and their mean steps.

    Size and difficulty leave one free number, so the programme is a parabola in n2 over an interval. The authors'
    generator has equal weights and the penalty 30; their published dev set has counts of weights 2, 1, 1 without it.

    Args:
        size: sum of the three.
        difficulty: mean number of steps, 1 to 3.
    """
    first, second, third = weights
    two = (size * (first * (3 - difficulty) + third * (difficulty - 1)) - 4 * penalty) / (first + 4 * second + third)
    two = max(0.0, min(two, (3 - difficulty) * size, (difficulty - 1) * size))
    return ((3 - difficulty) * size - two) / 2, two, ((difficulty - 1) * size - two) / 2


def step_counts(size: int, difficulty: float) -> tuple[int, int, int]:
    """`step_mix` in whole tasks that sum to `size`: what is cut off goes to the largest remainders, first to last."""
    return apportion(size, step_mix(size, difficulty))


def apportion(size: int, shares: tuple[float, float, float]) -> tuple[int, int, int]:
    """Whole numbers that sum to `size`, in proportion to the shares (largest remainder)."""
    exact = [size * share / sum(shares) for share in shares]
    counts = [math.floor(value + 1e-9) for value in exact]
    order = sorted(range(3), key=lambda index: round(counts[index] - exact[index], 6))
    for index in order[: size - sum(counts)]:
        counts[index] += 1
    return counts[0], counts[1], counts[2]


def sample_equations(steps: int, count: int, maximum: int, rng: np.random.Generator) -> Equations:
    """`count` equations with the results between 0 and `maximum`, both excluded, none of which shares a program.

    The sequences of operators are visited in turn; one that finds no operands within `TRIALS` is passed over.

    Raises:
        UserError: there are not as many.
    """
    sequences = np.array(list(product(range(len(OPERATORS)), repeat=steps)))
    found = Equations(np.zeros((0, steps), int), np.zeros((0, steps + 1), int), np.zeros(0, int))
    for _ in range(ROUNDS):
        lacking = count - len(found)
        if lacking <= 0:
            return found[:count]
        turns = 1 + lacking // len(sequences)
        new = _visit(np.tile(sequences, (turns, 1)), maximum, rng)
        both = Equations(
            np.concatenate([found.operators, new.operators]),
            np.concatenate([found.operands, new.operands]),
            np.concatenate([found.results, new.results]),
        )
        both = both[_first_of_its_programs(both)]
        gained = len(both) - len(found)
        found = both
        if turns > 1 and gained < lacking // 20:
            break
    raise UserError(
        f"msat.generate: only {len(found)} of {count} different equations of {steps} operations were found; "
        "lower size, raise maximum, or choose a difficulty with fewer of them"
    )


def _visit(operators: IntArray, maximum: int, rng: np.random.Generator) -> Equations:
    """Operands for each sequence of operators; sequences without any are left out, the others keep their order."""
    operands = np.zeros((len(operators), operators.shape[1] + 1), int)
    results = np.zeros(len(operators), int)
    pending = np.arange(len(operators))
    for _ in range(TRIALS):
        drawn, values, good = _draw(operators[pending], maximum, rng)
        operands[pending[good]], results[pending[good]] = drawn[good], values[good]
        pending = pending[~good]
        if not len(pending):
            break
    return Equations(operators, operands, results)[results > 0]


def _draw(operators: IntArray, maximum: int, rng: np.random.Generator) -> tuple[IntArray, IntArray, BoolArray]:
    """One trial: operands, results, and which of them will do."""
    count, steps = operators.shape
    first = rng.integers(len(BOUNDS), size=count)
    operands = np.zeros((count, steps + 1), int)
    operands[:, 0] = _integers(first, rng)
    values, level = operands[:, 0].copy(), first
    good = np.ones(count, bool)
    for step in range(steps):
        op = operators[:, step]
        divides = op == _DIVIDE
        any_level = rng.integers(len(BOUNDS), size=count)
        not_above = (rng.random(count) * (level + 1)).astype(int)
        here = np.where(op == _ADD, any_level, np.where(op == _SUBTRACT, not_above, 0))
        operand = _integers(here, rng)
        operand[divides], good_divisors = _divisors(values[divides], maximum, rng)
        good[divides] &= good_divisors
        # A zero times or over anything leaves the other number unknown.
        good &= ~((values == 0) & (op == _MULTIPLY))
        values = np.select(
            [op == _ADD, op == _SUBTRACT, op == _MULTIPLY], [values + operand, values - operand, values * operand], 0
        ) + np.where(divides, values // operand, 0)
        level = np.where(divides, first, here)  # a divisor has no bound of its own
        operands[:, step + 1] = operand
    return operands, values, good & (values > 0) & (values < maximum)


def _integers(levels: IntArray, rng: np.random.Generator) -> IntArray:
    """From 2 to below the bound of each level."""
    drawn: IntArray = np.maximum(2, (rng.random(len(levels)) * BOUNDS[levels]).astype(int))
    return drawn


def _divisors(values: IntArray, maximum: int, rng: np.random.Generator) -> tuple[IntArray, BoolArray]:
    """For each value the product of some, not all, of its prime factors, and whether there is one of a fit size."""
    factors = np.ones((len(values), _MOST_FACTORS), int)
    known = np.zeros(len(values), int)
    rest = np.maximum(values, 1)
    for prime in _primes(math.isqrt(int(rest.max(initial=1)))):
        while len(rows := np.flatnonzero(rest % prime == 0)):
            factors[rows, known[rows]] = prime
            known[rows] += 1
            rest[rows] //= prime
    rows = np.flatnonzero(rest > 1)
    factors[rows, known[rows]] = rest[rows]
    known[rows] += 1
    chosen = 1 + (rng.random(len(values)) * (known - 1)).astype(int)
    keys = rng.random(factors.shape)
    keys[np.arange(_MOST_FACTORS) >= known[:, None]] = 2  # behind every factor
    shuffled = np.take_along_axis(factors, keys.argsort(axis=1), axis=1)
    divisors = np.where(np.arange(_MOST_FACTORS) < chosen[:, None], shuffled, 1).prod(axis=1)
    return divisors, (known >= 2) & (divisors <= maximum)


def _primes(limit: int) -> list[int]:
    sieve = np.ones(limit + 1, bool)
    for number in range(2, math.isqrt(limit) + 1):
        if sieve[number]:
            sieve[number * number :: number] = False
    return [int(prime) for prime in np.flatnonzero(sieve) if prime >= 2]


def _first_of_its_programs(equations: Equations) -> BoolArray:
    """Which equations share no program with an earlier one.

    Asked for its result, its first number, its second, or its last, an equation may have the program of another
    (a + b = c asked for a, and c - b = a asked for a). Asked for any other number its program is its own.
    """
    ops, operands, results = equations.operators, equations.operands, equations.results[:, None]
    undone = ops[:, ::-1] ^ 1  # + and -, * and / are neighbours in OPERATORS
    swapped = operands.copy()
    swapped[:, [0, 1]] = operands[:, [1, 0]]
    forward = _keys(ops, operands)
    first = _keys(undone, np.hstack([results, operands[:, :0:-1]]))
    second = _keys(undone, np.hstack([results, swapped[:, :0:-1]]))
    last = _keys(ops, np.hstack([operands[:, :-1], results]))
    keys = np.stack(
        [forward, first, np.where(ops[:, 0] % 2 == 0, second, forward), np.where(ops[:, -1] % 2 == 1, last, forward)],
        axis=1,
    )
    _, earliest, place = np.unique(keys, return_index=True, return_inverse=True)
    owner = earliest[place.reshape(keys.shape)] // keys.shape[1]
    unshared: BoolArray = (owner == np.arange(len(equations))[:, None]).all(axis=1)
    return unshared


def _keys(operators: IntArray, operands: IntArray) -> IntArray:
    """A number per left-deep program; programs that differ in the order of what is added or multiplied share it."""
    ordered = commuted(operators, operands)
    key = np.zeros(len(operators), int)
    for column in operators.T:
        key = key * len(OPERATORS) + column
    for column in ordered.T:
        key = key * _PLACES + column
    return key


def commuted(operators: IntArray, operands: IntArray) -> IntArray:
    """The operands with those that the innermost run of one + or * joins in ascending order."""
    ordered = operands.copy()
    for run in range(operators.shape[1], 0, -1):
        one = (operators[:, :run] == operators[:, :1]).all(axis=1) & (operators[:, 0] % 2 == 0)
        ordered[one, : run + 1] = np.sort(ordered[one, : run + 1], axis=1)
    return ordered
