"""A pandas frame on the engine asked for, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd


def as_pandas(frame: Any) -> pd.DataFrame:
    """A frame of any engine as a pandas frame."""
    if isinstance(frame, pd.DataFrame):
        return frame
    known = nw.from_native(frame)
    return (known.collect(backend="pandas") if isinstance(known, nw.LazyFrame) else known).to_pandas()


def _to_polars(frame: pd.DataFrame) -> Any:
    import polars

    return polars.from_pandas(frame)


def _to_duckdb(frame: pd.DataFrame) -> Any:
    import duckdb

    return duckdb.from_df(frame)


def _to_spark(frame: pd.DataFrame) -> Any:
    from pyspark.sql import SparkSession

    return SparkSession.builder.getOrCreate().createDataFrame(frame)


ENGINES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda frame: frame,
    "polars": _to_polars,
    "duckdb": _to_duckdb,
    "pyspark": _to_spark,
}
