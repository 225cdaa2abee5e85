"""A client's workspace, ready to be zipped and handed over: client file, data folder with the template, notebooks.

Everything in it is relative; nothing says on which machine it was made.
"""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import nbformat

from cs_analysis.data.book import CLIENT_FILE
from cs_analysis.data.templates.template import write_templates
from cs_analysis.display.language import _, check_language, speaking
from cs_analysis.errors import N_, InputError
from cs_analysis.report.notebooks import Notebook, find_notebooks, find_shelf

_FIRST_MONTHS = {"en": 1, "ja": 4}  # of the fiscal year; definitions, section 1
_CURRENCIES = {"en": "USD", "ja": "JPY"}
_CLIENT = N_("""# Whose report it is, and the rules that differ from the defaults. A line after # does nothing.

[client]
name = {name}
language = "{language}"
currency = "{currency}"
fiscal_year_start = {fiscal_year_start}  # the month the fiscal year begins with

[money]
# gross_margin = 0.8  # share of revenue left after the cost of providing the service
# hourly_cost = 6000  # loaded cost of an hour of a CSM, where the sheet of CSMs does not say it

[rules]
# end_date_inclusive = true    # the end date is the last day of service
# grace_days = 0               # a gap of at most so many days is not a churn
# observed_from = 2024-04-01   # departures before this day were not recorded

[report]
# segment_by = ["segment"]  # columns of accounts to split by
""")
_README = N_("""# {name}: Customer Success report

## What is here

- `cs-analysis.toml`: the client's name, currency, fiscal year and rules
- `data`: what the client fills in; the template `{template}` lies there, and its first sheet says how
- `notebooks`: the analyses, which may be changed
- `reports`: the reports, a folder per month

## Every month

Filling in needs Excel alone. The commands run where cs-analysis is installed, in this folder.

1. Fill in `data/{template}`. Other files are read as well: a CSV or a sheet per table, under the names of the template.
2. Look for faults. Errors stop the report; warnings are carried into it.

       cs-analysis check .

   A copy of the files with every faulty cell marked goes where you want it, outside `data`:

       cs-analysis check . --annotate marked

3. Make the report as of a month end, and open its `index.html`. It needs no network and can be mailed.

       cs-analysis run . --as-of 2026-10-31

## By hand

Open a notebook in JupyterLab and run it from top to bottom; it finds the data by itself.

The data may hold names and words of people. Keep this folder where they may be kept.
""")


def make_workspace(folder: str | Path, *, lang: str = "en") -> Path:
    """Make a client's workspace and return its folder.

    Parameters
    ----------
    folder
        Empty, or not there yet; its name is taken for the client's.
    lang
        "en" or "ja": the language of the client file, the template, the notebooks' prose and the README.

    Raises
    ------
    InputError
        The folder holds anything, or is a file.
    """
    check_language(lang)
    home = Path(folder)
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise InputError(N_("{folder} is not empty; give a folder that is empty or not there yet."), folder=str(folder))
    with speaking(lang):
        template = write_templates(home / "data", lang=lang)[0]
        fields = {
            "name": json.dumps(home.resolve().name, ensure_ascii=False),
            "language": lang,
            "currency": _CURRENCIES[lang],
            "fiscal_year_start": _FIRST_MONTHS[lang],
        }
        _write(home / CLIENT_FILE, _(_CLIENT).format(**fields))
        _write(home / "README.md", _(_README).format(name=home.resolve().name, template=template.name))
        (home / "notebooks").mkdir()
        for notebook in find_notebooks(find_shelf(None, None)):
            _write(home / "notebooks" / notebook.path.name, _translated(notebook))
        (home / "reports").mkdir()
    return home


def _translated(notebook: Notebook) -> str:
    """A notebook with its prose in the language in force; each cell keeps the message it was translated from."""
    node = deepcopy(notebook.node)
    for cell in node.cells:
        if cell.cell_type == "markdown" and (said := _(cell.source)) != cell.source:
            cell.metadata["cs_analysis"] = {"message": cell.source}
            cell.source = said
    return nbformat.writes(node) + "\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
