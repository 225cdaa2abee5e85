"""Saved tables: the same bytes for the same table, and nothing lost."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cs_analysis as cs
from cs_analysis.data.save import csv_bytes
from cs_analysis.errors import InputError


def test_each_type_as_written(tmp_path):
    frame = pd.DataFrame({
        "month": pd.to_datetime(["2024-04-01", None]), "day": pd.to_datetime(["2024-04-01", None]),
        "rate": [0.1, np.nan], "n": [3.0, -0.0], "flag": [True, False], "name": ['=1+1, "x"', None],
        "whole": pd.array([2, None], dtype="Int64"), "when": [date(2024, 4, 1), None],
        "kind": pd.Categorical(["a", None]), "maybe": pd.array([True, None], dtype="boolean"), "big": [np.inf, 1e300],
    })  # fmt: skip
    assert cs.save(frame, tmp_path / "new" / "folder", "t") == [tmp_path / "new" / "folder" / "t.csv"]
    assert (tmp_path / "new" / "folder" / "t.csv").read_bytes() == (
        b"\xef\xbb\xbfmonth,day,rate,n,flag,name,whole,when,kind,maybe,big\n"
        b'2024-04,2024-04-01,0.1,3,true,"=1+1, ""x""",2,2024-04-01,a,true,inf\n'
        b",,,0,false,,,,,,1e+300\n"
    )


def test_several_at_once_and_nowhere(tmp_path):
    frame = pd.DataFrame({"a": [1]})
    assert [p.name for p in cs.save({"one": frame, "two": frame}, tmp_path)] == ["one.csv", "two.csv"]
    assert cs.save({"one": frame}, "") == []
    with pytest.raises(InputError, match="needs a name"):
        cs.save(frame, tmp_path)


def test_an_empty_table_keeps_its_header():
    assert csv_bytes(pd.DataFrame({"a": [], "b": []})) == b"\xef\xbb\xbfa,b\n"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=8))
@settings(deadline=None, max_examples=60)
def test_floats_come_back_to_the_last_bit(values):
    text = csv_bytes(pd.DataFrame({"x": values}, dtype=float)).decode("utf-8-sig")
    assert [float(line) for line in text.split("\n")[1:-1]] == values
