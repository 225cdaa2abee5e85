"""The schema against the list of tables in the interface, copied here by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cs_analysis.data.schema import TABLES, Table, data_dictionary, find_column, find_table, normalise
from cs_analysis.data.synonyms import COLUMN_SYNONYMS, TABLE_SYNONYMS
from cs_analysis.display.language import speaking

# table, its Japanese name and its columns; ! = required
EXPECTED = """
accounts 顧客 account_id! account_name segment industry company_size touch_model csm channel parent_account_id merged_into merged_date contract_start contract_end churn_date mrr
contracts 契約 contract_id! account_id! product start_date! end_date mrr amount billing_months quantity currency recurring notice_date churn_reason
mrr_months 月次MRR account_id! month! mrr!
time_entries 工数 date! csm! account_id phase task! hours!
csms 担当者 csm! team hourly_cost available_hours start_date end_date
onboarding_steps 導入ステップ account_id! step! step_order owner planned_date started_date completed_date is_go_live
survey_responses アンケート account_id! respondent! role wave! invited_date responded_date score comment
usage 利用状況 account_id! month! metric! value!
stages 成功段階 account_id! stage! reached_date!
contacts 顧客側担当者 account_id! contact! role start_date left_date
activities 活動 date! account_id! csm channel subject text
tasks タスク task_id! account_id csm title due_date done_date
costs 費用 month! kind! amount!
ledger 売上台帳 month! mrr!
initiatives 施策 initiative! start_date! topic column value
"""  # noqa: E501
TABLE_LINES = {line.split()[0]: line.split()[1:] for line in EXPECTED.strip().splitlines()}
# Japanese labels that the interface gives, spot-checked where a slip would send money or dates to the wrong column
LABELS = {
    ("accounts", "解約日"): "churn_date", ("accounts", "CS担当"): "csm", ("accounts", "月額"): "mrr",
    ("accounts", "統合先ID"): "merged_into", ("accounts", "契約終了日"): "contract_end",
    ("contracts", "開始日"): "start_date", ("contracts", "終了日"): "end_date",
    ("contracts", "請求月数"): "billing_months",
    ("contracts", "金額"): "amount", ("contracts", "継続課金"): "recurring", ("contracts", "解約通知日"): "notice_date",
    ("mrr_months", "年月"): "month", ("time_entries", "工数"): "hours", ("time_entries", "作業区分"): "task",
    ("csms", "月間稼働時間"): "available_hours", ("onboarding_steps", "稼働開始"): "is_go_live",
    ("survey_responses", "点数"): "score", ("survey_responses", "調査回"): "wave", ("stages", "到達日"): "reached_date",
    ("contacts", "退職日"): "left_date", ("tasks", "期限"): "due_date", ("costs", "種別"): "kind",
    ("ledger", "月額"): "mrr", ("initiatives", "対象"): "topic",
}  # fmt: skip
every_table = pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))


def test_the_tables_are_those_of_the_interface_in_its_order():
    assert list(TABLES) == list(TABLE_LINES)
    assert len(TABLES) == 15


@every_table
def test_columns_and_required_columns_are_those_of_the_interface(table: Table):
    label, *columns = TABLE_LINES[table.name]
    assert table.label_ja == label
    assert list(table.names) == [c.rstrip("!") for c in columns]
    assert list(table.required) == [c.rstrip("!") for c in columns if c.endswith("!")]


@pytest.mark.parametrize(("place", "name"), LABELS.items(), ids=str)
def test_a_japanese_label_means_its_column(place: tuple[str, str], name: str):
    column = find_column(TABLES[place[0]], place[1])
    assert column is not None
    assert column.name == name


@every_table
def test_no_two_columns_share_a_label(table: Table):
    labels = [normalise(c.label_ja) for c in table.columns]
    assert len(set(labels)) == len(labels)


@every_table
def test_keys_and_cuts_name_columns(table: Table):
    dates = [d for d in (table.cut, table.cut_else) if d]
    named = [*table.key, *dates, *(c for pair in table.any_of for c in pair)]
    named += [c for date, blanked in (*table.blanks.items(), *table.blanks_else.items()) for c in (date, *blanked)]
    assert set(named) <= set(table.names)
    for name in [*dates, *table.blanks, *table.blanks_else]:
        column = table.column(name)
        assert column is not None
        assert column.type in ("date", "month")


def test_the_cut_blanks_what_an_answer_a_notice_or_a_departure_brings():
    assert TABLES["survey_responses"].blanks["responded_date"] == ("responded_date", "score", "comment")
    assert TABLES["survey_responses"].cut == "invited_date"
    assert "churn_reason" in TABLES["contracts"].blanks["notice_date"]
    assert TABLES["contracts"].blanks_else == {"end_date": ("churn_reason",)}  # known by the notice, if there was one
    blanked = {c for t in TABLES.values() for columns in t.blanks.values() for c in columns}
    assert {"left_date", "completed_date", "done_date", "churn_date", "merged_into"} <= blanked
    assert not blanked & {"planned_date", "due_date"}


@every_table
def test_no_spelling_means_two_columns(table: Table):
    meaning: dict[str, str] = {}
    for column in table.columns:
        for spelling in {normalise(s) for s in (column.name, column.label_ja)}:
            assert meaning.setdefault(spelling, column.name) == column.name
    synonyms: dict[str, str] = {}
    for column in table.columns:
        for spelling in map(normalise, COLUMN_SYNONYMS.get(column.name, ())):
            assert synonyms.setdefault(spelling, column.name) == column.name, spelling


def test_no_spelling_means_two_tables():
    meaning: dict[str, str] = {}
    for table in TABLES.values():
        for spelling in (table.name, table.label_ja, *TABLE_SYNONYMS.get(table.name, ())):
            assert meaning.setdefault(normalise(spelling), table.name) == table.name, spelling


def test_synonyms_belong_to_tables_and_columns_that_exist():
    assert set(TABLE_SYNONYMS) <= set(TABLES)
    assert set(COLUMN_SYNONYMS) <= {c for t in TABLES.values() for c in t.names}


@pytest.mark.parametrize(
    ("header", "name"),
    [("月額MRR", "mrr"), ("MRR", "mrr"), ("顧客コード", "account_id"), ("ＡＣＣＯＵＮＴ　ＩＤ", "account_id"),
     ("Account-Id", "account_id"), ("月額（円）", "mrr"), ("\ufeff顧客ＩＤ", "account_id"),
     ("Churn Date", "churn_date")],
)  # fmt: skip
def test_headers_are_found_however_they_are_written(header: str, name: str):
    column = find_column(TABLES["accounts"], header)
    assert column is not None
    assert column.name == name


@pytest.mark.parametrize("header", ["月額（千円）", "月額（税込）", "解約", "tenure", "", "?"])
def test_what_would_change_an_amount_or_a_meaning_is_left_alone(header: str):
    assert find_column(TABLES["accounts"], header) is None


def test_tables_are_found_in_both_languages():
    for name in ("契約", "Contracts", "CONTRACT", "契約明細"):
        table = find_table(name)
        assert table is not None
        assert table.name == "contracts"
    assert find_table("Sheet1") is None


@settings(deadline=None, max_examples=50)
@given(st.sampled_from([(t, c) for t in TABLES.values() for c in t.columns]), st.sampled_from([str.upper, str.title]))
def test_a_name_is_found_whatever_its_case_and_spacing(place, change):
    table, column = place
    assert find_column(table, " " + change(column.name.replace("_", " ")) + " ") is column


def test_choices_have_keys_and_japanese_labels():
    owner = TABLES["onboarding_steps"].column("owner")
    kind = TABLES["costs"].column("kind")
    role = TABLES["contacts"].column("role")
    assert owner is not None
    assert kind is not None
    assert role is not None
    assert owner.choices == {"us": "自社", "customer": "顧客"}
    assert list(kind.choices) == ["cogs", "cs", "sales_marketing", "other"]
    assert role.choices == {"champion": "推進者", "decision_maker": "決裁者", "user": "利用者"}


def test_the_data_dictionary_lists_every_column():
    with speaking("en"):
        text = data_dictionary()
    for table in TABLES.values():
        section = text.split(f"## `{table.name}`")[1].split("\n## ")[0]
        assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == list(table.names)
