"""The data themselves as a topic of the report: what was read, what was wrong, whether revenue ties to the ledger.

Also what closes every page: the switches of the definitions as set, and what the run was made from.
"""

from __future__ import annotations

import platform
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cs_analysis.data.book import Book, as_pandas
from cs_analysis.data.problems import by_kind, where, whole_sentence, with_touched
from cs_analysis.data.schema import TABLES
from cs_analysis.display import charts
from cs_analysis.display.html import Html, table
from cs_analysis.display.language import _, day, money_short, month, ngettext, number, percent, speaking
from cs_analysis.errors import N_

_READ_IN_PASSING = 20  # faults that a page shows at once
_SEVERITIES = {"error": N_("error"), "warning": N_("warning"), "note": N_("note")}
_SWITCHES = {
    "end_date_inclusive": N_("Whether a contract's end date is its last day of service (true) or the first day after."),
    "grace_days": N_("Gaps between contracts of at most this many days are not a churn."),
    "lives": N_("Whether accounts that came back are followed again."),
    "churn_month": N_("The month of a contract that ends on a month's last day: the next one, or that month itself."),
    "observed_from": N_("First day from which departures were recorded."),
    "notice_period": N_("Days before the end at which a loss is taken to be decided where no notice date is known."),
    "account_level": N_("Whether the contracting party or its parent is the account."),
    "fixed_columns": N_("Columns without a date that are known not to change."),
    "onboarding_start": N_("The day from which onboarding counts."),
    "min_n": N_("Groups with fewer accounts are listed, not judged."),
    "min_coverage": N_("Share of available hours that must be logged before hours are compared."),
}


def headline(book: Book) -> pd.DataFrame:
    """Warnings, rows set aside and the largest gap to the ledger: metric, label, value, n, unit, sentence, note."""
    coverage = book.coverage
    aside = int((coverage["rows_read"] - coverage["rows_used"]).sum())
    warnings = int((book.problems["severity"] == "warning").sum())
    rows = [
        ("data_warnings", _("Warnings about the data"), warnings, np.nan, "count", say_problems(book)),
        ("rows_set_aside", _("Rows set aside"), aside, np.nan, "count", say_coverage(book)),
    ]
    return pd.DataFrame(rows, columns=["metric", "label", "value", "n", "unit", "sentence"]).assign(note="")


def say_coverage(book: Book) -> str:
    """How much was read and used."""
    read, used = int(book.coverage["rows_read"].sum()), int(book.coverage["rows_used"].sum())
    text = (
        _("All {read} rows of {tables} tables are used as of {day}.")
        if read == used
        else _("{used} of {read} rows of {tables} tables are used as of {day}; the rest are later or set aside.")
    )
    return text.format(read=number(read), used=number(used), tables=number(len(book.coverage)), day=day(book.as_of))


def say_problems(book: Book) -> str:
    """How many faults the checker found, and what hangs on them."""
    counts = book.problems["severity"].value_counts()
    warnings = int(counts.get("warning", 0))
    if not warnings:
        return _("The checker found nothing that touches a figure.")
    said = ngettext(
        "The checker found {n} thing that may touch a figure; it is listed below with what to do.",
        "The checker found {n} things that may touch a figure; they are listed below with what to do.",
        warnings,
    ).format(n=number(warnings))
    return with_touched(said, book.problems, book.settings.client.currency)


def plot_coverage(coverage: pd.DataFrame, ax: Axes) -> Axes:
    """The days each table covers, one bar a table."""
    known = coverage[coverage["first_day"].notna() & coverage["last_day"].notna()].iloc[::-1]
    first, last = pd.to_datetime(known["first_day"]), pd.to_datetime(known["last_day"])
    ax.barh([_table_label(t) for t in known["table"]], last - first + timedelta(days=1), left=first, height=0.5)
    ax.xaxis_date()
    ax.grid(True, axis="x")
    ax.grid(False, axis="y")
    return charts.title(ax, _("Days covered by each table"), _("From the first to the last dated row in use"))


def _table_label(name: str) -> str:
    return TABLES[name].local_name if name in TABLES else name


def findings(book: Book) -> pd.DataFrame:
    """The kinds of warnings that touch most money, most first: rank, kind, text, money, account_id.

    Rows with the same fault are one finding, told by the first of them; its money is what all of them touch.
    """
    with speaking(book.lang):
        table = pd.DataFrame(by_kind(book.faults)[:5], columns=["text", "money"]).assign(kind="data", account_id="")
    return table.assign(rank=range(1, len(table) + 1))[["rank", "kind", "text", "money", "account_id"]]


def problem_counts(book: Book) -> pd.DataFrame:
    """Faults by table file, severity and column: file, severity, column, n."""
    keys = ["file", "severity", "column"]
    return book.problems.groupby(keys, dropna=False).size().rename("n").reset_index()


def table_coverage(book: Book) -> Html:
    """Rows and days by table."""
    frame = book.coverage.assign(table=[_table_label(t) for t in book.coverage["table"]])
    labels = {"table": _("Table"), "rows_read": _("Rows read"), "rows_used": _("Rows used")}
    labels |= {"first_day": _("First day"), "last_day": _("Last day")}
    return table(frame, _("Rows and days by table"), name="coverage", labels=labels)


def table_problems(book: Book) -> Html:
    """Every fault with its place and remedy; open where they are few enough to be read in passing."""
    labels = {"severity": _("Severity"), "where": _("Where"), "said": _("Problem, what it means and what to do")}
    found = book.problems
    rows = [
        (_(_SEVERITIES[p["severity"]]), _(", ").join(filter(None, where(p))), whole_sentence(p))
        for p in found.to_dict("records")
    ]
    frame = pd.DataFrame(rows, columns=list(labels))
    few = 0 < len(frame) <= _READ_IN_PASSING
    caption = _("Everything the checker found")
    return table(frame, caption, name="problems", labels=labels, folded=not few, download=found)


def table_problem_counts(counts: pd.DataFrame) -> Html:
    """How often each column is at fault."""
    labels = {"file": _("File"), "severity": _("Severity"), "column": _("Column"), "n": _("Cases")}
    frame = counts.assign(severity=[_(_SEVERITIES[s]) for s in counts["severity"]])
    return table(frame, _("Faults by file and column"), name="problem_counts", labels=labels)


def table_tie_out(frame: pd.DataFrame, *, currency: str = "JPY") -> Html:
    """Ledger and contracts by month, newest first."""
    labels = {"month": _("Month"), "ledger": _("Ledger"), "contracts": _("Contracts"), "difference": _("Difference")}
    formats = {"month": "text", "ledger": "money", "contracts": "money", "difference": "money"}
    shown = frame.iloc[::-1].assign(month=[month(m) for m in frame["month"].iloc[::-1]])
    caption = _("Ledger and contracts by month")
    return table(shown, caption, name="tie_out", labels=labels, formats=formats, currency=currency)


def tie_out(book: Book) -> pd.DataFrame:
    """Month-end MRR of the contracts beside the client's own ledger.

    Returns one row per month of the ledger: month "YYYY-MM", ledger, contracts, difference (currency). Empty without a
    ledger.
    """
    columns = ["month", "ledger", "contracts", "difference"]
    if not book.has("ledger"):
        return pd.DataFrame(columns=columns)
    ledger = as_pandas(book.ledger).sort_values("month")
    lines = as_pandas(book.contracts)
    ends = ledger["month"] + pd.offsets.MonthEnd(0)
    ours = [_active_mrr(lines, end) for end in ends]
    table = pd.DataFrame({"month": ledger["month"].dt.strftime("%Y-%m"), "ledger": ledger["mrr"], "contracts": ours})
    table["difference"] = (table["contracts"] - table["ledger"]).round(4)
    return table.reset_index(drop=True)


def _active_mrr(lines: pd.DataFrame, on: pd.Timestamp) -> float:
    active = (lines["start"] <= on) & ~(lines["stop"] <= on)
    return float(lines.loc[active, "mrr"].sum())


def say_tie_out(table: pd.DataFrame, *, currency: str = "JPY") -> str:
    """Whether revenue equals the ledger, and where it does not."""
    if table.empty:
        return _("There is no ledger to compare with; a table ledger (month, mrr) would tie every month to your books.")
    off = table[table["difference"].abs() >= 0.5]
    if off.empty:
        return ngettext(
            "Revenue equals the ledger in the {n} month it covers.",
            "Revenue equals the ledger in each of the {n} months it covers.",
            len(table),
        ).format(n=number(len(table)))
    worst: Any = off.loc[off["difference"].abs().idxmax()]
    text = _("In {n} of {total} months revenue differs from the ledger, most in {month}: {difference} ({share} of it).")
    return text.format(
        n=number(len(off)),
        total=number(len(table)),
        month=month(worst["month"]),
        difference=money_short(worst["difference"], currency),
        share=percent(abs(worst["difference"]) / worst["ledger"] if worst["ledger"] else np.nan),
    )


def plot_tie_out(table: pd.DataFrame, ax: Axes, *, currency: str = "JPY") -> Axes:
    """Contracts and ledger by month; where they are one line they agree."""
    if table.empty:
        ax.set_axis_off()
        ax.text(0.5, 0.5, say_tie_out(table), ha="center", va="center", wrap=True, transform=ax.transAxes)
        return ax
    days = pd.to_datetime(table["month"] + "-01").dt.date.tolist()
    series = {_("contracts"): (days, table["contracts"]), _("ledger"): (days, table["ledger"])}
    if (table["difference"].abs() < 0.5).all():
        series = {_("contracts = ledger"): (days, table["contracts"])}
    charts.lines(ax, series, kind="money", currency=currency)
    return charts.title(ax, _("MRR at month end, contracts and ledger"), _("The client's own total beside ours"))


def switches(book: Book) -> Html:
    """The definition sheet: each switch of the client file, its setting and what it means."""
    rules = book.settings.rules
    rows = [(name, _plain(getattr(rules, name)), _(text)) for name, text in _SWITCHES.items()]
    if book.observed_from:
        rows = [(n, day(book.observed_from) if n == "observed_from" else v, t) for n, v, t in rows]
    rows.append(
        ("fiscal_year_start", number(book.settings.client.fiscal_year_start), _("First month of the fiscal year."))
    )
    rows.append(
        (_("rounding"), "", _("Figures are computed unrounded; percentages are shown with one decimal, money whole."))
    )
    frame = pd.DataFrame(rows, columns=["switch", "setting", "meaning"])
    headings = {"switch": _("Switch"), "setting": _("Setting"), "meaning": _("Meaning")}
    return table(frame, _("Switches of the definitions as set"), name="switches", labels=headings)


def _plain(value: Any) -> str:
    if value is None or value == [] or value == ():
        return _("not set")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def run_info(book: Book) -> Html:
    """What this page was made from: as-of date, inputs, versions and a fingerprint of the cleaned tables."""
    packages = ("cs-analysis", "pandas", "numpy", "narwhals", "matplotlib")
    rows = [
        (_("As-of date"), day(book.as_of)),
        (_("Data folder"), book.source),
        (_("Files"), ", ".join(sorted(book.inputs))),
        (_("Fingerprint of the cleaned tables"), book.fingerprint[:16]),
        (_("Versions"), ", ".join([f"Python {platform.python_version()}", *(f"{p} {version(p)}" for p in packages)])),
    ]
    frame = pd.DataFrame(rows, columns=["what", "value"])
    return table(frame, _("What this page was made from"), name="run", labels={"what": _("What"), "value": _("Value")})
