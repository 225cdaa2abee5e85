"""The small company whose files are broken in so many ways, and what a case says must come of it.

Three accounts and three contracts. C2 ends on 30 September 2024 and C3 begins the day after: the totals are 300,000 a
month on 30 June and 400,000 on 31 October 2024. Every accepted file must give exactly these, whatever it looks like.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

AS_OF = "2024-10-31"
TOTALS = {"2024-06-30": 300_000.0, "2024-10-31": 400_000.0}
NAMES = {"A1": "青空商事", "A2": "海山", "A3": "㈱星野"}

Rows = Sequence[Sequence[object]]
ACCOUNTS: Rows = (("顧客ID", "顧客名"), *NAMES.items())
HEADER = ("契約ID", "顧客ID", "商品", "開始日", "終了日", "月額")
LINES: Rows = (
    ("C1", "A1", "Std", "2024-01-01", "", "100000"),
    ("C2", "A2", "Std", "2024-02-01", "2024-09-30", "200000"),
    ("C3", "A3", "Pro", "2024-10-01", "", "300000"),
)
CONTRACTS: Rows = (HEADER, *LINES)

# severity, file, sheet, row (0 = the table as a whole), column
Finding = tuple[str, str, str, int, str]


@dataclass(frozen=True)
class Case:
    """A folder to be made, and its outcome.

    Accepted when `errors` and `refused` are empty: then `totals` and `names` hold, and `warnings` and `notes` are all
    that is said. `errors` are all the errors of a check; `refused` are words of the one sentence that ends the reading.
    """

    name: str
    make: Callable[[Path], None]
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    said: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    totals: dict[str, float] = field(default_factory=lambda: dict(TOTALS))
    names: dict[str, str] = field(default_factory=lambda: dict(NAMES))
    used: dict[str, int] = field(default_factory=dict)


def text_of(rows: Rows, delimiter: str = ",", end: str = "\r\n") -> str:
    """Rows as a delimited text, quoted where need be."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows(rows)
    return out.getvalue()


def changed(row: int, column: str, value: object, rows: Rows = CONTRACTS) -> list[list[object]]:
    """The rows with one cell changed; `row` is the row number that Excel shows."""
    out = [list(r) for r in rows]
    out[row - 1][list(rows[0]).index(column)] = value
    return out


def texts(
    accounts: str | bytes | None = None,
    contracts: str | bytes | None = None,
    config: str = "",
    encoding: str = "utf-8",
    **others: str,
) -> Callable[[Path], None]:
    """A folder of CSV files; what is not given is sound."""

    def make(folder: Path) -> None:
        files: dict[str, str | bytes] = {
            "accounts": text_of(ACCOUNTS) if accounts is None else accounts,
            "contracts": text_of(CONTRACTS) if contracts is None else contracts,
            **others,
        }
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode(encoding)
            (folder / f"{name}.csv").write_bytes(data)
        if config:
            (folder / "cs-analysis.toml").write_text(config, encoding="utf-8")

    return make
