"""What drives departures: hazard ratios with a check of their constancy, and plain landmark curves beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cs_analysis.stats import periods, survival
from cs_analysis.topics.churn.history import NEEDS, History
from cs_analysis.topics.churn.model import NUMERIC, Model, fit

DRIVERS = ("covariate", "column", "hazard_ratio", "low", "high", "p", "ph_p", "events", "note")
LANDMARK = ("covariate", "group", "month", "estimate", "low", "high", "at_risk", "events")
DIFFERENCE = (
    "covariate", "estimate", "low", "high", "p", "months", "landmarks", "n_yes", "n_no", "lost_yes", "lost_no",
)  # fmt: skip
BINARY = ("champion_gone", "usage_fell")
_FEW = 5  # accounts in a group below which no curve is drawn


def drivers(history: History) -> pd.DataFrame:
    """Hazard ratios of a notice, from a Cox model on tenure with covariates that change in time.

    One coefficient per ten notices at most, entered in the fixed order of :mod:`model`; whatever stays out has a row
    with its reason. Ties by Efron. The hazards of annual contracts come in spikes; a Cox model leaves the hazard's
    course free and compares only accounts of the same tenure, so the spikes do no harm.

    Returns
    -------
    One row per covariate: covariate (a column, or "column: level" against the level followed longest), column,
    hazard_ratio, low, high, p, ph_p (p of the test that the ratio is constant over tenure), events (notices while it
    held; all for a number), note ("" | few_events | no_events | constant | no_table | no_rows | separates |
    collinear). In ``attrs``: events, accounts, concordance, ph_p (all covariates together), reference (column → level).
    """
    model = fit(history)
    rows = [] if model is None else _entered(model)
    left_out = _untold(history) if model is None else model.left_out
    rows += [{"covariate": name, "column": column, "note": note} for name, column, note in left_out]
    out = pd.DataFrame(rows, columns=list(DRIVERS))
    known = [c for c in DRIVERS if c not in ("covariate", "column", "note")]
    out[known] = out[known].astype(float)
    order = {c: k for k, c in enumerate((*NEEDS, *history.covariates))}
    out = out.iloc[np.argsort([order.get(c, 99) for c in out["column"]], kind="stable")].reset_index(drop=True)
    out.attrs = {"events": history.events, "accounts": int(history.accounts["account_id"].nunique())}
    if model is not None and model.entered:
        tests = model.fit.proportional_hazards().set_index("covariate")["p"]
        out.attrs |= {"concordance": float(model.fit.concordance), "ph_p": float(tests.get("GLOBAL", np.nan))}
    out.attrs["reference"] = {} if model is None else dict(model.reference)
    return out


def _untold(history: History) -> list[tuple[str, str, str]]:
    absent = [(name, name, why) for name, why in history.absent.items()]
    return absent + [(name, name, "few_events") for name in history.covariates]


def _entered(model: Model) -> list[dict[str, object]]:
    if not model.entered:
        return []
    table = model.fit.table.set_index("covariate")
    tests = model.fit.proportional_hazards().set_index("covariate")["p"]
    lost = model.spells[model.spells["event"]]
    rows = []
    for name, (column, level) in model.entered.items():
        found = table.loc[name]
        held = lost[column] == (1.0 if level is None else level)
        counts = len(lost) if column in NUMERIC and column not in BINARY else int(held.sum())
        row = {c: found[c] for c in ("hazard_ratio", "low", "high", "p")}
        row["note"] = str(found["note"]).replace(" ", "_")
        rows.append(row | {"covariate": name, "column": column, "ph_p": tests.get(name, np.nan), "events": counts})
    return rows


def landmark(history: History, covariate: str = "champion_gone", *, months: int = 12) -> pd.DataFrame:
    """Curves after landmarks: accounts for which something was true on a fixed day, beside those for which it was not.

    The landmarks lie ``months``, twice, three times … as many months before the last day followed; each account at
    risk there is put into its group by what was true on that very day, and followed until notice or the next landmark.
    So nobody can be in a group for having survived into it. The windows do not overlap, so every loss counts once.

    Parameters
    ----------
    covariate
        "champion_gone" or "usage_fell".
    months
        Between landmarks, and followed after each.

    Returns
    -------
    One row per group (yes, no) and time: covariate, group, month (since the landmark), estimate, low, high (share
    without notice), at_risk, events. Empty when either group has fewer than five accounts.
    """
    rows = _at_landmarks(history, covariate, months)
    sizes = rows.groupby("group").size()
    if len(sizes) < 2 or sizes.min() < _FEW:
        return pd.DataFrame(columns=list(LANDMARK))
    found = survival.curve(rows["months"].to_numpy(), rows["event"].to_numpy(), groups=rows["group"].to_numpy())
    found = found.rename(columns={"time": "month"}).assign(covariate=covariate)
    return found[list(LANDMARK)].reset_index(drop=True)


def landmark_difference(history: History, covariate: str = "champion_gone", *, months: int = 12) -> pd.DataFrame:
    """How much less time without notice follows a landmark at which something was true: yes − no, in months.

    Returns
    -------
    One row: covariate, estimate, low, high, p (difference of restricted means within ``months``; missing when either
    group has fewer than five accounts), months, landmarks (how many), n_yes, n_no, lost_yes, lost_no.
    """
    rows = _at_landmarks(history, covariate, months)
    counts = rows.groupby("group")["event"].agg(["size", "sum"]).reindex(["yes", "no"]).fillna(0)
    row = {"covariate": covariate, "months": months, "landmarks": rows["landmark"].nunique()}
    row |= {f"n_{g}": int(counts.loc[g, "size"]) for g in ("yes", "no")}  # type: ignore[arg-type]
    row |= {f"lost_{g}": int(counts.loc[g, "sum"]) for g in ("yes", "no")}  # type: ignore[arg-type]
    row |= dict.fromkeys(("estimate", "low", "high", "p"), np.nan)
    if counts["size"].min() >= _FEW:
        # over windows that do not overlap an account's losses are uncorrelated, so the plain variance holds
        found = survival.rmst_difference(
            rows["months"].to_numpy(), rows["event"].to_numpy(), rows["group"].to_numpy(), float(months)
        ).iloc[0]
        sign = 1.0 if found["group_a"] == "yes" else -1.0
        bounds = sorted((sign * found["low"], sign * found["high"]))
        row |= {"estimate": sign * found["estimate"], "low": bounds[0], "high": bounds[1], "p": found["p"]}
    return pd.DataFrame([row], columns=list(DIFFERENCE))


def _at_landmarks(history: History, covariate: str, months: int) -> pd.DataFrame:
    """Account × landmark: group, months until notice or the next landmark, event."""
    empty = pd.DataFrame({"landmark": [], "group": [], "months": [], "event": []})
    if covariate not in history.spells or history.accounts.empty:
        return empty
    spells = history.spells[["account_id", "life", "entry_months", "tenure_months", covariate]]
    accounts = history.accounts.rename(columns={"entry_months": "first", "tenure_months": "last"})
    spells = spells.merge(accounts, on=["account_id", "life"])
    oldest = spells["start"].min()
    parts, step = [empty], 1
    while (day := np.datetime64(periods.anniversary(history.followed_to, -months * step), "D")) >= oldest:
        at = periods.months_between(spells["start"], np.full(len(spells), day))
        here = (spells["entry_months"].to_numpy() <= at) & (at < spells["tenure_months"].to_numpy())
        rows, at = spells[here], at[here]
        until = rows["last"].to_numpy() - at
        lost = rows["event"].to_numpy() & (until <= months)
        # from day to day a year can come out a fraction of a month short of twelve
        left = np.where(~lost & (until > months - 0.2), months, np.minimum(until, months))
        value = rows[covariate].to_numpy(dtype=float)
        part = pd.DataFrame({"landmark": day, "months": left, "event": lost, "value": value}).dropna()
        parts.append(part.assign(group=np.where(part["value"] == 1, "yes", "no")).drop(columns="value"))
        step += 1
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else empty
