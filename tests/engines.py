"""One small frame on every engine, and its columns collected again, for tests that all engines agree.

Without Java the tests on Spark are skipped, and fail in CI (see conftest.py)."""

from __future__ import annotations

from collections.abc import Callable

import narwhals.stable.v2 as nw
import pandas as pd
import pytest

ENGINES = ["pandas", "polars", "duckdb", pytest.param("pyspark", marks=pytest.mark.spark)]


def native(frame: pd.DataFrame, engine: str) -> object:
    """The pandas frame as a native frame of the engine."""
    return _MAKERS[engine](frame)


def collected(frame: object) -> pd.DataFrame:
    """A narwhals frame of any engine as a pandas frame."""
    if isinstance(frame, nw.LazyFrame):
        return frame.collect(backend="pandas").to_native()
    return frame.to_pandas()  # type: ignore[attr-defined]


def _polars(frame: pd.DataFrame) -> object:
    import polars

    return polars.from_pandas(frame)


def _duckdb(frame: pd.DataFrame) -> object:
    import duckdb

    return duckdb.from_df(frame)


def _pyspark(frame: pd.DataFrame) -> object:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    return builder.config("spark.sql.shuffle.partitions", "1").getOrCreate().createDataFrame(frame)


_MAKERS: dict[str, Callable[[pd.DataFrame], object]] = {
    "pandas": lambda frame: frame,
    "polars": _polars,
    "duckdb": _duckdb,
    "pyspark": _pyspark,
}
