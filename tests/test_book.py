"""The Book: the same facts give the same Book, whatever the form, the order, the language or the day they were cut."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from engines import ENGINES
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import cs_analysis as cs
from cs_analysis.data.book import check
from cs_analysis.data.cache import CACHE
from cs_analysis.data.checking.check import mrr_on
from cs_analysis.data.engines import as_pandas
from cs_analysis.data.gather import gather
from cs_analysis.data.save import csv_bytes
from cs_analysis.data.schema import TABLES
from cs_analysis.display.language import set_language
from cs_analysis.errors import InputError

Rows = list[dict[str, object]]
# each example writes and reads files, so a failing one is not shrunk: that would take minutes
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
SLOW = settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck), phases=PHASES)


@pytest.fixture(autouse=True)
def english():
    set_language("en")
    yield
    set_language("en")


def write(folder: Path, tables: dict[str, Rows], config: str = "") -> Path:
    """Tables as CSV files, and a client file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        frame = pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(TABLES[name].names))
        frame.to_csv(folder / f"{name}.csv", index=False)
    if config:
        (folder / "cs-analysis.toml").write_text(config, encoding="utf-8")
    return folder


def account(i: int, **more: object) -> dict[str, object]:
    return {"account_id": f"A{i}", "account_name": f"会社{i}", "segment": "SMB", **more}


def line(i: int, who: str, start: str, end: str | None, mrr: object = 100, **more: object) -> dict[str, object]:
    return {"contract_id": f"C{i}", "account_id": who, "start_date": start, "end_date": end, "mrr": mrr, **more}


def everything(book: cs.Book) -> dict[str, bytes]:
    """Each table as the bytes that `save` would write."""
    return {name: csv_bytes(as_pandas(frame)) for name, frame in book.tables.items()}


def month_ends(book: cs.Book, first: str = "2023-01", last: str = "2024-12") -> list[int]:
    days = pd.Series(pd.period_range(first, last, freq="M").to_timestamp(how="end").normalize())
    days = days[days <= pd.Timestamp(book.as_of)]
    return mrr_on(book.contracts, days).tolist()


# ------------------------------------------------------------------------------------------- random small companies

DAYS = st.integers(0, 700).map(lambda n: date(2023, 1, 1) + timedelta(days=n))


def maybe(strategy):
    return st.one_of(st.none(), strategy)


@st.composite
def companies(draw) -> dict[str, Rows]:
    """A few accounts with lines, notices, mergers, usage, answers, steps, contacts and tasks on random days."""
    n = draw(st.integers(1, 5))
    ids = [f"A{i}" for i in range(n)]
    accounts = [account(i) for i in range(n)]
    if n > 1 and draw(st.booleans()):
        accounts[0] |= {"merged_into": ids[-1], "merged_date": draw(DAYS)}
    lines = []
    for i in range(draw(st.integers(1, 8))):
        start = draw(DAYS)
        end = start + timedelta(days=draw(st.integers(0, 400))) if draw(st.booleans()) else None
        notice = draw(maybe(DAYS)) if end else None
        more = {
            "product": draw(st.sampled_from(["", "x"])),
            "notice_date": notice,
            "churn_reason": "価格" if notice or (end and draw(st.booleans())) else None,
        }
        lines.append(line(i, draw(st.sampled_from(ids)), str(start), end, draw(st.integers(1, 10)) / 8, **more))
    some = st.lists(DAYS, max_size=5)
    usage = [
        {"account_id": draw(st.sampled_from(ids)), "month": f"{d:%Y-%m}", "metric": f"m{i}", "value": i}
        for i, d in enumerate(draw(some))
    ]
    entries = [
        {"date": d, "csm": "佐藤", "account_id": draw(st.sampled_from(ids)), "task": "定例", "hours": "1:30"}
        for d in draw(some)
    ]
    answers, steps, contacts, tasks = [], [], [], []
    for i, d in enumerate(draw(some)):
        who, later = draw(st.sampled_from(ids)), draw(maybe(st.integers(0, 200)))
        done = d + timedelta(days=later) if later is not None else None
        answers.append({"account_id": who, "respondent": f"R{i}", "wave": "w", "invited_date": d,
                        "responded_date": done, "score": 9 if done else None,
                        "comment": "良い" if done else None})  # fmt: skip
        steps.append({"account_id": who, "step": f"s{i}", "planned_date": d, "started_date": d, "completed_date": done})
        contacts.append({"account_id": who, "contact": f"P{i}", "role": "推進者", "start_date": d, "left_date": done})
        tasks.append({"task_id": f"T{i}", "account_id": who, "due_date": d, "done_date": done})
    months = pd.period_range("2023-01", "2024-12", freq="M")
    costs = [{"month": str(m), "kind": "cs", "amount": 100} for m in months]
    return {
        "accounts": accounts, "contracts": lines, "usage": usage, "time_entries": entries, "survey_responses": answers,
        "onboarding_steps": steps, "contacts": contacts, "tasks": tasks, "costs": costs,
    }  # fmt: skip


def cut_files(tables: dict[str, Rows], day: date) -> dict[str, Rows]:
    """What a client who exports on that day would send; written out by hand from the definitions, section 1."""

    def after(value: object) -> bool:
        return value is not None and str(value) > str(day)

    def month_after(value: object) -> bool:
        return pd.Period(str(value), "M").end_time.date() > day

    def blank(row: dict, date_column: str, *columns: str) -> dict:
        return row | (dict.fromkeys(columns) if after(row.get(date_column)) else {})

    out = dict(tables)
    out["accounts"] = [blank(r, "merged_date", "merged_date", "merged_into") for r in tables["accounts"]]
    lines = [r for r in tables["contracts"] if not after(r["start_date"])]
    lines = [blank(r, "notice_date", "notice_date", "churn_reason") for r in lines]
    # the reason is known from the notice, or from the end where there was no notice
    out["contracts"] = [r if r["notice_date"] else blank(r, "end_date", "churn_reason") for r in lines]
    out["usage"] = [r for r in tables["usage"] if not month_after(r["month"])]
    out["costs"] = [r for r in tables["costs"] if not month_after(r["month"])]
    out["time_entries"] = [r for r in tables["time_entries"] if not after(r["date"])]
    answers = [r for r in tables["survey_responses"] if not after(r["invited_date"])]
    out["survey_responses"] = [blank(r, "responded_date", "responded_date", "score", "comment") for r in answers]
    steps = [blank(r, "started_date", "started_date") for r in tables["onboarding_steps"]]
    out["onboarding_steps"] = [blank(r, "completed_date", "completed_date") for r in steps]
    contacts = [r for r in tables["contacts"] if not after(r["start_date"])]
    out["contacts"] = [blank(r, "left_date", "left_date") for r in contacts]
    out["tasks"] = [blank(r, "done_date", "done_date") for r in tables["tasks"]]
    return out


@SLOW
@given(companies(), st.integers(1, 24), st.integers(0, 27), st.integers(0, 40))
def test_cutting_the_files_is_passing_as_of(tmp_path_factory, tables, months, back, grace):
    day = (pd.Timestamp("2023-01-31") + pd.offsets.MonthEnd(months - 1)).date() - timedelta(days=back)
    cut = cut_files(tables, day)
    assume(cut["contracts"])
    place = tmp_path_factory.mktemp("cut")
    config = f"[rules]\ngrace_days = {grace}\n"
    whole = cs.load(write(place / "whole", tables, config), as_of=day)
    try:
        parted = cs.load(write(place / "cut", cut, config), as_of=day)
    except InputError as error:  # no fact in the month of the day: the file cannot show that it reaches it
        assume("last possible" not in str(error))
        raise
    assert everything(whole) == everything(parted)
    assert whole.fingerprint == parted.fingerprint


@SLOW
@given(st.lists(st.tuples(DAYS, maybe(st.integers(0, 400)), maybe(st.integers(0, 400))), min_size=1, max_size=6), DAYS)
def test_cutting_the_flat_form_is_passing_as_of(tmp_path_factory, rows, day):
    def flat(known: date) -> Rows:
        accounts = []
        for i, (start, term, left) in enumerate(rows):
            churn = start + timedelta(days=left) if left is not None else None
            end = start + timedelta(days=term) if term is not None else None
            more = {
                "contract_start": start,
                "contract_end": end,
                "churn_date": churn if churn and churn <= known else None,
            }
            accounts += [account(i, mrr=100 + i, **more)] if start <= known else []
        return accounts

    assume(flat(day))
    costs = [{"month": f"{day:%Y-%m}", "kind": "cs", "amount": 1}]
    place = tmp_path_factory.mktemp("flat")
    whole = cs.load(write(place / "whole", {"accounts": flat(date.max), "costs": costs}), as_of=day)
    parted = cs.load(write(place / "cut", {"accounts": flat(day), "costs": costs}), as_of=day)
    assert everything(whole) == everything(parted)


@SLOW
@given(companies(), st.randoms(use_true_random=False))
def test_row_order_column_order_and_header_language_change_nothing(tmp_path_factory, tables, chance: random.Random):
    place = tmp_path_factory.mktemp("order")
    one = cs.load(write(place / "one", tables))
    other = place / "other"
    other.mkdir()
    for name, rows in tables.items():
        table = TABLES[name]
        frame = pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(table.names))
        columns = chance.sample(list(frame.columns), len(frame.columns))
        frame = frame.loc[chance.sample(range(len(frame)), len(frame)), columns]
        known = {c: column.label_ja for c in columns if (column := table.column(c)) is not None}
        frame.rename(columns=known).to_csv(other / f"{table.label_ja}.csv", index=False, encoding="cp932")
    assert everything(one) == everything(cs.load(other))


@SLOW
@given(companies())
def test_csv_excel_and_parquet_give_the_same_book(tmp_path_factory, tables):
    place = tmp_path_factory.mktemp("format")
    one = cs.load(write(place / "csv", tables))
    (place / "xlsx").mkdir()
    (place / "parquet").mkdir()
    with pd.ExcelWriter(place / "xlsx" / "client.xlsx", datetime_format="yyyy-mm-dd") as book:
        for name, rows in tables.items():
            frame = pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(TABLES[name].names))
            frame.to_excel(book, sheet_name=TABLES[name].label_ja, index=False)
            typed = frame.convert_dtypes() if len(frame) else frame.astype(str)
            typed.to_parquet(place / "parquet" / f"{name}.parquet")
    assert everything(one) == everything(cs.load(place / "xlsx"))
    assert everything(one) == everything(cs.load(place / "parquet"))


@st.composite
def simple_companies(draw) -> list[tuple[int, int | None, int]]:
    """First month, first month without (None = open) and MRR of accounts with one contract each; 24 months."""
    found = []
    for _ in range(draw(st.integers(1, 6))):
        first = draw(st.integers(0, 22))
        stop = draw(st.one_of(st.none(), st.integers(first + 1, 23)))
        found.append((first, stop, draw(st.integers(1, 10**6))))
    return found


@SLOW
@given(simple_companies())
def test_flat_contracts_and_months_long_or_wide_give_the_same_month_ends(tmp_path_factory, company):
    months = pd.period_range("2023-01", "2024-12", freq="M")
    place = tmp_path_factory.mktemp("forms")
    accounts = [account(i) for i in range(len(company))]
    begins = [months[first].start_time.date() for first, _, _ in company]
    ends = [None if stop is None else months[stop].start_time.date() - timedelta(days=1) for _, stop, _ in company]
    amounts = [mrr for _, _, mrr in company]
    by_month = [
        [mrr if first <= m and (stop is None or m < stop) else 0 for m in range(24)] for first, stop, mrr in company
    ]
    ledger = [{"month": str(m), "mrr": sum(row[k] for row in by_month)} for k, m in enumerate(months)]
    # no revenue is left blank, but a month wholly blank would be one that has not been filled in yet
    blank = [None if any(row[k] for row in by_month) else 0 for k in range(24)]
    forms = {
        "flat": {"accounts": [a | {"contract_start": s, "churn_date": e, "mrr": m}
                              for a, s, e, m in zip(accounts, begins, ends, amounts, strict=True)]},
        "contracts": {"accounts": accounts,
                      "contracts": [line(i, f"A{i}", str(s), e, m)
                                    for i, (s, e, m) in enumerate(zip(begins, ends, amounts, strict=True))]},
        "long": {"accounts": accounts,
                 "mrr_months": [{"account_id": f"A{i}", "month": str(m), "mrr": row[k]}
                                for i, row in enumerate(by_month) for k, m in enumerate(months)]},
        "wide": {"accounts": accounts,
                 "mrr_months": [{"account_id": f"A{i}"} | {f"{m.year}年{m.month}月": row[k] or blank[k]
                                                           for k, m in enumerate(months)}
                                for i, row in enumerate(by_month)]},
    }  # fmt: skip
    expected = [row["mrr"] * 10_000 for row in ledger]
    for name, tables in forms.items():
        book = cs.load(write(place / name, tables | {"ledger": ledger}))
        assert book.as_of == date(2024, 12, 31)
        assert month_ends(book) == expected, name
        assert not book.problems["problem"].str.contains("ledger").any()
        churned = {f"A{i}": stop for i, (_, stop, _) in enumerate(company) if stop is not None}
        gone = book.contracts.groupby("account_id")["stop"].max().dropna()
        assert gone.to_dict() == {a: months[s].start_time for a, s in churned.items()}


# -------------------------------------------------------------------------------------------------- worked examples


def test_renewal_boundary(tmp_path):
    """Definitions, section 10: active on the last day; gone the day after, 12.0 months old, in April's bridge."""
    ledger = [{"month": "2024-04", "mrr": 100}]
    folder = write(tmp_path, {"accounts": [account(1), account(2)], "ledger": ledger, "contracts": [
        line(1, "A1", "2024-04-01", "2025-03-31"), line(2, "A2", "2024-04-01", "2026-03-31", 0),
        line(3, "A2", "2025-04-01", "2026-03-31", 0),
    ]})  # fmt: skip
    active = cs.load(folder, as_of="2025-03-31").contracts.query("account_id == 'A1'")
    assert active["stop"].tolist() == [pd.Timestamp("2025-04-01")]  # a term, not yet happened
    gone = cs.load(folder, as_of="2025-04-01").contracts.query("account_id == 'A1'")
    assert gone["stop"].tolist() == [pd.Timestamp("2025-04-01")]
    assert mrr_on(gone, pd.Series(pd.to_datetime(["2025-03-31", "2025-04-01"]))).tolist() == [1_000_000, 0]


def test_ends_after_as_of_are_terms_or_announced(tmp_path):
    lines = [line(i, "A1", "2024-01-01", None) for i in range(20)] + [
        line(90, "A1", "2024-01-01", "2024-12-31"),
        line(91, "A1", "2024-01-01", "2024-12-31", notice_date="2024-03-15"),
        line(92, "A1", "2024-06-30", None),
    ]  # fmt: skip
    book = cs.load(write(tmp_path / "few", {"accounts": [account(1)], "contracts": lines}), as_of="2024-04-30")
    stops = book.contracts.set_index("contract_id")["stop"]
    assert pd.isna(stops["C90"])  # nothing was known of this end in April
    assert stops["C91"] == pd.Timestamp("2025-01-01")  # announced in March
    terms = [line(i, "A1", "2024-01-01", "2024-12-31") for i in range(20)] + [line(92, "A1", "2024-01-01", None)]
    book = cs.load(write(tmp_path / "terms", {"accounts": [account(1)], "contracts": terms}), as_of="2024-01-31")
    assert book.contracts["stop"].notna().sum() == 20  # 95 % carry an end: terms


def test_a_successor_on_the_last_day_counts_once(tmp_path):
    lines = [
        line(1, "A1", "2024-01-01", "2024-03-31"),
        line(2, "A1", "2024-03-31", None, 120),
        line(3, "A1", "2024-05-05", None),
    ]
    book = cs.load(write(tmp_path, {"accounts": [account(1)], "contracts": lines}), as_of="2024-05-31")
    assert month_ends(book, "2024-01", "2024-05") == [1_000_000, 1_000_000, 1_200_000, 1_200_000, 2_200_000]


def test_an_addition_on_the_last_day_is_not_the_successor(tmp_path):
    lines = [
        line(1, "A1", "2023-07-01", "2024-06-30"),
        line(2, "A1", "2024-06-30", None, 10),  # one more, on the last day
        line(3, "A1", "2024-07-01", None, 100),  # the successor
    ]
    place = write(tmp_path, {"accounts": [account(1)], "contracts": lines})
    assert month_ends(cs.load(place, as_of="2024-07-31"), "2024-05", "2024-07") == [1_000_000, 1_100_000, 1_100_000]


def test_a_successor_may_be_another_product(tmp_path):
    lines = [
        line(1, "A1", "2023-07-01", "2024-06-30", product="Basic"),
        line(2, "A1", "2024-06-30", None, 150, product="Pro"),
    ]
    book = cs.load(write(tmp_path / "same", {"accounts": [account(1)], "contracts": lines}), as_of="2024-07-31")
    assert month_ends(book, "2024-05", "2024-07") == [1_000_000, 1_500_000, 1_500_000]
    other = [lines[0], lines[1] | {"account_id": "A2"}]
    folder = write(tmp_path / "other", {"accounts": [account(1), account(2)], "contracts": other})
    assert month_ends(cs.load(folder, as_of="2024-07-31"), "2024-05", "2024-07") == [1_000_000, 2_500_000, 1_500_000]
    next_day = [lines[0], lines[1] | {"product": "Support"}, line(3, "A1", "2024-07-01", None, 120, product="Pro")]
    folder = write(tmp_path / "next", {"accounts": [account(1)], "contracts": next_day})
    assert month_ends(cs.load(folder, as_of="2024-07-31"), "2024-05", "2024-07") == [1_000_000, 2_500_000, 2_700_000]


def test_predecessors_and_successors_are_paired_one_to_one(tmp_path):
    lines = [
        line(1, "A1", "2023-07-01", "2024-06-30", 100, product="x"),
        line(2, "A1", "2023-07-01", "2024-06-30", 30, product="y"),
        line(3, "A1", "2023-07-01", "2024-06-30", 7, product="z"),
        line(4, "A1", "2024-06-30", None, 110, product="x"),  # follows 1
        line(5, "A1", "2024-07-01", None, 40, product="y"),  # follows 2, and is nobody else's
        line(6, "A1", "2024-06-30", None, 9, product="w"),  # follows 3, the only one left
    ]
    book = cs.load(write(tmp_path, {"accounts": [account(1)], "contracts": lines}), as_of="2024-07-31")
    stops = book.contracts.set_index("contract_id")["stop"].dt.strftime("%Y-%m-%d")
    assert stops[["C1", "C2", "C3"]].tolist() == ["2024-06-30", "2024-07-01", "2024-06-30"]
    one = [line(1, "A1", "2024-01-01", "2024-06-30"), line(2, "A1", "2024-01-01", "2024-06-30", 40),
           line(3, "A1", "2024-06-30", None, 90)]  # fmt: skip
    book = cs.load(write(tmp_path / "one", {"accounts": [account(1)], "contracts": one}), as_of="2024-07-31")
    assert month_ends(book, "2024-05", "2024-07") == [1_400_000, 1_300_000, 900_000]  # 90 follows 100, not 40 as well


def test_a_reason_is_known_from_the_notice_or_else_from_the_end(tmp_path):
    ends = {"end_date": "2024-12-31", "churn_reason": "price"}
    lines = [
        line(1, "A1", "2024-01-01", None, notice_date="2024-05-31") | ends,
        line(2, "A1", "2024-01-01", None, notice_date="2024-07-01") | ends,
        line(3, "A1", "2024-01-01", None) | ends,
        line(4, "A1", "2024-01-01", "2024-06-30", churn_reason="price"),
        line(5, "A1", "2025-01-31", None),
    ]
    place = write(tmp_path, {"accounts": [account(1)], "contracts": lines})

    def reasons(day: str) -> list[object]:
        return cs.load(place, as_of=day).contracts["churn_reason"].tolist()[:4]

    assert reasons("2024-05-30") == [None] * 4
    assert reasons("2024-06-30") == ["price", None, None, "price"]
    assert reasons("2024-07-01") == ["price", "price", None, "price"]
    assert reasons("2024-12-31") == ["price"] * 4


def test_end_date_exclusive_is_a_switch(tmp_path):
    tables = {
        "accounts": [account(1)],
        "contracts": [line(1, "A1", "2024-01-01", "2024-03-01"), line(2, "A1", "2024-06-01", None)],
    }
    book = cs.load(write(tmp_path, tables, "[rules]\nend_date_inclusive = false\n"))
    assert book.contracts["stop"].iloc[0] == pd.Timestamp("2024-03-01")


def test_grace_fills_short_gaps_at_the_earlier_mrr(tmp_path):
    lines = [line(1, "A1", "2024-01-01", "2024-03-31"), line(2, "A1", "2024-04-21", "2024-06-30", 200),
             line(3, "A2", "2024-01-01", "2024-03-31"), line(4, "A2", "2024-06-30", None)]  # fmt: skip
    tables = {"accounts": [account(1), account(2)], "contracts": lines}
    folder = write(tmp_path, tables, "[rules]\ngrace_days = 20\n")
    stops = cs.load(folder, as_of="2024-06-30").contracts.set_index("contract_id")["stop"]
    assert stops["C1"] == pd.Timestamp("2024-04-21")  # a gap of exactly 20 days
    assert stops["C3"] == pd.Timestamp("2024-04-01")  # longer: a churn
    stops = cs.load(folder, as_of="2024-04-20").contracts.set_index("contract_id")["stop"]
    assert stops[["C1", "C3"]].isna().all()  # 04-01 + 20 days = 04-21 lies after the as-of date: not yet a gap
    stops = cs.load(folder, as_of="2024-04-21").contracts.set_index("contract_id")["stop"]
    assert stops["C3"] == pd.Timestamp("2024-04-01")


def test_currency_amounts_and_one_off_lines(tmp_path):
    columns = ["contract_id", "account_id", "start_date", "amount", "billing_months", "currency", "recurring"]
    cells = [
        ["C1", "A1", "2024-01-01", "¥1,200", 12, "", "はい"],
        ["C2", "A1", "2024-01-01", "$36", 12, "usd", ""],
        ["C3", "A1", "2024-01-31", "¥999", 1, "円", "no"],
    ]
    lines = [dict(zip(columns, row, strict=True)) for row in cells]
    book = cs.load(write(tmp_path, {"accounts": [account(1)], "contracts": lines}, "[money]\nfx = {USD = 150}\n"))
    assert book.contracts["mrr"].tolist() == [100.0, 450.0]
    assert list(book.contracts.columns) == [
        "account_id", "contract_id", "product", "start", "stop", "mrr", "quantity", "notice_date", "churn_reason",
    ]  # fmt: skip


def test_a_merger_moves_all_history_from_its_day_on(tmp_path):
    accounts = [account(1, merged_into="A2", merged_date="2024-03-01"), account(2)]
    entries = [{"date": "2024-04-30", "csm": "佐藤", "account_id": "A1", "task": "t", "hours": 1}]
    tables = {
        "accounts": accounts,
        "contracts": [line(1, "A1", "2024-01-01", None), line(2, "A2", "2024-01-01", None)],
        "time_entries": entries,
    }
    folder = write(tmp_path, tables)
    before, after = cs.load(folder, as_of="2024-02-29"), cs.load(folder, as_of="2024-04-30")
    assert sorted(before.contracts["account_id"]) == ["A1", "A2"]
    assert (
        set(after.contracts["account_id"])
        == set(after.accounts["account_id"])
        == set(after.time_entries["account_id"])
        == {"A2"}
    )
    assert "merged_into" not in after.accounts


def test_account_level_parent(tmp_path):
    accounts = [
        account(1, parent_account_id="G", csm="x"),
        account(2, parent_account_id="G", csm="y"),
        account(3, parent_account_id=""),
    ]
    lines = [line(i, f"A{i}", "2024-01-31", None) for i in (1, 2, 3)]
    folder = write(tmp_path, {"accounts": accounts, "contracts": lines}, '[rules]\naccount_level = "parent"\n')
    book = cs.load(folder)
    assert book.accounts.set_index("account_id")[["segment", "csm"]].to_dict("index") == {
        "A3": {"segment": "SMB", "csm": None}, "G": {"segment": "SMB", "csm": None},
    }  # fmt: skip
    assert sorted(book.contracts["account_id"]) == ["A3", "G", "G"]


def parents(tmp_path: Path, *accounts: dict[str, object], as_of: str = "2024-04-30") -> cs.Book:
    lines = [line(i, str(a["account_id"]), "2024-01-01", None) for i, a in enumerate(accounts)]
    config = '[rules]\naccount_level = "parent"\n'
    return cs.load(write(tmp_path, {"accounts": list(accounts), "contracts": lines}, config), as_of=as_of)


def test_the_parent_of_an_account_may_have_merged(tmp_path):
    family = [
        account(1, parent_account_id="A2"),
        account(2, merged_into="A3", merged_date="2024-03-01"),
        account(3, merged_into="A4", merged_date="2024-04-01", parent_account_id="A1"),  # its parent went with it
        account(4),
        account(5, parent_account_id="A6"),
        account(6, parent_account_id="A6"),
    ]
    book = parents(tmp_path, *family)
    assert book.accounts["account_id"].tolist() == ["A4", "A6"]
    assert book.contracts["account_id"].tolist() == ["A4"] * 4 + ["A6"] * 2
    before = parents(tmp_path, *family[:2], account(3), account(4), as_of="2024-02-29")
    assert before.accounts["account_id"].tolist() == ["A2", "A3", "A4"]


def test_parents_and_mergers_that_go_round_in_a_circle_are_refused(tmp_path):
    at = {"merged_date": "2024-02-01"}
    with pytest.raises(InputError, match=r"merged_into goes round in a circle: A2 → A3 → A2;"):
        parents(tmp_path, account(1, merged_into="A2", **at), account(2, merged_into="A3", **at),
                account(3, merged_into="A2", **at))  # fmt: skip
    with pytest.raises(InputError, match=r"parent_account_id goes round in a circle: A1 → A2 → A1;"):
        parents(tmp_path, account(1, parent_account_id="A2"), account(2, parent_account_id="A1"))
    with pytest.raises(InputError, match=r"parent_account_id goes round in a circle: A1 → A3 → A1;"):
        parents(tmp_path, account(1, parent_account_id="A2"), account(2, merged_into="A3", **at),
                account(3, parent_account_id="A1"))  # fmt: skip
    itself = parents(tmp_path, account(1, parent_account_id="A1"), account(2, merged_into="A2", **at))
    assert itself.accounts["account_id"].tolist() == ["A1", "A2"]


def test_revenue_of_an_unlisted_account_is_kept(tmp_path):
    ledger = [{"month": "2024-01", "mrr": 200}]
    tables = {
        "accounts": [account(1)],
        "contracts": [line(1, "A1", "2024-01-01", None), line(2, "A11", "2024-01-01", None)],
        "ledger": ledger,
    }
    book = cs.load(write(tmp_path, tables))
    assert book.accounts["account_id"].tolist() == ["A1", "A11"]
    assert book.problems[["severity", "row", "value"]].values.tolist() == [["warning", 3, "A11"]]
    assert "Did you mean A1?" in book.problems["action"].iloc[0]


# ------------------------------------------------------------------------------------------------------ as-of date


def test_as_of_default_and_refusal(tmp_path):
    tables = {
        "accounts": [account(1)],
        "contracts": [line(1, "A1", "2024-01-15", None), line(2, "A1", "2024-05-15", None)],
    }
    folder = write(tmp_path, tables)
    assert cs.load(folder).as_of == date(2024, 4, 30)
    assert cs.load(folder).last_possible == date(2025, 4, 30)  # eleven months after the month of the last fact
    assert cs.load(folder, as_of=date(2024, 5, 31)).as_of == date(2024, 5, 31)
    silent = cs.load(folder, as_of="2025-04-30")
    assert silent.problems["problem"].str.contains("dated after 2024-05-31").sum() == 1
    with pytest.raises(InputError, match=r"2025-05-01 lies after the last facts.*2025-04-30"):
        cs.load(folder, as_of="2025-05-01")
    assert cs.load(folder, as_of="2024-01-15").as_of == date(2024, 1, 15)
    with pytest.raises(InputError, match=r"2024-01-14 lies before the first revenue.*2024-01-15"):
        cs.load(folder, as_of="2024-01-14")
    write(folder, {"ledger": [{"month": "2024-02", "mrr": 100}]})
    assert cs.load(folder).as_of == date(2024, 2, 29)  # contracts may be booked ahead of their start
    write(folder, {"ledger": [{"month": "2023-12", "mrr": 100}]})
    assert cs.load(folder).as_of == date(2024, 4, 30)  # but an old ledger does not hold back newer contracts
    write(folder, {"ledger": [{"month": "2024-06", "mrr": 100}]})
    assert cs.load(folder).as_of == date(2024, 6, 30)  # contracts are silent while nothing changes
    with pytest.raises(InputError, match="is not a day"):
        cs.load(folder, as_of="31/02/2024")


def test_observed_from_of_monthly_revenue(tmp_path):
    months = [{"account_id": "A1", "month": m, "mrr": 5} for m in ("2024-01", "2024-02", "2024-04")]
    book = cs.load(write(tmp_path, {"accounts": [account(1)], "mrr_months": months}))
    assert book.observed_from == date(2024, 1, 31)
    assert (
        book.contracts[["start", "stop"]].values.tolist()
        == pd.DataFrame(
            {"start": pd.to_datetime(["2024-01-01", "2024-04-01"]), "stop": pd.to_datetime(["2024-03-01", None])}
        ).values.tolist()
    )
    assert "mrr_months" not in book.tables


@pytest.mark.parametrize("engine", ENGINES)
def test_accounts_of_the_first_month_are_opening(tmp_path, engine):
    amounts = {"A1": [5, 5, 0, 7], "A2": [0, 3, 3, 3], "A3": [0, 0, 4, 4], "A4": [2, 2, 2, 2], "A5": [-1, 1, 1, 1]}
    months = [
        {"account_id": who, "month": f"2024-0{k + 1}", "mrr": mrr}
        for who, row in amounts.items()
        for k, mrr in enumerate(row)
    ]
    accounts = [account(i) for i in range(1, 6)]
    accounts[3] |= {"merged_into": "A3", "merged_date": "2024-04-01"}
    tables = {"accounts": accounts, "mrr_months": months}
    book = cs.load(write(tmp_path / "months", tables), as_of="2024-04-30", engine=engine)
    found = as_pandas(book.contracts)
    assert found["opening"].dtype == bool
    assert found.groupby("account_id")["opening"].unique().map(list).to_dict() == {
        "A1": [True], "A2": [False], "A3": [True], "A5": [False],
    }  # fmt: skip
    before = as_pandas(cs.load(tmp_path / "months", as_of="2024-03-31", engine=engine).contracts)
    assert set(before[before["opening"]]["account_id"]) == {"A1", "A4"}


def test_only_monthly_revenue_has_opening_accounts(tmp_path):
    tables = {"accounts": [account(1)], "contracts": [line(1, "A1", "2024-01-31", None, opening="yes")]}
    columns = cs.load(write(tmp_path, tables)).contracts.columns
    assert "opening" not in columns
    assert "opening_" in columns  # the client's own column of that name


# --------------------------------------------------------------------------------------------- the book as an object


@pytest.fixture
def small(tmp_path) -> Path:
    tables = {
        "accounts": [account(1, プラン="Gold"), account(2, プラン="", segment="")],
        "contracts": [line(1, "A1", "2024-01-01", None, 地域="東"), line(2, "A2", "2024-01-31", None, 地域="西")],
        "time_entries": [{"date": "2024-01-10", "csm": "佐藤", "account_id": "A2", "task": "t", "hours": "90分"}],
    }
    return write(tmp_path / "data", tables)


def test_absent_tables_say_which_file_would_bring_them(small):
    book = cs.load(small)
    assert book.has("time_entries", "contracts")
    assert not book.has("usage")
    with pytest.raises(InputError, match=r"usage\.csv"):
        _ = book.usage
    with pytest.raises(AttributeError, match="did you mean 'contracts'"):
        _ = book.contrats


def test_split_by_custom_and_lifted_columns(small):
    book = cs.load(small)
    assert book.split("contracts", "プラン", "segment")[["プラン", "segment"]].values.tolist() == [
        ["Gold", "SMB"],
        ["(not given)"] * 2,
    ]
    assert book.split("time_entries", "地域")["地域"].tolist() == ["西"]
    with pytest.raises(InputError, match="no column segmnt to split by; did you mean 'segment'"):
        book.split("contracts", "segmnt")


def test_pickle_cache_and_language(small, tmp_path, monkeypatch):
    book = cs.load(small)
    copy = pickle.loads(pickle.dumps(book))
    assert everything(copy) == everything(book)
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    first = cs.load(small)
    assert len(list((tmp_path / "cache").glob("*.pickle"))) == 1
    monkeypatch.setattr("cs_analysis.data.book.gather", lambda *_: pytest.fail("parsed again"))
    again = cs.load(small, lang="ja")
    assert everything(again) == everything(first)
    assert (first.lang, again.lang) == ("en", "ja")
    monkeypatch.undo()
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    write(small, {"accounts": [account(1), account(2), account(3)]})
    assert len(cs.load(small).accounts) == 3


def test_a_book_is_parsed_once_for_its_day_and_for_no_day(small, tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    parsed = []

    def counted(*arguments, **options):
        parsed.append(arguments)
        return gather(*arguments, **options)

    monkeypatch.setattr("cs_analysis.data.book.gather", counted)
    default = cs.load(small)  # 31 January
    for as_of in (default.as_of, default.as_of.isoformat(), pd.Timestamp(default.as_of), "", None):
        assert everything(cs.load(small, as_of=as_of)) == everything(default)
    assert len(parsed) == 1
    assert cs.load(small, as_of="2024-02-29").as_of == date(2024, 2, 29)  # another day is another Book
    assert cs.load(small).as_of == default.as_of  # and is not taken for the default one
    assert len(parsed) == 2
    write(small, {"accounts": [account(1), account(2), account(3)]})
    assert cs.load(small, as_of="2024-01-31").as_of == cs.load(small).as_of  # first under its day, then under none
    assert len(parsed) == 3


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_hands_over_the_same_rows(small, engine):
    book = cs.load(small, engine=engine)
    found = as_pandas(book.contracts).sort_values("contract_id")
    assert found["mrr"].tolist() == [100.0, 100.0]
    assert isinstance(book.accounts, pd.DataFrame)
    assert book.has("contracts", "time_entries")
    assert len(book.split("contracts", "segment")) == 2


def test_an_unknown_engine_is_refused(small):
    with pytest.raises(InputError, match="did you mean 'polars'"):
        cs.load(small, engine="polar")


def test_report_says_what_the_book_holds(small):
    text = cs.load(small).report().text
    assert "2 accounts" in text
    assert "31 Jan 2024" in text
    assert str(small.parent) not in text


def test_no_folder_takes_the_sample_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    book = cs.load()
    assert book.is_sample
    assert "not your data" in book.report().text
    (tmp_path / "deep" / "notebooks").mkdir(parents=True)
    (tmp_path / "deep" / "cs-analysis.toml").write_text('[client]\nlanguage = "ja"\n', encoding="utf-8")
    write(tmp_path / "deep" / "data", {"accounts": [account(1)], "contracts": [line(1, "A1", "2024-01-31", None)]})
    monkeypatch.chdir(tmp_path / "deep" / "notebooks")
    book = cs.load()
    assert not book.is_sample
    assert book.lang == "ja"


def test_a_folder_written_as_a_sample_is_known_for_one(tmp_path, small, monkeypatch):
    from cs_analysis.data.sample import make_sample, write_sample

    folder = write_sample(make_sample(accounts=20, months=14), tmp_path / "anything")
    book = cs.load(folder)
    assert book.is_sample
    assert "not your data" in book.report().text
    (folder / "truth.json").rename(small / "truth.json")
    assert cs.load(small).is_sample
    assert not (plain := cs.load(folder)).is_sample
    assert "not your data" not in plain.report().text
    assert plain.fingerprint == book.fingerprint
    for other in ("{}", "[1]", '{"about": {"made_by": "us"}}', '{"about": 1}', "no json", "\udcff"):
        (small / "truth.json").write_bytes(other.encode("utf-8", "surrogateescape"))
        assert not cs.load(small).is_sample


def test_the_sample_ties_to_its_ledger_and_is_sound(tmp_path):
    from cs_analysis.data.sample import make_sample, write_sample

    write_sample(make_sample(accounts=60, months=24), tmp_path, format="csv")
    checked = check(tmp_path)
    assert checked.n_errors == 0
    assert checked.problems["problem"].tolist() == []


def test_import_is_cheap():
    code = (
        "import time; t = time.perf_counter(); import cs_analysis; print(time.perf_counter() - t); "
        "import sys; print('pandas' in sys.modules)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)]
    seconds, loaded = zip(*(run.stdout.split() for run in runs), strict=True)
    assert min(map(float, seconds)) < 0.05
    assert set(loaded) == {"False"}
    assert callable(cs.save)
    assert callable(cs.say)
    assert callable(cs.revenue.bridge)
    assert not hasattr(cs, "nonsense")


def test_the_column_to_split_by_may_be_called_by_its_japanese_name(tmp_path):
    tables = {
        "accounts": [{**account(1), "industry": "retail", "地域": "east"}],
        "contracts": [line(1, "A1", "2024-01-15", None)],
    }
    folder = write(tmp_path, tables)
    assert cs.load(folder, as_of="2024-01-31").segment_column() == "segment"
    assert cs.load(folder, as_of="2024-01-31").segment_column("業種") == "industry"
    (folder / "cs-analysis.toml").write_text('[report]\nsegment_by = ["地域"]\n', encoding="utf-8")
    assert cs.load(folder, as_of="2024-01-31").segment_column() == "地域"
    (folder / "cs-analysis.toml").write_text('[report]\nsegment_by = ["地区"]\n', encoding="utf-8")
    with pytest.raises(InputError, match="Accounts have no column 地区"):
        cs.load(folder, as_of="2024-01-31")
