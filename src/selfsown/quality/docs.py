"""Data Docs as plain files: one page per product and an index, no script, nothing loaded from the network.

Great Expectations' own site links its style sheets and scripts from five hosts, so it is blank on a machine without
network, and its paths hold the time of the run. Here its renderer still makes the content of each page; the frame
around it is ours, and the same results give the same bytes.
"""

from __future__ import annotations

import html
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult

STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8881; --good: #1a7f37; --bad: #cf222e; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
a { color: inherit; }
h1 { font-size: 1.5rem; } h5, h6 { font-size: 1.05rem; margin: 0; }
table { border-collapse: collapse; margin: .6rem 0; }
td, th { border-bottom: 1px solid var(--line); padding: .35rem .8rem .35rem 0; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
pre { white-space: pre-wrap; border-left: 4px solid var(--bad); padding-left: .8rem; }
.alert { background: var(--soft); border-left: 4px solid var(--line); padding: .4rem .8rem; margin-top: 1.2rem; }
.alert .alert { border: 0; background: none; padding: 0; margin: 0; }
.badge { background: var(--soft); border-radius: 4px; padding: 0 .35rem; font-family: ui-monospace, monospace; }
.good, .text-success { color: var(--good); font-weight: 600; }
.bad, .text-danger { color: var(--bad); font-weight: 600; }
.fa-times::before { content: "\\2717"; } .fa-check-circle::before { content: "\\2713"; }
"""


def write_data_docs(
    results: Mapping[str, ExpectationSuiteValidationResult], failures: Mapping[str, Sequence[str]], report: Path
) -> None:
    """Write `index.html` and `<product>.html` into a fresh folder `report`.

    Args:
        results: validation result by product name.
        failures: by product name, its failed expectations in words.
    """
    shutil.rmtree(report, ignore_errors=True)
    report.mkdir(parents=True)
    rows = []
    for name, result in results.items():
        words = "".join(f'<pre class="bad">{html.escape(text)}</pre>' for text in failures[name])
        (report / f"{name}.html").write_text(_page(name, words + _results_html(result)), encoding="utf-8")
        passed = sum(bool(item.success) for item in result.results)
        mark = '<td class="good">passed</td>' if result.success else '<td class="bad">failed</td>'
        link = f'<a href="{html.escape(name)}.html">{html.escape(name)}</a>'
        rows.append(f"<tr><td>{link}</td>{mark}<td>{passed} of {len(result.results)}</td></tr>")
    head = "<tr><th>product</th><th>outcome</th><th>expectations met</th></tr>"
    (report / "index.html").write_text(_page("Data Docs", f"<table>{head}{''.join(rows)}</table>"), encoding="utf-8")


def _results_html(result: ExpectationSuiteValidationResult) -> str:
    """The content of one validation result, as Great Expectations renders it."""
    from great_expectations.core import expectationSuiteValidationResultSchema
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaSectionView

    # The renderers want what a store would give back: plain JSON values, not numpy's.
    plain = json.loads(json.dumps(result.to_json_dict()))
    for item in plain["results"]:
        item["result"] = _escaped(item["result"])  # their templates put sample rows into the page as they are
    stored = expectationSuiteValidationResultSchema.load(plain)
    sections = ValidationResultsPageRenderer(run_info_at_end=False).render(stored).sections
    view = DefaultJinjaSectionView()
    parts = []
    for number, section in enumerate(sections, 1):
        if number == 1:  # the overview's other blocks hold the time of the run and need a script to fold
            section.content_blocks = [block for block in section.content_blocks if block.content_block_type == "table"]
        parts.append(view.render({"section": section.to_json_dict(), "section_loop": {"index": number}}))
    return "\n".join(parts)


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return html.escape(value) if isinstance(value, str) else value


def _page(title: str, body: str) -> str:
    back = "" if title == "Data Docs" else '<p><a href="index.html">Data Docs</a></p>'
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>{back}<h1>{html.escape(title)}</h1>\n{body}\n</body></html>\n"
    )
