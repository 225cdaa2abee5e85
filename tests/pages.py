"""A small executed notebook and an index with everything hostile in it: what the page and browser tests look at."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import nbformat.v4 as v4
import numpy as np
import pandas as pd
from nbformat import NotebookNode

from cs_analysis.display import charts, html
from cs_analysis.report.page import Card, PageContext, write_index, write_page

HOSTILE = ["<script>window.pwned = 1</script>", "$x$", "{{7*7}}", "=1+1", '"><img src=x onerror="window.pwned=1">']
ALT = 'MRR rose to ¥62.1 million in "October" <b>2026</b>'


def output(shown: object) -> NotebookNode:
    """What a cell that ends with ``shown`` stores."""
    bundle = shown._repr_mimebundle_()  # type: ignore[attr-defined]
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    return v4.new_output("execute_result", data=data, metadata=metadata, execution_count=1)


def bridge() -> charts.Chart:
    def draw(_frame, ax):
        charts.waterfall(ax, ["Sep", *HOSTILE[:2]], [61.2e6, 2.4e6, -1.5e6], ["total", "change", "change"])
        return charts.title(ax, "MRR bridge", "million yen")

    return charts.chart(draw, None, alt=ALT)


def picture() -> charts.Chart:
    def draw(_frame, ax):
        ax.scatter(np.arange(1200), np.arange(1200))
        return ax

    return charts.chart(draw, None, alt="a cloud of 1,200 accounts", height=2)


def notebook() -> NotebookNode:
    frame = pd.DataFrame({"account": HOSTILE, "mrr": [1e6, 2e6, 3e6, 4e6, 5e6]})
    table = html.table(frame, "Accounts", formats={"mrr": "money"})

    def cell(source, *outputs):
        return v4.new_code_cell(source, outputs=list(outputs), execution_count=1)

    stderr = v4.new_output("stream", name="stderr", text="/srv/someone/x.py:3: UserWarning: raw trouble\n")
    failed = v4.new_output(
        "error", ename="ValueError", evalue="cannot read /srv/someone/data/contracts.csv", traceback=["raw trace"]
    )
    return v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# NRR cohorts\n\nDoes last year's revenue stay? $x$ and `{{7*7}}` and =1+1."),
            cell('data_dir: str = ""  # folder of the tables'),
            v4.new_markdown_cell("## In short"),
            cell("cs.say(*sentences)", output(html.say(*HOSTILE))),
            v4.new_markdown_cell("### Straight to the third level"),
            cell("cs.chart(plot, bridge)", output(bridge()), output(table)),
            cell("cs.chart(plot, bridge)", output(bridge())),
            v4.new_markdown_cell("# A second first heading"),
            cell("cs.chart(cloud)", output(picture())),
            v4.new_markdown_cell("##### Far too deep"),
            cell("print('plain <b>')", v4.new_output("stream", name="stdout", text="plain <b>\n"), stderr, failed),
        ]
    )


def context(**changes) -> PageContext:
    given = {
        "title": "NRR",
        "client": HOSTILE[0],
        "lang": "en",
        "as_of": date(2026, 10, 31),
        "period": "Nov 2025 – Oct 2026",
        "brand_colour": "#0d4a66",
        "fingerprint": "9f31c2a07b1244",
    }
    return PageContext(**(given | changes))


def page(path: Path, **changes) -> str:
    write_page(notebook(), path, context(**changes))
    return path.read_text(encoding="utf-8")


def headlines() -> pd.DataFrame:
    nan = float("nan")
    columns = ["metric", "label", "value", "low", "high", "n", "unit", "previous", "year_ago"]
    columns += ["previous_change", "previous_low", "previous_high", "year_change", "year_low", "year_high", "note"]
    rows = [
        ["nrr", "NRR", 1.042, 0.981, 1.109, 212, "rate", 1.039, 0.978, 0.003, -0.01, 0.016, 0.064, 0.012, 0.116, "x"],
        ["days", "Days to live", 41, 36, 47, 38, "days", 43, 50, -2, -5, 1, -9, -15, -3, ""],
        ["mrr", HOSTILE[0], 63.6e6, 63.6e6, 63.6e6, 241, "money", 61e6, nan, 2.6e6, 2.6e6, 2.6e6, nan, nan, nan, ""],
        ["nps", "NPS", nan, nan, nan, 4, "points", nan, nan, nan, nan, nan, nan, nan, nan, "Too few answers."],
    ]
    return pd.DataFrame(rows, columns=columns)


def findings() -> pd.DataFrame:
    rows = [
        [1, "a", "A smaller finding.", 1e6, None],
        [2, "b", "A larger finding of " + HOSTILE[4], 5e6, None],
        [3, "c", "A finding without a sum.", float("nan"), None],
        [4, "d", "Usage fell by half.", 3e5, HOSTILE[0]],
        [5, "e", "No contact for 74 days.", 8e5, "A0187"],
    ]
    return pd.DataFrame(rows, columns=["rank", "kind", "text", "money", "account_id"])


def cards() -> list[Card]:
    return [
        Card("00_data_check", "Data check", "ok", "No errors.", "00_data_check.html"),
        Card("02_onboarding", "Onboarding", "failed", "The step curve stopped; run it again.", None),
        Card("05_nps", "NPS", "skipped", "Add survey_responses.csv.", None),
    ]


def index(path: Path, **changes) -> str:
    months = pd.date_range("2025-11-01", periods=12, freq="MS").strftime("%Y-%m")
    given = {
        "headlines": headlines(),
        "findings": findings(),
        "cards": cards(),
        "quality": "240 of 241 accounts used.",
        "trend": pd.DataFrame({"metric": "nrr", "month": months, "estimate": np.linspace(1.0, 1.042, 12)}),
        "reports": [("September 2026", "../2026-09/index.html")],
    }
    lang = changes.pop("lang", "en")
    write_index(path, context(title="Customer Success report", lang=lang), **(given | changes))
    return path.read_text(encoding="utf-8")
