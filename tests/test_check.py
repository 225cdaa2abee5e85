"""Faults of the input: each is found, named by file, row and column, and all of them in one pass."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

import cs_analysis as cs
from cs_analysis.data.book import check
from cs_analysis.data.problems import COLUMNS, LISTED, Problems
from cs_analysis.data.reading.read import Source
from cs_analysis.display.language import set_language
from cs_analysis.errors import InputError

ACCOUNTS = "account_id,account_name\nA1,青空\nA2,海山\n"
CONTRACTS = "contract_id,account_id,start_date,end_date,mrr\nC1,A1,2024-01-01,,100\nC2,A2,2024-01-31,,200\n"


@pytest.fixture(autouse=True)
def english():
    set_language("en")
    yield
    set_language("en")


def folder(place: Path, config: str = "", **files: str) -> Path:
    place.mkdir(exist_ok=True)
    for name, text in ({"accounts": ACCOUNTS, "contracts": CONTRACTS} | files).items():
        (place / f"{name}.csv").write_text(text, encoding="utf-8")
    if config:
        (place / "cs-analysis.toml").write_text(config, encoding="utf-8")
    return place


def found(place: Path) -> list[tuple[str, str, int | None, str, str]]:
    """severity, file, row, column, value of each problem."""
    frame = check(place).problems
    assert list(frame.columns) == COLUMNS
    return [(s, f, None if pd.isna(r) else int(r), c, v)
            for s, f, r, c, v in frame[list(COLUMNS[:2] + COLUMNS[3:6])].itertuples(index=False)]  # fmt: skip


def sentences(place: Path) -> str:
    frame = check(place).problems
    return " | ".join(frame["problem"] + " " + frame["action"])


def test_a_sound_company_has_no_problems(tmp_path):
    assert found(folder(tmp_path)) == []


def test_all_faults_in_one_pass(tmp_path):
    contracts = (
        "契約ID,顧客ID,開始日,終了日,月額\n"
        "C1,A1,03/04/2024,,100\n"  # ambiguous day order
        "C2,A2,2024-01-01,,約100\n"  # no number
        "C3,A2,2024-05-01,2024-04-01,100\n"  # end before start
        "C4,,2024-01-01,,100\n"  # no account
        "C5,A9,2024-01-31,,-100\n"  # unknown account, negative
        "C5,A2,2024-01-31,,50\n"  # key twice
        "C6,A2,2024-01-31,,\n"  # no revenue
    )
    usage = "account_id,month,metric,value\nA1,2024-01,logins,5\nA3,2024-01,logins,5\nA1,,logins,1\n"
    contacts = "account_id,contact,role\nA1,高橋,部長\n"
    place = folder(tmp_path, contracts=contracts, usage=usage, contacts=contacts)
    assert sorted(found(place), key=str) == sorted([
        ("error", "contracts.csv", 2, "開始日", "03/04/2024"),
        ("error", "contracts.csv", 3, "月額", "約100"),
        ("error", "contracts.csv", 4, "終了日", "2024-04-01"),
        ("error", "contracts.csv", 5, "顧客ID", ""),
        ("warning", "contracts.csv", 6, "顧客ID", "A9"),
        ("warning", "contracts.csv", 6, "月額", "−¥100"),
        ("error", "contracts.csv", 6, "契約ID", "C5"),
        ("error", "contracts.csv", 7, "契約ID", "C5"),
        ("error", "contracts.csv", 8, "月額", ""),
        ("warning", "usage.csv", 3, "account_id", "A3"),
        ("warning", "usage.csv", 4, "month", ""),
        ("error", "contacts.csv", 2, "role", "部長"),
    ], key=str)  # fmt: skip
    with pytest.raises(
        InputError, match=r"contracts.csv, row 2, column 開始日: .*ambiguous.*… and 6 more errors; `cs-analysis check"
    ):
        cs.load(place)


MONTHS = "account_id,month,mrr\nA1,2024-01,100\nA2,2024-01,lots\n"
WIDE = "account_id,2024-01,2024-02\nA1,100,100\nA2,100,lots\n"
AMOUNTS = "contract_id,account_id,start_date,amount,billing_months\nC1,A1,2024-01-01,9,1\nC2,A2,2024-01-01,lots,1\n"
FLAT = "account_id,contract_start,mrr\nA1,2024-01-01,100\nA2,2024-01-01,lots\n"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("contracts", CONTRACTS.replace("200", "lots")),
        ("contracts", AMOUNTS),
        ("mrr_months", MONTHS),
        ("mrr_months", WIDE),
        ("accounts", FLAT),
    ],
)
def test_revenue_that_cannot_be_read_is_told_once(tmp_path, file, text):
    place = folder(tmp_path, **{file: text})
    if file != "contracts":
        (place / "contracts.csv").unlink()
    assert [(s, f, r, v) for s, f, r, _c, v in found(place)] == [("error", f"{file}.csv", 3, "lots")]
    assert "cannot be read as a number" in refused(place)
    assert "more error" not in refused(place)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("contracts", "contract_id,account_id,start_date,mrr\nC1,A1,soon,100\n"),
        ("mrr_months", "account_id,month,mrr\nA1,soon,100\n"),
        ("accounts", "account_id,contract_start,mrr\nA1,soon,100\n"),
    ],
)
def test_the_only_date_that_cannot_be_read_is_named(tmp_path, file, text):
    place = folder(tmp_path, **{file: text})
    if file != "contracts":
        (place / "contracts.csv").unlink()
    assert [(f, r, v) for _s, f, r, _c, v in found(place)] == [(f"{file}.csv", 2, "soon")]
    assert f"{file}.csv, row 2" in refused(place)
    with pytest.raises(InputError, match=f"{file}.csv, row 2"):
        cs.load(place, as_of="2024-01-31")


def test_without_any_date_at_all(tmp_path):
    place = folder(tmp_path, contracts="contract_id,account_id,start_date,mrr\n")
    assert "No date was found in the data" in refused(place)


def test_an_unreadable_date_is_told_before_an_as_of_date_that_is_too_late(tmp_path):
    place = folder(tmp_path, contracts=CONTRACTS.replace("2024-01-31", "2026-13-01"))
    with pytest.raises(InputError, match="row 3, column start_date"):
        cs.load(place, as_of="2026-12-31")


def refused(place: Path) -> str:
    with pytest.raises(InputError) as caught:
        cs.load(place)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_column_names_the_nearest_header(tmp_path):
    place = folder(tmp_path, contracts=CONTRACTS.replace("start_date", "strat_date"))
    said = refused(place)
    assert "contracts.csv, column start_date: The required column start_date (開始日) is missing." in said
    assert "Did you mean “strat_date”?" in said
    assert "contract_id, account_id, strat_date, end_date, mrr" in said


def test_a_missing_mrr_column(tmp_path):
    said = refused(folder(tmp_path, contracts="contract_id,account_id,start_date\nC1,A1,2024-01-01\n"))
    assert "The required column mrr (月額) is missing." in said


def test_no_accounts_and_no_revenue(tmp_path):
    place = folder(tmp_path)
    (place / "contracts.csv").unlink()
    assert "No revenue was found; give the table contracts" in refused(place)
    (place / "accounts.csv").rename(place / "acounts.csv")
    assert "The table accounts (顧客) was not found in the data folder; did you mean 'acounts.csv'?" in refused(place)


def test_two_headers_for_one_column(tmp_path):
    said = refused(folder(tmp_path, accounts="account_id,顧客ID\nA1,A1\nA2,A2\n"))
    assert "The columns “account_id” and “顧客ID” both hold account_id." in said


def test_a_header_that_stands_twice(tmp_path):
    place = folder(tmp_path, contracts="contract_id,account_id,start_date,mrr,mrr,mrr\nC1,A1,2024-01-31,1,2,3\n")
    assert found(place) == [("error", "contracts.csv", None, "mrr", "")]
    assert "The header “mrr” stands over 3 columns. Keep one of them, or rename the others." in refused(place)
    place = folder(tmp_path, contracts=CONTRACTS, accounts="account_id,memo,memo\nA1,a,b\nA2,,\n")
    assert found(place) == [("note", "accounts.csv", None, "memo", "")]
    assert list(cs.load(place).accounts.columns[-2:]) == ["memo", "memo (2)"]
    config = '[mapping.accounts.columns]\nMemo = "segment"\n'
    assert found(folder(tmp_path, config, accounts="account_id,memo,memo\nA1,a,b\nA2,,\n")) == [
        ("error", "accounts.csv", None, "memo", "")
    ]


def test_a_month_that_stands_twice(tmp_path):
    place = folder(tmp_path, mrr_months="account_id,2024-01,2024-02,2024-02\nA1,1,2,3\n")
    (place / "contracts.csv").unlink()
    assert found(place) == [("error", "mrr_months.csv", None, "2024-02", "")]


def test_a_header_that_a_mapping_gives_two_names(tmp_path):
    config = '[mapping.contracts.columns]\nFee = "mrr"\nfee = "amount"\n'
    contracts = CONTRACTS.replace("mrr", "Fee")
    said = refused(folder(tmp_path, config, contracts=contracts))
    assert (
        said == "The mapping of contracts gives the column 'Fee' of contracts.csv two names, mrr and amount; keep one."
    )


def test_a_currency_without_a_rate(tmp_path):
    contracts = "contract_id,account_id,start_date,mrr,currency\nC1,A1,2024-01-31,100,USD\nC2,A2,2024-01-31,100,\n"
    place = folder(tmp_path, contracts=contracts)
    assert found(place) == [("error", "contracts.csv", 2, "currency", "USD")]
    assert "There is no exchange rate for USD." in sentences(place)
    assert found(folder(tmp_path, "[money.fx]\nUSD = 150\n")) == []


def test_a_ledger_that_does_not_tie(tmp_path):
    place = folder(tmp_path, ledger="month,mrr\n2024-01,300\n2024-02,250.4\n")
    assert found(place) == [("warning", "ledger.csv", 3, "mrr", "¥250")]
    assert "The ledger's Feb 2024 does not tie to the contracts: ¥250 against ¥300, a difference of ¥50." in sentences(
        place
    )


@pytest.mark.parametrize(
    ("inclusive", "ends", "said"), [("true", 0, 1), ("true", 1, 0), ("false", 1, 1), ("false", 0, 0)]
)
def test_successors_that_contradict_the_switch(tmp_path, inclusive, ends, said):
    lines = "".join(f"C{i},A1,2024-{i + 1:02d}-02,2024-{i + 2:02d}-{2 - ends:02d},100\n" for i in range(6))
    place = folder(
        tmp_path, f"[rules]\nend_date_inclusive = {inclusive}\n", contracts=CONTRACTS.split("\n")[0] + "\n" + lines
    )
    assert sentences(place).count("set end_date_inclusive = ") == said


def test_a_past_contract_end_without_churn_date_in_the_flat_form(tmp_path):
    accounts = (
        "account_id,contract_start,contract_end,churn_date,mrr\nA1,2023-01-01,2023-12-31,,1000\n"
        "A2,2023-01-01,2023-12-31,2023-12-31,10\nA3,2024-05-31,,,10\n"
    )
    place = folder(tmp_path, accounts=accounts)
    (place / "contracts.csv").unlink()
    assert found(place) == [("warning", "accounts.csv", 2, "contract_end", "2023-12-31")]
    assert check(place).problems["effect"].str.endswith("churn is too high: ¥1,000 a month.").tolist() == [True]
    accounts = "account_id,contract_start,mrr\nA1,2023-01-01,\nA2,,5\nA3,2024-05-31,5\n"
    assert found(_flat(tmp_path, accounts)) == [
        ("error", "accounts.csv", 2, "mrr", ""), ("error", "accounts.csv", 3, "contract_start", ""),
    ]  # fmt: skip


def _flat(place: Path, accounts: str) -> Path:
    folder(place, accounts=accounts)
    (place / "contracts.csv").unlink()
    return place


def late(first_departure: int) -> str:
    """40 accounts, one a month from 2018 on; from `first_departure` on one leaves every other month."""
    rows = [f"A{i},{2018 + i // 12}-{i % 12 + 1:02d}-01," for i in range(48)]
    for k, month in enumerate(range(first_departure, 72, 2)):
        rows[k] += f"{2018 + month // 12}-{month % 12 + 1:02d}-15"
    return (
        "account_id,contract_start,churn_date,mrr\n" + "\n".join(row + ",10" for row in rows) + "\nA99,2023-12-31,,10\n"
    )


def test_late_entry_is_suspected_where_departures_are_missing(tmp_path):
    assert "those that left earlier seem to be missing" in sentences(_flat(tmp_path, late(54)))
    assert "observed_from" in sentences(_flat(tmp_path, late(54)))
    assert sentences(_flat(tmp_path, late(16))) == ""
    folder(tmp_path, "[rules]\nobserved_from = 2022-07-01\n", accounts=late(54))
    (tmp_path / "contracts.csv").unlink()
    assert sentences(tmp_path) == ""


def test_repeated_rows_and_second_answers_are_set_aside(tmp_path):
    usage = "account_id,month,metric,value\nA1,2024-01,m,5\nA1,2024-01,m,5\nA2,2024-01,m,5\n"
    answers = "account_id,respondent,wave,responded_date,score\nA1,R,w,2024-01-05,3\nA1,R,w,2024-01-09,9\nA1,R,w,,\n"
    place = folder(tmp_path, usage=usage, survey_responses=answers)
    assert sorted(p[:3] for p in found(place)) == [
        ("warning", "survey_responses.csv", 2), ("warning", "survey_responses.csv", 4), ("warning", "usage.csv", 3),
    ]  # fmt: skip
    book = cs.load(place)
    assert book.survey_responses["score"].tolist() == [9.0]
    assert book.coverage.set_index("table").loc[
        ["usage", "survey_responses"], ["rows_read", "rows_used"]
    ].values.tolist() == [[3, 2], [3, 1]]
    assert "usage.csv, row 2" in refused(folder(tmp_path, usage=usage.replace("m,5\nA2", "m,6\nA2")))


def test_values_outside_their_range(tmp_path):
    answers = "account_id,respondent,wave,responded_date,score\nA1,R,w,2024-01-05,11\n"
    entries = "date,csm,account_id,task,hours\n2024-01-05,佐藤,A1,t,-1\n2024-01-05,佐藤,,t,0:30\n"
    place = folder(tmp_path, survey_responses=answers, time_entries=entries)
    assert [(p[0], p[2], p[4]) for p in found(place)] == [("error", 2, "-1"), ("error", 2, "11")]


def test_scores_are_read_as_written_and_listed_where_they_are_none(tmp_path):
    lines = ["10点", "９", "N/A", ""]
    answers = "account_id,respondent,wave,score\n" + "".join(f"A1,R{i},w,{s}\n" for i, s in enumerate(lines))
    place = folder(tmp_path, survey_responses=answers)
    assert found(place) == [
        ("warning", "survey_responses.csv", 4, "score", "N/A"),
        ("note", "survey_responses.csv", None, "score", ""),  # two scores stood in another form
    ]
    assert cs.load(place).survey_responses["score"].fillna(-1).tolist() == [10, 9, -1, -1]
    answers = "account_id,respondent,wave,score\nA1,R1,w,11\nA1,R2,w,7.5\n"
    listed = found(folder(tmp_path, survey_responses=answers))
    assert sorted((p[0], p[4]) for p in listed) == [("error", "11"), ("error", "7.5")]


def test_mergers_that_go_nowhere_or_round_in_a_circle(tmp_path):
    place = folder(tmp_path, accounts="account_id,merged_into,merged_date\nA1,A7,2024-01-01\nA2,,\n")
    assert found(place) == [("warning", "accounts.csv", 2, "merged_into", "A7")]
    assert cs.load(place).contracts["account_id"].tolist() == ["A2", "A7"]
    accounts = "account_id,merged_into,merged_date\nA1,A2,2024-01-01\nA2,A1,2024-01-01\n"
    assert "goes round in a circle" in refused(folder(tmp_path, accounts=accounts))


def test_files_that_match_no_table_are_listed(tmp_path):
    place = folder(tmp_path, memo="a,b\n1,2\n")
    assert found(place) == [("note", "memo.csv", None, "", "")]


def test_many_rows_with_one_fault_are_listed_up_to_a_limit():
    problems = Problems()
    problems.add(
        "error", Source("a.csv"), "“{value}” is wrong.", "", rows=range(LISTED + 20), values=range(LISTED + 20)
    )
    frame = problems.frame()
    assert len(frame) == LISTED + 1
    assert frame["problem"].iloc[-1] == "20 more rows have the same problem."


def test_problems_speak_the_language_of_the_book(tmp_path):
    book = cs.load(folder(tmp_path, ledger="month,mrr\n2024-01,1\n"), lang="ja")
    assert "2024年1月" in book.problems["problem"].iloc[0] or "Jan 2024" not in book.problems["problem"].iloc[0]


@settings(
    deadline=None, max_examples=25, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
@example(2, 3, "")  # the end is that of the data
@given(
    st.integers(0, 5),
    st.integers(0, 4),
    st.sampled_from(["???", "2024/13/45", "(5", "03/04/2024", "A7", "\u3000x", "1,23", ""]),
)
def test_a_corrupted_cell_of_contracts_never_changes_revenue_in_silence(tmp_path_factory, row, column, junk):
    place = tmp_path_factory.mktemp("junk")
    cells = [
        [f"C{i}", f"A{i % 2 + 1}", f"2024-0{i + 1}-01", f"2024-1{i % 3}-{31 - i % 3 % 2}", str(100 * (i + 1))]
        for i in range(6)
    ]
    ledger = "month,mrr\n" + "".join(
        f"2024-{m:02d},{sum(100 * (i + 1) for i in range(6) if i + 1 <= m and 10 + i % 3 >= m)}\n" for m in range(1, 13)
    )

    def load(name: str, rows: list[list[str]]) -> Path:
        text = "contract_id,account_id,start_date,end_date,mrr\n" + "\n".join('"' + '","'.join(r) + '"' for r in rows)
        return folder(place / name, contracts=text + "\n", ledger=ledger)

    sound = cs.load(load("sound", cells))
    assert sound.problems.empty
    broken = [list(r) for r in cells]
    broken[row][column] = junk
    try:
        book = cs.load(load("broken", broken))
    except InputError as error:
        if "contracts.csv" not in str(error):
            raise
        return

    def revenue(held: cs.Book) -> pd.DataFrame:
        """The lines as far as they have happened: a stop after the as-of date has not."""
        lines = held.contracts[["account_id", "start", "stop", "mrr"]]
        return lines.assign(stop=lines["stop"].where(lines["stop"] <= pd.Timestamp(held.as_of)))

    same = revenue(book).equals(revenue(sound))
    assert same or len(book.problems) > len(sound.problems)


def test_of_many_unknown_accounts_none_is_passed_over(tmp_path):
    lines = "contract_id,account_id,start_date,mrr\nC0,A1,2024-01-01,10\n"
    lines += "".join(f"C{i},unknown-{i},2024-01-01,10\n" for i in range(1, 252))
    (tmp_path / "accounts.csv").write_text("account_id\nA1\n", encoding="utf-8")
    (tmp_path / "contracts.csv").write_text(lines, encoding="utf-8")
    found = cs.load(tmp_path, as_of="2024-01-31").problems
    told = found[found["problem"].str.contains("is not in accounts")]
    counted = found["problem"].str.extract(r"^(\d+) more rows")[0].dropna().astype(int).sum()
    assert len(told) + counted == 251


@pytest.mark.parametrize(
    ("accounts", "contracts", "file"),
    [
        (ACCOUNTS, "contract_id,kunde,start_date,mrr\nC1,A1,2024-01-01,-100\nC1,A1,2024-01-01,-100\n", "contracts.csv"),
        ("number,account_name\nA1,青空\n", CONTRACTS, "accounts.csv"),
    ],
)
def test_a_table_without_its_accounts_is_one_error(tmp_path, accounts, contracts, file):
    usage = "account_id,month,metric,value\nA1,2024-01,logins,3\nA9,2024-01,logins,3\n"
    place = folder(tmp_path, accounts=accounts, contracts=contracts, usage=usage)
    errors = [line for line in found(place) if line[0] == "error"]
    assert [(f, column) for _severity, f, _row, column, _value in errors if column == "account_id"] == [
        (file, "account_id")
    ]
    if file == "accounts.csv":  # of whom nobody knows whether they are listed, nobody is said not to be
        assert "is not in accounts" not in sentences(place)
