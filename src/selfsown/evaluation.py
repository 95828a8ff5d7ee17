"""What every comparison shares: rows of figures from counts on test items, plots, samples, and the registered model.

An evaluation says what it counts on which items; what is measured of the counts is a `Row`. Rates are corpus-level
(sum of errors over sum of units), intervals are 95 % bootstraps over items, or over groups of items that are right or
wrong together, and comparisons are paired: another choice of items in one of the two is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from selfsown import bootstrap, tracking
from selfsown.bootstrap import Estimate, FloatArray
from selfsown.errors import UserError
from selfsown.files import write_atomic, write_json
from selfsown.products import iter_product
from selfsown.stage import StageParams
from selfsown.tracking.models import BASELINE

ARM = "arm"
"""The column that says whose counts a row of kept items has."""

HEADLINE = 6
HEADLINE_CHARACTERS = 100
"""So many figures with names of so many characters fit the line of `dvc metrics show`."""


class ComparisonParams(StageParams):
    """Base of what compares the trained models of a matrix: its `arms`, and the one to register."""

    arms: tuple[str, ...]
    registered: str

    @model_validator(mode="after")
    def _registered_is_an_arm(self) -> Self:
        if self.registered not in self.arms:
            raise ValueError(f"registered: {self.registered!r} is no arm of the matrix: {', '.join(self.arms)}")
        return self


class Row(NamedTuple):
    """A figure: what was measured, of which arm, on which part of the test items ("" for all of them).

    `lo` and `hi` are its 95 % interval, None where none was estimated; `n` is the number of items.
    """

    measure: str
    arm: str
    part: str
    value: float
    lo: float | None = None
    hi: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Evaluation:
    """What a pipeline measures, said once for its evaluation and for the mean over seeds.

    Attributes:
        keys: columns that name an item of an arm.
        counts: columns of what was counted on it, which a study averages over seeds.
        measure: rows of the arms' items, given the pipeline's section of the parameters.
        over_runs: rows whose intervals cover training runs too, of the arms' items of every seed.
    """

    keys: tuple[str, ...]
    counts: tuple[str, ...]
    measure: Callable[[Mapping[str, pd.DataFrame], Mapping[str, Any]], list[Row]]
    over_runs: Callable[[Sequence[Mapping[str, pd.DataFrame]], Mapping[str, Any]], list[Row]] | None = None

    def write_items(self, frames: Mapping[str, pd.DataFrame], file: Path) -> None:
        """The items of every arm as one Parquet file: what a study keeps of a seed."""
        rows = [frame[[*self.keys, *self.counts]].assign(**{ARM: arm}) for arm, frame in frames.items()]
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, pd.concat(rows).to_parquet(index=False, compression="zstd"))


@dataclass(frozen=True)
class Counts:
    """Errors (or right answers) of one arm and what they are divided by, per item: both `[items]`, ordered by `ids`."""

    ids: tuple[str, ...]
    errors: FloatArray
    units: FloatArray
    n: int

    @classmethod
    def of(cls, frame: pd.DataFrame, errors: str, units: str | None = None, by: str = "id") -> Self:
        """Summed over the rows that share `by`; without a column of `units` each row is one."""
        divisor = pd.Series(1.0, index=frame.index) if units is None else frame[units]
        sums = pd.DataFrame({"errors": frame[errors], "units": divisor}).groupby(frame[by]).sum()
        return cls(tuple(sums.index), sums["errors"].to_numpy(float), sums["units"].to_numpy(float), len(frame))

    def rate(self, measure: str, arm: str, part: str) -> Row:
        """Sum of errors over sum of units."""
        return _row(measure, arm, part, bootstrap.rate(self.errors, self.units), self.n)

    def reduction(self, measure: str, arm: str, part: str, baseline: Counts) -> Row:
        """1 - rate / rate of the baseline: above zero is better.

        Raises:
            UserError: other items than the baseline's.
        """
        self.check_same_items(baseline, f"{measure} of {arm}")
        return _row(measure, arm, part, bootstrap.relative_reduction(self.errors, baseline.errors), self.n)

    def others(self) -> Self:
        """The units that are not among the errors: wrong answers for right ones."""
        return replace(self, errors=self.units - self.errors)

    def check_same_items(self, other: Counts, what: str) -> None:
        """A paired comparison needs the same items on both sides.

        Raises:
            UserError: it has not.
        """
        if self.ids != other.ids or self.n != other.n or not np.array_equal(self.units, other.units):
            raise UserError(f"{what}: measured on other items than what it is compared with; run `dvc repro` again")


def difference(measure: str, arm: str, part: str, pairs: Sequence[tuple[Counts, Counts]]) -> Row:
    """Rate minus the baseline's, paired; of several sets of items the plain mean, each resampled apart.

    Raises:
        UserError: other items than the baseline's.
    """
    for ours, baseline in pairs:
        ours.check_same_items(baseline, f"{measure} of {arm}")
    sets = [(ours.errors, baseline.errors, ours.units) for ours, baseline in pairs]
    return _row(measure, arm, part, bootstrap.mean_rate_difference(sets), sum(ours.n for ours, _ in pairs))


def over_runs(measure: str, arm: str, part: str, sets: Sequence[Sequence[Sequence[tuple[Counts, Counts]]]]) -> Row:
    """As `difference`, with an interval over training runs too: `sets` are of folds, and those of seeds.

    Raises:
        UserError: other items than the baseline's or another seed's.
    """
    for pairs in (fold for folds in sets for fold in folds):
        for counts in (each for pair in pairs for each in pair):
            counts.check_same_items(pairs[0][0], f"{measure} of {arm}")
    arrays = [
        [
            (np.stack([x.errors for x, _ in pairs]), np.stack([y.errors for _, y in pairs]), pairs[0][0].units)
            for pairs in folds
        ]
        for folds in sets
    ]
    n = sum(pairs[0][0].n for folds in sets for pairs in folds)
    return _row(measure, arm, part, bootstrap.mean_rate_difference_over_runs(arrays), n)


def mean_counts(arms: Sequence[Counts]) -> Counts:
    """Several arms on the same items as one: their errors averaged on each item.

    Raises:
        UserError: they are on other items.
    """
    for other in arms[1:]:
        arms[0].check_same_items(other, "a mean over arms")
    return Counts(arms[0].ids, np.mean([counts.errors for counts in arms], axis=0), arms[0].units, arms[0].n)


def _row(measure: str, arm: str, part: str, estimate: Estimate, n: int) -> Row:
    return Row(measure, arm, part, estimate.value, estimate.lo, estimate.hi, n)


def write_rows(rows: Sequence[Row], headline: Mapping[str, tuple[str, str, str]], file: Path) -> dict[str, float]:
    """Write all rows, and pick the headline ones, by name: measure, arm and part. Those not measured are left out.

    Raises:
        ValueError: more, or longer names, than `dvc metrics show` has room for; or two rows of one place.
    """
    if len(headline) > HEADLINE or sum(map(len, headline)) > HEADLINE_CHARACTERS:
        names = ", ".join(headline)
        raise ValueError(f"headline: at most {HEADLINE} figures of {HEADLINE_CHARACTERS} characters together: {names}")
    values = {row[:3]: row.value for row in rows}
    if len(values) < len(rows):
        raise ValueError("two rows have one measure, arm and part")
    write_json(file, [row._asdict() for row in rows])
    return {name: values[place] for name, place in headline.items() if place in values}


Items = Mapping[tuple[str, str, str], pd.DataFrame]
"""By measure, arm and part."""


def by_place(frames: Mapping[str, pd.DataFrame]) -> Items:
    """The items of each measure, arm and part, of arms' items with the columns `measure` and `part`."""
    return {
        (str(name), arm, str(part)): rows
        for arm, frame in frames.items()
        for (name, part), rows in frame.groupby(["measure", "part"], sort=False)
    }


def write_plots(plots: Path, **tables: Sequence[Mapping[str, object]]) -> None:
    """Write the data of each plot as JSON, and keep them with the run."""
    for name, table in tables.items():
        write_json(plots / f"{name}.json", table)
    tracking.log_artifact(plots, "plots")


def bars(rows: Iterable[Row], *measures: str) -> list[dict[str, object]]:
    """The rows of some measures as bars with intervals, a panel for each measure and part."""
    chosen = (row for row in rows if row.measure in measures)
    return [{"panel": f"{row.measure} {row.part}".strip(), **row._asdict()} for row in chosen]


def dev_curves(folders: Mapping[str, Path]) -> list[dict[str, object]]:
    """What was measured on the dev split while each arm's model trained, by step, as training left it in the folder."""
    return [
        {"arm": arm, **point}
        for arm, folder in folders.items()
        for point in json.loads((folder / "training.json").read_text())
    ]


def samples(parts: Mapping[str, pd.DataFrame], columns: Sequence[str], **about: object) -> list[dict[str, object]]:
    """Some rows of each kind, to be read beside the figures."""
    return [
        {"kind": kind, **about, **{name: _plain(row[name]) for name in columns}}
        for kind, frame in parts.items()
        for row in frame.to_dict("records")
    ]


def _plain(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, np.ndarray) else value


def worst_and_median(
    frame: pd.DataFrame, by: Sequence[str], count: int, columns: Sequence[str]
) -> list[dict[str, object]]:
    """`count` samples of each kind, where more is worse."""
    ordered = frame.sort_values(list(by), kind="stable", ascending=False)
    middle = max(0, (len(ordered) - count) // 2)
    return samples({"worst": ordered.head(count), "median": ordered[middle : middle + count]}, columns)


def log_audio(chosen: Iterable[Mapping[str, object]], speech: Path) -> None:
    """The sound of samples as files of the run, to be listened to beside their transcripts; `speech` has their ids."""
    wanted = {sample["id"]: sample["kind"] for sample in chosen}
    for table in iter_product(speech, ["id", "audio"]):
        for row in table.filter(pc.is_in(table["id"], pa.array(list(wanted)))).to_pylist():
            tracking.log_bytes(row["audio"]["bytes"], f"samples/{wanted[row['id']]}/{row['id'].replace('/', '_')}.flac")


def register(
    name: str,
    folder: Path,
    *,
    counts: Counts,
    baseline: Counts,
    metric: str,
    evaluation: Path,
    rows: Sequence[Row],
    about: str,
    header: Mapping[str, object],
    example: Any,
    output: Any,
    baseline_name: str = BASELINE,
    refused: str = "",
    **served: Any,
) -> list[dict[str, object]]:
    """Register a model with its figures and, item by item, the evidence that `selfsown promote` compares.

    Returns:
        A row for each benchmark that its data is of and that should not be trained on, for the page.

    Args:
        counts: errors of the model on the items of the `evaluation` product; `baseline`: of what it must beat, which
            `promote` calls `baseline_name`.
        rows: the figures of the model.
        about: its card, before the figures: a title, then text, Markdown; `header`: the card's YAML.
        example: an input, and the `output` of one, for the signature.
        refused: why it must not be promoted, whatever its errors.
        served: further arguments of `tracking.log_model`: task, loader, config, packages.

    Raises:
        UserError: the baseline is on other items.
    """
    counts.check_same_items(baseline, name)
    marked = tracking.contaminated(folder)
    if marked:
        about += (
            f"\n\nTrained on data of {', '.join(marked)}, whose authors ask that it not be: keep it off that benchmark."
        )
    tracking.log_model(
        name,
        folder,
        input_example=example,
        signature=tracking.signature(example, output),
        card=_card(about, header, rows),
        metrics={"_".join(filter(None, row[:3])): row.value for row in rows},
        **served,
    )
    tracking.log_evidence(
        name,
        folder,
        metric=metric,
        evaluation=evaluation,
        ids=counts.ids,
        errors=counts.errors.tolist(),
        baseline=baseline.errors.tolist(),
        units=counts.units.tolist(),
        baseline_name=baseline_name,
        candidate=True,
        refused=refused,
    )
    return [{"model": name, "benchmark": benchmark} for benchmark in marked]


def _card(about: str, header: Mapping[str, object], rows: Sequence[Row]) -> str:
    """A model card, Markdown, with a line for each figure that has an interval."""
    lines = [f"{key}: {json.dumps(value)}" for key, value in header.items()]
    table = [
        f"| {', '.join(filter(None, row[:3]))} | {row.value:.3f} | {row.lo:.3f} to {row.hi:.3f} |"
        for row in rows
        if row.lo is not None and row.hi is not None
    ]
    head = ["| measured on test items | value | 95 % interval |", "|---|---|---|"]
    return "\n".join(["---", *lines, "---", about, "", *head, *table, ""])
