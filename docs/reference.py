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
known name. Mappings of tables that are not in our form are shown in the
[telco example](../data_templates/examples/telco/README.md).

"""


def pages() -> dict[str, str]:
    """File name → content."""
    with speaking("en"):
        return {"data.md": DATA + data_dictionary().strip() + "\n", "client_file.md": CLIENT + key_table() + "\n"}


if __name__ == "__main__":
    for name, text in pages().items():
        (Path(__file__).parent / name).write_text(text, encoding="utf-8")
