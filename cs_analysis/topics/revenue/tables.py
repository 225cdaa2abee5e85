"""The revenue tables as a page shows them: headings in the reader's language, amounts and rates formatted."""

from __future__ import annotations

import pandas as pd

from cs_analysis.data import topic
from cs_analysis.display.html import Html, table
from cs_analysis.display.language import _, labels, month
from cs_analysis.topics.revenue import words


def _headings() -> dict[str, str]:
    """One heading for each column name, everywhere."""
    return topic.headings() | {
        "opening": _("Opening"), "closing": _("Closing"), "complete": _("Complete"), "movement": _("Movement"),
        "opening_mrr": _("MRR at the start"), "closing_mrr": _("MRR at the end"), "definition": _("Definition"),
        "why": _("What it measures"), "cohort": _("Cohort"), "age": _("Age, months"), "cohorts": _("Cohorts"),
        "weighted_mean": _("Weighted mean"), "observed": _("Observed"), "mack_se": _("Standard error (Mack)"),
        "leaves": _("First day without"), "notice": _("Notice given"), "whole": _("Whole account"),
        "inside": _("Inside"), "withheld": _("Why no interval"),
        **{key: _(text)[:1].upper() + _(text)[1:] for key, text in words.MOVEMENT_LABELS.items()},
    }  # fmt: skip


def _show(frame: pd.DataFrame, caption: str, name: str, currency: str = "JPY", folded: bool = True) -> Html:
    money = {"opening", "closing", "amount", "mrr", "opening_mrr", "closing_mrr", *words.MOVEMENT_LABELS}
    rates = {"estimate", "low", "high", "weighted_mean", "observed", "mack_se", "nrr_without", "share"}
    formats = {c: "money" if c in money else "percent" if c in rates else "number" for c in frame.columns}
    formats |= {c: "text" for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])}
    formats |= {c: "day" for c in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[c])}
    headings = {c: _headings().get(c) or topic.column_name(c) for c in frame.columns}
    return table(frame, caption, name=name, labels=headings, formats=formats, currency=currency, folded=folded)


def table_bridge(bridge: pd.DataFrame, *, currency: str = "JPY") -> Html:
    """The bridge, newest month first."""
    known = bridge[bridge["closing"].notna()].iloc[::-1]
    frame = known.assign(
        month=[month(m) for m in known["month"]], complete=[_("yes") if c else _("no") for c in known["complete"]]
    )
    return _show(frame, _("MRR bridge by month"), "bridge", currency)


def table_movers(movers: pd.DataFrame, *, accounts: pd.DataFrame, currency: str = "JPY") -> Html:
    """The accounts behind the movements, newest month first."""
    names = topic.account_names(accounts)
    frame = movers.assign(
        account_name=movers["account_id"].map(lambda a: names.get(a, a)),
        movement=labels(movers["movement"], words.MOVEMENT_LABELS),
    )
    newest = frame.sort_values("month", ascending=False, kind="stable")
    newest = newest.assign(month=[month(m) for m in newest["month"]])
    columns = ["month", "account_id", "account_name", "movement", "amount"]
    return _show(newest[columns], _("Accounts that moved most, by month"), "movers", currency)


def table_retention(retention: pd.DataFrame, *, by: str = "", currency: str = "JPY") -> Html:
    """Retention by month (and group), newest first; with ``by`` the newest month only."""
    frame = retention[retention["month"] == retention["month"].max()] if by else retention
    frame = frame.sort_values("month", ascending=False, kind="stable")
    frame = frame.assign(
        month=[month(m) for m in frame["month"]],
        measure=labels(frame["measure"], words.MEASURE_LABELS),
        withheld=[words.why_no_interval(row) for _i, row in frame.iterrows()],
    )
    head = ["month", *([by] if by else []), "measure", "estimate", "low", "high", "n", "opening_mrr", "closing_mrr"]
    caption = _("Retention by {column}, newest month") if by else _("Retention by month")
    caption = caption.format(column=topic.column_name(by))
    return _show(frame[[*head, "withheld"]], caption, f"retention_{by}" if by else "retention", currency)


def table_definitions(definitions: pd.DataFrame) -> Html:
    """The namesakes of retention and why they differ."""
    frame = definitions.assign(definition=labels(definitions["definition"], words.DEFINITION_LABELS))
    return _show(frame, _("Definitions side by side"), "definitions")


def table_ending(ending: pd.DataFrame, *, accounts: pd.DataFrame, currency: str = "JPY") -> Html:
    """What ends on the as-of date or has been given notice of, largest first."""
    names = topic.account_names(accounts)
    frame = ending.sort_values("mrr", ascending=False, kind="stable").assign(
        account_name=lambda t: t["account_id"].map(lambda a: names.get(a, a)),
        notice=lambda t: [_("yes") if n else _("no") for n in t["notice"]],
        whole=lambda t: [_("yes") if w else _("no") for w in t["whole"]],
    )
    columns = ["account_id", "account_name", "leaves", "mrr", "notice", "whole"]
    return _show(frame[columns], _("Contracts that end or have been given notice of"), "ending", currency)


def table_cohorts(cohorts: pd.DataFrame, *, currency: str = "JPY") -> Html:
    """Cohorts by age, newest cohort first."""
    frame = cohorts[cohorts["whole"].astype(bool)].drop(columns="whole")
    frame = frame.assign(measure=labels(frame["measure"], words.MEASURE_LABELS))
    frame = frame.sort_values(["cohort", "measure", "age"], ascending=[False, True, True], kind="stable")
    return _show(frame, _("Cohorts by age"), "cohorts", currency)


def table_average(average: pd.DataFrame) -> Html:
    """All cohorts together by age."""
    frame = average.assign(measure=labels(average["measure"], words.MEASURE_LABELS))
    return _show(frame, _("All cohorts together by age"), "cohort_average")


def table_projection(projection: pd.DataFrame) -> Html:
    """Projected cells with their intervals."""
    return _show(projection.drop(columns="measure"), _("Projected NRR of open cohorts"), "projection")


def table_backtest(backtest: pd.DataFrame) -> Html:
    """What was projected with the newest months hidden, beside what came."""
    inside = ["" if i is None or i != i else _("yes") if i else _("no") for i in backtest["inside"]]
    return _show(backtest.assign(inside=inside), _("Back-test: projected then, observed since"), "backtest")


def table_expansion(rates: pd.DataFrame, *, currency: str = "JPY") -> Html:
    """Upsell, cross-sell and price rates."""
    frame = rates.assign(kind=labels(rates["kind"], words.KIND_LABELS))
    return _show(frame, _("Share of accounts that expanded, by kind"), "expansion_rates", currency)
