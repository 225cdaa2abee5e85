"""Put a sample company on disk: one file per table, its truth, and a client file to run it with."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import pandas as pd

from cs_analysis.data.sample.parameters import STAGES
from cs_analysis.errors import N_, InputError

if TYPE_CHECKING:
    from cs_analysis.data.sample import Sample

Format = Literal["csv", "xlsx", "parquet"]
FORMATS = ("csv", "xlsx", "parquet")
_SHEET_ROWS = 1_048_575  # below the header
_WRITTEN = datetime(2026, 1, 1)  # a fixed date: the same company gives the same bytes

_CLIENT_FILE = """\
# The sample company. Its truth is in truth.json.

[client]
name = "Midori Software"
currency = "JPY"
fiscal_year_start = 4

[money]
gross_margin = 0.8
hourly_cost = 5500
discount_rate = 0.08

[rules]
observed_from = {observed_from}
notice_period = 75
fixed_columns = [{fixed_columns}]

[report]
key_metrics = ["nrr", "grr", "logo_retention"]
segment_by = ["segment"]

[stages]
ladder = [{stages}]

[[alerts]]
name = "Wants more"
table = "activities"
column = "text"
words = ["アップセル", "見積もり", "要望"]
within_days = 30
action = "Prepare an offer"

[[alerts]]
name = "Unhappy answer"
table = "survey_responses"
column = "score"
comparison = "<="
value = 4
within_days = 90
action = "Call the respondent"
"""


def write_sample(sample: Sample, out_dir: str | Path, format: Format = "csv") -> Path:
    """Write a sample company into a folder (made if it is not there) and return the folder.

    Parameters
    ----------
    sample
        What :func:`make_sample` made.
    out_dir
        Gets one file per table (``xlsx``: one workbook ``sample.xlsx`` with one sheet per table), ``truth.json`` and
        ``cs-analysis.toml``. The same sample gives the same bytes.
    format
        "csv" (UTF-8 with BOM, days ISO), "xlsx" or "parquet".

    Raises
    ------
    InputError
        The format is not known, or a table is too long for a sheet.
    """
    if format not in FORMATS:
        raise InputError(
            N_("The format {format} is not known; choose {choices}."), format=format, choices=" / ".join(FORMATS)
        )
    out = Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    if format == "xlsx":
        _write_workbook(sample.tables, out / "sample.xlsx")
    for name, frame in sample.tables.items():
        if format == "csv":
            frame.to_csv(
                out / f"{name}.csv", index=False, encoding="utf-8-sig", lineterminator="\n", date_format="%Y-%m-%d"
            )
        elif format == "parquet":
            frame.to_parquet(out / f"{name}.parquet", index=False)
    _write_text(out / "truth.json", json.dumps(sample.truth, ensure_ascii=False, indent=1) + "\n")
    _write_text(out / "cs-analysis.toml", client_file(sample))
    return out


def client_file(sample: Sample) -> str:
    """The text of the client file that suits a sample company."""
    about = sample.truth["about"]
    return _CLIENT_FILE.format(
        observed_from=about["observed_from"],
        fixed_columns=", ".join(f'"{name}"' for name in about["fixed_columns"]),
        stages=", ".join(f'"{stage}"' for stage in STAGES),
    )


def _write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode())


def _write_workbook(tables: dict[str, pd.DataFrame], path: Path) -> None:
    import xlsxwriter  # only this format needs it

    for name, frame in tables.items():
        if len(frame) > _SHEET_ROWS:
            raise InputError(
                N_("The table {table} has {rows} rows and a sheet holds {limit}; choose the format csv or parquet."),
                table=name,
                rows=len(frame),
                limit=_SHEET_ROWS,
            )
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": _WRITTEN})
        day, head = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"bold": True})
        for name, frame in tables.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, max(len(frame.columns) - 1, 0), 16)
            sheet.write_row(0, 0, list(frame.columns), head)
            for number, row in enumerate(frame.itertuples(index=False), start=1):
                for column, value in enumerate(cast(tuple, row)):
                    if isinstance(value, pd.Timestamp):
                        sheet.write_datetime(number, column, value.to_pydatetime(), day)
                    elif not pd.isna(value):
                        sheet.write(number, column, value)
