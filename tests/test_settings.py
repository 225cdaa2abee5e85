"""The client file: its defaults, and one sentence for each fault."""

import pickle
import traceback
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from cs_analysis.data.settings import Settings, read_settings
from cs_analysis.errors import InputError


@pytest.fixture
def client_file(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "cs-analysis.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def sentence(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_settings(path)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert "cs-analysis.toml" in text
    return text


def test_without_a_file_the_defaults_of_the_definitions_hold():
    settings = read_settings(None)
    assert settings.path is None
    assert settings.client.model_dump() == {
        "name": "", "language": "en", "currency": "JPY", "fiscal_year_start": 1, "logo": None, "brand_colour": None,
    }  # fmt: skip
    assert settings.rules.model_dump() == {
        "end_date_inclusive": True, "grace_days": 0, "lives": "first", "churn_month": "first_without",
        "observed_from": None, "notice_period": 60, "account_level": "account", "fixed_columns": [],
        "onboarding_start": "contract", "min_n": 10, "min_coverage": 0.6,
    }  # fmt: skip
    assert set(Settings.model_fields) == {
        "client", "money", "rules", "report", "stages", "usage", "nps", "alerts", "mapping", "source",
    }  # fmt: skip
    assert {"support", "price", "ease_of_use"} <= set(settings.nps.themes)
    assert all(any(w.isascii() for w in ws) and any(not w.isascii() for w in ws) for ws in settings.nps.themes.values())
    assert list(settings.money.model_dump()) == ["gross_margin", "hourly_cost", "discount_rate", "fx"]
    assert len(settings.report.key_metrics) == 3


def test_a_whole_file_is_read(client_file):
    path = client_file("""
        [client]
        name = "青空商事"
        language = "ja"
        currency = "USD"
        fiscal_year_start = 4
        logo = "logo.svg"
        brand_colour = "#0A5c8f"
        [money]
        gross_margin = 1
        fx = {JPY = 0.0067}
        [rules]
        observed_from = 2023-04-01
        lives = "all"
        [report]
        key_metrics = ["nrr"]
        [stages]
        ladder = ["started", "first_value"]
        [usage]
        layers = {active = 0.4}
        [[alerts]]
        name = "quiet"
        table = "活動"
        column = "text"
        words = ["見積もり"]
        within_days = 30
        action = "call"
        [mapping."契約"]
        file = "export.xlsx"
        values.recurring = {"定期" = true}
        [source.usage]
        url = "${WAREHOUSE}"
        query = "select 1"
        """)
    (path.parent / "logo.svg").write_text("<svg/>")
    settings = read_settings(path)
    assert settings.client.name == "青空商事"
    assert settings.money.gross_margin == 1.0
    assert settings.rules.observed_from == date(2023, 4, 1)
    assert settings.usage.layers.active == 0.4
    assert settings.alerts[0].table == "activities"
    assert settings.mapping["contracts"].file == "export.xlsx"
    assert settings.source["usage"].query == "select 1"
    assert settings.logo == path.parent / "logo.svg"
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[rules]\ngraze_days = 1", ["'graze_days'", "[rules]", "did you mean 'grace_days'?"]),
        ("[ruls]\nx = 1", ["[ruls]", "did you mean 'rules'?"]),
        ("[client]\nlanguge = 'ja'", ["'languge'", "[client]", "'language'"]),
        ("[mapping.acounts]\nfile = 'x'", ["[mapping.acounts]", "'mapping.accounts'"]),
        ("[mapping.accounts]\ncolums = {}", ["'colums'", "[mapping.accounts]", "'columns'"]),
        ("[mapping.accounts.derive.tenur]\nx = 1", ["'tenur'", "[mapping.accounts.derive]", "'tenure'"]),
        ("[[alerts]]\nname = 'a'\ntable = 'usag'\ncolumn = 'value'\nwords = ['x']", ["'usag'", "'usage'"]),
        ("[usage.layers]\nactiv = 1", ["'activ'", "[usage.layers]", "'active'"]),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_one(client_file, text: str, parts: list[str]):
    said = sentence(client_file(text))
    for part in parts:
        assert part in said


@pytest.mark.parametrize(
    ("text", "key", "there", "allowed"),
    [
        ("[rules]\ngrace_days = -1", "grace_days", "-1", "0 or more"),
        ("[rules]\ngrace_days = true", "grace_days", "true", "whole number"),
        ("[rules]\ngrace_days = '3'", "grace_days", "'3'", "whole number"),
        ("[rules]\nlives = 'second'", "lives", "'second'", "first / all"),
        ("[rules]\nobserved_from = '2024-13-01'", "observed_from", "'2024-13-01'", "a day"),
        ("[rules]\nobserved_from = 2024", "observed_from", "2024", "a day"),
        ("[rules]\nmin_coverage = 60", "min_coverage", "60", "fraction"),
        ("[client]\nbrand_colour = 'red'", "brand_colour", "'red'", "#"),
        ("[client]\nfiscal_year_start = 13", "fiscal_year_start", "13", "1 to 12"),
        ("[client]\ncurrency = 'yen'", "currency", "'yen'", "ISO"),
        ("[client]\nlanguage = 'de'", "language", "'de'", "en / ja"),
        ("[client]\nlogo = 'none.png'", "logo", "'none.png'", "PNG"),
        ("[money]\nfx = {USD = 0}", "fx", "{'USD': 0}", "USD = 150"),
        ("[report]\nkey_metrics = ['a', 'b', 'c', 'd']", "key_metrics", "['a', 'b', 'c', 'd']", "three"),
        ("[mapping.accounts]\nunits = {mrr = 'oku'}", "units", "{'mrr': 'oku'}", "千円"),
        ("rules = 3", "rules", "3", "a section"),
    ],
)
def test_a_wrong_value_says_what_is_there_and_what_is_allowed(client_file, text, key, there, allowed):
    said = sentence(client_file(text))
    assert f"{key} in" in said
    assert f"is {there}, but it must be" in said
    assert allowed in said


def test_broken_toml_names_its_line(client_file):
    assert "line 2 is not valid TOML: 'name = …'" in sentence(client_file("[client]\nname = Acme\n"))
    assert "line 2 is not valid TOML: '…'" in sentence(client_file("[client]\nname: Acme\n"))
    assert "line 2 is not valid TOML: '[mapping.顧客]'" in sentence(client_file("\n[mapping.顧客]\n"))
    text = sentence(client_file('[client]\nname = "a"\nname = "b"\n'))
    assert "line 3 gives a key or section a second time: 'name = …'" in text


SECRET = "postgresql://u:hunter2@h/d"


@pytest.mark.parametrize(
    "text",
    [
        f"[source.contracts]\nurl = {SECRET}\n",
        f"[source.contracts]\nurl = '{SECRET}'\nurl = '{SECRET}'\n",
        f"[source.contracts]\nurl: {SECRET}\n",
        f"[source.contracts]\nurl = '{SECRET}\n",
        f"[source.contracts]\n{SECRET}\n",
        '[source.contracts]\nurl = \'x\'\nquery = """\nhunter2\n',
        "[source.contracts]\npassword = hunter2\n",
        "[source.contracts]\nurl = 'x'\npassword = 'hunter2'\n",
        f"[source.contracts]\nurl = ['{SECRET}']\n",
        "[source.contracts]\nurl = ['hunter2']\n",
        "[source.contracts.url]\nvalue = 'hunter2'\n",
        "[source.contracts]\nurl = 'x'\nquery = ['hunter2']\n",
        "[source]\ncontracts = 'hunter2'\n",
        "source = 'hunter2'\n",
        f"[source.contracts]\n'{SECRET}' = 'url'\n",
        f"[source.'{SECRET}']\nurl = 'x'\n",
        f"[mapping.contracts]\nfile = '{SECRET}'\n",
        f"[mapping.contracts]\nfile = ['a.csv', '{SECRET}']\n",
        f"[mapping.contracts.columns]\n'{SECRET}' = 'mrr'\n",
        f"[client]\nlogo = '{SECRET}'\n",
        f"'{SECRET}' = 1\n",
        "[money]\ngross_margin = 'password=hunter2'\n",
        "[client]\nlogo = 'https://h/logo.png?token=hunter2'\n",
    ],
)
def test_a_password_in_the_file_is_never_repeated(client_file, text: str):
    path = client_file(text)
    assert "hunter2" not in sentence(path)
    with pytest.raises(InputError) as caught:
        read_settings(path)
    error = caught.value
    assert "hunter2" not in "".join(map(repr, (error, vars(error), error.__cause__, error.__context__)))
    frames = [frame for frame, _line in traceback.walk_tb(error.__traceback__)][1:]  # without this test's own
    assert frames
    assert not any("hunter2" in repr(value) for frame in frames for value in frame.f_locals.values())


def test_a_password_in_a_file_that_is_not_utf8_is_never_repeated(tmp_path: Path):
    (tmp_path / "cs-analysis.toml").write_bytes(f"# 青空\n[source.contracts]\nurl = '{SECRET}'".encode("cp932"))
    with pytest.raises(InputError) as caught:
        read_settings(tmp_path / "cs-analysis.toml")
    assert "hunter2" not in repr(caught.value) + repr(caught.value.__context__)


def test_settings_show_no_address():
    settings = Settings.model_validate({"source": {"contracts": {"url": "sqlite:///crm.db", "query": "SELECT 7"}}})
    assert "crm.db" not in repr(settings) + str(settings)
    assert "SELECT 7" not in repr(settings)
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"source": {"contracts": {"url": "x", "query": ["hunter2"]}, "usage": "hunter2"}})
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_missing_or_not_utf8_is_one_sentence(tmp_path: Path):
    assert "cannot be opened" in sentence(tmp_path / "cs-analysis.toml")
    (tmp_path / "cs-analysis.toml").write_bytes("[client]\nname = '青空'".encode("cp932"))
    assert "UTF-8" in sentence(tmp_path / "cs-analysis.toml")


def test_an_alert_needs_a_comparison_or_words(client_file):
    head = "[[alerts]]\nname = 'a'\ntable = 'usage'\ncolumn = 'value'\n"
    assert "words" in sentence(client_file(head))
    assert "words" in sentence(client_file(head + "words = ['x']\ncomparison = '<'\nvalue = 1"))
    assert "lacks the key 'column'" in sentence(client_file("[[alerts]]\nname = 'a'\ntable = 'usage'"))
    assert read_settings(client_file(head + "comparison = '<'\nvalue = 1")).alerts[0].value == 1


TENURE = "[mapping.{}.derive.tenure]\nmonths = 'm'\nleft = 'f'\nleft_values = ['Yes']\nreference_day = 2026-10-01\n"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (TENURE.format("usage"), ["derive.tenure", "usage", "accounts / contracts"]),
        ("[rules]\nend_date_inclusive = false\n" + TENURE.format("accounts"), ["end_date_inclusive"]),
        ("[mapping.accounts]\nmatch = 'name'", ["match"]),
        ("[mapping.accounts.columns]\nBeginn = 'contarct_start'", ["'contarct_start'", "'contract_start'"]),
        ("[mapping.accounts]\nfile = 'a'\n[mapping.顧客]\nfile = 'b'", ["line 3"]),
        ("[mapping.accounts]\nfile = 'a'\n[mapping.'顧客']\nfile = 'b'", ["[mapping.accounts]", "twice"]),
    ],
)
def test_a_mapping_that_cannot_be_right_is_refused(client_file, text: str, parts: list[str]):
    said = sentence(client_file(text))
    for part in parts:
        assert part in said


def test_a_name_of_their_own_is_a_custom_variable(client_file):
    settings = read_settings(client_file("[mapping.accounts.columns]\nVertrag = 'contract_type'\nOrt = 'region'"))
    assert settings.mapping["accounts"].columns == {"Vertrag": "contract_type", "Ort": "region"}
