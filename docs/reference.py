"""Writes data.md and client_file.md beside this file from the schema and the settings themselves.

    uv run python docs/reference.py

A test keeps the two files in step.
"""

from pathlib import Path

from cs_analysis.data.schema import data_dictionary
from cs_analysis.data.settings import key_table
from cs_analysis.display.language import speaking

DATA = """# The input tables

One file per table (`contracts.csv`, `契約.csv`, `contracts.parquet`) or one sheet per table in a workbook; headers in
English or Japanese, in any order. Only `accounts` and one source of revenue are required. A column that is not listed
is kept under its own header, and accounts can be split by it. Days are inclusive: a contract until 31 March is served
on that day. Blank templates with a comment per column and dropdowns are under
[data_templates](../data_templates/README.md); their example rows, marked `[example]` or `【例】`, are never read.

## How cells are read

Title rows above the header, a header of two rows, blank rows, total rows and the footer of a report are recognised;
what is left out is counted and listed. Text files may be in UTF-8, UTF-16 or cp932 (Japanese Excel), with commas,
semicolons or tabs. Everything is read as text first, so ids keep their zeros.

| type | read | refused, with the cell |
|---|---|---|
| date | 2024/4/1, 2024年4月1日, 令和6年4月1日, R6.4.1, 1 Apr 2024, Excel's serial 45383 | 03/04/2024, 24/4/1 |
| month | 2024-04, 2024/4, 2024年4月, 令和6年4月, 202404, Apr 2024, or a day in it | Apr-24, a month without a year |
| money | 1,234.5, ¥1,234, 12万円, 500千円, △1,200 and (1,200) for minus | 1.234,50, a currency without a rate in `fx` |
| hours | 1.5, 1:30, 90分, 1時間30分, 10:00-11:30, 22:00-1:30 | more than a day, a night of over 12 hours |
| rate | 45 %, 0.45 | 45 without its sign; a column that mixes both |
| score | 0 to 10, 9点; "N/A" and the like count as no answer | 11, 7.5 |
| yes or no | はい, yes, ○, 1, true and their opposites | anything else |

Whatever stood in another form than the plain one is counted and listed with examples. Nothing is guessed: a cell that
could mean two things is an error, and errors stop the report.

## What is checked

`cs-analysis check` tells every fault in one pass, with file, sheet, row, column, value, what it means for the figures
and how to mend it; `--annotate DIR` writes a copy of each file, a CSV as a workbook, with the cells marked. An error
stops the report; a warning goes into it with the revenue, hours or answers it touches. What hangs on a column that is
missing, or not mapped yet, is told once it is there.

- Keys that stand twice, rows without a required value, values out of range.
- Accounts in one table that are not in `accounts`, with the nearest id that is.
- An end before its start; dates far from all others; negative amounts.
- Lines that overlap or leave a short gap, lines with a notice and no end, accounts that left and still pay, a term that
  is over without a departure.
- Usage before the first contract or after the last.
- Monthly totals that do not tie to the `ledger`, named to the line where one explains the difference.
- Departures that seem not to have been recorded before some day.
- Headers that are nearly ours, files and sheets that hold no known table.

"""

CLIENT = """# The client file

`cs-analysis.toml`, in the data folder or beside it. Every key is optional; a misspelt one is refused with the nearest
known name. Tables that are not in our form are mapped; each of these examples shows how, with data to try it on:
[Salesforce](../data_templates/examples/salesforce/README.md),
[kintone](../data_templates/examples/kintone/README.md),
[HubSpot](../data_templates/examples/hubspot/README.md),
[Stripe](../data_templates/examples/stripe/README.md),
[a survey form](../data_templates/examples/survey_form/README.md),
[a task tool](../data_templates/examples/task_tool/README.md),
[a monthly sheet](../data_templates/examples/monthly_sheet/README.md),
[a time sheet](../data_templates/examples/time_sheet/README.md) and
[telco](../data_templates/examples/telco/README.md). For files that nobody has mapped yet, `cs-analysis check` writes a
proposal, which says how sure it is of each column and asks what must not be guessed.

A table can come from a database as well (PostgreSQL, SQLite and DuckDB are tested). Secrets stand in the environment
and are named as `${NAME}`; a password in the file is refused. Queries can only read; give them a user
who may only read as well, because what a function on the server does is out of sight here:

```toml
[source.contracts]
url = "postgresql://${CRM_USER}:${CRM_PASSWORD}@db.example.com/crm"
query = "SELECT id AS contract_id, account_id, start_date, end_date, mrr FROM contracts"
```

"""


def pages() -> dict[str, str]:
    """File name → content."""
    with speaking("en"):
        return {"data.md": DATA + data_dictionary().strip() + "\n", "client_file.md": CLIENT + key_table() + "\n"}


if __name__ == "__main__":
    for name, text in pages().items():
        (Path(__file__).parent / name).write_text(text, encoding="utf-8")
