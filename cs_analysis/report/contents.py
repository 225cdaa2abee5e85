"""What the index page of a report shows, gathered from the tables that the notebooks wrote."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd

from cs_analysis.data.book import SAMPLE, Book
from cs_analysis.display.language import _, current, month, ngettext, number
from cs_analysis.report.frame import BRAND, PageContext
from cs_analysis.report.index import Card, write_index

_IMAGE_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".svg": "image/svg+xml"}
_TEXTS = ("metric", "label", "unit", "sentence", "note", "kind", "text", "account_id", "month")


def page_context(book: Book, workspace: Path | None, compare_to: date) -> PageContext:
    """What every page of a report has in common."""
    client = book.settings.client
    return PageContext(
        title=_("Monthly report"),
        client=client.name or (workspace.name if workspace else ""),
        lang=current(),
        as_of=book.as_of,
        period=_period(book),
        logo=_data_uri(book.settings.logo),
        brand_colour=client.brand_colour or BRAND,
        fingerprint=book.fingerprint[:12],
        currency=client.currency,
        compare_to=compare_to,
    )


def _period(book: Book) -> str:
    starts = book.contracts["start"].dropna()
    first = starts.min().date() if len(starts) else book.as_of
    first = max(first, book.observed_from) if book.observed_from else first
    return _("{first} – {last}").format(first=month(first), last=month(book.as_of))


def _data_uri(path: Path | None) -> str | None:
    if path is None:
        return None
    return f"data:{_IMAGE_TYPES[path.suffix.lower()]};base64,{base64.b64encode(path.read_bytes()).decode()}"


def write_contents(
    folder: Path, context: PageContext, book: Book, records: list[dict], monthly: Path | None = None
) -> None:
    """Write ``index.html`` from the tables under ``folder``.

    Parameters
    ----------
    folder
        The staged report.
    context
        Names and dates of the report.
    book
        The data, for its settings and its quality in one line.
    records
        One per notebook: name, title, status, reason.
    monthly
        Where the report will lie, if that is among the reports of other months: earlier ones are linked.
    """
    names = [record["name"] for record in records if record["status"] == "ok"]
    headlines = _gather(folder, names, "headline")
    findings = _gather(folder, names, "findings")
    trend = _gather(folder, names, "trend")
    write_index(
        folder / "index.html",
        context,
        headlines=_key_first(headlines, book.settings.report.key_metrics),
        findings=findings,
        cards=[_card(record, headlines, findings) for record in records],
        quality=_quality(book),
        trend=trend if len(trend) else None,
        reports=earlier_reports(monthly.parent, before=monthly.name) if monthly else [],
        warning=_(SAMPLE) if book.is_sample else "",
    )


def _gather(folder: Path, names: list[str], table: str) -> pd.DataFrame:
    """The table of that name of all notebooks, one below the other, with a column ``notebook``."""
    frames = []
    for name in names:
        path = folder / "tables" / name / f"{table}.csv"
        if path.is_file():
            frame = pd.read_csv(path, encoding="utf-8-sig", dtype=object, keep_default_na=False)
            for column in [column for column in frame if column not in _TEXTS]:
                frame[column] = pd.to_numeric(frame[column], errors="coerce")
            frames.append(frame.assign(notebook=name))
    full = [frame for frame in frames if len(frame)]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame({"notebook": []})


def _key_first(headlines: pd.DataFrame, metrics: list[str]) -> pd.DataFrame:
    """All rows, those of the key metrics first and in their order."""
    if "metric" not in headlines:
        return headlines
    place = {metric: i for i, metric in enumerate(metrics)}
    rows = headlines.drop_duplicates(subset=["metric"])
    return rows.sort_values(
        "metric", key=lambda column: column.map(lambda metric: place.get(metric, len(place))), kind="stable"
    ).reset_index(drop=True)


def _card(record: dict, headlines: pd.DataFrame, findings: pd.DataFrame) -> Card:
    name, title, status = record["name"], record["title"], record["status"]
    if status == "ok":
        return Card(name, title, status, _first_sentence(name, headlines, findings), f"{name}.html")
    if status == "failed":
        text = _("{reason} The notebook as far as it ran is {file}; mend the cause and run again.").format(
            reason=record["reason"], file=f"notebooks/{name}.ipynb"
        )
        return Card(name, title, status, text)
    return Card(name, title, status, record["reason"])


def _first_sentence(name: str, headlines: pd.DataFrame, findings: pd.DataFrame) -> str:
    for frame, column in ((headlines, "sentence"), (findings, "text")):
        if column in frame:
            said = [text for text in frame.loc[frame["notebook"] == name, column] if text]
            if said:
                return said[0]
    return ""


def _quality(book: Book) -> str:
    """The state of the data in one line."""
    read, used = (int(book.coverage[column].sum()) for column in ("rows_read", "rows_used"))
    warnings = int((book.problems["severity"] == "warning").sum())
    rows = ngettext(
        "{used} of {read} rows in {tables} table were used.",
        "{used} of {read} rows in {tables} tables were used.",
        len(book.coverage),
    ).format(used=number(used), read=number(read), tables=number(len(book.coverage)))
    if not warnings:
        return f"{rows} {_('Nothing was found wrong.')}"
    return f"{rows} " + ngettext("{count} warning.", "{count} warnings.", warnings).format(count=number(warnings))


def monthly_reports(folder: Path) -> list[tuple[str, date, dict]]:
    """The folder's name, the as-of date and ``run.json`` of the monthly reports in ``folder``, newest first."""
    found = []
    for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]/run.json"), reverse=True):
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
            found.append((path.parent.name, date.fromisoformat(run["as_of"]), run))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not a report of ours
    return found


def earlier_reports(folder: Path, *, before: str) -> list[tuple[str, str]]:
    """(label, link) of the reports of earlier months in ``folder``, newest first."""
    return [(month(day), f"../{name}/index.html") for name, day, _run in monthly_reports(folder) if name < before]


def write_listing(folder: Path, context: PageContext, key_metrics: list[str]) -> None:
    """Write ``reports/index.html``: a card for the report of each month there is, with its first key figure."""
    staged = folder / ".index.html.part"
    empty = pd.DataFrame({"notebook": []})
    reports = monthly_reports(folder)
    write_index(
        staged,
        replace(context, title=_("Reports"), as_of=reports[0][1], period="", fingerprint=""),
        headlines=empty,
        findings=empty,
        cards=[_month_card(folder, *report, key_metrics) for report in reports],
        quality="",
        heading=_("Reports by month"),
    )
    staged.replace(folder / "index.html")


def _month_card(folder: Path, name: str, as_of: date, run: dict, key_metrics: list[str]) -> Card:
    records = run.get("notebooks", [])
    failed = [record["name"] for record in records if record["status"] == "failed"]
    whole = [record["name"] for record in records if record["status"] == "ok"]
    headlines = _key_first(_gather(folder / name, whole, "headline"), key_metrics)
    said = [text for text in headlines["sentence"] if text] if "sentence" in headlines else []
    texts = [*said[:1], *([_("Failed: {notebooks}.").format(notebooks=", ".join(failed))] if failed else [])]
    return Card(name, month(as_of), "failed" if failed else "ok", " ".join(texts), f"{name}/index.html")
