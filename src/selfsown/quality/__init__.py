"""The gate: Great Expectations suites over data products, before anything is trained on them.

`check` validates every product against its suite, writes Data Docs whatever the outcome, and raises one `GateError`
that lists each failed expectation. Great Expectations takes seconds to import, so only `check` and the suites do it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from selfsown.errors import UserError

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
    from great_expectations.expectations.expectation import Expectation

SAMPLES = 5
"""Rows shown of each failed expectation."""

_ADDRESS = ("column", "column_list", "batch_id", "row_condition", "condition_parser")
"""Arguments of an expectation that say where it looks; the others are its threshold."""


class GateError(UserError):
    """Data did not meet its expectations; the message lists product, column, threshold, observed value, sample rows."""


def check(
    products: Mapping[str, pa.Table | pd.DataFrame], suites: Mapping[str, Sequence[Expectation]], report: Path
) -> None:
    """Validate products against their suites and write Data Docs.

    Args:
        products: rows by product name; nested and binary columns (audio) are left out.
        suites: expectations by product name; every name must be in `products`.
        report: folder of the Data Docs; open its `index.html`. Written also when the check fails.

    Raises:
        GateError: some expectation failed.
    """
    from selfsown.quality.docs import write_data_docs

    results = {name: _validate(name, to_frame(products[name]), expectations) for name, expectations in suites.items()}
    failed = {
        name: [_explain(name, item) for item in result.results if not item.success] for name, result in results.items()
    }
    write_data_docs(results, failed, report)
    if failures := [text for texts in failed.values() for text in texts]:
        total = sum(len(result.results) for result in results.values())
        head = f"{len(failures)} of {total} expectations failed; nothing may be trained on this data."
        raise GateError("\n".join([head, *failures, f"All results with samples: {report / 'index.html'}"]))


def to_frame(table: pa.Table | pd.DataFrame) -> pd.DataFrame:
    """The scalar columns of a table as pandas, missing strings as None."""
    if isinstance(table, pd.DataFrame):
        return table
    scalar = [f.name for f in table.schema if not (pa.types.is_nested(f.type) or pa.types.is_binary(f.type))]
    return table.select(scalar).to_pandas()


def _validate(name: str, frame: pd.DataFrame, expectations: Sequence[Expectation]) -> ExpectationSuiteValidationResult:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("products").add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(name=name, expectations=list(expectations))
    # SUMMARY keeps a few sample rows; COMPLETE would keep every failing one, megabytes on a bad product.
    summary = {"result_format": "SUMMARY", "partial_unexpected_count": SAMPLES}
    if "id" in frame:
        summary["unexpected_index_column_names"] = ["id"]
    result: ExpectationSuiteValidationResult = batch.validate(suite, result_format=summary)
    return result


def _explain(product: str, item: ExpectationValidationResult) -> str:
    """One failed expectation in words: where, the rule, what was seen, sample rows by id."""
    config = item.expectation_config
    kwargs: Mapping[str, Any] = config.kwargs
    column = kwargs.get("column") or ", ".join(kwargs.get("column_list", ())) or "(rows)"
    threshold = ", ".join(f"{key}={value!r}" for key, value in kwargs.items() if key not in _ADDRESS)
    lines = [f"- {product}, column {column}: {config.notes or config.type}", f"    rule: {config.type}({threshold})"]
    if condition := kwargs.get("row_condition"):
        lines[-1] += f" where {_condition(condition)}"
    lines.append(f"    observed: {_observed(item)}")
    for row in item.result.get("partial_unexpected_index_list") or ():
        values = {key: value for key, value in row.items() if key != "id"}
        lines.append(f"    id={row['id']!r} " + " ".join(f"{key}={_plain(value)}" for key, value in values.items()))
    return "\n".join(lines).rstrip()


def _observed(item: ExpectationValidationResult) -> str:
    result = item.result
    if "observed_value" in result:
        return _plain(result["observed_value"])
    if "unexpected_count" in result:
        return f"{result['unexpected_count']} of {result['element_count']} rows break the rule"
    info = item.exception_info
    errors = [info] if "exception_message" in info else list(info.values())
    return next((str(error["exception_message"]) for error in errors if error.get("exception_message")), "nothing")


def _condition(condition: Mapping[str, Any]) -> str:
    if "conditions" in condition:
        return f" {condition['type']} ".join(_condition(part) for part in condition["conditions"])
    return f"{condition['column']['name']} {condition['operator']} {condition['parameter']!r}"


def _plain(value: Any) -> str:
    """A value without numpy's type names."""
    return repr(value.item() if hasattr(value, "item") else value)
