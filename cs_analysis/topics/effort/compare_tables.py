"""The tables of comparisons as a page shows them: headings in the reader's language, figures formatted."""

from __future__ import annotations

import pandas as pd

from cs_analysis.data import topic
from cs_analysis.display.html import Html, table
from cs_analysis.display.language import _, day, labels
from cs_analysis.stats import periods
from cs_analysis.topics.effort import compare_words as words
from cs_analysis.topics.effort.words import given


def _headings() -> dict[str, str]:
    return topic.headings() | {
        "csm": _("CSM"), "task": _("Task"), "phase": _("Phase"), "expected": _("Expected hours"),
        "ratio": _("Hours ÷ expected"), "effect": _("Effect, shrunk"), "effect_low": _("Effect, low"),
        "effect_high": _("Effect, high"), "verdict": _("Verdict"), "elsewhere": _("Hours not compared"),
        "median": _("Median"), "p90": _("P90"), "rate": _("Mean"), "rate_low": _("Mean, low"),
        "rate_high": _("Mean, high"), "spread": _("CSMs, highest ÷ lowest"), "hours_to_win": _("Hours to win"),
        "shown": _("Gain shown"), "pace": _("Accounts with"), "churn_rate": _("Left"), "churn_low": _("Left, low"),
        "churn_high": _("Left, high"), "answers": _("Answers"), "nps": _("NPS"), "nps_low": _("NPS, low"),
        "nps_high": _("NPS, high"), "initiative": _("Initiative"), "start": _("Start"), "method": _("Compared"),
        "units": _("Touched / untouched"), "p_holm": _("p, all tasks"), "pretrend_p": _("p, drift before"),
        "hours_saved": _("Hours saved since"), "why": _("Why no interval"),
    }  # fmt: skip


def _show(frame: pd.DataFrame, caption: str, name: str, formats: dict[str, str]) -> Html:
    kinds = dict.fromkeys(frame.columns, "number") | {c: k for c, k in formats.items() if c in frame}
    kinds |= {c: "text" for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])}
    headings = {c: _headings().get(c) or topic.column_heading(c) for c in frame.columns}
    return table(frame, caption, name=name, labels=headings, formats=kinds)


def table_comparison(comparison: pd.DataFrame) -> Html:
    """CSMs by name, with what can and cannot be told."""
    frame = comparison.assign(
        csm=[given(c) for c in comparison["csm"]], verdict=labels(comparison["verdict"], words.VERDICTS)
    )
    shown = ["csm", "n", "hours", "expected", "ratio", "low", "high", "effect", "effect_low", "effect_high", "p"]
    formats: dict[str, str] = dict.fromkeys(("ratio", *shown[5:]), "number2")
    formats |= dict.fromkeys(("hours", "expected", "elsewhere"), "number1")
    return _show(frame[[*shown, "verdict", "elsewhere"]], _("CSMs by name"), "csm_comparison", formats)


def table_standards(standards: pd.DataFrame) -> Html:
    """Tasks, most hours to win first."""
    frame = standards.assign(task=[given(t) for t in standards["task"]], shown=labels(standards["shown"], words.SHOWN))
    frame = frame.drop(columns=["spread_low", "spread_high"])
    formats = {c: "number1" for c in frame.columns if c not in ("task", "n", "share", "shown", "spread")}
    formats |= {"share": "percent", "spread": "number2"}
    formats |= dict.fromkeys(("median", "p90", "rate", "rate_low", "rate_high"), "number2")
    return _show(frame, _("Task standards: hours per account and month, and hours to win"), "task_standards", formats)


def table_phase_standards(phases: pd.DataFrame) -> Html:
    """Tasks by phase."""
    frame = phases.assign(**{c: [given(v) for v in phases[c]] for c in ("task", "phase")})
    formats = dict.fromkeys(("median", "p90", "rate", "low", "high"), "number2") | {"hours": "number1"}
    return _show(frame, _("Task standards by phase: hours per account and month"), "phase_standards", formats)


def table_quality(quality: pd.DataFrame) -> Html:
    """Departures and answers of accounts by their pace."""
    frame = quality.assign(pace=labels(quality["pace"], words.PACES)).drop(columns="churned", errors="ignore")
    formats = dict.fromkeys(("churn_rate", "churn_low", "churn_high"), "percent") | {"ratio": "number2"}
    formats |= dict.fromkeys(("nps", "nps_low", "nps_high"), "number1")
    return _show(frame, _("Departures and answers in the year after, by hours in the year before"), "quality", formats)


def table_initiatives(effects: pd.DataFrame) -> Html:
    """Initiatives, in all and by task."""
    frame = effects.assign(
        task=[given(t) if t else _("all tasks") for t in effects["task"]],
        start=[day(periods.day(s)) for s in effects["start"]],
        method=labels(effects["method"], words.METHODS),
        why=[words.why(row) for _i, row in effects.iterrows()],
    ).drop(columns=["unit", "column", "value"])
    formats = dict.fromkeys(("estimate", "low", "high"), "percent") | {"hours_saved": "number"}
    formats |= dict.fromkeys(("p", "p_holm", "pretrend_p"), "number2")
    first = ["initiative", "start", "task"]
    rest = [c for c in frame.columns if c not in first]
    return _show(
        frame[[*first, *rest]], _("Initiatives: change of hours per account and month"), "initiatives", formats
    )
