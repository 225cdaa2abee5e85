"""What every topic says its results with: headline and findings tables, how columns and accounts are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cs_analysis.data.schema import TABLES
from cs_analysis.display import sentences
from cs_analysis.display.html import Html, table
from cs_analysis.display.language import _, current, day
from cs_analysis.stats import periods

HEADLINE = (
    "metric", "label", "value", "low", "high", "n", "unit", "previous", "year_ago", "previous_change", "previous_low",
    "previous_high", "year_change", "year_low", "year_high", "sentence", "note",
)  # fmt: skip
FINDINGS = ("rank", "kind", "text", "money", "account_id")


class Summary(NamedTuple):
    """What stands at the top of a page: sentences, headline rows, findings and the months behind the figures."""

    sentences: list[str]
    headline: pd.DataFrame
    findings: pd.DataFrame
    trend: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The frames by the name they are saved under."""
        return {"headline": self.headline, "findings": self.findings, "trend": self.trend}


def headline_row(metric: str, label: str, unit: str, **values: Any) -> dict[str, Any]:
    """A headline row with every column, missing where ``values`` does not say otherwise.

    >>> headline_row("nps", "NPS", "points", value=30.6, n=36)["year_ago"]
    nan
    """
    row: dict[str, Any] = dict.fromkeys(HEADLINE, np.nan)
    return row | {"metric": metric, "label": label, "unit": unit, "sentence": "", "note": ""} | values


def counted_row(metric: str, label: str, unit: str, values: Mapping[str, float], n: int) -> dict[str, Any]:
    """The headline row of a figure that is counted, not estimated: its bounds are the figure itself.

    Parameters
    ----------
    values
        "now", and "previous" and "year" to compare with; missing where they are not known.

    Examples
    --------
    >>> row = counted_row("mrr", "MRR", "money", {"now": 5.0, "previous": 4.0, "year": 2.0}, n=3)
    >>> row["high"], row["previous_change"], row["year_low"]
    (5.0, 1.0, 3.0)
    """
    now = values["now"]
    row = headline_row(metric, label, unit, value=now, low=now, high=now, n=n)
    row |= {"previous": values["previous"], "year_ago": values["year"]}
    for name in ("previous", "year"):
        row |= {f"{name}_{part}": now - values[name] for part in ("change", "low", "high")}
    return row


def findings_table(rows: Iterable[Mapping[Any, Any]]) -> pd.DataFrame:
    """Findings (kind, text, money, account_id) with their rank, most money first."""
    ordered = sorted(rows, key=lambda row: (-row["money"], row["account_id"]))
    frame = pd.DataFrame([dict(row) for row in ordered], columns=list(FINDINGS[1:]))
    return frame.assign(rank=range(1, len(frame) + 1))[list(FINDINGS)]


def account_names(accounts: pd.DataFrame | None) -> dict[str, str]:
    """account_id → account_name, where there is one."""
    if accounts is None or "account_name" not in accounts:
        return {}
    known = accounts.dropna(subset=["account_name"])
    return dict(zip(known["account_id"].astype(str), known["account_name"].astype(str), strict=True))


def records(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows of a small frame as named tuples (whose fields the stubs take for text)."""
    return iter(frame.itertuples(index=False))


def column_name(column: str) -> str:
    """An account column as the reader calls it: "touch model", in Japanese 「タッチモデル」; others keep their name."""
    ours = TABLES["accounts"].column(column)
    if ours is None:
        return column
    return ours.label_ja if current() == "ja" else "CSM" if column == "csm" else column.replace("_", " ")


def dated(text: str, as_of: Any) -> str:
    """A chart's subtitle with the day whose facts are drawn; as it is where none is given.

    >>> dated("Share still there", "2026-10-31")
    'Share still there; as of 31 Oct 2026'
    """
    return text if as_of is None else _("{text}; as of {day}").format(text=text, day=day(periods.day(as_of)))


def column_heading(column: str) -> str:
    """An account column above a table: "Touch model"; the reader's own columns keep their name."""
    name = column_name(column)
    return name if TABLES["accounts"].column(column) is None else name[:1].upper() + name[1:]


def headings() -> dict[str, str]:
    """The heading of each column name that several topics show, in the reader's language."""
    return {
        "month": _("Month"), "account_id": _("Account"), "account_name": _("Name"), "amount": _("Amount"),
        "accounts": _("Accounts"), "measure": _("Measure"), "estimate": _("Estimate"), "low": _("Low"),
        "high": _("High"), "n": _("n"), "kind": _("Kind"), "label": _("Figure"), "value": _("Value"),
        "interval": _("95 % interval"), "previous": _("Before"), "year_ago": _("A year ago"),
        "change": _("Change on the year"), "mrr": _("MRR"), "share": _("Share"), "group": _("Group"),
        "day": _("Day"), "p": _("p"), "note": _("Note"), "hours": _("Hours"),
    }  # fmt: skip


def table_headline(headline: pd.DataFrame, *, currency: str = "JPY") -> Html:
    """The headline figures with their intervals, and the same figures before."""

    def written(row: pd.Series, column: str) -> str:
        return sentences.figure(row[column], row["unit"], currency)

    def interval(row: pd.Series) -> str:
        """The bounds, or why there are none."""
        if not sentences.known(row["low"], row["high"]):
            return row["note"]
        if row["low"] == row["high"]:
            return row["note"] or _("counted")
        return sentences.span(row["low"], row["high"], row["unit"], currency)

    frame = pd.DataFrame(
        {
            "label": headline["label"],
            "value": [written(row, "value") for _i, row in headline.iterrows()],
            "interval": [interval(row) for _i, row in headline.iterrows()],
            "n": headline["n"],
            "previous": [written(row, "previous") for _i, row in headline.iterrows()],
            "year_ago": [written(row, "year_ago") for _i, row in headline.iterrows()],
            "change": [
                sentences.change_brief(
                    row["year_change"], row["year_low"], row["year_high"], row["unit"], currency=currency
                )
                for _i, row in headline.iterrows()
            ],
        }
    )
    labels = {c: headings()[c] for c in frame.columns}
    formats = dict.fromkeys(("value", "interval", "previous", "year_ago", "change"), "figure") | {"n": "number"}
    return table(frame, _("Headline figures"), name="headline", labels=labels, formats=formats, folded=False)
