"""The onboarding tables as a page shows them: headings in the reader's language, days and shares formatted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cs_analysis.data import topic
from cs_analysis.display import sentences
from cs_analysis.display.html import Html, table
from cs_analysis.display.language import _, labels, number
from cs_analysis.errors import N_
from cs_analysis.topics.onboarding import words
from cs_analysis.topics.onboarding.durations import ALL

_MEASURES = {
    "rmst_difference": N_("days not yet live, after less before"),
    "median_ratio": N_("median, after ÷ before"),
    "trend_before": N_("days not yet live, later half of before less earlier half"),
    "by_day": N_("live by the day ÷ begun at least as many days ago"),
    "in_period": N_("went live in the period ÷ in onboarding in it"),
}
_SHARES = {"estimate", "low", "high", "day30", "day60", "day90", "share_of_wait"}
_NUMBERS = {"rmst", "mean_wait", "rmst_difference", "completed_only_mean"}


def _headings() -> dict[str, str]:
    """One heading for each column name, everywhere."""
    return topic.headings() | {
        "completed": _("Went live"), "open": _("Open"), "churned": _("Left"), "median": _("Median, days"),
        "median_interval": _("Median, 95 % interval"), "p80": _("P80, days"), "rmst": _("Days not yet live"),
        "rmst_interval": _("Days not yet live, 95 % interval"), "day30": _("Live by day 30"),
        "day60": _("Live by day 60"), "day90": _("Live by day 90"),
        "completed_only_mean": _("Completed only (biased), mean days"),
        "group_a": _("Group"), "group_b": _("Compared with"), "rmst_difference": _("Difference, days"),
        "p_holm": _("p (Holm)"), "step": _("Step"), "owner": _("Owner of the step"), "waiting": _("Waiting now"),
        "median_wait": _("Median wait, days"), "p80_wait": _("P80 of the wait, days"),
        "mean_wait": _("Mean wait, days"), "days_waited": _("Days waited"), "share_of_wait": _("Share of waiting"),
        "days_open": _("Days in the step"), "limit": _("Stuck beyond, days"), "basis": _("Basis"),
        "comparable": _("Comparable accounts"), "days_since_start": _("Days since the start"), "csm": _("CSM"),
        "initiative": _("Initiative"), "n_before": _("Begun before"), "n_after": _("Begun after"),
        "days": _("Days"), "done": _("Went live"), "at_risk": _("Not yet live"), "why": _("Why"),
        "start": _("Start"), "go_live": _("Went live"), "step_done": _("Completed"),
    }  # fmt: skip


def _show(frame: pd.DataFrame, caption: str, name: str, currency: str = "JPY") -> Html:
    if frame.empty:
        return Html("")
    formats = {c: "text" for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])}
    formats |= {c: "day" for c in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[c])}
    numeric = [c for c in frame.columns if c not in formats]
    formats |= {
        c: "money" if c == "mrr" else "percent" if c in _SHARES else "number1" if c in _NUMBERS else "number"
        for c in numeric
    }
    formats |= {c: "figure" for c in frame.columns if c.endswith("interval") or c in ("figure", "p", "p_holm")}
    headings = {c: _headings().get(c) or topic.column_name(c) for c in frame.columns}
    headings |= {"figure": _("Estimate")} if "figure" in frame else {}
    return table(frame, caption, name=name, labels=headings, formats=formats, currency=currency)


def _interval(low: float, high: float, digits: int = 1) -> str:
    """Two bounds in a cell; the upper one may not be reached yet."""
    return sentences.bounds(low, high, lambda bound: number(bound, digits))


def table_durations(durations: pd.DataFrame, *, by: str = "") -> Html:
    """How long it takes, of all or by group."""
    rows = durations[durations["by"].isin([ALL, by])]
    frame = pd.DataFrame(
        {
            "group": [words.group_name(b, g) for b, g in zip(rows["by"], rows["group"], strict=True)],
            **{c: rows[c].to_numpy() for c in ("n", "completed", "open", "churned", "median")},
            "median_interval": [
                _interval(a, b, 0) for a, b in zip(rows["median_low"], rows["median_high"], strict=True)
            ],
            "p80": rows["p80"].to_numpy(),
            "rmst": rows["rmst"].to_numpy(),
            "rmst_interval": [_interval(a, b) for a, b in zip(rows["rmst_low"], rows["rmst_high"], strict=True)],
            **{c: rows[c].to_numpy() for c in ("day30", "day60", "day90", "completed_only_mean")},
        }
    )
    if not by:
        return _show(frame, _("How long onboarding takes"), "durations")
    caption = _("How long onboarding takes by {column}").format(column=words.column(by))
    return _show(frame, caption, f"durations_{by}")


def table_comparison(comparison: pd.DataFrame, *, by: str) -> Html:
    """Differences between the groups of a column."""
    rows = comparison[comparison["by"] == by]
    frame = rows[["group_a", "group_b", "rmst_difference"]].assign(
        group_b=labels(rows["group_b"], {"others": words.GROUP_LABELS["others"]}),
        interval=[_interval(a, b) for a, b in zip(rows["low"], rows["high"], strict=True)],
        p=[sentences.p_bare(p) for p in rows["p"]],
        p_holm=[sentences.p_bare(p) for p in rows["p_holm"]],
    )
    caption = _("Differences by {column}, days not yet live").format(column=words.column(by))
    return _show(frame, caption, f"comparison_{by}")


def table_completion(completion: pd.DataFrame) -> Html:
    """The completion rate in its two meanings."""
    frame = completion.assign(measure=labels(completion["measure"], _MEASURES))
    return _show(frame, _("Completion rate, two ways"), "completion")


def table_steps(steps: pd.DataFrame) -> Html:
    """How long each step waits."""
    frame = steps.assign(owner=labels(steps["owner"], words.OWNER_LABELS))
    frame = frame.drop(columns=["place", "tau"]).rename(columns={"completed": "step_done"})
    return _show(frame, _("Waiting by step"), "steps")


def table_stuck(stuck: pd.DataFrame, *, accounts: pd.DataFrame | None = None, currency: str = "JPY") -> Html:
    """The stuck accounts, most MRR first: whom to call."""
    names = topic.account_names(accounts)
    frame = stuck.assign(
        account_name=stuck["account_id"].map(lambda a: names.get(a, a)),
        owner=labels(stuck["owner"], words.OWNER_LABELS),
        limit=stuck["p80"],
        basis=[_("their P80") if b == "p80" else _("the longest completed wait") for b in stuck["basis"]],
        comparable=[c or _("all accounts") for c in stuck["comparable"]],
    )
    columns = [
        "account_name", "account_id", "step", "owner", "days_open", "limit", "basis", "comparable", "days_since_start",
        "csm", "mrr",
    ]  # fmt: skip
    return _show(frame[columns], _("Stuck onboardings"), "stuck", currency)


def table_initiatives(table: pd.DataFrame) -> Html:
    """Before and after each initiative."""
    frame = pd.DataFrame(
        {
            "initiative": table["initiative"],
            "group": labels(table["group"], {ALL: words.GROUP_LABELS[ALL]}),
            "measure": labels(table["measure"], _MEASURES),
            "figure": [
                number(value, 2 if measure == "median_ratio" else 1)
                for value, measure in zip(table["estimate"], table["measure"], strict=True)
            ],
            "interval": [
                _interval(low, high, 2 if measure == "median_ratio" else 1)
                for low, high, measure in zip(table["low"], table["high"], table["measure"], strict=True)
            ],
            "n_before": table["n_before"],
            "n_after": table["n_after"],
        }
    )
    return _show(frame, _("Before and after each initiative"), "initiatives")


def table_left_out(left_out: pd.DataFrame, *, accounts: pd.DataFrame | None = None) -> Html:
    """The accounts that the curve leaves out or that went live before their start, and why."""
    names = topic.account_names(accounts)
    reasons = words.LEFT_OUT | {"early": N_("live before the start: counts as day 0")}
    frame = pd.DataFrame(
        {
            "account_name": [names.get(str(a), str(a)) for a in left_out["account_id"]],
            "account_id": left_out["account_id"],
            "why": labels(left_out["why"], reasons),
            "start": left_out["start"],
            "go_live": left_out["go_live"],
        }
    )
    return _show(frame, _("Accounts left out or counted as day 0"), "left_out")


def left_out(onboardings: pd.DataFrame) -> pd.DataFrame:
    """account_id → why (left out, or "early": live before its start), start, go_live."""
    why = np.where(onboardings["early"], "early", onboardings["left_out"])
    frame = onboardings.assign(why=why)
    return frame.loc[frame["why"] != "", ["account_id", "why", "start", "go_live"]].reset_index(drop=True)
