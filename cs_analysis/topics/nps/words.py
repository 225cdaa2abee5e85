"""NPS in words: one computed sentence per question, in the reader's language."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cs_analysis.display import sentences
from cs_analysis.display.language import _, money_short, ngettext, number, percent
from cs_analysis.errors import N_
from cs_analysis.stats.nps import Difference
from cs_analysis.topics.nps.naming import (
    ANSWER_LABELS,
    MEASURE_LABELS,
    REASON_LABELS,
    ROLE_LABELS,
    THEME_LABELS,
    UNITS,
    column,
    label,
    labels,
)
from cs_analysis.topics.nps.themes import OTHER

NO_ANSWER_YET = N_("No answer to a survey is known yet.")
NO_YEAR = N_("No survey is old enough yet: what follows in the twelve months after it cannot be told.")


def points(row: Any, of: str = "") -> str:
    """A score as "14.2 points (95 % interval 5.0–23.1 points, 394 answers)", or why there is none."""
    if not sentences.known(row["estimate"]):
        return _("too few answers ({n})").format(n=number(row["n"]))
    return sentences.estimate(
        row["estimate"], row["low"], row["high"], unit="points", of=of or sentences.answers(row["n"])
    )


def say_score(score: pd.DataFrame, changes: pd.DataFrame, *, wave: str | None) -> str:
    """The score of a wave, its change on the wave before, and what such a wave could show at all."""
    rows = score[score["wave"] == wave]
    if rows.empty or not rows["n"].iloc[0]:
        return _(NO_ANSWER_YET)
    row: Any = rows.iloc[0]
    if not sentences.known(row["estimate"]):
        text = ngettext(
            "In {wave} there was {n} answer to {invited} invitations: too few answers for a score.",
            "In {wave} there were {n} answers to {invited} invitations: too few answers for a score.",
            int(row["n"]),
        )
        return text.format(wave=wave, n=number(row["n"]), invited=number(row["invited"]))
    change = changes[changes["wave"] == wave]
    text = _("NPS in {wave} is {score}.").format(wave=wave, score=points(row))
    if len(change):
        at: Any = change.iloc[0]
        than = _("the wave before ({wave})").format(wave=at["earlier"])
        text = _("NPS in {wave} is {score}, {change}.").format(
            wave=wave, score=points(row),
            change=sentences.change(at["difference"], at["low"], at["high"], than, "points"),
        )  # fmt: skip
    if len(change) and sentences.known(change["detectable"].iloc[0]):
        more = _("Between two waves of this size only a change of about {n} points or more would show clearly.")
        text += " " + more.format(n=number(change["detectable"].iloc[0]))
    return text


def say_response(score: pd.DataFrame, *, wave: str | None) -> str:
    """How many of those asked answered, and what share were promoters, passives and detractors."""
    rows = score[score["wave"] == wave]
    if rows.empty or not rows["n"].iloc[0]:
        return _(NO_ANSWER_YET)
    row: Any = rows.iloc[0]
    text = ngettext(
        "{n} of {invited} asked answered in {wave} ({rate}), from {accounts}: {promoters} promoters, {passives} "
        "passives, {detractors} detractors.",
        "{n} of {invited} asked answered in {wave} ({rate}), from {accounts}: {promoters} promoters, {passives} "
        "passives, {detractors} detractors.",
        int(row["n"]),
    )
    return text.format(
        n=number(row["n"]), invited=number(row["invited"]), wave=wave, rate=percent(row["response_rate"]),
        accounts=sentences.accounts(row["accounts"]), promoters=number(row["promoters"]),
        passives=number(row["passives"]), detractors=number(row["detractors"]),
    )  # fmt: skip


def say_unused(unused: pd.DataFrame) -> str:
    """How many rows did not count and why; "" when all did."""
    left = unused[unused["n"] > 0]
    if left.empty:
        return ""
    parts = [
        _("{n} {reason}").format(n=number(n), reason=_(REASON_LABELS[str(reason)]))
        for reason, n in zip(left["reason"], left["n"], strict=True)
    ]
    return _("Rows that do not count: {parts}.").format(parts=_(", ").join(parts))


def say_groups(score: pd.DataFrame, comparison: pd.DataFrame, *, by: str, wave: str | None) -> str:
    """The highest and the lowest group of a wave, whether any two differ, and which have too few answers."""
    rows = score[score["wave"] == wave]
    name, told = column(by), rows[rows["estimate"].notna()]
    few = rows.loc[rows["estimate"].isna(), "group"]
    tail = ""
    if len(few):
        tail = " " + _("Too few answers: {groups}.").format(groups=sentences.listing(labels(few, ROLE_LABELS)))
    if len(told) < 2:
        return (
            _("There is nothing to compare by {column}: fewer than two groups have enough answers.").format(column=name)
            + tail
        )
    top: Any = told.loc[told["estimate"].idxmax()]
    low: Any = told.loc[told["estimate"].idxmin()]
    text = _("By {column}, NPS is lowest for {low}, {low_value}, and highest for {top}, {top_value}").format(
        column=name,
        low_value=points(low),
        low=label(low["group"], ROLE_LABELS),
        top_value=points(top),
        top=label(top["group"], ROLE_LABELS),
    )
    clear = comparison[comparison["p_holm"] < 0.05]
    if clear.empty:
        return text + _("; no two groups differ clearly.") + tail
    first: Any = clear.sort_values("p_holm").iloc[0]
    more = _("; {a} is clearly above {b} ({details}).").format(
        a=label(first["group_a"], ROLE_LABELS),
        b=label(first["group_b"], ROLE_LABELS),
        details=_("{difference}, {p} after Holm").format(
            difference=sentences.difference_words(first["low"], first["high"], "points"),
            p=sentences.p_value(first["p_holm"]),
        ),
    )
    return text + more + tail


def say_weightings(table: pd.DataFrame) -> str:
    """How far the score moves when the silent are given a voice, and where it must lie whatever they think."""
    found: Any = table.set_index("weighting") if len(table) else pd.DataFrame()
    if "respondents" not in found.index or not found.loc["respondents", "n"]:
        return _(NO_ANSWER_YET)
    plain, worst = found.loc["respondents"], found.loc["worst_case"]
    bounds = _("Whatever the {silent} who stayed silent think, the score of all asked lies within {span}.").format(
        silent=number(worst["invited"] - worst["n"]),
        span=sentences.span(worst["low"], worst["high"], "points"),
    )
    if worst["invited"] == worst["n"]:
        bounds = _("Everybody who was asked answered: there is no silence to correct for.")
    if not sentences.known(plain["estimate"]):
        return _("There are too few answers for a score under any weighting.") + " " + bounds
    text = _("NPS of those who answered is {plain}").format(plain=points(plain))
    if "non_response" in found.index and sentences.known(found.loc["non_response", "estimate"]):
        silent = found.loc["non_response"]
        text += _("; weighted for those who did not, it is {weighted}").format(
            weighted=sentences.estimate(silent["estimate"], silent["low"], silent["high"], unit="points")
        )
    return text + _(".") + " " + bounds


def say_churn(link: pd.DataFrame) -> str:
    """Whether detractors and the silent left more often than promoters within the year after."""
    found: Any = link.set_index("answer") if len(link) else link
    if not len(link) or not link["n"].sum():
        return _(NO_YEAR)
    base = found.loc["promoter"]
    parts = [
        _("{answer} {risk}").format(
            answer=_(ANSWER_LABELS[answer]),
            risk=sentences.estimate(row["estimate"], row["low"], row["high"], of=cases(row["n"])),
        )
        for answer, row in found.iterrows()
        if row["n"]
    ]
    text = _("Left within twelve months of a survey: {parts}.").format(parts=_(", ").join(parts))
    if not base["n"]:
        return text + " " + _("No promoter has been followed for a year, so there is nobody to compare with.")
    said = [
        _ratio(_(ANSWER_LABELS[str(answer)]), row)
        for answer, row in found.iterrows()
        if answer in ("detractor", "no_answer") and row["n"] and sentences.known(row["ratio"])
    ]
    if not said and link["churned"].sum():
        return text
    if not said:
        return text + " " + _("Nobody left, so no answer can be said to foretell it.")
    return text + " " + " ".join(said)


def _ratio(who: str, row: pd.Series) -> str:
    clear = row["ratio_low"] > 1 or row["ratio_high"] < 1
    text = (
        _("{who}: {ratio} times the risk of promoters ({span}).")
        if clear
        else _("{who}: {ratio} times the risk of promoters ({span}), no clear difference.")
    )
    span = sentences.interval(row["ratio_low"], row["ratio_high"], "ratio")
    return text.format(who=who[:1].upper() + who[1:], ratio=number(row["ratio"], 2), span=span)


def cases(n: float) -> str:
    """A count of accounts in surveys: "217 account surveys"."""
    return ngettext("{n} account survey", "{n} account surveys", int(n)).format(n=number(n))


def say_beside(table: pd.DataFrame, *, measure: str = "nrr") -> str:
    """How the accounts did, by what they answered a year ago."""
    rows = table[(table["measure"] == measure) & table["estimate"].notna()]
    if rows.empty:
        return _("There is nothing yet to set beside the answers of a year ago.")
    parts = [
        _("{answer} {value}").format(
            answer=label(row["answer"], ANSWER_LABELS),
            value=sentences.estimate(row["estimate"], row["low"], row["high"], row["n"], UNITS[measure]),
        )
        for _i, row in rows.iterrows()
    ]
    text = _("{measure}, by the answer of a year ago: {parts}.")
    return text.format(measure=_(MEASURE_LABELS[measure]), parts=_(", ").join(parts))


def say_switches(switches: pd.DataFrame) -> str:
    """How many changed sides between two waves, and how many fell silent."""
    if switches.empty or not switches["n"].sum():
        return _("Nobody was asked in two surveys in a row.")
    count: Any = switches.set_index(["from", "to"])["n"]
    order = {"detractor": 0, "passive": 1, "promoter": 2}
    up = sum(n for (a, b), n in count.items() if a in order and b in order and order[b] > order[a])
    down = sum(n for (a, b), n in count.items() if a in order and b in order and order[b] < order[a])
    same = sum(n for (a, b), n in count.items() if a == b and a in order)
    quiet = sum(n for (a, b), n in count.items() if a in order and b == "no_answer")
    text = _("Of those who answered the wave before and were asked again, {up} rose, {down} fell, {same} stayed and "
             "{quiet} fell silent.")  # fmt: skip
    if not up + down + same + quiet:
        return _("Nobody who was asked in both waves had answered the wave before.")
    lost = sum(n for (a, b), n in count.items() if a == "promoter" and b == "detractor")
    if lost:
        text += " " + ngettext("{n} promoter became a detractor.", "{n} promoters became detractors.", lost).format(
            n=number(lost)
        )
    return text.format(up=number(up), down=number(down), same=number(same), quiet=number(quiet))


def say_loyalty(loyalty: pd.DataFrame, *, currency: str = "JPY") -> str:
    """The two fields of the square that deceive: use without liking, and liking without use."""
    if loyalty.empty:
        return _("No account with revenue was asked, so there is no loyalty square.")
    field: Any = loyalty.set_index(["attitude", "behaviour"])
    spurious, latent = field.loc[("detractor", "much")], field.loc[("promoter", "little")]
    text = _(
        "In {wave}, detractors that use much: {a} ({a_mrr} of MRR); promoters that use little: {b} ({b_mrr})."
    ).format(
        wave=loyalty["wave"].iloc[0],
        a=sentences.accounts(spurious["accounts"]),
        a_mrr=money_short(spurious["mrr"], currency),
        b=sentences.accounts(latent["accounts"]),
        b_mrr=money_short(latent["mrr"], currency),
    )
    followed = loyalty[loyalty["estimate"].notna()]
    if followed.empty:
        return text
    stayed, asked = followed["kept"].sum(), followed["accounts"].sum()
    more = _("Still there a year later: {stayed} of {asked}.")
    return text + " " + more.format(asked=sentences.accounts(asked), stayed=number(stayed))


def say_follow_up(calls: pd.DataFrame, *, currency: str = "JPY") -> str:
    """How many to call, and how much MRR they hold."""
    if calls.empty:
        return _("Nobody needs a call: no detractor, and no large account that stayed silent.")
    parts = []
    texts = {
        "detractor": N_("{people} detractors in {accounts} ({mrr} of MRR)"),
        "no_answer": N_("{accounts}, large and silent ({mrr} of MRR)"),
    }
    for kind, text in texts.items():
        own = calls[calls["kind"] == kind]
        if len(own):
            each = own.drop_duplicates("account_id")
            parts.append(
                _(text).format(
                    people=number(len(own)),
                    accounts=sentences.accounts(len(each)),
                    mrr=money_short(each["mrr"].sum(), currency),
                )
            )
    soon = calls[calls["days_left"] <= 90]["account_id"].nunique()
    text = _("To call: {parts}.").format(parts=_("; ").join(parts))
    if soon:
        text += " " + ngettext(
            "For {n} of these accounts the contract ends within 90 days.",
            "For {n} of these accounts the contract ends within 90 days.",
            soon,
        ).format(n=number(soon))
    return text


def say_advocates(calls: pd.DataFrame, *, currency: str = "JPY") -> str:
    """How many could be asked for a reference."""
    if calls.empty:
        return _("Nobody to ask for a reference: no account with a promoter and without a detractor.")
    each = calls.drop_duplicates("account_id")
    text = _("To ask for a reference: promoters in {accounts} without a detractor ({mrr} of MRR).")
    return text.format(accounts=sentences.accounts(len(each)), mrr=money_short(each["mrr"].sum(), currency))


def say_themes(themes: pd.DataFrame) -> str:
    """What is written about most, and where the score is highest and lowest."""
    if themes.empty:
        return _("Nobody wrote a comment.")
    named = themes[themes["theme"] != OTHER]
    if named.empty:
        return _("No comment holds a word of any theme; the words are set in the client file.")
    most: Any = named.iloc[0]
    text = _("Written about most: {theme} ({n}, {share} of all).").format(
        theme=label(most["theme"], THEME_LABELS),
        n=comments(most["n"]),
        share=percent(most["share"]),
    )
    told = named[named["estimate"].notna()]
    if len(told) < 2:
        return text + " " + _("Too few comments to compare the scores of two themes.")
    low: Any = told.loc[told["estimate"].idxmin()]
    top: Any = told.loc[told["estimate"].idxmax()]
    more = _("NPS is lowest where the comment is about {low}, {low_value}, and highest about {top}, {top_value}.")
    return (
        text
        + " "
        + more.format(
            low=label(low["theme"], THEME_LABELS),
            low_value=points(low, comments(low["n"])),
            top=label(top["theme"], THEME_LABELS),
            top_value=points(top, comments(top["n"])),
        )
    )


def comments(n: float) -> str:
    """A count of comments."""
    return ngettext("{n} comment", "{n} comments", int(n)).format(n=number(n))


def changed(at: Difference | None, than: str) -> str:
    """A difference of scores in words."""
    if at is None:
        return sentences.change(None, None, None, than, "points")
    return sentences.change(at.estimate, at.low, at.high, than, "points")
