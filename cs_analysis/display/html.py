"""Data into HTML: the only way by which a value reaches a page, so that a name like ``<script>`` is shown as it is."""

from __future__ import annotations

import base64
import csv
import html
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pandas as pd
from pandas.api import types

from cs_analysis.display import language
from cs_analysis.display.language import MISSING, _, ngettext

_DOWNLOAD_LIMIT = 200_000  # bytes of CSV that a page carries along
# For JupyterLab, which has no style sheet of ours; pages leave it out
PLAIN_STYLE = (
    "<style>:where(.cs-table) td.n,:where(.cs-table) th.n{text-align:right;font-variant-numeric:tabular-nums}"
    ":where(.cs-table) td,:where(.cs-table) th{text-align:left}</style>"
)


@dataclass(frozen=True)
class Html:
    """A piece of a page: ``html`` for the browser, ``text`` for a terminal; both made by this module."""

    html: str
    text: str = field(default="", repr=False)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __str__(self) -> str:
        return self.text


def escape(text: object) -> str:
    """Text made safe for HTML, quotes included.

    >>> escape("<b>'x' & y")
    '&lt;b&gt;&#x27;x&#x27; &amp; y'
    """
    return html.escape(str(text), quote=True)


def say(*sentences: str, kind: str = "") -> Html:
    """Computed sentences: one becomes a paragraph, several a list; empty and repeated ones are left out.

    Parameters
    ----------
    *sentences
        Plain text in the reader's language; markup in it is shown, not obeyed.
    kind
        "" (a finding), "lead" (what opens a page), "warning" or "note".

    Returns
    -------
    Html
        Shown by a notebook as the last value of a cell.

    Examples
    --------
    >>> say("NRR is 104.2 %.").html
    '<p class="finding">NRR is 104.2 %.</p>'
    >>> say("A <b>", "B").text
    '• A <b>\\n• B'
    """
    kept = list(dict.fromkeys(str(s) for s in sentences if s))
    css = "finding" if not kind else f"finding {escape(kind)}"
    if not kept:
        return Html("", "")
    role = ' role="note"' if kind == "warning" else ""
    if len(kept) == 1:
        return Html(f'<p class="{css}"{role}>{escape(kept[0])}</p>', kept[0])
    items = "".join(f"<li>{escape(s)}</li>" for s in kept)
    return Html(f'<ul class="{css}"{role}>{items}</ul>', "\n".join("• " + s for s in kept))


def join(*parts: Html | str) -> Html:
    """Several pieces under each other; plain strings are taken as sentences.

    >>> join(say("A"), "B").text
    'A\\nB'
    """
    pieces = [part if isinstance(part, Html) else say(part) for part in parts if part]
    return Html("\n".join(p.html for p in pieces), "\n".join(p.text for p in pieces))


def table(
    frame: pd.DataFrame,
    caption: str,
    *,
    name: str = "",
    labels: Mapping[str, str] | None = None,
    formats: Mapping[str, str] | None = None,
    limit: int = 200,
    folded: bool = True,
    currency: str = "JPY",
    download: pd.DataFrame | None = None,
) -> Html:
    """A frame as an accessible table, folded under its caption, with its CSV to download.

    Parameters
    ----------
    frame
        Tidy; rates are fractions, money in units of ``currency``.
    caption
        What the rows are, in the reader's language.
    name
        Name of the CSV file; "" takes "table".
    labels
        Column → heading; columns without one keep their key.
    formats
        Column → "percent" (a fraction), "rate_points" (a difference of fractions, shown in points), "points"
        (already in points, as NPS is), "money", "number", "number1", "number2", "day", "month", "figure" (words
        that are a figure already: "¥31.3 million", "96.9–110.5 %") or "text".
        Without one: dates as days, whole numbers plain, other numbers with two decimals.
    limit
        Rows shown; the download holds all.
    folded
        Whether the table opens only on a click.
    currency
        Named once above the table when a column is money.
    download
        What the CSV holds, where that is more than is shown.

    Returns
    -------
    Html

    Examples
    --------
    >>> print(table(pd.DataFrame({"nrr": [1.042]}), "Retention", formats={"nrr": "percent"}))
    Retention (1 row)
        nrr
    104.2 %
    """
    labels, formats = labels or {}, formats or {}
    kinds = {str(c): formats.get(str(c)) or _kind(frame[c]) for c in frame.columns}
    shown = frame.head(limit)
    divisor, unit = _money_unit(frame[[c for c, k in kinds.items() if k == "money"]], currency)
    cells = {c: [_cell(v, k, currency, divisor) for v in shown[c]] for c, k in kinds.items()}
    headings = {c: labels.get(c, c) for c in kinds}
    count = ngettext("{n} row", "{n} rows", len(frame)).format(n=language.number(len(frame)))
    title = _("{caption} ({count})").format(caption=caption, count=count)
    body = _grid(title, headings, kinds, cells, len(shown))
    foot = _foot(frame if download is None else download, name or "table", len(shown))
    note = f'<p class="unit">{escape(unit)}</p>' if unit else ""
    inside = f'{note}<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">{body}</div>{foot}'
    if folded:
        css = "table short" if 0 < len(frame) <= _SHORT else "table"  # short ones are open on paper
        markup = f'<details class="{css}"><summary>{escape(title)}</summary>{inside}</details>'
    else:
        markup = f'<div class="table">{inside}</div>'
    text = (
        pd.DataFrame({headings[c]: values for c, values in cells.items()}).to_string(index=False) if len(shown) else ""
    )
    return Html(PLAIN_STYLE + markup, f"{title}\n{text}".rstrip())


_CLASSES = {"text": "", "day": ' class="d"', "month": ' class="d"'}
_SHORT = 15  # rows
_WIDE = 10  # columns
_LONG = 32  # characters from which a row's name may wrap
_FIGURE = 14  # widths of a letter from which a figure in words may wrap
_WRAPPED = ' class="n w"'


def _grid(title: str, headings: dict[str, str], kinds: dict[str, str], cells: dict[str, list[str]], rows: int) -> str:
    css = {c: _CLASSES.get(kind, ' class="n"') for c, kind in kinds.items()}
    first = next(iter(cells), "")
    if css.get(first) == "" and max(map(len, cells[first]), default=0) <= _LONG:
        css[first] = ' class="d"'
    head = "".join(f'<th scope="col"{css[c]}>{escape(h)}</th>' for c, h in headings.items())
    lines = []
    for i in range(rows):
        parts = []
        for position, (c, values) in enumerate(cells.items()):
            if position == 0:
                parts.append(f'<th scope="row"{css[c]}>{escape(values[i])}</th>')
            else:
                long = kinds[c] == "figure" and _width(values[i]) > _FIGURE
                parts.append(f"<td{_WRAPPED if long else css[c]}>{escape(values[i])}</td>")
        lines.append(f"<tr>{''.join(parts)}</tr>")
    css_table = "cs-table wide" if len(cells) > _WIDE else "cs-table"  # paper lets a wide one break inside words
    return (
        f'<table class="{css_table}"><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _width(text: str) -> int:
    """How many letters wide a text is; Japanese ones count twice."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


def _foot(frame: pd.DataFrame, name: str, shown: int) -> str:
    parts = []
    if shown < len(frame):
        words = _("The first {shown} of {total} rows are shown; the CSV file holds them all.")
        parts.append(escape(words.format(shown=language.number(shown), total=language.number(len(frame)))))
    data = _csv(frame)
    if data is not None and len(frame):
        href = "data:text/csv;charset=utf-8;base64," + base64.b64encode(data).decode("ascii")
        words = _("Download {file}").format(file=f"{name}.csv")
        parts.append(f'<a class="download" download="{escape(name)}.csv" href="{href}">{escape(words)}</a>')
    return f'<p class="table-foot">{" ".join(parts)}</p>' if parts else ""


def _csv(frame: pd.DataFrame) -> bytes | None:
    """The frame as UTF-8 CSV with BOM (Excel needs it), or None when too large to carry."""
    if len(frame) * max(1, len(frame.columns)) > _DOWNLOAD_LIMIT // 2:
        return None
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([str(c) for c in frame.columns])
    months = {c for c in frame.columns if _is_month(frame[c], str(c))}
    for row in frame.itertuples(index=False, name=None):
        writer.writerow([_raw(v, c in months) for c, v in zip(frame.columns, row, strict=True)])
    data = buffer.getvalue().encode("utf-8-sig")
    return data if len(data) <= _DOWNLOAD_LIMIT else None


def _is_month(values: Any, name: str) -> bool:
    return types.is_datetime64_any_dtype(values) and (name in ("month", "cohort") or name.endswith("_month"))


def _raw(value: object, as_month: bool) -> str:
    if _missing(value):
        return ""
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m" if as_month else "%Y-%m-%d")
    if isinstance(value, float):
        return repr(float(value)).removesuffix(".0")
    return str(value)


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _kind(values: Any) -> str:
    if types.is_datetime64_any_dtype(values):
        return "month" if _is_month(values, str(values.name)) else "day"
    if types.is_bool_dtype(values) or not types.is_numeric_dtype(values):
        return "text"
    known = values.dropna()
    return "number" if (known == known.round()).all() else "number2"


_NUMBERS: dict[str, Callable[[float], str]] = {
    "percent": lambda v: language.percent(v),
    "points": lambda v: language.number(v, 1),
    "rate_points": lambda v: language.number(100 * v, 1),
    "number": lambda v: language.number(v),
    "number1": lambda v: language.number(v, 1),
    "number2": lambda v: language.number(v, 2),
}


def _cell(value: object, kind: str, currency: str, divisor: int) -> str:
    """One value as the reader sees it; Japanese tables mark a negative by △."""
    if _missing(value):
        return MISSING
    if kind == "day":
        return language.day(value) if isinstance(value, datetime | date) else str(value)
    if kind == "month":
        return language.month(value) if isinstance(value, datetime | date | str) else str(value)
    if kind == "money":
        text = language.number(float(value) / divisor, 0 if currency in ("JPY", "KRW") else 2)  # type: ignore[arg-type]
    elif kind in _NUMBERS:
        text = _NUMBERS[kind](float(value))  # type: ignore[arg-type]
    elif kind == "figure":
        text = str(value)
    else:
        return str(value)
    return text.replace("−", "△") if language.current() == "ja" else text


def _money_unit(amounts: Any, currency: str) -> tuple[int, str]:
    """By what the money of a table is divided, and the note that says so; Japanese readers expect thousands of yen."""
    if not len(amounts.columns):
        return 1, ""
    largest = float(amounts.abs().max().max()) if len(amounts) else 0.0
    if language.current() == "ja" and currency == "JPY" and largest >= 100_000:
        return 1000, _("Unit: thousand yen")
    words = {"JPY": _("Unit: yen"), "USD": _("Unit: US dollars"), "EUR": _("Unit: euros")}
    return 1, words.get(currency) or _("Unit: {currency}").format(currency=currency)
