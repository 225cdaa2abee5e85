"""Accounts' lives: against a day-by-day oracle written from the definition, and by hand."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cs_analysis.errors import InputError
from cs_analysis.stats import periods
from cs_analysis.stats.lives import COLUMNS, followed, lives

DAY0 = date(2024, 1, 1)


def lines(*rows, **columns):
    """Contract lines from (account, start, stop, mrr), days as ISO text or None."""
    frame = pd.DataFrame(rows, columns=["account_id", "start", "stop", "mrr"])
    frame = frame.assign(start=pd.to_datetime(frame["start"]), stop=pd.to_datetime(frame["stop"]))
    return frame.assign(**columns)


def of_days(rows):
    """Lines from (account, first day, length or None, mrr), days counted from the first of 2024."""
    return lines(
        *(
            (a, DAY0 + timedelta(days=s), None if n is None else DAY0 + timedelta(days=s + n), float(m))
            for a, s, n, m in rows
        )
    )


def oracle(rows, last):
    """(account, start, stop or None, first MRR, last MRR) of every life, by looking at each day up to ``last``."""
    found = []
    for account in sorted({r[0] for r in rows}):
        begun, before = None, 0.0
        for d in range(last + 1):
            level = sum(m for a, s, n, m in rows if a == account and s <= d and (n is None or d < s + n))
            if level > 0 and begun is None:
                begun = (d, level)
            elif level == 0 and begun is not None:
                found.append((account, begun[0], d, begun[1], before))
                begun = None
            before = level
        if begun is not None:
            found.append((account, begun[0], None, begun[1], before))
    return found


one_line = st.tuples(
    st.sampled_from("AB"), st.integers(0, 60), st.none() | st.integers(1, 40), st.sampled_from([0, 10, 25])
)


@settings(deadline=None, max_examples=60)
@given(st.lists(one_line, min_size=1, max_size=6), st.integers(0, 70), st.randoms())
def test_lives_are_the_days_with_revenue(rows, last, chance):
    as_of = DAY0 + timedelta(days=last)
    found = lives(of_days(rows), as_of=as_of, which="all")
    days = [(d.date() - DAY0).days for d in found["start"]]
    stops = [None if pd.isna(d) else (d.date() - DAY0).days for d in found["stop"]]
    got = list(zip(found["account_id"], days, stops, found["mrr_first"], found["mrr_last"], strict=True))
    assert got == oracle(rows, last)
    shuffled = chance.sample(rows, len(rows))
    halves = [
        part
        for a, s, n, m in shuffled
        for part in ([(a, s, 1, m), (a, s + 1, n - 1, m)] if n and n > 1 else [(a, s, n, m)])
    ]
    pd.testing.assert_frame_equal(lives(of_days(halves), as_of=as_of, which="all"), found)
    first = lives(of_days(rows), as_of=as_of)
    pd.testing.assert_frame_equal(first, found[found["life"] == 1].reset_index(drop=True))


def test_the_months_followed_are_calendar_months():
    table = lives(
        lines(
            ("A", "2024-04-01", "2025-10-01", 100.0), ("B", "2025-07-01", None, 50.0), ("C", "2026-10-31", None, 1.0)
        ),
        as_of="2026-11-01",
    )
    assert table["tenure_months"].round(4).tolist() == [18.0, 16.0, round(1 / 31, 4)]
    assert table["churned"].tolist() == [True, False, False]
    assert list(table.columns) == list(COLUMNS)


def test_with_grace_the_others_are_followed_so_much_shorter():
    book = lines(
        ("A", "2024-01-01", "2024-07-01", 100.0), ("B", "2024-01-01", None, 50.0), ("C", "2024-12-20", None, 5.0)
    )
    table = lives(book, as_of="2024-12-31", grace_days=30)
    assert table["tenure_months"].tolist() == [6.0, 11.0, 0.0]
    assert followed(table)["account_id"].tolist() == ["A", "B"]


def test_departures_before_they_were_recorded_are_left_out_and_older_lives_enter_late():
    book = lines(
        ("gone", "2023-01-01", "2024-06-01", 100.0),
        ("on the day", "2023-02-01", "2025-01-01", 100.0),
        ("old", "2024-01-01", None, 100.0),
        ("new", "2025-03-01", "2025-09-01", 100.0),
    )
    table = lives(book, as_of="2025-12-31", observed_from="2025-01-01").set_index("account_id")
    assert table.loc["gone", "left_out"] == "ended_before"
    assert (table.drop("gone")["left_out"] == "").all()
    assert table.loc["old", "entry_months"] == pytest.approx(11 + 30 / 31)  # up to 31 December
    assert table.loc["new", "entry_months"] == 0
    kept = followed(table.reset_index())
    assert set(kept["account_id"]) == {"on the day", "old", "new"}  # an end on the first recorded day is an event


def test_an_account_without_a_known_beginning_is_left_out_of_its_first_life_only():
    book = lines(
        ("A", "2024-01-01", "2024-03-01", 10.0), ("A", "2024-06-01", None, 10.0), ("B", "2024-02-01", None, 5.0),
        opening=[True, False, False],
    )  # fmt: skip
    table = lives(book, as_of="2024-12-31", which="all")
    assert table["left_out"].tolist() == ["start_unknown", "", ""]


def test_what_the_lines_tell_of_the_end():
    noticed = pd.to_datetime(pd.Series(["2024-09-01", "2024-10-01", None, "2025-01-15", "2025-01-10", "2025-02-02"]))
    book = lines(
        ("A", "2024-01-01", "2025-01-01", 10.0), ("A", "2024-06-01", "2025-01-01", 90.0),  # both end together
        ("B", "2024-01-01", None, 10.0), ("B", "2024-01-01", "2025-06-01", 10.0),  # one of two is given notice of
        ("C", "2024-01-01", "2025-06-01", 10.0), ("D", "2024-01-01", None, 10.0),
        notice_date=noticed,
        churn_reason=["price", " merger ", None, "never read", None, None],
    )  # fmt: skip
    table = lives(book, as_of="2025-01-31").set_index("account_id")
    assert table["churn_reason"].to_dict() == {"A": "merger", "B": "", "C": "", "D": ""}
    assert table.loc["A", "notice_date"] == pd.Timestamp("2024-10-01")
    assert table["leaves"].dropna().to_dict() == {"C": pd.Timestamp("2025-06-01")}
    assert table.loc["C", "notice_date"] == pd.Timestamp("2025-01-10")
    assert table.loc[["B", "D"], "notice_date"].isna().all()  # D's notice comes after the as-of date


def test_a_stop_within_the_grace_is_no_end_yet():
    """Known from the lines of a later day too: what became of the gap is not looked at."""
    book = lines(("A", "2024-01-01", "2025-01-01", 10.0), notice_date=pd.to_datetime(["2024-12-01"]))
    early, late = (lives(book, as_of=day, grace_days=30).iloc[0] for day in ("2025-01-10", "2025-01-31"))
    assert not early["churned"]
    assert early["tenure_months"] == periods.months_between("2024-01-01", "2024-12-11")
    assert early["notice_date"] == pd.Timestamp("2024-12-01")
    assert late["churned"]
    assert late["tenure_months"] == 12.0


def test_the_last_day_is_not_told_while_one_line_names_none():
    book = lines(
        ("A", "2024-01-01", "2025-06-01", 10.0), ("A", "2024-01-01", None, 10.0),
        notice_date=pd.to_datetime(["2025-01-10", "2025-01-12"]),
    )  # fmt: skip
    found = lives(book, as_of="2025-01-31").iloc[0]
    assert found["notice_date"] == pd.Timestamp("2025-01-12")
    assert pd.isna(found["leaves"])


def test_no_lines_are_no_lives():
    empty = lives(lines(), as_of="2025-01-31", observed_from="2024-01-01")
    assert len(empty) == 0
    assert list(empty.columns) == list(COLUMNS)
    assert len(followed(empty)) == 0


def test_what_cannot_be_read_is_said():
    with pytest.raises(InputError, match="no column stop, mrr"):
        lives(pd.DataFrame({"account_id": ["A"], "start": [np.datetime64("2024-01-01")]}), as_of="2024-12-31")
    with pytest.raises(InputError, match="'last'; allowed are first and all"):
        lives(lines(), as_of="2024-12-31", which="last")
