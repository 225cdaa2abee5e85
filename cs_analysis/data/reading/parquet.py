"""A Parquet file as a grid of texts, so that its rows are looked through like those of any other file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.data.reading.cells import Grid, cell_text
from cs_analysis.errors import N_, InputError


def read_parquet(path: Path) -> Grid:
    """The cells of a Parquet file as texts; its rows are numbered as in a CSV, whose first row is the header.

    Raises
    ------
    InputError
        When it is no Parquet file, or a column holds bytes that are no text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()  # unlike read_table it takes a column that is there twice
    except (pa.ArrowException, OSError, ValueError):
        raise InputError(N_("The file {file} cannot be read as Parquet; write it again."), file=path.name) from None
    columns = {}
    for i, name in enumerate(table.column_names):
        try:
            texts = _texts(table.column(i))
        except UnicodeDecodeError:
            raise InputError(
                N_("In {file}, the column {column} holds bytes that are no text; write it again as text."),
                file=path.name, column=name,
            ) from None  # fmt: skip
        columns[i] = np.concatenate([np.array([name], dtype=object), texts])
    cells = pd.DataFrame(columns, index=range(table.num_rows + 1), dtype=object)
    return Grid(cells, np.arange(1, len(cells) + 1), header_row=1)


def _texts(column: Any) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    plain = (pa.types.is_integer, pa.types.is_string, pa.types.is_large_string, pa.types.is_date)
    if any(is_so(kind) for is_so in plain):
        return pc.fill_null(column.cast(pa.string()), "").to_numpy(zero_copy_only=False)
    return np.array([cell_text(v) for v in column.to_pylist()] or [], dtype=object)
