"""Whether an initiative saved hours: those it touched against those it did not, before and after.

Accounts that were not touched tell what would have happened anyway (a quiet season, a new product). With them the
effect is a difference-in-differences: hours per account and month with an effect per account and per month, zeros kept.
Without them only before and after can be compared, at equal mix, and whatever else changed at that time is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from cs_analysis.errors import N_
from cs_analysis.stats import periods, regression
from cs_analysis.stats.multiplicity import holm
from cs_analysis.stats.permute import assignments
from cs_analysis.topics.effort.panel import Panel, bound, fit_panel, panel_of, phase_pace, pretrend_p, shuffled_p
from cs_analysis.topics.effort.units import CELLS, csm_of, recent, units

WINDOW = 12  # months looked at before the start, and after it
MANY_CLUSTERS = 20  # from which the clustered standard error is trusted
MOST_TASKS = 10
_LIMITS = ("estimate", "low", "high")
MOSTLY = 0.8  # of the accounts must have a value for a column to be one of their CSMs
GROUPS = ("segment", "industry", "company_size", "touch_model", "channel", "parent_account_id")
WHY = {
    "column": N_("the accounts have no column {column}"),
    "value": N_("no account has {value} in {column}"),
    "before": N_("there are no hours from before its start"),
    "after": N_("there are no hours from after its start"),
    "one_unit": N_("there is only one {unit} on one side, so effect cannot be told from chance"),
    "few_units": N_("there are too few to tell the effect from chance"),
    "no_hours": N_("those it touched have no hours on one side of its start"),
}
COLUMNS = (
    "initiative", "task", "estimate", "low", "high", "n", "units", "unit", "method", "p", "p_holm", "pretrend_p",
    "hours_saved", "start", "column", "value", "why",
)  # fmt: skip


def initiative_effects(
    hours: pd.DataFrame,
    initiatives: pd.DataFrame | None,
    *,
    accounts: pd.DataFrame,
    seed: int,
    cells: Sequence[str] = CELLS,
) -> pd.DataFrame:
    """What each initiative about time did to the hours per account, in all and by task.

    *did*: Poisson pseudo-likelihood with account and month effects over a year before and a year after the start (the
    month of a start in mid-month is left out), and one per phase, since accounts grow out of their onboarding; effect =
    exp(β) − 1. Clustered by what was assigned: the CSM where the column is the same for all accounts of a CSM, the
    group for segments and the like (or any column of three values and more), else the account. With under
    twenty clusters, or under six on one side, the interval holds the effects that shuffling the assignment does not
    reject; with one touched unit there is none. *before_after* where nobody was left untouched: at equal mix of
    ``cells``, clustered by account.

    Parameters
    ----------
    hours
        account_id ("" = internal), phase, task, csm, month, hours, and the columns of ``cells``.
    initiatives
        initiative, start_date, topic ("time"; others are left out), column, value; None = there are none.
    accounts
        account_id and the columns that say whom an initiative touched (missing = everybody).
    seed
        Of the shuffles, where there are too many to look at all.

    Returns
    -------
    One row per initiative × task, task "" = all tasks together: estimate (−0.4 = 40 % fewer hours), low, high, n
    (accounts with hours on both sides of the start), units (touched, untouched, as text), unit, method ("did",
    "before_after", "" = not computed), p, p_holm (over tasks), pretrend_p (whether the touched were on another path
    before), hours_saved (since the start, on the touched), start, column and value (whom it touched), why (why
    there is no interval or no estimate, a key of ``WHY``).

    Notes
    -----
    Chen and Roth (2024) on Poisson for hours with zeros; Cameron and Miller (2015) on few clusters.
    """
    rows: list[dict[str, Any]] = []
    for item in about_time(initiatives):
        found = _panels(hours, item, accounts, cells)
        if isinstance(found, str):
            rows.append(_row(item, "", why=found))
            continue
        used, whom, unit = found
        tasks = ["", *_largest(used)]
        effects = [
            _before_after(used, t, item, cells) if whom is None else _did(used, t, item, whom, unit, seed)
            for t in tasks
        ]
        ps = holm([e["p"] for e in effects[1:]])
        rows += [e | {"p_holm": p} for e, p in zip(effects, [effects[0]["p"], *ps], strict=True)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def initiative_path(
    hours: pd.DataFrame,
    initiatives: pd.DataFrame | None,
    *,
    accounts: pd.DataFrame,
    tasks: Sequence[str] = (""),
    every: int = 3,
) -> pd.DataFrame:
    """Touched against untouched accounts over time: whether they moved alike before, and what came after.

    Parameters
    ----------
    hours, initiatives, accounts
        As in :func:`initiative_effects`.
    tasks
        Which to follow; "" = all together.
    every
        Months per step.

    Returns
    -------
    initiative, task, step (… −2, −1, 0, 1 …; 0 begins with the start) → month (first of the step), estimate, low,
    high: hours of the touched relative to the untouched, ÷ the same in the last step before the start (1 by
    construction, without interval), n (accounts). Intervals by clusters (t with clusters − 1); none where one unit was
    touched. Empty for initiatives that touched everybody.
    """
    rows: list[dict[str, Any]] = []
    for item in about_time(initiatives):
        found = _panels(hours, item, accounts, ())
        if isinstance(found, str) or found[1] is None:
            continue
        used, whom, _unit = found
        for task in tasks or ("",):
            rows += _path(panel_of(used, task, item["start"], whom), item, task, every)
    names = ["initiative", "task", "step", "month", "estimate", "low", "high", "n"]
    return pd.DataFrame(rows, columns=pd.Index(names))


def telling_tasks(effects: pd.DataFrame) -> list[str]:
    """All tasks together (""), and the one whose effect stands out most from its interval, for :func:`initiative_path`.

    >>> table = {"task": ["", "call", "report"], "estimate": [0.0, 0.3, -0.3]}
    >>> telling_tasks(pd.DataFrame(table | {"low": [-0.1, -0.2, -0.4], "high": [0.1, 0.9, -0.1]}))
    ['', 'report']
    """
    single = effects[(effects["task"] != "") & effects["low"].notna() & (effects["estimate"] > -1)]
    if single.empty:
        return [""]
    middle, low, high = (np.log1p(np.maximum(single[c].to_numpy(dtype=float), -1 + 1e-9)) for c in _LIMITS)
    return ["", str(single["task"].iloc[int(np.argmax(np.abs(middle) / (high - low)))])]


def about_time(initiatives: pd.DataFrame | None) -> list[dict[str, Any]]:
    """The initiatives meant to change hours: name, start (month as a number), whether it fell in mid-month, whom."""
    if initiatives is None or not len(initiatives):
        return []
    out = []
    for row in initiatives.to_dict("records"):
        topic = row.get("topic")
        if (topic is not None and topic == topic and topic not in ("time", "")) or pd.isna(row["start_date"]):
            continue
        day = periods.day(row["start_date"])
        text = {key: str(row[key]) if key in row and not pd.isna(row[key]) else "" for key in ("column", "value")}
        out.append(
            {"initiative": str(row["initiative"]), "start": periods.month_index(day), "mid": day.day > 1, "day": day}
            | text
        )
    return out


def _panels(hours: pd.DataFrame, item: dict[str, Any], accounts: pd.DataFrame, cells: Sequence[str]) -> Any:
    """The hours around a start, who was touched (None = everybody) and the unit assigned; or why there are none."""
    used = recent(hours, None, cells=cells)
    first = item["start"] + (1 if item["mid"] else 0)
    used = used[(used["at"] >= item["start"] - WINDOW) & (used["at"] < first + WINDOW)]
    used = used[(used["at"] < item["start"]) | (used["at"] >= first)]
    if not (used["at"] < item["start"]).any():
        return "before"
    if not (used["at"] >= first).any():
        return "after"
    if not item["column"]:
        return used, None, ""
    known = accounts.set_index("account_id")
    if item["column"] == "account_id":
        value = pd.Series(known.index, index=known.index)
    elif item["column"] in known:
        value = known[item["column"]]
    else:
        return "column"
    # whose an account was before the start decides, so that the initiative cannot move it from side to side
    whose = csm_of(used[used["at"] < item["start"]])
    whose = pd.concat([whose, csm_of(used).drop(whose.index, errors="ignore")])
    here = pd.DataFrame({"csm": whose})
    here["value"] = value.reindex(here.index)
    if item["column"] == "csm":
        here["value"] = here["csm"]
    given = here.dropna(subset=["value"])
    kinds = given.groupby("csm")["value"].nunique()
    own = item["column"] not in ("account_id", *GROUPS) and len(given) >= MOSTLY * len(here)
    per_csm = own and len(kinds) > 1 and bool((kinds <= 1).all())
    if per_csm:  # accounts without a value belong with the others of their CSM
        here["value"] = here["csm"].map(given.groupby("csm")["value"].first())
    here["touched"] = here["value"].astype(str).str.strip() == item["value"].strip()
    if not here["touched"].any():
        return "value"
    if here["touched"].all():
        return used, None, ""
    several = item["column"] != "account_id" and given["value"].nunique() > 2
    unit = "CSM" if per_csm else "group" if item["column"] in GROUPS or several else "account"
    here["cluster"] = {"CSM": here["csm"], "group": here["value"].astype(str)}.get(
        unit, pd.Series(here.index, here.index)
    )
    return used, here, unit


def _largest(used: pd.DataFrame) -> list[str]:
    spent = used.groupby("task", sort=True)["hours"].sum().sort_values(ascending=False, kind="stable")
    return list(spent.index[:MOST_TASKS]) if len(spent) > 1 else []


def _did(
    used: pd.DataFrame, task: str, item: dict[str, Any], whom: pd.DataFrame, unit: str, seed: int
) -> dict[str, Any]:
    panel = panel_of(used, task, item["start"], whom)
    both = (panel.there & panel.after).any(axis=1) & (panel.there & ~panel.after).any(axis=1)
    treated = np.bincount(panel.cluster, weights=panel.touched) > 0
    count = (int(treated.sum()), int((~treated).sum()))
    row = _row(item, task, method="did", n=int(both.sum()), units=count, unit=unit)
    cells = panel.spent[panel.touched]
    if not cells[:, panel.after].sum() > 0 or not cells[:, ~panel.after].sum() > 0:
        return row | {"why": "no_hours"}
    fit = fit_panel(panel, np.outer(panel.touched, panel.after).astype(float)[..., None])
    beta = float(fit.coef[-1])
    if not np.isfinite(beta):
        return row | {"why": "no_hours"}
    row |= {"estimate": np.expm1(beta), "hours_saved": float(cells[:, panel.after].sum() * np.expm1(-beta))}
    if min(count) < 2:
        return row | {"why": "one_unit"}
    ways = assignments(len(treated), count[0], actual=treated, seed=seed)
    pace = phase_pace(panel, fit)
    row["pretrend_p"] = pretrend_p(panel, ways, pace)
    if sum(count) >= MANY_CLUSTERS and min(count) >= 6:
        se, df = float(np.sqrt(fit.cov[-1, -1])), fit.clusters - 1
        half = float(stdtrit(df, 0.975)) * se
        row |= {"low": np.expm1(beta - half), "high": np.expm1(beta + half), "p": 2 * float(stdtr(df, -abs(beta / se)))}
        return row
    row["p"] = shuffled_p(panel, ways, pace, 0.0)
    if (
        1 / len(ways) >= 0.05
        or shuffled_p(panel, ways, pace, beta + 3) > 0.05
        or shuffled_p(panel, ways, pace, beta - 3) > 0.05
    ):
        return row | {"why": "few_units"}
    low, high = (bound(panel, ways, pace, beta, direction) for direction in (-1, 1))
    return row | {"low": np.expm1(low), "high": np.expm1(high)}


def _path(panel: Panel, item: dict[str, Any], task: str, every: int) -> list[dict[str, Any]]:
    """The touched relative to the untouched, step by step."""
    step = (panel.months - item["start"] - item["mid"] * panel.after) // every
    steps = [int(s) for s in np.unique(step)]
    treated = np.bincount(panel.cluster, weights=panel.touched) > 0
    if -1 not in steps or not panel.spent[panel.touched].sum() > 0:
        return []
    others = [s for s in steps if s != -1]
    extra = np.stack([np.outer(panel.touched, step == s).astype(float) for s in others], axis=-1)
    fit = fit_panel(panel, extra)
    out = []
    for s in steps:
        month = periods.month_label(int(panel.months[step == s].min()))
        count = int((panel.there[panel.touched][:, step == s]).any(axis=1).sum())
        row = {"initiative": item["initiative"], "task": task, "step": s, "month": month, "n": count}
        if s == -1:
            out.append(row | {"estimate": 1.0, "low": np.nan, "high": np.nan})
            continue
        place = len(fit.coef) - len(others) + others.index(s)
        beta, half = float(fit.coef[place]), np.nan
        if min(treated.sum(), (~treated).sum()) > 1:
            half = float(stdtrit(fit.clusters - 1, 0.975)) * float(np.sqrt(fit.cov[place, place]))
        out.append(row | {"estimate": np.exp(beta), "low": np.exp(beta - half), "high": np.exp(beta + half)})
    return out


def _before_after(used: pd.DataFrame, task: str, item: dict[str, Any], cells: Sequence[str]) -> dict[str, Any]:
    """Hours per account and month after ÷ before at equal mix."""
    parts = []
    for after in (0.0, 1.0):
        part = used[(used["at"] >= item["start"]) == bool(after)]
        base = units(part, cells=cells).drop(columns="hours")
        chosen = part if task == "" else part[part["task"] == task]
        booked = chosen.groupby(["account_id", "phase"])["hours"].sum().rename("hours").reset_index()
        base = base.merge(booked, on=["account_id", "phase"], how="left").fillna({"hours": 0.0})
        parts.append(
            base.assign(after=after, cell=base[list(cells)].astype(str).agg("\x1f".join, axis=1) if len(cells) else "")
        )
    rows = pd.concat(parts, ignore_index=True)
    row = _row(item, task, method="before_after", unit="account")
    row["n"] = len(set(parts[0]["account_id"]) & set(parts[1]["account_id"]))
    row["units"] = f"{rows['account_id'].nunique()}"
    if not all(p["hours"].sum() > 0 for p in parts):
        return row | {"why": "no_hours"}
    fit = regression.poisson(
        rows["hours"].to_numpy(), rows[["after"]].to_numpy(), absorb=pd.factorize(rows["cell"])[0],
        exposure=rows["months"].to_numpy(), cluster=pd.factorize(rows["account_id"])[0],
    )  # fmt: skip
    beta, se = float(fit.coef[0]), float(np.sqrt(fit.cov[0, 0]))
    if not np.isfinite(beta):
        return row | {"why": "no_hours"}
    row |= {"estimate": np.expm1(beta), "hours_saved": float(parts[1]["hours"].sum() * np.expm1(-beta))}
    if fit.clusters < MANY_CLUSTERS or not se > 0:
        return row | {"why": "few_units"}
    half = float(stdtrit(fit.clusters - 1, 0.975)) * se
    p = 2 * float(stdtr(fit.clusters - 1, -abs(beta / se)))
    return row | {"low": np.expm1(beta - half), "high": np.expm1(beta + half), "p": p}


def _row(item: dict[str, Any], task: str, *, units: tuple[int, int] | None = None, **values: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS, np.nan)
    row |= {"initiative": item["initiative"], "task": task, "start": item["day"].isoformat(), "n": 0}
    row |= {"column": item["column"], "value": item["value"]}
    row |= {"units": f"{units[0]} / {units[1]}" if units else "", "unit": "", "method": "", "why": ""}
    return row | values
