"""The index of a report: what a reader sees first, from the ``headline``, ``findings`` and ``trend`` tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from cs_analysis.display import html, language, sentences
from cs_analysis.display.language import _, speaking
from cs_analysis.report.frame import PageContext, environment, frame

KEY_METRICS = 3
_MARKS = {1: ("▲", "up"), -1: ("▼", "down"), 0: ("＝", "same")}
_UNTOLD = ("?", "same")  # a difference without an interval is neither a clear change nor none


@dataclass(frozen=True)
class Card:
    """What the index says of one notebook.

    Parameters
    ----------
    name, title
        "04_nrr_cohorts" and its title in the reader's language.
    status
        "ok", "failed" or "skipped".
    text
        Its headline; for a failed one what failed and what to do; for a skipped one which file it needs.
    href
        Its page, or None.
    """

    name: str
    title: str
    status: str
    text: str
    href: str | None = None


def write_index(
    path: Path,
    context: PageContext,
    *,
    headlines: pd.DataFrame,
    findings: pd.DataFrame,
    cards: list[Card],
    quality: str,
    trend: pd.DataFrame | None = None,
    reports: Sequence[tuple[str, str]] = (),
    warning: str = "",
    heading: str = "",
) -> None:
    """Write the index: key metrics, findings by money, whom to call, a card per notebook, quality, earlier reports.

    Parameters
    ----------
    path
        The HTML file; its folder exists.
    headlines
        Rows of the ``headline`` table in order: the first three are shown large, the rest in a table.
    findings
        Rows of the ``findings`` table (rank, kind, text, money, account_id), optionally with ``notebook``: the name
        of the card to link to. Those with an account_id go under "Whom to call".
    cards
        One per notebook, in order.
    quality
        Data quality in one line.
    trend
        metric, month, estimate: a small line under its key metric from three months on.
    reports
        (label, address) of earlier reports.
    warning
        A sentence that stands above everything else.
    heading
        What stands above the cards; default "In detail".
    """
    with speaking(context.lang):
        pages = {card.name: card for card in cards}
        rows: list[Any] = headlines.to_dict("records")
        body = (
            environment()
            .get_template("index.html.j2")
            .render(
                warning=Markup(html.say(warning, kind="warning").html) if warning else None,
                metrics=[_metric(row, context, trend) for row in rows[:KEY_METRICS]],
                others=_all_figures(headlines, context) if len(rows) > KEY_METRICS else "",
                findings=_findings(_without_account(findings), pages, context),
                calls=_calls(findings, context),
                cards=[_card(card) | {"row": row} for card, row in zip(cards, rows_of(len(cards)), strict=True)],
                quality=quality,
                quality_href=pages["00_data_check"].href if "00_data_check" in pages else None,
                reports=reports,
                words={
                    "figures": _("Key figures"),
                    "findings": _("What happened, by money at stake"),
                    "calls": _("Whom to call"),
                    "detail": heading or _("In detail"),
                    "quality": _("Data quality"),
                    "quality_link": _("Data check"),
                    "earlier": _("Earlier reports"),
                },
            )
        )
        text = frame(context, kind="index", title=context.title, body=body, contents=[], has_code=False, home=None)
    Path(path).write_text(text, encoding="utf-8", newline="\n")


def rows_of(cards: int) -> list[int]:
    """How many cards share each card's row: at most three, rows as even as can be and the fuller ones first.

    >>> rows_of(2), rows_of(5), rows_of(7)
    ([2, 2], [3, 3, 3, 2, 2], [3, 3, 3, 2, 2, 2, 2])
    """
    rows = -(-cards // 3)
    sizes = [(cards - row - 1) // rows + 1 for row in range(rows)]
    return [size for size in sizes for _card in range(size)]


def _number(value: Any) -> float | None:
    """A cell of a table as a number; empty, text and missing are None."""
    number = _numbers(value)
    return float(number) if sentences.known(number) else None


def _numbers(values: Any) -> Any:
    return pd.to_numeric(values, errors="coerce")


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)


def _metric(row: dict[str, Any], context: PageContext, trend: pd.DataFrame | None) -> dict[str, Any]:
    unit = _text(row.get("unit")) or "rate"
    value, low, high = (_number(row.get(c)) for c in ("value", "low", "high"))
    whole = sentences.figure(value, unit, context.currency)
    digits, rest = re.fullmatch(r"(\D*[\d.,]*)(.*)", whole, re.DOTALL).groups()  # type: ignore[union-attr]
    n = _number(row.get("n"))
    withheld = sentences.known(value) and not sentences.known(low, high)
    sure = [_("no interval") if withheld else sentences.interval(low, high, unit, context.currency)]
    if n is not None:
        sure.append(sentences.answers(n) if unit == "points" else sentences.accounts(n))
    return {
        "label": _text(row.get("label")) or _text(row.get("metric")),
        "number": digits.strip(),
        "unit": rest.strip(),
        "sure": " · ".join(part for part in sure if part),
        "note": _text(row.get("note")),
        "changes": _changes(row, unit, context) if sentences.known(value) else [],
        "spark": _spark(trend, _text(row.get("metric")), unit, context),
    }


def _changes(row: dict[str, Any], unit: str, context: PageContext) -> list[dict[str, str]]:
    """The change on the earlier month and on the same month last year, in words, with what the figure was then."""
    year_ago = context.as_of.replace(day=1, year=context.as_of.year - 1)
    said = []
    for prefix, column, day in (("previous", "previous", context.compared_with()), ("year", "year_ago", year_ago)):
        difference, low, high = (_number(row.get(f"{prefix}_{c}")) for c in ("change", "low", "high"))
        then = _number(row.get(column))
        if difference is None and then is None:
            continue
        told = not difference or sentences.known(low, high)
        mark, css = _MARKS[sentences.direction(difference, low, high)] if told else _UNTOLD
        words = sentences.change_words(
            difference or 0.0, low, high, language.month(day), unit, currency=context.currency
        )
        aside = [sentences.difference_words(low, high, unit, currency=context.currency)] if css != "same" else []
        if then is not None:
            aside.append(_("then {value}").format(value=sentences.figure(then, unit, context.currency)))
        said.append({"mark": mark, "css": css, "words": words, "then": " · ".join(a for a in aside if a)})
    return said


def _spark(trend: pd.DataFrame | None, metric: str, unit: str, context: PageContext) -> dict[str, Any] | None:
    """A line over the months, 100 × 40 units, with its first and last value in words."""
    if trend is None or not len(trend):
        return None
    own: Any = trend[trend["metric"] == metric].copy()
    own["estimate"] = _numbers(own["estimate"])
    own = own[own["estimate"].notna()].sort_values("month")
    values = own["estimate"].tolist()
    if len(values) < 3:
        return None
    low, high = min(values), max(values)
    scale = 32 / (high - low) if high > low else 0.0
    points = [(100 * i / (len(values) - 1), 36 - (v - low) * scale) for i, v in enumerate(values)]
    path = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
    months = [language.month(m) for m in (own["month"].iloc[0], own["month"].iloc[-1])]
    first, last, least, most = (sentences.figure(v, unit, context.currency) for v in (values[0], values[-1], low, high))
    alt = _("{first} in {start}, {last} in {end}; between {low} and {high} over {n} months.").format(
        first=first, start=months[0], last=last, end=months[1], low=least, high=most, n=language.number(len(values))
    )
    return {
        "path": path,
        "dot": f"M{points[-1][0]:.2f} {points[-1][1]:.2f}h0",
        "base": f"{points[0][1]:.2f}",
        "ends": list(zip(months, (first, last), strict=True)),
        "alt": alt,
    }


def _all_figures(rows: pd.DataFrame, context: PageContext) -> Markup:
    """Every key figure in one table, those shown large among them."""
    shown = []
    for row in rows.to_dict("records"):
        unit = _text(row.get("unit")) or "rate"
        value, low, high = (_number(row.get(c)) for c in ("value", "low", "high"))
        sure = sentences.known(low, high) and low != high
        shown.append(
            {
                "figure": _text(row.get("label")) or _text(row.get("metric")),
                "value": sentences.figure(value, unit, context.currency),
                "interval": sentences.span(low, high, unit, context.currency) if sure else language.MISSING,  # type: ignore[arg-type]
                "n": language.number(_number(row.get("n"))),
            }
        )
    labels = {"figure": _("Figure"), "value": _("Value"), "interval": _("95 % interval"), "n": _("Accounts")}
    formats = {"value": "figure", "interval": "figure", "n": "figure"}
    frame = pd.DataFrame(shown)
    return Markup(html.table(frame, _("All key figures"), labels=labels, formats=formats, name="headline").html)


def _by_money(findings: pd.DataFrame) -> pd.DataFrame:
    """Findings with the most money first; those without a sum after them, in their own rank."""
    if not len(findings):
        return findings
    sums = _numbers(findings["money"]).abs() if "money" in findings else 0.0
    rank = _numbers(findings["rank"]) if "rank" in findings else range(len(findings))
    ordered = findings.assign(_sum=sums, _rank=rank)
    return ordered.sort_values(["_sum", "_rank"], ascending=[False, True], na_position="last", kind="stable")


def _has_account(findings: pd.DataFrame) -> list[bool]:
    if "account_id" not in findings:
        return [False] * len(findings)
    return [bool(_text(v).strip()) for v in findings["account_id"]]


def _without_account(findings: pd.DataFrame) -> pd.DataFrame:
    return findings.loc[[not own for own in _has_account(findings)]]


def _findings(findings: pd.DataFrame, pages: dict[str, Card], context: PageContext) -> list[dict[str, Any]]:
    said = []
    for row in _by_money(findings).to_dict("records"):
        card = pages.get(_text(row.get("notebook")))
        money = _number(row.get("money"))
        said.append(
            {
                "text": _text(row.get("text")),
                "money": language.money_short(money, context.currency) if money else "",
                "href": card.href if card else None,
                "source": card.title if card else "",
            }
        )
    return said


def _calls(findings: pd.DataFrame, context: PageContext) -> Markup | None:
    own = _has_account(findings)
    if not any(own):
        return None
    rows = _by_money(findings.loc[own])
    shown = pd.DataFrame(
        {
            "account": rows["account_id"].astype(str),
            "why": rows["text"].map(_text),
            "money": _numbers(rows["money"]),
        }
    )
    labels = {"account": _("Account"), "why": _("Why"), "money": _("Money at stake")}
    table = html.table(
        shown,
        _("Whom to call, by money at stake"),
        labels=labels,
        formats={"account": "text", "why": "text", "money": "money"},
        limit=20,
        folded=False,
        name="whom_to_call",
        currency=context.currency,
    )
    return Markup(f'<div class="calls">{table.html}</div>')


def _card(card: Card) -> dict[str, Any]:
    mark, word = {
        "ok": ("✓", _("ok")),
        "failed": ("!", _("failed")),
        "skipped": ("…", _("needs a file")),
    }[card.status]
    return {
        "title": card.title,
        "status": card.status,
        "text": card.text,
        "href": card.href,
        "mark": mark,
        "word": word,
    }
