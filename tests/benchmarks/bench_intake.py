"""How long a client's files take from the disk to the end of the check, and how much memory.

    uv run python tests/benchmarks/bench_intake.py               # both
    uv run python tests/benchmarks/bench_intake.py excel         # 100,000 rows of Excel: under 3 s and 300 MB
    uv run python tests/benchmarks/bench_intake.py csv           # 1 GB of time entries through DuckDB: under 1 GB
    uv run python tests/benchmarks/bench_intake.py csv 100       # the same with 100 MB

Each is a process of its own: what is measured is its wall time from the first import on, and its peak resident memory.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXCEL_ROWS, EXCEL_SECONDS, EXCEL_MB = 100_000, 3.0, 300
CSV_MB, CSV_PEAK_MB = 1000, 1000
ACCOUNTS = 2000
AS_OF = "2026-09-30"


def make_excel(folder: Path) -> None:
    """2,000 accounts and 98,000 time entries in a workbook, with dates as dates."""
    from datetime import date, timedelta

    import xlsxwriter

    book = xlsxwriter.Workbook(
        str(folder / "client.xlsx"), {"constant_memory": False, "default_date_format": "yyyy/m/d"}
    )
    accounts = book.add_worksheet("顧客")
    accounts.write_row(0, 0, ["顧客ID", "顧客名", "区分", "契約開始日", "月額"])
    for i in range(ACCOUNTS):
        accounts.write_row(i + 1, 0, [f"A{i:05}", f"株式会社{i}", ("SMB", "Enterprise")[i % 2]])
        accounts.write_datetime(i + 1, 3, date(2022, 1, 1) + timedelta(days=i % 900))
        accounts.write_number(i + 1, 4, 50_000 + i % 97 * 1000)
    hours = book.add_worksheet("工数")
    hours.write_row(0, 0, ["日付", "担当者", "顧客ID", "フェーズ", "作業区分", "工数"])
    for i in range(EXCEL_ROWS - ACCOUNTS):
        hours.write_datetime(i + 1, 0, date(2024, 1, 1) + timedelta(days=i % 1000))
        hours.write_row(
            i + 1, 1, [f"担当{i % 23}", f"A{i * 7 % ACCOUNTS:05}", "運用", f"作業{i % 11}", i % 17 / 4 + 0.25]
        )
    book.close()


def make_csv(folder: Path, megabytes: int) -> None:
    """Time entries of so many megabytes, written by DuckDB, and the accounts that they name."""
    import duckdb

    rows = int(megabytes * 1_000_000 / 47)
    duckdb.sql(f"""
        copy (select 'A' || lpad(i::text, 5, '0') as account_id, '株式会社' || i as account_name,
                     date '2022-01-01' + (i % 900)::int as contract_start, 50000 + i % 97 * 1000 as mrr
              from range({ACCOUNTS}) t(i)) to '{folder / "accounts.csv"}' (header);
        copy (select date '2024-01-01' + (i % 1000)::int as date, '担当' || i % 230 as csm,
                     'A' || lpad((i * 7 % {ACCOUNTS})::text, 5, '0') as account_id, '運用' as phase,
                     '作業' || i % 11 as task, i % 17 / 4 + 0.25 as hours
              from range({rows}) t(i)) to '{folder / "time_entries.csv"}' (header);
    """)


def measure(engine: str, folder: str) -> None:
    """Load a folder in this process and print seconds and megabytes."""
    began = time.perf_counter()
    import cs_analysis as cs

    imported = time.perf_counter()
    book = cs.load(folder, as_of=AS_OF, engine=engine)
    ended = time.perf_counter()
    rows = int(book.coverage["rows_used"].sum())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{rows} {imported - began:.2f} {ended - imported:.2f} {peak:.0f}")


def run(engine: str, folder: Path) -> tuple[int, float, float, float]:
    out = subprocess.run(
        [sys.executable, __file__, "--measure", engine, str(folder)], check=True, capture_output=True, text=True
    )
    rows, imports, seconds, peak = out.stdout.split()
    print(
        f"{engine}: {int(rows):,} rows used in {seconds} s (after {imports} s of imports), peak {peak} MB", flush=True
    )
    return int(rows), float(imports), float(seconds), float(peak)


def excel() -> bool:
    with tempfile.TemporaryDirectory() as place:
        make_excel(Path(place))
        _rows, _imports, seconds, peak = run("pandas", Path(place))
    return seconds < EXCEL_SECONDS and peak < EXCEL_MB


def csv(megabytes: int = CSV_MB) -> bool:
    with tempfile.TemporaryDirectory() as place:
        make_csv(Path(place), megabytes)
        size = (Path(place) / "time_entries.csv").stat().st_size / 1e6
        print(f"time_entries.csv: {size:,.0f} MB", flush=True)
        *_rest, peak = run("duckdb", Path(place))
    return peak < CSV_PEAK_MB


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--measure"]:
        measure(*arguments[1:])
        return 0
    passed = []
    if arguments[:1] != ["csv"]:
        passed.append(excel())
    if arguments[:1] != ["excel"]:
        passed.append(csv(*map(int, arguments[1:])))
    print("within the limits" if all(passed) else "over the limits")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
