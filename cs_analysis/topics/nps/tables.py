"""The NPS tables as a page shows them: headings in the reader's language, scores and shares formatted."""

from __future__ import annotations

import pandas as pd

from cs_analysis.data import topic
from cs_analysis.display.html import Html, table
from cs_analysis.display.language import _
from cs_analysis.topics.nps import naming
from cs_analysis.topics.nps.answers import ANSWERS


def _headings() -> dict[str, str]:
    """One heading for each column name, everywhere."""
    return topic.headings() | {
        "wave": _("Wave"), "earlier": _("Wave before"), "weighting": _("Counted as"), "promoters": _("Promoters"),
        "passives": _("Passives"), "detractors": _("Detractors"), "invited": _("Asked"),
        "response_rate": _("Response rate"), "n_eff": _("Effective answers"), "difference": _("Gap, points"),
        "p_holm": _("p after Holm"), "detectable": _("Visible change"), "group_a": _("Higher"), "group_b": _("Lower"),
        "answer": _("Answer"), "churned": _("Left"), "ratio": _("Risk ratio"), "ratio_low": _("Ratio, low"),
        "ratio_high": _("Ratio, high"), "attitude": _("Says"), "behaviour": _("Does"), "kept": _("Still there"),
        "respondent": _("Person"), "role": _("Role"), "score": _("Score"), "comment": _("Comment"),
        "previous": _("Wave before"), "contract_end": _("Contract until"), "days_left": _("Days left"),
        "leaving": _("Notice given"), "theme": _("Theme"), "waves": _("Waves"),
    }  # fmt: skip


_SCORES = ("estimate", "low", "high", "difference", "detectable")
_RATES = ("response_rate", "share")


def _show(frame: pd.DataFrame, caption: str, name: str, *, rates: bool = False, currency: str = "JPY") -> Html:
    points = "percent" if rates else "points"
    formats = {c: points if c in _SCORES else "percent" if c in _RATES else "number" for c in frame.columns}
    formats |= {c: "number2" for c in ("p", "p_holm", "ratio", "ratio_low", "ratio_high") if c in frame}
    formats |= {c: "money" for c in ("mrr",) if c in frame}
    formats |= {c: "number1" for c in ("n_eff",) if c in frame}
    formats |= {c: "text" for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])}
    formats |= {c: "day" for c in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[c])}
    headings = {c: _headings().get(c) or topic.column_heading(c) for c in frame.columns}
    return table(frame, caption, name=name, labels=headings, formats=formats, currency=currency)


def table_score(score: pd.DataFrame, *, by: str = "") -> Html:
    """The score wave by wave, newest first; with ``by`` per group; with several weightings one row each."""
    ways = score["weighting"].nunique() > 1
    frame = score.sort_values("n", ascending=False, kind="stable") if by else score if ways else score.iloc[::-1]
    frame = frame.assign(
        weighting=naming.labels(frame["weighting"], naming.WEIGHTING_LABELS),
        group=naming.labels(frame["group"], naming.ROLE_LABELS),
    )
    columns = ["wave", *(["group"] if by else []), "weighting", "estimate", "low", "high", "n", "promoters", "passives",
               "detractors", "invited", "response_rate", "accounts", "n_eff"]  # fmt: skip
    caption = _("NPS by {column}").format(column=naming.column(by)) if by else _("NPS by wave")
    caption = _("One wave, counted in several ways") if ways else caption
    return _show(frame[columns], caption, f"score_{by}" if by else "weightings" if ways else "score")


def table_changes(changes: pd.DataFrame) -> Html:
    """Each wave beside the one before, newest first."""
    return _show(changes.iloc[::-1], _("Changes from wave to wave, points"), "changes")


def table_comparison(comparison: pd.DataFrame, *, by: str) -> Html:
    """The differences between groups."""
    frame = comparison.assign(
        group_a=naming.labels(comparison["group_a"], naming.ROLE_LABELS),
        group_b=naming.labels(comparison["group_b"], naming.ROLE_LABELS),
    )
    caption = _("Differences by {column}, points").format(column=naming.column(by))
    return _show(frame, caption, f"comparison_{by}")


def table_churn(link: pd.DataFrame) -> Html:
    """Who left within a year, by answer."""
    frame = link.assign(answer=naming.labels(link["answer"], naming.ANSWER_LABELS))
    return _show(frame, _("Left within twelve months, by answer"), "churn_link", rates=True)


def table_beside(beside: pd.DataFrame) -> Html:
    """NRR, stages and hours by answer, each in its own unit."""
    frame = beside.assign(
        measure=naming.labels(beside["measure"], naming.MEASURE_LABELS),
        answer=naming.labels(beside["answer"], naming.ANSWER_LABELS),
    )
    rate = beside["measure"] == "nrr"
    for column in ("estimate", "low", "high"):  # a rate is shown in per cent, as in the chart
        values = beside[column].astype(float)
        frame[column] = values.where(~rate, 100 * values)
    caption = _("NRR (%), success stages and hours, by the answer of a year ago")
    return _show(frame, caption, "beside")


def table_switches(switches: pd.DataFrame) -> Html:
    """What the same people said in two waves."""
    kinds = naming.labels(ANSWERS, naming.ANSWER_LABELS)
    wide = switches.pivot(index="from", columns="to", values="n") if len(switches) else pd.DataFrame()
    wide = wide.reindex(index=ANSWERS if len(switches) else [], columns=ANSWERS)
    frame = wide.set_axis(kinds, axis=1).reset_index(drop=True)
    frame.insert(0, "earlier", kinds[: len(frame)])
    return _show(frame, _("People by what they said in the wave before and in this one"), "switches")


def table_loyalty(loyalty: pd.DataFrame, *, currency: str = "JPY") -> Html:
    """The loyalty square as a list."""
    frame = loyalty.assign(
        attitude=naming.labels(loyalty["attitude"], naming.ANSWER_LABELS),
        behaviour=naming.labels(loyalty["behaviour"], naming.BEHAVIOUR_LABELS),
    )
    caption = _("Accounts by what they say and do, and the share still there a year later")
    return _show(frame, caption, "loyalty", rates=True, currency=currency)


def _calls(calls: pd.DataFrame, caption: str, name: str, *, accounts: pd.DataFrame, currency: str = "JPY") -> Html:
    known = topic.account_names(accounts)
    frame = calls.assign(
        account_name=calls["account_id"].map(lambda a: known.get(a, a)),
        kind=naming.labels(calls["kind"], naming.ANSWER_LABELS),
        role=["" if r is None or r != r else naming.label(r, naming.ROLE_LABELS) for r in calls["role"]],
        previous=["" if p is None or p != p else _(naming.ANSWER_LABELS[p]) for p in calls["previous"]],
        comment=["" if c is None or c != c else c for c in calls["comment"]],
        leaving=[_("yes") if gone else _("no") for gone in calls["leaving"]],
    )
    columns = ["account_id", "account_name", "respondent", "role", "kind", "score", "previous", "mrr", "contract_end",
               "days_left", "leaving", "comment"]  # fmt: skip
    return _show(frame[columns], caption, name, currency=currency)


def table_follow_up(calls: pd.DataFrame, *, accounts: pd.DataFrame, currency: str = "JPY") -> Html:
    """Whom to call, most MRR first."""
    return _calls(calls, _("Whom to call, most MRR first"), "follow_up", accounts=accounts, currency=currency)


def table_advocates(calls: pd.DataFrame, *, accounts: pd.DataFrame, currency: str = "JPY") -> Html:
    """Whom to ask for a reference, most MRR first."""
    caption = _("Whom to ask for a reference, most MRR first")
    return _calls(calls, caption, "advocates", accounts=accounts, currency=currency)


def table_themes(themes: pd.DataFrame) -> Html:
    """The themes with their scores."""
    frame = themes.assign(theme=naming.labels(themes["theme"], naming.THEME_LABELS))
    return _show(frame, _("Comments by theme"), "themes")


def table_comments(comments: pd.DataFrame, *, accounts: pd.DataFrame) -> Html:
    """Every comment with its score and themes, newest wave first, lowest score first."""
    known = topic.account_names(accounts)
    frame = comments.assign(
        account_name=comments["account_id"].map(lambda a: known.get(a, a)),
        theme=naming.labels(comments["theme"], naming.THEME_LABELS),
    )
    key = ["wave", "account_id", "respondent"]
    joined = frame.groupby(key, sort=False)["theme"].agg(_(", ").join) if len(frame) else frame.set_index(key)["theme"]
    once = frame.drop_duplicates(key).drop(columns="theme").merge(joined.rename("theme").reset_index(), on=key)
    return _show(
        once[["wave", "account_name", "respondent", "score", "comment", "theme"]],
        _("Comments with their scores"),
        "comments",
    )
