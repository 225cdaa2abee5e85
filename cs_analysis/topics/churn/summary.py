"""Churn in short: headline figures with last month and last year beside them, findings, and their months."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.data.settings import Settings
from cs_analysis.data.topic import HEADLINE, Summary, account_names, findings_table, headline_row
from cs_analysis.display import sentences
from cs_analysis.display.language import _, money_short, month, ngettext, number
from cs_analysis.errors import N_
from cs_analysis.stats import periods, resample
from cs_analysis.stats.lives import followed
from cs_analysis.stats.ratios import MIN_CHANGED
from cs_analysis.topics.churn import words
from cs_analysis.topics.churn.curves import MOST_DRAWN, SEED, SPANS, resampled, share_at, summary_table
from cs_analysis.topics.churn.late_entry import known_at, one_day
from cs_analysis.topics.churn.renewals import YEAR

TREND = 24  # months of the line on the index
CALLS = 5  # accounts of the risk list among the findings
_LABELS = {
    "survival_12": N_("Still customers after 12 months"),
    "survival_24": N_("Still customers after 24 months"),
    "mean_stay": N_("Mean stay in the first {tau} months"),
}
_COLUMNS = {"survival_12": "s12", "survival_24": "s24", "mean_stay": "rmst"}


def summary(
    lives: pd.DataFrame,
    *,
    as_of: Any,
    compare_to: Any | None = None,
    renewals: pd.DataFrame | None = None,
    settings: Settings | None = None,
) -> Summary:
    """Headline figures (share still there after 12 and 24 months, mean stay), findings by money, and their months.

    The figures of last month and last year are those of the same lives as they were known then; the difference has a
    bootstrap interval over accounts, drawn together for both days.

    Parameters
    ----------
    lives
        As from :func:`cs_analysis.stats.lives.lives`.
    as_of
        Last day whose facts count.
    compare_to
        The month end beside which the figures stand; by default the one before the last complete month.
    renewals
        The table of :func:`cs_analysis.topics.churn.renewals.renewals`, for the renewal at which most MRR is lost.
    settings
        The client file, for the currency, ``min_n`` and ``grace_days``; None = the defaults.

    Returns
    -------
    sentences; headline (metrics survival_12, survival_24, mean_stay); findings; trend (survival_12 by month).
    """
    client = settings or Settings()
    currency, least, grace_days = client.client.currency, client.rules.min_n, client.rules.grace_days
    last = periods.last_complete_month(as_of)
    then = periods.month_index(compare_to) if compare_to else last - 1
    days = {"previous": periods.last_day(min(then, last - 1)), "year": periods.last_day(last - YEAR)}
    now = summary_table(lives, min_n=least)
    tau = float(now["tau"].iloc[0]) if len(now) else np.nan
    alike = one_day(lives)
    seen = lives.iloc[:0] if alike else lives  # what has no dates has no past
    earlier = {name: known_at(seen, on, grace_days=grace_days) for name, on in days.items()}
    tables = {name: summary_table(frame, tau=tau, min_n=least) for name, frame in earlier.items()}
    draws = {name: _differences(seen, frame, tau) for name, frame in earlier.items()}
    rows = [_row(metric, now, tables, draws, least) for metric in _LABELS]
    headline = pd.DataFrame(rows, columns=list(HEADLINE))
    found = [] if alike else [*_renewal_finding(renewals, currency), *_reason_finding(lives, as_of, currency)]
    findings = findings_table(found)
    said = [_first(now, rows[0], month(days["year"]), least), alike, *findings["text"].head(2)]
    if renewals is not None and not (findings["kind"] == "renewal").any():
        said.append(words.say_renewals(renewals, min_n=least, currency=currency))
    return Summary([s for s in said if s], headline, findings, _trend(seen, last, grace_days, least))


def _first(now: pd.DataFrame, row: dict[str, Any], year_ago: str, min_n: int) -> str:
    """The opening sentence: who stays, and whether that changed in a year."""
    if not sentences.known(row["value"]):
        return words.say_curve(now, min_n=min_n)
    share = sentences.estimate(row["value"], row["low"], row["high"], row["n"])
    said = _("Of new customers {share} are still customers after {months} months").format(
        share=share, months=number(YEAR)
    )
    if sentences.known(row["year_change"]):
        change = sentences.change(row["year_change"], row["year_low"], row["year_high"], year_ago)
        said += _(", {change}").format(change=change)
    return said + _(".")


def _row(
    metric: str, now: pd.DataFrame, tables: dict[str, pd.DataFrame], draws: dict[str, dict[str, np.ndarray]], least: int
) -> dict[str, Any]:
    column, unit = _COLUMNS[metric], "months" if metric == "mean_stay" else "rate"
    tau = float(now["tau"].iloc[0]) if len(now) else np.nan
    label = _(_LABELS[metric]).format(tau=number(tau) if np.isfinite(tau) else number(SPANS[-1]))
    row = headline_row(metric, label, unit)
    if now.empty:
        return row | {"note": _("no account can be followed yet")}
    at = now.iloc[0]
    row["n"] = int(at["n"])
    if not sentences.known(at[column]):
        return row | {
            "note": _("at some month on the way fewer than {least} accounts were followed").format(least=number(least))
        }
    row |= {"value": at[column], "low": at[f"{column}_low"], "high": at[f"{column}_high"]}
    if not at["events"]:
        row["note"] = _(words.NO_LOSS)
    row["sentence"] = _("{label}: {value}.").format(
        label=label, value=sentences.estimate(row["value"], row["low"], row["high"], row["n"], unit)
    )
    for name, target in (("previous", "previous"), ("year", "year_ago")):
        before = tables[name]
        if before.empty or not sentences.known(before[column].iloc[0]):
            continue
        row[target] = before[column].iloc[0]
        low, high = resample.percentiles(draws[name][metric]) if draws[name] else (np.nan, np.nan)
        row |= {f"{name}_change": row["value"] - row[target], f"{name}_low": low, f"{name}_high": high}
    return row


def _differences(now: pd.DataFrame, then: pd.DataFrame, tau: float) -> dict[str, np.ndarray]:
    """Metric → now minus then in each draw of accounts, the same accounts drawn for both days.

    Empty when fewer than five accounts left in between: drawn again, so few cannot tell how many might have.
    """
    both = [followed(now), followed(then)]
    if int(both[0]["churned"].sum()) - int(both[1]["churned"].sum()) < MIN_CHANGED:
        return {}
    names = np.unique(np.concatenate([rows["account_id"].to_numpy(dtype=str) for rows in both]))
    places = [np.searchsorted(names, rows["account_id"].to_numpy(dtype=str)) for rows in both]
    found: dict[str, list[np.ndarray]] = {metric: [] for metric in _LABELS}
    for counts in _counts(len(names)):
        a, b = (_read(rows, counts[:, place], tau) for rows, place in zip(both, places, strict=True))
        for metric, values in found.items():
            values.append(a[metric] - b[metric])
    return {metric: np.concatenate(values) for metric, values in found.items()}


def _counts(n: int) -> Iterator[np.ndarray]:
    """How often each account is drawn; of very many accounts fewer draws, a few at a time."""
    if n <= MOST_DRAWN:
        yield resample.unit_counts(n, seed=SEED)
    else:
        yield from (resample.unit_counts(n, seed=SEED + i, draws=10) for i in range(10))


def _read(rows: pd.DataFrame, counts: np.ndarray, tau: float) -> dict[str, np.ndarray]:
    """The headline figures in each draw."""
    grid = np.unique(np.append(rows.loc[rows["churned"].astype(bool), "tenure_months"], [0.0, 12.0, 24.0]))
    curves = resampled(rows, grid, counts)
    shares = {f"survival_{m}": curves[:, np.searchsorted(grid, m)] for m in (12, 24)}
    return shares | {"mean_stay": _area(curves, grid, tau)}


def _area(curves: np.ndarray, grid: np.ndarray, tau: float) -> np.ndarray:
    """The area under each step curve up to τ."""
    if not np.isfinite(tau):
        return np.full(len(curves), np.nan)
    widths = np.diff(np.minimum(np.append(grid, tau), tau)) if grid[-1] < tau else np.diff(np.minimum(grid, tau))
    return curves[:, : len(widths)] @ widths


def _renewal_finding(renewals: pd.DataFrame | None, currency: str) -> list[dict[str, Any]]:
    """The renewal number at which most MRR was lost in the last twelve months."""
    if renewals is None or renewals.empty or not renewals["mrr_lost_12"].max() > 0:
        return []
    worst: Any = renewals.loc[renewals["mrr_lost_12"].idxmax()]
    text = ngettext(
        "Most MRR is lost at {renewal}: {amount} in the last twelve months, {accounts}; of all that came up for it "
        "{share} is lost.",
        "Most MRR is lost at {renewal}: {amount} in the last twelve months, {accounts}; of all that came up for it "
        "{share} are lost.",
        int(worst["due"]),
    ).format(
        renewal=words.renewal_name(worst["renewal"], worst["kind"]),
        amount=money_short(worst["mrr_lost_12"], currency),
        accounts=sentences.accounts(worst["lost_12"]),
        share=sentences.estimate(
            worst["estimate"], worst["low"], worst["high"], of=words.came_due(worst["due"], worst["kind"])
        ),
    )
    return [{"kind": "renewal", "text": text, "money": float(worst["mrr_lost_12"]), "account_id": ""}]


def _reason_finding(lives: pd.DataFrame, as_of: Any, currency: str) -> list[dict[str, Any]]:
    """The reason for which most MRR left in the last twelve months."""
    since = pd.Timestamp(periods.anniversary(periods.day(as_of), -YEAR))
    gone = lives[lives["churned"].astype(bool) & (lives["stop"] > since) & (lives["left_out"] == "")]
    named = gone[gone["churn_reason"] != ""]
    if named.empty:
        return []
    lost = named.groupby("churn_reason")["mrr_last"].sum().sort_values(ascending=False, kind="stable")
    reason, amount = str(lost.index[0]), float(lost.iloc[0])
    n = int((named["churn_reason"] == reason).sum())
    text = _(
        "Of the reasons recorded “{reason}” took most MRR in the last twelve months: {amount}, {accounts}, of {all} "
        "lost in all."
    )
    text = text.format(
        reason=reason,
        amount=money_short(amount, currency),
        accounts=sentences.accounts(n),
        all=money_short(float(gone["mrr_last"].sum()), currency),
    )
    return [{"kind": "reason", "text": text, "money": amount, "account_id": ""}]


def _trend(lives: pd.DataFrame, last: int, grace_days: int, min_n: int) -> pd.DataFrame:
    """The share after 12 months as it was known at each of the last month ends."""
    rows = []
    for index in range(last - TREND + 1, last + 1):
        then = known_at(lives, periods.last_day(index), grace_days=grace_days)
        share = share_at(then, YEAR, min_n=min_n)
        if np.isfinite(share):
            rows.append(("survival_12", periods.month_label(index), share))
    return pd.DataFrame(rows, columns=["metric", "month", "estimate"])


def with_risk(
    summary: Summary,
    risk: pd.DataFrame,
    *,
    months: int = 6,
    accounts: pd.DataFrame | None = None,
    currency: str = "JPY",
) -> Summary:
    """The summary with the accounts of the most money at risk among its findings, so that the index names them.

    Parameters
    ----------
    risk
        As from :func:`cs_analysis.topics.churn.risk.risk`, made for the same ``months``.
    accounts
        account_id and account_name, to call accounts by name.
    """
    names = account_names(accounts)
    known = risk[risk["probability"].notna()].sort_values("mrr_at_risk", ascending=False, kind="stable").head(CALLS)
    text = ngettext(
        "{account} gives notice within {n} month with a probability of {probability}: {money} of {mrr} MRR at risk.",
        "{account} gives notice within {n} months with a probability of {probability}: {money} of {mrr} MRR at risk.",
        months,
    )
    rows = [
        {
            "kind": "risk",
            "text": text.format(
                account=names.get(row["account_id"], row["account_id"]),
                n=number(months),
                probability=sentences.estimate(row["probability"], row["low"], row["high"]),
                money=money_short(row["mrr_at_risk"], currency),
                mrr=money_short(row["mrr"], currency),
            ),
            "money": float(row["mrr_at_risk"]),
            "account_id": row["account_id"],
        }
        for _i, row in known.iterrows()
    ]
    return summary._replace(findings=findings_table([*summary.findings.to_dict("records"), *rows]))
