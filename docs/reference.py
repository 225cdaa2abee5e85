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
on that day.

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
and are named as `${NAME}`; a password in the file is refused:

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
