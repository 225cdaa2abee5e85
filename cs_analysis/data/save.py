"""Tables to CSV, the same bytes for the same table: what a notebook leaves behind for the report and for others."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from cs_analysis.errors import N_, InputError


def save(frames: Any, out_dir: str | Path, name: str = "") -> list[Path]:
    """Write one table, or several by name, as CSV; an empty `out_dir` writes nothing.

    UTF-8 with BOM, LF, missing = empty, days ISO; a date column named `month` (or `…_month`, or `cohort`) whose days
    are all firsts is written YYYY-MM; floats in their shortest exact form, whole floats without a point.

    Parameters
    ----------
    frames
        A frame, with `name`; or a dict of name → frame.
    out_dir
        The folder, made if it is not there; "" = nothing is written.
    name
        Name of the table, without `.csv`.

    Returns
    -------
    The files written.

    Examples
    --------
    >>> save(pd.DataFrame({"a": [1]}), "", "numbers")
    []
    """
    if not isinstance(frames, Mapping):
        if not name:
            raise InputError(N_('A table needs a name to be saved under: cs.save(frame, out_dir, "name").'))
        frames = {name: frames}
    if not str(out_dir):
        return []
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for key, frame in frames.items():
        path = folder / f"{key}.csv"
        path.write_bytes(csv_bytes(frame))
        written.append(path)
    return written


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A frame as the bytes of its CSV file.

    >>> csv_bytes(pd.DataFrame({"month": [pd.Timestamp("2024-04-01")], "mrr": [0.1], "n": [None]})).decode("utf-8-sig")
    'month,mrr,n\\n2024-04,0.1,\\n'
    """
    texts = pd.DataFrame({str(c): _texts(str(c), frame[c]) for c in frame.columns}, index=frame.index)
    buffer = io.StringIO()
    texts.to_csv(buffer, index=False, lineterminator="\n")
    return b"\xef\xbb\xbf" + buffer.getvalue().encode("utf-8")


def _texts(name: str, values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if values.dtype.kind == "M":
        months = name in ("month", "cohort") or name.endswith("_month")
        months = months and bool((values.dropna().dt.day == 1).all())
        return values.dt.strftime("%Y-%m" if months else "%Y-%m-%d").astype(object).where(values.notna(), "")
    if values.dtype.kind == "b":
        return values.map({True: "true", False: "false"})
    if values.dtype.kind == "f":
        return values.map(_number)
    return values.astype(object).map(_text)


def _number(value: float) -> str:
    if value != value:
        return ""
    return str(int(value)) if abs(value) < 2**53 and value == int(value) else repr(float(value))


def _text(value: object) -> str:
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
