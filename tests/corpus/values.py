"""Single cells: dates, amounts, ids and names as people write them, one odd cell in a sound file at a time."""

from __future__ import annotations

from corpus.company import ACCOUNTS, CONTRACTS, HEADER, Case, changed, text_of, texts

READ = (
    (
        "開始日",
        (
            "2024/1/1",
            "2024年1月1日",
            "令和6年1月1日",
            "R6.1.1",
            "45292",
            "２０２４／１／１",
            "2024.01.01",
            "20240101",
            "1-Jan-2024",
            "2024/01/01 0:00:00",
            "2024/1/1(月)",
            "㋿6年1月1日",
            "01/01/2024",
            "Ｒ６．１．１",
            "2024/01/01 10:15:33 午前 GMT+9",
            "January 1, 2024 10:15 AM",
        ),
    ),
    (
        "月額",
        (
            "100,000",
            "¥100,000",
            "\\100,000",
            "￥１００，０００",
            "100,000円",
            "100千円",
            "10万円",
            "10 万円",
            "JPY 100,000",
            "1E+05",
            "100000.00",
            "+100,000",
        ),
    ),
    ("終了日", ("9999-12-31", "9999/12/31", "2025-03-31")),
    ("顧客ID", ("Ａ１", " A1 ", "A1\u3000", "Ａ1\n", "A1\u00a0", "\u200bA1")),
)
NOT_READ = (
    (
        "開始日",
        (
            "03/04/2024",
            "3/4/2024 10:15 AM",
            "24/1/1",
            "6.1.1",
            "2024年1月",
            "2024/2/30",
            "1月1日",
            "未定",
            "2024/1/1～",
            "0",
            "123",
            "-",
            "2024-13-01",
            "令和6年13月1日",
            "#VALUE!",
            "1900/1/0",
            "45292円",
            "NULL",
        ),
    ),
    (
        "月額",
        (
            "約10万",
            "$100,000",
            "100,000ドル",
            "1.000,50",
            "10,00",
            "100000-",
            "十万円",
            "10万5千円",
            "100K",
            "5%",
            "1 000",
            "無料",
            "-",
            "#REF!",
            "100000/200000",
            "1E+400",
            "100000円（税込）",
            "税抜100,000",
            "O",
            "１０万～",
            "=10*10000",
            "########",
            "100.000",
            "100000¹",
            "①",
        ),
    ),
    ("終了日", ("自動更新", "2023-12-31", "継続中", "2024/9/31", "3000年", "9999")),
    ("顧客ID", ("1.23457E+17", "", "#N/A")),
    ("契約ID", ("C2", "")),
)


def _one_cell(column: str, value: str) -> str:
    return text_of(changed(2, column, value))


def _shown(value: str) -> str:
    return value.encode("unicode_escape").decode() if not value.isprintable() else value or "(blank)"


def _flat(*rows: tuple[str, ...]) -> str:
    return text_of((("顧客ID", "顧客名", "契約開始日", "契約終了日", "解約日", "月額"), *rows))


CASES = [
    *(
        Case(
            f"{column} {_shown(value)}",
            texts(contracts=_one_cell(column, value)),
            notes=() if value in ("100000.00", "01/01/2024__") else (("note", "contracts.csv", "", 0, column),),
        )
        for column, values in READ
        for value in values
        if value != "2025-03-31"
    ),
    *(
        Case(
            f"{column} {_shown(value)} cannot be read",
            texts(contracts=_one_cell(column, value)),
            errors=tuple(("error", "contracts.csv", "", row, column) for row in ((2, 3) if value == "C2" else (2,))),
        )
        for column, values in NOT_READ
        for value in values
    ),
    Case(
        "an unknown account with a near one",
        texts(contracts=_one_cell("顧客ID", "A11")),
        warnings=(("warning", "contracts.csv", "", 2, "顧客ID"),),
        said=("A1",),
    ),
    Case(
        "a discount written in the Japanese way",
        texts(contracts=text_of((*CONTRACTS, ("C4", "A1", "割引", "2024-01-01", "2024-08-31", "△10,000")))),
        totals={"2024-06-30": 290_000.0, "2024-10-31": 400_000.0},
        warnings=(("warning", "contracts.csv", "", 5, "月額"),),
        notes=(("note", "contracts.csv", "", 0, "月額"),),
    ),
    Case(
        "a discount in brackets",
        texts(contracts=text_of((*CONTRACTS, ("C4", "A1", "割引", "2024-01-01", "2024-08-31", "(10,000)")))),
        totals={"2024-06-30": 290_000.0, "2024-10-31": 400_000.0},
        warnings=(("warning", "contracts.csv", "", 5, "月額"),),
        notes=(("note", "contracts.csv", "", 0, "月額"),),
    ),
    Case(
        "ids that look like other things",
        texts(
            text_of((("顧客ID", "顧客名"), ("NA", "青空商事"), ("007", "海山"), ("123456789012345678", "㈱星野"))),
            text_of(
                (
                    HEADER,
                    ("TRUE", "NA", "x", "2024-01-01", "", "100000"),
                    ("1E5", "007", "x", "2024-02-01", "2024-09-30", "200000"),
                    ("0x10", "123456789012345678", "x", "2024-10-01", "", "300000"),
                )
            ),
        ),
        names={"NA": "青空商事", "007": "海山", "123456789012345678": "㈱星野"},
    ),
    Case(
        "names in half-width kana and full-width letters",
        texts(text_of((("顧客ID", "顧客名"), ("A1", "ｱｵｿﾞﾗｼｮｳｼﾞ"), ("A2", "ＡＢＣ海山"), ("A3", "　㈱星野 ")))),
        names={"A1": "アオゾラショウジ", "A2": "ABC海山", "A3": "㈱星野"},
        notes=(("note", "accounts.csv", "", 0, "顧客名"),),
    ),
    Case(
        "names that are code",
        texts(
            text_of((("顧客ID", "顧客名"), ("A1", "=1+1"), ("A2", "<script>alert(1)</script>"), ("A3", "$x$ {{7*7}}")))
        ),
        names={"A1": "=1+1", "A2": "<script>alert(1)</script>", "A3": "$x$ {{7*7}}"},
    ),
    Case(
        "two currencies in one column, said by the cells",
        texts(contracts=text_of((*CONTRACTS, ("C4", "A1", "x", "2024-01-01", "", "€500")))),
        errors=(("error", "contracts.csv", "", 5, "月額"),),
    ),
    Case(
        "two spellings of one id in accounts",
        texts(text_of((*ACCOUNTS, ("Ａ１", "青空商事（旧）")))),
        errors=(("error", "accounts.csv", "", 2, "顧客ID"), ("error", "accounts.csv", "", 5, "顧客ID")),
    ),
    Case(
        "percentages and plain numbers in one metric",
        texts(
            usage=text_of(
                (
                    ("顧客ID", "年月", "指標", "値"),
                    ("A1", "2024-05", "利用率", "45%"),
                    ("A2", "2024-05", "利用率", "45"),
                    ("A1", "2024-05", "ログイン数", "45"),
                )
            )
        ),
        errors=(("error", "usage.csv", "", 3, "値"),),
        said=("%",),
    ),
    Case(
        "percentages in one metric and numbers in another",
        texts(
            usage=text_of(
                (
                    ("顧客ID", "年月", "指標", "値"),
                    ("A1", "2024-05", "利用率", "45%"),
                    ("A1", "2024-05", "ログイン数", "45"),
                )
            )
        ),
        notes=(("note", "usage.csv", "", 0, "値"),),
    ),
    Case(
        "hours in all their forms",
        texts(
            time_entries=text_of(
                (
                    ("日付", "担当者", "顧客ID", "作業区分", "工数"),
                    *(
                        ("2024-05-01", "佐藤", "A1", f"t{i}", h)
                        for i, h in enumerate(("1.5", "1:30", "1時間30分", "90分", "１．５", "1.5h"))
                    ),
                )
            )
        ),
        notes=(("note", "time_entries.csv", "", 0, "工数"),),
    ),
    Case(
        "hours that cannot be",
        texts(time_entries="date,csm,task,hours\n2024-05-01,佐藤,x,25\n2024-05-01,佐藤,x,-1\n"),
        errors=(("error", "time_entries.csv", "", 2, "hours"), ("error", "time_entries.csv", "", 3, "hours")),
    ),
    Case(
        "a contract that begins before the account file's own flat start",
        texts(
            _flat(("A1", "青空商事", "", "", "", ""), ("A2", "海山", "", "", "", ""), ("A3", "㈱星野", "", "", "", ""))
        ),
    ),
    Case(
        "months in one column each",
        texts(
            text_of(ACCOUNTS),
            mrr_months=text_of((("顧客ID", "2024年5月", "2024-06", "R6.7", "2024/10"), ("A1", "100,000", "", "", ""))),
        ),
        totals={},
        names={},
    ),
]
CASES = [
    c
    for c in CASES
    if c.name not in ("months in one column each", "a contract that begins before the account file's own flat start")
]
