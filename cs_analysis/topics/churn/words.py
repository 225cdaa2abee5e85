"""Churn in words: one computed sentence per question.

Every function takes the tidy frame of a metric and returns text in the reader's language.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cs_analysis.data.topic import column_name, records
from cs_analysis.display import sentences
from cs_analysis.display.language import _, day, money_short, ngettext, number, percent
from cs_analysis.errors import N_
from cs_analysis.stats import periods, proportions
from cs_analysis.stats.lives import followed
from cs_analysis.topics.churn.curves import MIN_N, read_at

NOBODY = N_("No account can be followed yet, so nothing can be said about how long customers stay.")
NO_LOSS = N_("No account has left while it was followed.")
CLEAR = 0.05  # level of a test after Holm


def reason_name(reason: str) -> str:
    """A reason as the reader sees it; the blank one is a reason of its own."""
    return reason or _("(no reason given)")


def group_name(group: str) -> str:
    """A group as the reader sees it."""
    return group or _("all accounts")


def renewal_name(renewal: float, kind: str = "renewal") -> str:
    """A renewal by its number: "renewal 2"; without terms "anniversary 2"."""
    text = _("renewal {number}") if kind == "renewal" else _("anniversary {number}")
    return text.format(number=number(renewal))


def months(value: float) -> str:
    """A stay: "31.2 months"."""
    return sentences.figure(value, "months")


def say_followed(lives: pd.DataFrame, *, observed_from: Any = None) -> str:
    """Whom the curves follow, from when on, and whom they leave out."""
    kept = followed(lives)
    late = int((kept["entry_months"] > 0).sum())
    n, left = kept["account_id"].nunique(), number(kept["churned"].sum())
    if len(kept) == n:
        text = ngettext(
            "{accounts} is followed, of which {left} left.", "{accounts} are followed, of which {left} left.", n
        )
    else:
        text = _("{accounts} are followed; some came back, which makes {lives} lives, of which {left} ended.")
    text = text.format(accounts=sentences.accounts(n), lives=number(len(kept)), left=left)
    if late and observed_from is not None:
        text += " " + ngettext(
            "{n} began earlier and counts from {day}, when departures began to be recorded.",
            "{n} began earlier and count from {day}, when departures began to be recorded.",
            late,
        ).format(n=number(late), day=day(periods.day(observed_from)))
    out = lives["left_out"].value_counts()
    before, unknown = int(out.get("ended_before", 0)), int(out.get("start_unknown", 0))
    if before:
        text += " " + ngettext(
            "{n} that ended before is left out.", "{n} that ended before are left out.", before
        ).format(n=number(before))
    if unknown:
        text += " " + ngettext(
            "{n} is left out: its beginning lies before the data.",
            "{n} are left out: their beginning lies before the data.",
            unknown,
        ).format(n=number(unknown))
    return text


def say_curve(summary: pd.DataFrame, *, min_n: int = MIN_N) -> str:
    """Who is still a customer after 12 and 24 months, when half have left, and how long they stay on average."""
    if summary.empty or summary["n"].iloc[0] == 0:
        return _(NOBODY)
    row = summary.iloc[0]
    if row["n"] < min_n:
        return _few(row, min_n)
    if not sentences.known(row["s12"]):
        text = _(
            "The share still there after {months} months cannot be told: at some month on the way fewer than {least} "
            "accounts were followed."
        )
        said = text.format(months=number(12), least=number(min_n))
    else:
        text = _("Of new customers {share} are still customers after {months} months")
        said = text.format(
            share=sentences.estimate(row["s12"], row["s12_low"], row["s12_high"], row["n"]), months=number(12)
        )
        if sentences.known(row["s24"]):
            said += _(", {share} after {months}").format(
                share=sentences.estimate(row["s24"], row["s24_low"], row["s24_high"]), months=number(24)
            )
        said += _("; {median}.").format(median=_median(row))
    if row["events"] == 0:
        said += " " + _(NO_LOSS)
    if sentences.known(row["rmst"]) and row["rmst"] < row["tau"]:
        said += " " + _("Of their first {tau} months they stay {mean} on average.").format(
            tau=number(row["tau"]),
            mean=sentences.estimate(row["rmst"], row["rmst_low"], row["rmst_high"], unit="months"),
        )
    return said


def _few(row: pd.Series, min_n: int) -> str:
    text = ngettext(
        "Only {accounts} is followed, for up to {longest}, and {left} left: too few for a curve, which takes {least}.",
        "Only {accounts} are followed, for up to {longest}, and {left} left: too few for a curve, which takes {least}.",
        int(row["n"]),
    )
    return text.format(
        accounts=sentences.accounts(row["n"]),
        longest=months(row["longest"]),
        left=number(row["events"]),
        least=number(min_n),
    )


def _median(row: pd.Series) -> str:
    if not sentences.known(row["median"]):
        return _(
            "more than half are still there after {months}, the longest that enough accounts were followed"
        ).format(months=months(row["solid_to"]))
    if sentences.known(row["median_low"], row["median_high"]):
        median = sentences.estimate(row["median"], row["median_low"], row["median_high"], unit="months")
    elif sentences.known(row["median_low"]):
        median = _("{value} (95 % interval from {low} on)").format(
            value=months(row["median"]), low=months(row["median_low"])
        )
    else:
        median = sentences.estimate(row["median"], unit="months")
    return _("half have left after {median}").format(median=median)


def say_weighted(curve: pd.DataFrame, *, month: int = 12) -> str:
    """The share of opening MRR still there, beside that of accounts."""
    money, accounts = (read_at(curve, month, weighting=w) for w in ("mrr", "accounts"))
    if money is None or accounts is None:
        return _("Weighted by MRR there is no figure: too few accounts were followed for {months} months.").format(
            months=number(month)
        )
    text = _(
        "Of the MRR they opened with, {share} is still there after {months} months, beside {accounts} of the accounts. "
        "This is not GRR: contraction is not in it."
    )
    return text.format(
        share=sentences.estimate(money["estimate"], money["low"], money["high"], money["n"]),
        months=number(month),
        accounts=percent(accounts["estimate"]),
    )


def say_groups(summary: pd.DataFrame, comparison: pd.DataFrame, *, by: str, min_n: int = MIN_N) -> str:
    """Which groups clearly differ in how long their accounts stay, after Holm."""
    column = column_name(by)
    small = summary[summary["n"] < min_n]
    listed = [_("{group} ({accounts})").format(group=r.group, accounts=sentences.accounts(r.n)) for r in records(small)]
    aside = (
        " " + _("Too few accounts for a curve: {groups}.").format(groups=sentences.listing(listed)) if listed else ""
    )
    pairs = comparison[comparison["group_a"] != ""]
    if pairs.empty:
        if len(summary) < 2:
            return _("There is nothing to compare by {column}: all accounts are in one group.").format(column=column)
        text = _("There is nothing to compare by {column}: fewer than two groups have {least} accounts.")
        return text.format(column=column, least=number(min_n)) + aside
    clear = pairs[pairs["p_holm"] < CLEAR].sort_values(["p_holm", "p"], kind="stable")
    return (_apart(clear, column) if len(clear) else _alike(summary, comparison, column, min_n)) + aside


def _apart(clear: pd.DataFrame, column: str) -> str:
    first, *others = [_pair(row) for _i, row in clear.head(3).iterrows()]
    said = [_("By {column}, {difference}.").format(column=column, difference=first)]
    said += [_("{difference}.").format(difference=other) for other in others]
    rest = len(clear) - len(said)
    if rest > 0:
        more = ngettext("{n} more pair differs clearly.", "{n} more pairs differ clearly.", rest)
        said.append(more.format(n=number(rest)))
    return " ".join(said)


def _pair(row: pd.Series) -> str:
    """One pair whose curves differ, the group that stays longer first."""
    p, longer = sentences.p_value(row["p_holm"]), not row["rmst_difference"] < 0
    a, b = (row["group_a"], row["group_b"]) if longer else (row["group_b"], row["group_a"])
    if not sentences.known(row["low"], row["high"]):
        return _("{a} and {b} differ (log-rank {p} after Holm)").format(a=a, b=b, p=p)
    low, high = (row["low"], row["high"]) if longer else (-row["high"], -row["low"])
    fields = {"a": a, "b": b, "p": p, "tau": number(row["tau"]), "months": months(abs(row["rmst_difference"]))}
    fields["interval"] = sentences.interval(low, high, "months")
    if low > 0:
        text = _("{a} stays {months} longer than {b} over the first {tau} months ({interval}; log-rank {p} after Holm)")
    else:
        text = _(
            "{a} and {b} differ (log-rank {p} after Holm), but not clearly in their mean stay over the first {tau} "
            "months ({months}, {interval})"
        )
    return text.format(**fields)


def _alike(summary: pd.DataFrame, comparison: pd.DataFrame, column: str, min_n: int) -> str:
    pairs = comparison[comparison["group_a"] != ""]
    least = pairs["p_holm"].min()
    if not sentences.known(least):
        return _("By {column}, nothing can be compared: no account of these groups has left.").format(column=column)
    tests = ngettext("{n} comparison", "{n} comparisons", len(pairs)).format(n=number(len(pairs)))
    text = _("By {column}, no clear difference in how long accounts stay (log-rank, {tests}: smallest {p} after Holm)")
    text = text.format(column=column, tests=tests, p=sentences.p_value(float(least)))
    told = summary[(summary["n"] >= min_n) & summary["s12"].notna()]
    if len(told) < 2:
        return text + _(".")
    low: Any = told.loc[told["s12"].idxmin()]
    high: Any = told.loc[told["s12"].idxmax()]
    span = _("; after {months} months from {low}, {low_group}, to {high}, {high_group}, are still customers.")
    return text + span.format(
        months=number(12),
        low=sentences.estimate(low["s12"], low["s12_low"], low["s12_high"], low["n"]),
        high=sentences.estimate(high["s12"], high["s12_low"], high["s12_high"], high["n"]),
        low_group=low["group"],
        high_group=high["group"],
    )


def say_renewals(renewals: pd.DataFrame, *, min_n: int = MIN_N, currency: str = "JPY") -> str:
    """The share lost at each of the first renewals, and the MRR that went with them."""
    if renewals.empty:
        return _("No renewal has come up yet among the accounts followed.")
    told = renewals[renewals["due"] >= min_n].head(3)
    if told.empty:
        due, lost = int(renewals["due"].sum()), int(renewals["lost"].sum())
        text = ngettext(
            "Only {due} renewal has come up so far, {lost} of them lost: too few for a rate.",
            "Only {due} renewals have come up so far, {lost} of them lost: too few for a rate.",
            due,
        )
        if renewals["kind"].iloc[0] != "renewal":
            text = _(
                "Contracts here have no terms; accounts came to an anniversary {due} times so far and left on it "
                "{lost} times: too few for a rate."
            )
        return text.format(due=number(due), lost=number(lost))
    parts = [
        _("{share} at {renewal}").format(
            share=sentences.estimate(r.estimate, r.low, r.high, of=came_due(r.due, r.kind)),
            renewal=renewal_name(r.renewal, r.kind),
        )
        for r in records(told)
    ]
    text = _("Of the accounts due for renewal, these were lost: {parts}.")
    if told["kind"].iloc[0] != "renewal":
        text = _(
            "Contracts here have no terms; of the accounts that came to an anniversary, these left on it: {parts}."
        )
    text = text.format(parts=_("; ").join(parts))
    lost = float(renewals["mrr_lost_12"].sum())
    if lost > 0 and told["kind"].iloc[0] == "renewal":
        text += " " + _("In the last twelve months {amount} of MRR was lost at renewals.").format(
            amount=money_short(lost, currency)
        )
    return text


def came_due(n: float, kind: str) -> str:
    """A count of what came up: "34 renewals"; of anniversaries "34 accounts"."""
    return renewals_due(int(n)) if kind == "renewal" else sentences.accounts(n)


def renewals_due(n: int) -> str:
    """A count of renewals that came up: "34 renewals"."""
    return ngettext("{n} renewal", "{n} renewals", n).format(n=number(n))


def say_spike(spike: pd.DataFrame) -> str:
    """How much of the losses falls in renewal months, and the monthly risk in and out of them."""
    if spike.empty:
        return _(NOBODY)
    total = int(spike["lost"].sum())
    if not total:
        return _(NO_LOSS)
    there, other = spike[spike["renewal"]], spike[~spike["renewal"]]
    if not there["at_risk"].sum():
        return ngettext(
            "{n} account has left; no account has been followed up to a renewal yet.",
            "{n} accounts have left; no account has been followed up to a renewal yet.",
            total,
        ).format(n=number(total))
    text = ngettext(
        "Of {n} departure {there} falls in a renewal month: there {risk} of the accounts are lost, in any other month "
        "{elsewhere}.",
        "Of {n} departures {there} fall in a renewal month: there {risk} of the accounts are lost, in any other month "
        "{elsewhere}.",
        total,
    )
    return text.format(
        n=number(total),
        there=number(there["lost"].sum()),
        risk=_risk(there),
        elsewhere=_risk(other),
    )


def _risk(part: pd.DataFrame) -> str:
    """Losses over account-months, with the interval of that share."""
    share = proportions.wilson(float(part["lost"].sum()), float(part["at_risk"].sum()))
    return sentences.estimate(
        *share,
        of=ngettext("{n} account-month", "{n} account-months", int(part["at_risk"].sum())).format(
            n=number(part["at_risk"].sum())
        ),
    )


def say_reasons(reasons: pd.DataFrame, *, min_n: int = MIN_N) -> str:
    """The commonest reasons by the longest usual span that enough accounts were followed."""
    if reasons.empty:
        return _(NO_LOSS)
    lost = reasons.drop_duplicates("reason").set_index("reason")["lost"]
    if set(lost.index) == {""}:
        return ngettext(
            "The one departure has no reason recorded.",
            "The {n} departures have no reason recorded.",
            int(lost.sum()),
        ).format(n=number(lost.sum()))
    at = reasons_at(reasons, min_n)
    if at.empty:
        counted = [_("{reason} {n}").format(reason=reason_name(str(r)), n=number(n)) for r, n in lost.items()]
        return _("Too few accounts were followed for a rate; departures by reason: {reasons}.").format(
            reasons=_(", ").join(counted[:5])
        )
    parts = [
        _("{share} for “{reason}”").format(
            share=sentences.estimate(r.estimate, r.low, r.high, of=departures(int(r.lost))),
            reason=reason_name(r.reason),
        )
        for r in records(at[at["reason"] != ""].nlargest(3, "estimate"))
    ]
    text = _("After {months} months {total} of the accounts have left: {parts}.").format(
        months=number(at["month"].iloc[0]), total=percent(at["estimate"].sum()), parts=_("; ").join(parts)
    )
    blank = at[at["reason"] == ""]
    if len(blank) and blank["lost"].iloc[0]:
        row = blank.iloc[0]
        text += " " + _("{share} left without a reason recorded.").format(
            share=sentences.estimate(row["estimate"], row["low"], row["high"], of=departures(int(row["lost"])))
        )
    return text


def reasons_at(reasons: pd.DataFrame, min_n: int = MIN_N) -> pd.DataFrame:
    """The row of every reason at the longest of 36, 24 and 12 months up to which ``min_n`` accounts were followed."""
    for month in (36, 24, 12):
        at, until = reasons[reasons["month"] == month], reasons[reasons["month"].between(0, month, inclusive="right")]
        if len(at) and until["at_risk"].min() >= min_n:
            return at
    return reasons.iloc[:0]


def departures(n: int) -> str:
    """A count of departures: "12 departures"."""
    return ngettext("{n} departure", "{n} departures", n).format(n=number(n))
