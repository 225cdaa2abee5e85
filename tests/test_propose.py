"""Proposed mappings: the shipped examples without their client files, judged by those; questions, never guesses."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import cs_analysis as cs
from cs_analysis.cli import app
from cs_analysis.data.proposing.as_toml import PROPOSED, proposed_text, summary_lines, unknown_lines
from cs_analysis.data.proposing.columns import Guess
from cs_analysis.data.proposing.propose import Proposal, propose, recognise
from cs_analysis.data.proposing.questions import Question
from cs_analysis.data.reading.read import Source
from cs_analysis.data.sample import make_sample, write_sample
from cs_analysis.data.schema import TABLES, find_column
from cs_analysis.data.settings import Settings, read_settings
from cs_analysis.data.vocabulary import CERTAIN, HINTS, LIKELY, UNSURE
from cs_analysis.display.language import set_language
from cs_analysis.errors import InputError

EXAMPLES = Path(__file__).parent.parent / "data_templates" / "examples"
NONE = Settings()
ACCOUNTS = "顧客ID,顧客名\nA001,青空商事株式会社\nA002,海山物産株式会社\nA003,北斗電機株式会社\n"
# what each folder of exports holds, besides the tables that are in our own form
HOLDS = {
    "salesforce": ["accounts", "contracts"],
    "kintone": ["accounts", "contracts"],
    "hubspot": ["accounts", "contracts"],
    "stripe": ["accounts", "contracts"],
    "survey_form": ["survey_responses"],
    "task_tool": ["onboarding_steps"],
    "time_sheet": ["time_entries"],
    "monthly_sheet": ["accounts", "mrr_months"],
}


def exports(name: str, folder: Path) -> Path:
    """The files of an example without its client file."""
    return Path(
        shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("cs-analysis.toml", "*.md"))
    )


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def refused(folder: Path, text: str) -> None:
    """The kit must not run a proposal whose questions nobody has answered."""
    write(folder, "cs-analysis.toml", text)
    with pytest.raises(InputError):
        read_settings(folder / "cs-analysis.toml")


def sure(proposal: Proposal) -> dict[str, str]:
    return {g.header: g.column for g in proposal.guesses if g.certainty != UNSURE}


def answered(text: str, answers: dict[str, str]) -> str:
    """The proposal with each line that holds a question replaced by its answer."""
    for question, answer in answers.items():
        assert question in text
        text = text.replace(question, answer)
    return text


@pytest.mark.parametrize("name", HOLDS)
def test_files_are_recognised(name, tmp_path):
    assert [p.table for p in propose(exports(name, tmp_path), NONE)] == HOLDS[name]


@pytest.mark.parametrize("name", HOLDS)
def test_what_is_said_to_be_sure_agrees_with_the_mapping_somebody_made(name, tmp_path):
    truth = read_settings(EXAMPLES / name / "cs-analysis.toml").mapping
    for proposal in propose(exports(name, tmp_path), NONE):
        table = TABLES[proposal.table]
        rule = truth[proposal.table].derive.amount
        for header, column in sure(proposal).items():
            made = "amount" if rule and rule.amount == header else truth[proposal.table].columns.get(header, header)
            ours = find_column(table, made)
            assert header in truth[proposal.table].ignore or (ours is not None and ours.name == column), header
        assert proposal.by_name == (truth[proposal.table].match == "name")


@pytest.mark.parametrize("name", HOLDS)
def test_no_unit_currency_or_owner_is_ever_filled_in(name, tmp_path):
    proposals = propose(exports(name, tmp_path), NONE)
    text = proposed_text(proposals, NONE)
    data = tomllib.loads(text)
    assert set(data.get("client", {}).values()) <= {"?"}
    for section in data["mapping"].values():
        assert set(section.get("units", {}).values()) <= {"?"}
        assert set(section.get("constants", {}).values()) <= {"?"}
        assert all(set(pairs.values()) == {"?"} for pairs in section.get("values", {}).values())
    assert summary_lines(proposals, "x")[-1].startswith("The proposed mapping is in x")


@pytest.mark.parametrize("name", ["salesforce", "kintone", "hubspot", "stripe", "survey_form", "task_tool"])
def test_a_proposal_is_refused_until_its_questions_are_answered(name, tmp_path):
    folder = exports(name, tmp_path)
    proposals = propose(folder, NONE)
    assert any(p.questions for p in proposals)
    (folder / "cs-analysis.toml").write_text(proposed_text(proposals, NONE), encoding="utf-8")
    with pytest.raises(InputError, match=r"answer the question|but it must be"):
        read_settings(folder / "cs-analysis.toml")


def test_an_answered_proposal_gives_the_answers_of_the_survey(tmp_path):
    folder = exports("survey_form", tmp_path)
    text = proposed_text(propose(folder, NONE), NONE)
    text = answered(text, {'constants."wave" = "?"': 'constants."wave" = "2026年上期"'})
    (folder / "cs-analysis.toml").write_text(text, encoding="utf-8")
    mine, shipped = (cs.load(f, as_of="2026-10-31", lang="en") for f in (folder, EXAMPLES / "survey_form"))
    assert mine.survey_responses.equals(shipped.survey_responses)
    assert len(mine.survey_responses) == 4


def test_an_answered_proposal_gives_the_revenue_of_the_months(tmp_path):
    folder = exports("monthly_sheet", tmp_path)
    text = proposed_text(propose(folder, NONE), NONE)
    text = answered(text, {'currency = "?"': 'currency = "JPY"', 'units."mrr" = "?"': 'units."mrr" = "千円"'})
    (folder / "cs-analysis.toml").write_text(text, encoding="utf-8")
    mine, shipped = (cs.load(f, as_of="2026-10-31", lang="en") for f in (folder, EXAMPLES / "monthly_sheet"))
    columns = ["account_id", "start", "stop", "mrr"]
    assert mine.contracts[columns].equals(shipped.contracts[columns])


def test_time_sheets_of_several_months_are_proposed_as_one_table_with_its_clock(tmp_path):
    folder = exports("time_sheet", tmp_path)
    [proposal] = propose(folder, NONE)
    assert [s.file for s in proposal.sources] == ["工数_2026-09.csv", "工数_2026-10.csv"]
    assert proposal.files == ("工数_*.csv",)
    assert proposal.derive == {"clock": {"start": "開始", "end": "終了", "break": "休憩（分）"}}
    (folder / "cs-analysis.toml").write_text(proposed_text([proposal], NONE), encoding="utf-8")
    assert cs.load(folder, as_of="2026-10-31", lang="en").time_entries["hours"].sum() == 23.75


def test_which_rows_count_is_asked_with_what_there_is(tmp_path):
    asked = {q.key: q for p in propose(exports("salesforce", tmp_path), NONE) for q in p.questions}
    assert asked["filter"].names == ("Stage",)
    assert "Closed Won (8), Closed Lost (1), Negotiation (1)" in asked["filter"].asked
    assert "cancelled, and customers who left, must stay" in asked["filter"].asked
    assert "Contract Term (months)" in asked["derive.amount"].asked


def test_whose_court_a_value_means_is_asked(tmp_path):
    [proposal] = propose(exports("task_tool", tmp_path), NONE)
    [owner] = [q for q in proposal.questions if q.key == "values.owner"]
    assert owner.names == ("先方", "当社")
    assert sure(proposal)["Customer"] == "account_id"


def test_a_header_that_is_nearly_ours_is_proposed(tmp_path):
    (tmp_path / "accounts.csv").write_text("account_id,segmnet,統合先,Colour\nA1,x,,red\n", encoding="utf-8")
    [proposal] = propose(tmp_path, NONE)
    got = {g.header: (g.column, g.certainty) for g in proposal.guesses}
    assert got == {
        "account_id": ("account_id", CERTAIN), "segmnet": ("segment", LIKELY), "統合先": ("merged_into", LIKELY),
    }  # fmt: skip


def test_values_that_do_not_fit_make_a_guess_unsure(tmp_path):
    (tmp_path / "form.csv").write_text(
        "Timestamp,Company,Name,How likely are you to recommend us?\nyes,A,B,very\nno,C,D,not at all\n",
        encoding="utf-8",
    )
    [proposal] = propose(tmp_path, NONE)
    assert proposal.table == "survey_responses"
    assert {g.certainty for g in proposal.guesses if g.column in ("score", "responded_date")} == {UNSURE}
    text = proposed_text([proposal], NONE)
    assert '# "Timestamp" = "responded_date"  # unsure' in text
    assert "Timestamp" not in tomllib.loads(text)["mapping"]["survey_responses"]["columns"]


@pytest.mark.parametrize("name", [*HOLDS, "telco"])
def test_nothing_is_proposed_where_all_is_mapped(name):
    assert propose(EXAMPLES / name, read_settings(EXAMPLES / name / "cs-analysis.toml")) == []


def test_nothing_is_proposed_for_files_in_our_form(tmp_path):
    folder = write_sample(make_sample(accounts=20, months=24), tmp_path / "sample", "csv")
    assert propose(folder, NONE) == []
    (folder / "notes.csv").write_text("wish,who\nmore sun,Ken\n", encoding="utf-8")
    shutil.copy(folder / "contracts.csv", folder / "contracts copy.csv")
    assert propose(folder, NONE) == []


def test_what_the_client_file_says_already_is_kept(tmp_path):
    folder = exports("hubspot", tmp_path)
    before = (EXAMPLES / "hubspot" / "cs-analysis.toml").read_text(encoding="utf-8")
    before = before[: before.index("[mapping.contracts]")]
    (folder / "cs-analysis.toml").write_text(before, encoding="utf-8")
    settings = read_settings(folder / "cs-analysis.toml")
    text = proposed_text(propose(folder, settings), settings)
    data = tomllib.loads(text)
    assert data["client"] == {"name": "HubSpot (example)", "currency": "USD"}
    assert list(data["mapping"]) == ["accounts", "contracts"]


TRICKY = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.lists(TRICKY, min_size=1, max_size=4, unique=True), TRICKY, TRICKY)
def test_whatever_stands_in_a_header_the_proposal_is_sound(headers, file, why):
    names = ["account_id", "account_name", "segment", "industry"]
    guesses = tuple(
        Guess(h, c, k, "") for h, c, k in zip(headers, names, [LIKELY, CERTAIN, LIKELY, CERTAIN], strict=False)
    )
    question = Question("filter", why, (headers[0],))
    proposal = Proposal(
        "accounts", (Source(file),), (file,), guesses, (question,), True, fixed={"ignore": [why]}, unused=(why,),
        set_aside={why: "industry"},
    )  # fmt: skip
    section = tomllib.loads(proposed_text([proposal], NONE))["mapping"]["accounts"]
    assert section["columns"] == {g.header: g.column for g in guesses}
    assert section["file"] == file
    assert section["filter"] == {headers[0]: ["?"]}
    assert section["ignore"] == [why]


def test_hints_speak_of_columns_that_there_are():
    for hint in HINTS:
        for name in hint.tables:
            assert TABLES[name].column(hint.column) is not None, hint


# -------------------------------------------------------------------------------------------------- which table it is


NOT_OURS = {
    "invoices": "請求書番号,取引先コード,取引先名称,件名,請求日,合計金額,ステータス\n"
                "I1,A001,青空商事,9月分,2026/09/30,132000,済\n"
                "I2,A001,青空商事,10月分,2026/10/31,132000,済\n",
    "bookings": "収支区分,管理番号,発生日,決済期日,取引先コード,取引先,勘定科目,金額,税額,品目\n"
                "収入,1,2026-09-30,2026-10-31,A001,青空商事,売上高,132000,12000,月額利用料\n"
                "収入,2,2026-10-31,2026-11-30,A001,青空商事,売上高,132000,12000,月額利用料\n",
    "paid": "発生日,決済期日,入金日,取引先コード,金額,品目\n2026-09-01,2026-10-01,2026-11-01,A001,132000,月額利用料\n"
            "2026-10-01,2026-11-01,2026-12-01,A001,132000,月額利用料\n",
    "sales": "伝票日付,伝票番号,得意先コード,得意先名,商品コード,数量,単価\n2026/9/30,1,A001,青空商事,S1,1,120000\n"
             "2026/10/31,2,A001,青空商事,S1,1,120000\n",
    "stripe": "id,Customer,Customer Name,Date (UTC),Amount Due,Currency,Status,Subscription\n"
              "in_1,cus_A,Aozora,2026-09-01,490.00,usd,paid,sub_1\nin_2,cus_A,Aozora,2026-10-01,490.00,usd,paid,sub_1\n",
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_OURS)
def test_what_is_like_a_table_only_in_its_customer_is_not_proposed_and_it_is_said_why(name, tmp_path):
    write(tmp_path, f"{name}.csv", NOT_OURS[name])
    proposals, unknown = recognise(tmp_path, NONE)
    assert proposals == []
    [line] = unknown_lines(unknown)
    assert line.startswith(f"no proposal: {name}.csv: its columns do not tell which table it is.")
    assert "write a section [mapping.<table>]" in line


def test_a_row_of_data_is_no_header_row(tmp_path):
    write(tmp_path, "顧客.csv", ACCOUNTS)
    write(tmp_path, "freee.csv", NOT_OURS["bookings"])
    [unknown] = recognise(tmp_path, NONE).unknown
    assert "収支区分, 管理番号, 発生日" in unknown.why  # and not 収入, 1, 2026-09-30


def test_a_time_sheet_is_no_survey(tmp_path):
    write(tmp_path, "kot.csv", "従業員コード,名前,日付,出勤時刻,退勤時刻,休憩時間,業務内容,取引先名\n"
                               "1001,佐藤,2026/10/01,9:00,18:00,1.00,定例,青空商事\n")  # fmt: skip
    assert [p.table for p in propose(tmp_path, NONE)] == ["time_entries"]


def test_tickets_are_activities(tmp_path):
    write(tmp_path, "顧客.csv", ACCOUNTS)
    write(tmp_path, "tickets.csv", "Ticket ID,Subject,Organization,Assignee,Created at\n"
                                   "1,ログイン,青空商事,佐藤,2026-09-02 10:15\n")  # fmt: skip
    [proposal] = propose(tmp_path, NONE)
    assert sure(proposal) == {"Subject": "subject", "Organization": "account_id", "Created at": "date"}
    assert (proposal.table, proposal.by_name) == ("activities", True)


def test_a_copy_and_a_part_with_other_columns_are_told(tmp_path):
    write(tmp_path, "顧客.csv", ACCOUNTS)
    write(tmp_path, "顧客 copy.csv", ACCOUNTS)
    write(tmp_path, "工数_09.csv", "date,担当A,account_id,task,hours\n2026-09-01,佐藤,A001,定例,1\n")
    write(tmp_path, "工数_10.csv", "date,担当B,account_id,task,hours\n2026-10-01,佐藤,A001,定例,1\n")
    proposals, unknown = recognise(tmp_path, NONE)
    assert [[s.file for s in p.sources] for p in proposals] == [["工数_09.csv"]]
    told = {u.source.file: u.why for u in unknown}
    assert "which is read from 顧客.csv already" in told["顧客 copy.csv"]
    assert "its columns are not those of 工数_09.csv" in told["工数_10.csv"]


def test_months_that_do_not_say_which_are_asked_about(tmp_path):
    write(tmp_path, "accounts.csv", ACCOUNTS)
    write(tmp_path, "月次売上.csv", "顧客コード,顧客名,Aug-26,Sep-26,Oct-26\nA001,青空,9,8,100\nA002,海山,5,5,50\n")
    text = proposed_text(propose(tmp_path, NONE), NONE)
    assert '"Aug-26" = "?"' in text
    refused(tmp_path, text)
    text = answered(text, {
        'currency = "?"': 'currency = "JPY"', '"Aug-26" = "?"': '"Aug-26" = "2026-08"', 'units."mrr" = "?"':
        'units."mrr" = "千円"', '"Sep-26" = "?"': '"Sep-26" = "2026-09"', '"Oct-26" = "?"': '"Oct-26" = "2026-10"',
    })  # fmt: skip
    write(tmp_path, "cs-analysis.toml", text)
    lines = cs.load(tmp_path, as_of="2026-10-31", lang="en").contracts
    # in October 100 and 50 thousand yen
    assert lines.loc[lines["stop"].isna() | (lines["stop"] > "2026-10-31"), "mrr"].sum() == 150_000


@pytest.mark.parametrize("heads", ["4月,5月,6月", "2026年9月 予算,2026年9月 実績,2026年10月 予算", "4月度,5月度,6月度"])
def test_other_months_that_do_not_say_which(heads, tmp_path):
    write(tmp_path, "accounts.csv", ACCOUNTS)
    write(tmp_path, "2025年度売上.csv", f"2025年度 売上（千円）,,,\n顧客名,{heads}\n青空商事,1,2,3\n海山物産,1,2,3\n")
    [proposal] = propose(tmp_path, NONE)
    [asked] = [q for q in proposal.questions if q.theirs]
    assert asked.names == tuple(heads.split(","))
    assert proposal.by_name


# ----------------------------------------------------------------------------------------------- which column it is


def test_one_letter_of_three_makes_another_word(tmp_path):
    write(tmp_path, "商談.csv", "商談 ID,商談名,取引先 ID,契約開始日,契約終了日,月額\n1,更新,A001,2026-04-01,,100\n")
    [proposal] = propose(tmp_path, NONE)
    assert "product" not in sure(proposal).values()
    assert "商談名" in proposal.unused


def test_of_two_names_for_one_column_the_other_is_ignored(tmp_path):
    write(tmp_path, "accounts.csv", "account_id,account_name\ncus_A,Aozora\n")
    write(tmp_path, "subs.csv", "id,Customer ID,Plan,Product,Start (UTC),Ended At (UTC),MRR\n"
                                "sub_1,cus_A,price_1,prod_1,2025-04-01,,49\n")  # fmt: skip
    text = proposed_text(propose(tmp_path, NONE), NONE)
    assert tomllib.loads(text)["mapping"]["contracts"]["ignore"] == ["Plan"]
    text = answered(text, {'currency = "?"': 'currency = "USD"', 'units."MRR" = "?"': 'units."MRR" = "units"'})
    write(tmp_path, "cs-analysis.toml", text)
    assert cs.load(tmp_path, as_of="2025-04-30", lang="en").contracts["product"].tolist() == ["prod_1"]


def test_of_two_days_somebody_must_say_which(tmp_path):
    write(
        tmp_path,
        "k.csv",
        "契約番号,顧客コード,契約開始日,利用開始日,契約終了日,月額\n1,A1,2026-04-01,2026-05-01,,100\n",
    )
    [proposal] = propose(tmp_path, NONE)
    assert "start_date" not in sure(proposal).values()
    [asked] = [q.asked for q in proposal.questions if q.names == ("start_date",)]
    assert "It may be “契約開始日 / 利用開始日”" in asked
    refused(tmp_path, proposed_text([proposal], NONE))


def test_an_owner_that_holds_people_is_not_the_side_a_step_waits_for(tmp_path):
    steps = (
        "Name,Customer,Owner,Status,Start,Due,Completed\nKickoff,青空商事,{0},Done,2026-01-06,2026-01-09,2026-01-09\n"
    )
    write(tmp_path, "顧客.csv", ACCOUNTS)
    write(tmp_path, "steps.csv", steps.format("佐藤"))
    [proposal] = propose(tmp_path, NONE)
    assert "Owner" not in sure(proposal)
    assert proposal.set_aside == {"Owner": "owner"}
    assert not [q for q in proposal.questions if q.key == "values.owner"]
    write(tmp_path, "steps.csv", steps.format("先方"))
    [proposal] = propose(tmp_path, NONE)
    assert sure(proposal)["Owner"] == "owner"
    assert [q.names for q in proposal.questions if q.key == "values.owner"] == [("先方",)]


def test_accounts_are_found_in_a_column_of_any_name(tmp_path):
    write(tmp_path, "顧客.csv", ACCOUNTS)
    write(tmp_path, "asana.csv", "Completed At,Name,Section/Column,Start Date,Due Date,Projects\n"
                                 "2026-01-09,キックオフ,青空商事,2026-01-06,2026-01-09,導入 2026\n"
                                 ",データ移行,北斗電機,2026-01-06,2026-01-09,導入 2026\n")  # fmt: skip
    [proposal] = propose(tmp_path, NONE)
    [account] = [g for g in proposal.guesses if g.column == "account_id"]
    assert (account.header, account.why, proposal.by_name) == (
        "Section/Column", "2 of 2 values are names of accounts", True,
    )  # fmt: skip


def test_how_many_values_are_accounts_is_counted_also_where_none_is(tmp_path):
    write(tmp_path, "顧客.csv", ACCOUNTS)
    write(tmp_path, "asana.csv", "Completed At,Name,Start Date,Due Date,Projects\n"
                                 "2026-01-09,キックオフ,2026-01-06,2026-01-09,導入 2026\n")  # fmt: skip
    [proposal] = propose(tmp_path, NONE)
    [account] = [g for g in proposal.guesses if g.column == "account_id"]
    assert (account.certainty, account.why) == (UNSURE, "0 of 1 are account ids")
    refused(tmp_path, proposed_text([proposal], NONE))


def test_a_required_column_that_is_empty_is_not_proposed(tmp_path):
    write(tmp_path, "顧客.csv", ACCOUNTS)
    write(tmp_path, "toggl.csv", "User,Client,Task,Description,Start date,Start time,End time\n"
                                 "佐藤,青空商事,,定例会,2026-10-01,10:00:00,11:30:00\n")  # fmt: skip
    [proposal] = propose(tmp_path, NONE)
    assert proposal.set_aside == {"Task": "task"}
    assert [q.names for q in proposal.questions] == [("task",)]


def test_columns_that_are_not_used_are_listed(tmp_path):
    write(tmp_path, "顧客.csv", ACCOUNTS)
    write(tmp_path, "steps.csv", "Name,Customer,Status,Due,Finished\nKickoff,青空商事,Done,2026-01-09,2026-01-09\n")
    [proposal] = propose(tmp_path, NONE)
    assert proposal.unused == ("Status", "Finished")
    text = proposed_text([proposal], NONE)
    assert "# Not used (kept as variables of your own): Status, Finished" in text
    assert '"? completed_date" = "completed_date"' in text  # or every step would be open for ever
    refused(tmp_path, text)


def test_records_without_lines_are_no_contracts(tmp_path):
    write(tmp_path, "顧客台帳.csv", "レコードの開始行,顧客コード,会社名,契約番号,利用開始日,利用終了日,月額（円）\n"
                                 "*,K001,青空商事,K001-1,2025/04/01,,120000\n,,,K001-2,2025/10/01,,30000\n"
                                 "*,K003,北斗電機,,,,\n")  # fmt: skip
    sections = tomllib.loads(proposed_text(propose(tmp_path, NONE), NONE))["mapping"]
    assert sections["contracts"]["filter"] == {"契約番号": "*"}
    assert sections["contracts"]["fill_down"] == ["顧客コード"]
    assert sections["accounts"]["filter"] == {"レコードの開始行": "*"}


def test_a_record_with_a_state_has_both_a_filter_and_a_question_about_it(tmp_path):
    write(tmp_path, "顧客台帳.csv", "レコードの開始行,顧客コード,会社名,状態,契約番号,利用開始日,月額（円）\n"
                                 "*,K001,青空商事,有効,K001-1,2025/04/01,120000\n,,,,K001-2,2025/10/01,30000\n"
                                 "*,K003,北斗電機,見込み,K003-1,2025/04/01,1\n")  # fmt: skip
    sections = tomllib.loads(proposed_text(propose(tmp_path, NONE), NONE))["mapping"]
    assert sections["accounts"]["filter"] == {"レコードの開始行": "*", "状態": ["?"]}


# ------------------------------------------------------------------------------------------------------ command line


def test_check_writes_the_proposal_and_says_so(tmp_path):
    folder = exports("salesforce", tmp_path)
    result = CliRunner().invoke(app, ["check", "--data", str(folder)])
    assert result.exit_code == 2  # without accounts there is nothing to check yet
    assert "seems to hold contracts; its columns: " in result.stderr
    assert PROPOSED in result.stderr
    assert set(tomllib.loads((folder / PROPOSED).read_text(encoding="utf-8"))["mapping"]) == {"accounts", "contracts"}


def test_check_as_json_tells_the_proposal_and_writes_nothing(tmp_path):
    folder = exports("survey_form", tmp_path)
    result = CliRunner().invoke(app, ["check", "--data", str(folder), "--json", "--lang", "ja"])
    [found] = json.loads(result.stdout).values()
    assert [p["table"] for p in found["proposals"]] == ["survey_responses"]
    assert found["proposals"][0]["match"] == "name"
    assert not (folder / PROPOSED).exists()


def test_check_of_a_mapped_folder_writes_nothing(tmp_path):
    folder = Path(shutil.copytree(EXAMPLES / "stripe", tmp_path / "stripe"))
    result = CliRunner().invoke(app, ["check", "--data", str(folder)])
    assert result.exit_code == 0
    assert not (folder / PROPOSED).exists()
    assert "proposal" not in result.stderr


def test_a_proposal_speaks_the_language_in_force(tmp_path):
    set_language("ja")
    text = proposed_text(propose(exports("kintone", tmp_path), NONE), NONE)
    assert tomllib.loads(text)["mapping"]["contracts"]["fill_down"] == ["顧客コード"]
