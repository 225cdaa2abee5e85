"""Parquet files, whose rows are those of people all the same: totals, repeated columns, bytes for text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.company import HEADER, LINES, Case, Rows, texts


def parquet(rows: Rows = LINES, header: tuple[str, ...] = HEADER, **columns: Any) -> Callable[[Path], None]:
    """The contracts as a Parquet file of texts; `columns` are other arrays for some of them."""

    def make(folder: Path) -> None:
        texts()(folder)
        (folder / "contracts.csv").unlink()
        arrays = [columns.get(name, pa.array([str(row[i]) for row in rows])) for i, name in enumerate(header)]
        pq.write_table(pa.Table.from_arrays(arrays, names=list(header)), folder / "contracts.parquet")

    return make


CASES = [
    Case("a Parquet file of texts", parquet()),
    Case("a Parquet file of bytes", parquet(顧客ID=pa.array([b"A1", b"A2", b"A3"]))),
    Case(
        "a Parquet file of bytes that are no text",
        parquet(顧客ID=pa.array([b"A1", b"\xff\xfe", b"A3"])),
        refused=("contracts.parquet", "顧客ID", "bytes"),
    ),
    Case(
        "a Parquet file of decimals",
        parquet(月額=pa.array([100_000, 200_000, 300_000]).cast(pa.decimal128(25, 3))),
    ),
    Case(
        "a Parquet file with a total row",
        parquet((*LINES, ("合計", "", "", "", "", "600000"))),
        notes=(("note", "contracts.parquet", "", 5, "契約ID"),),
        used={"contracts": 3},
    ),
    Case(
        "a Parquet file with a column twice",
        parquet(header=(*HEADER[:2], "月額", *HEADER[3:])),
        errors=tuple(("error", "contracts.parquet", "", row, "月額") for row in (0, 2, 3, 4)),
    ),
]
