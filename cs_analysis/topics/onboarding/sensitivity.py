"""What other choices would make of the same onboardings: another first day, another last step, other accounts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cs_analysis.data import topic
from cs_analysis.display import charts, sentences
from cs_analysis.display.html import Html, table
from cs_analysis.display.language import _
from cs_analysis.errors import N_
from cs_analysis.topics.onboarding.durations import TAU, durations
from cs_analysis.topics.onboarding.onboardings import onboardings, recent

LARGEST = 3
CHANGES = {
    "as_set": N_("as in this report"),
    "kickoff": N_("from the kickoff"),
    "contract": N_("from the contract's start"),
    "last_step": N_("until the last step"),
    "last_year": N_("begun in the last twelve months"),
    "without_largest": N_("without three largest"),
}
_FIGURES = ("n", "median", "median_low", "median_high", "rmst", "rmst_low", "rmst_high", "tau")


def sensitivity(
    steps: pd.DataFrame, lives: pd.DataFrame, *, as_of: Any, start: str = "contract", tau: float = TAU
) -> pd.DataFrame:
    """Median and mean of days not yet live as the report has them, and under each other choice.

    Parameters
    ----------
    steps, lives, as_of, start
        As for :func:`cs_analysis.topics.onboarding.onboardings.onboardings`.
    tau
        Days over which days not yet live are averaged.

    Returns
    -------
    One row per change: change (as_set; contract or kickoff: the other first day; last_step: the last step instead of
    the one marked as go-live; last_year: begun in the last twelve months; without_largest: without the three accounts
    of the largest first MRR), n, median, median_low, median_high, rmst, rmst_low, rmst_high (days; missing = not
    reached), tau. ``last_step`` only where a step is marked.
    """
    other = "kickoff" if start == "contract" else "contract"
    found = onboardings(steps, lives, as_of=as_of, start=start)
    largest = lives[lives["account_id"].isin(found.loc[found["left_out"] == "", "account_id"])]
    largest = largest.nlargest(LARGEST, "mrr_first")["account_id"]
    parts = {"as_set": found, other: onboardings(steps, lives, as_of=as_of, start=other)}
    if "is_go_live" in steps and steps["is_go_live"].eq(True).any():
        parts["last_step"] = onboardings(steps.drop(columns="is_go_live"), lives, as_of=as_of, start=start)
    parts["last_year"] = recent(found, as_of=as_of)
    parts["without_largest"] = found[~found["account_id"].isin(largest)]
    rows = [{"change": change, **_of_all(part, tau)} for change, part in parts.items()]
    return pd.DataFrame(rows, columns=["change", *_FIGURES])


def _of_all(found: pd.DataFrame, tau: float) -> dict[str, Any]:
    row = durations(found, tau=tau).iloc[0]
    return {name: row[name] for name in _FIGURES}


def say_sensitivity(table: pd.DataFrame) -> str:
    """How far the median moves under other choices."""
    known = table[table["median"].notna()]
    base, others = known[known["change"] == "as_set"], known[known["change"] != "as_set"]
    if base.empty or others.empty:
        return _("Half of the onboardings are not live yet, so other choices cannot be compared.")
    row = base.iloc[0]
    said = _("Half are live after {value} as this report counts").format(
        value=sentences.estimate(row["median"], row["median_low"], row["median_high"], row["n"], "days")
    )
    at = others.set_index("change")["median"]
    least, most = str(at.idxmin()), str(at.idxmax())
    if np.allclose(at, row["median"]):
        return said + _("; no other choice changes that.")
    return said + _("; other choices give {low} ({low_name}) to {high} ({high_name}).").format(
        low=sentences.figure(at[least], "days"), low_name=_(CHANGES[least]),
        high=sentences.figure(at[most], "days"), high_name=_(CHANGES[most]),
    )  # fmt: skip


def plot_sensitivity(table: pd.DataFrame, ax: Axes) -> Axes:
    """The median under each choice."""
    rows = table[table["median"].notna()]
    if rows.empty:
        return charts.nothing(ax, say_sensitivity(table))
    names = [_(CHANGES[c]) for c in rows["change"]]
    values = [rows[c].tolist() for c in ("median", "median_low", "median_high")]
    charts.forest(ax, names, *values, kind="number", highlight=0, n=rows["n"].tolist())
    return charts.title(ax, _("One company, several choices"), _("Days until half are live"))


def table_sensitivity(changes: pd.DataFrame) -> Html:
    """Median and mean under each choice."""
    frame = changes.assign(change=[_(CHANGES[c]) for c in changes["change"]]).drop(columns="tau")
    labels = topic.headings() | {
        "change": _("Choice"), "median": _("Median, days"), "median_low": _("Low"), "median_high": _("High"),
        "rmst": _("Days not yet live"), "rmst_low": _("Low"), "rmst_high": _("High"),
    }  # fmt: skip
    formats = {c: "number1" if c.startswith("rmst") else "number" for c in frame.columns if c != "change"}
    shown = {c: labels[c] for c in frame.columns}
    return table(frame, _("Other choices"), name="sensitivity", labels=shown, formats=formats | {"change": "text"})
