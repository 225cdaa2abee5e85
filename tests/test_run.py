"""A run from data to report, with small notebooks made for the purpose; each starts a kernel, so there are few."""

from __future__ import annotations

import json
import os
import signal
from datetime import date
from pathlib import Path

import nbformat
import pytest
from python_calamine import CalamineWorkbook

from cs_analysis.display.language import speaking
from cs_analysis.errors import InputError
from cs_analysis.report import run as run_module
from cs_analysis.report.execute import find_fault, scrub
from cs_analysis.report.notebooks import Shelf, find_notebooks, find_shelf, kit_folder, read_notebook
from cs_analysis.report.request import Request
from cs_analysis.report.run import Event, run
from cs_analysis.report.workbook import write_workbook

PARAMETERS = """\
data_dir: str = ""  # folder = where the tables are
as_of: str = ""
compare_to: str = ""
lang: str = ""
config: str = ""
out_dir: str = ""
span: int = 12  # months
"""
HEADER = "metric,label,value,low,high,n,unit,previous,year_ago,previous_change,previous_low,previous_high,"
HEADER += "year_change,year_low,year_high,sentence,note"
GOOD = [
    "import sys, warnings\nfrom pathlib import Path\nimport cs_analysis as cs",
    # the data were parsed before the first kernel started: this one could not do it
    "from cs_analysis.data import book as door\ndoor.gather = None",
    "book = cs.load(data_dir, as_of=as_of, config=config, lang=lang)\nbook.report()",
    "warnings.warn(f'from {data_dir}')\nprint(data_dir, out_dir, sys.executable, Path.home(), object())",
    f"""\
import pandas as pd
row = ["nrr", "NRR", 1.042, 0.98, 1.11, len(book.accounts), "rate"] + [None] * 8 + ["NRR is 104.2 %.", ""]
headline = pd.DataFrame([row], columns={HEADER.split(",")!r})
finding = [1, "churn", "=1+1 left", 5.0, "007"]
findings = pd.DataFrame([finding], columns=["rank", "kind", "text", "money", "account_id"])
cs.save({{"headline": headline, "findings": findings, "spans": pd.DataFrame({{"span": [span]}})}}, out_dir)
len(book.accounts)""",
]


def write_notebook(
    folder: Path, name: str, *cells: str, requires=("contracts",), parameters=PARAMETERS, tags=()
) -> Path:
    """A notebook whose cells' ids do not change from test to test; ``tags`` are those of its last cell."""
    node = nbformat.v4.new_notebook(metadata={"cs_analysis": {"title": f"Title of {name}", "requires": list(requires)}})
    node.cells = [nbformat.v4.new_markdown_cell(f"# About {name}")]
    if parameters is not None:
        node.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    node.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    if tags:
        node.cells[-1].metadata["tags"] = list(tags)
    for number, cell in enumerate(node.cells):
        cell["id"] = f"c{number}"
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(node, folder / f"{name}.ipynb")
    return folder


def write_data(folder: Path) -> Path:
    """Twelve accounts with a contract each, begun from January to September 2024."""
    folder.mkdir(parents=True, exist_ok=True)
    accounts = [f"A{i},Name {i},{'large' if i % 2 else 'small'}" for i in range(12)]
    contracts = [f"C{i},A{i},2024-0{1 + i % 9}-01,,{100 + i}" for i in range(12)]
    (folder / "accounts.csv").write_text("\n".join(["account_id,account_name,segment", *accounts]) + "\n")
    (folder / "contracts.csv").write_text(
        "\n".join(["contract_id,account_id,start_date,end_date,mrr", *contracts]) + "\n"
    )
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but run.json, in which times stand."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "run.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def workspace(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("acme")
    write_data(home / "data")
    shelf = home / "notebooks"
    write_notebook(shelf, "01_good", *GOOD)
    write_notebook(shelf, "02_raises", "import cs_analysis as cs\nprint('so far')", "1 / 0", "print('never')")
    write_notebook(shelf, "03_exits", "cs = 1", "import sys\nsys.exit(0)")
    write_notebook(shelf, "04_not_run", "1", tags=["skip-execution"])
    write_notebook(shelf, "05_dies", "import os\nos._exit(0)")
    write_notebook(
        shelf, "07_asks", "import cs_analysis as cs", "book = cs.load(data_dir, as_of=as_of, lang='ja')\nbook.usage"
    )
    write_notebook(shelf, "06_lacks", "1", requires=[["usage", "stages"]])
    return home


@pytest.fixture(scope="session")
def report(workspace):
    """The result of one run of everything, and what it said on the way."""
    events: list[Event] = []
    return run(Request(workspace=workspace, as_of="2024-09-30", jobs=2), progress=events.append), events


@pytest.fixture(scope="session")
def no_kernel(tmp_path_factory) -> Path:
    """A shelf whose one notebook is skipped for want of data: a whole run without a kernel."""
    return write_notebook(tmp_path_factory.mktemp("shelf"), "09_lacks", "1", requires=["usage"])


@pytest.fixture
def data(tmp_path) -> Path:
    return write_data(tmp_path / "client" / "data")


def test_the_good_one_is_written_and_the_others_say_why_not(report):
    result, _events = report
    assert result.exit_code == 1
    status = {record["name"]: record["status"] for record in result.notebooks}
    assert status == {
        "01_good": "ok",
        "02_raises": "failed",
        "03_exits": "failed",
        "04_not_run": "failed",
        "05_dies": "failed",
        "06_lacks": "skipped",
        "07_asks": "failed",
    }
    reason = {record["name"]: record["reason"] for record in result.notebooks}
    assert "ZeroDivisionError: division by zero" in reason["02_raises"]
    # our own error: its own sentence, in the language that the notebook speaks
    assert reason["07_asks"] == (
        "Code cell 4: テーブル usage がデータにありません。usage.csv（または「利用状況」シート）を追加してください。"
    )
    assert "sys.exit" in reason["03_exits"]
    assert "was not run" in reason["04_not_run"]
    assert "kernel of 05_dies died" in reason["05_dies"]
    assert "usage / stages" in reason["06_lacks"]
    assert "usage.csv" in reason["06_lacks"]


def test_layout(report, workspace):
    out = workspace / "reports" / "2024-09"
    assert report[0].out.resolve() == out
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["01_good.html", "index.html", "notebooks", "run.json", "tables", "tables.xlsx"]
    )
    # as far as each came, but no page and no half tables
    assert len(list((out / "notebooks").iterdir())) == 6
    assert [path.name for path in (out / "tables").iterdir()] == ["01_good"]
    assert "2024-09/index.html" in (workspace / "reports" / "index.html").read_text()
    assert not [path for path in out.parent.iterdir() if path.name.startswith(".")]


def test_index_shows_headline_and_cards(report):
    text = (report[0].out / "index.html").read_text().replace("\N{NO-BREAK SPACE}", " ")
    for said in ("104.2 %", "Title of 01_good", "division by zero", "usage.csv", 'href="01_good.html"'):
        assert said in text
    assert 'href="02_raises.html"' not in text


def test_the_listing_has_a_card_for_each_month(data, no_kernel):
    for as_of in ("2024-09-30", "2024-08-31"):
        result = run(Request(workspace=data.parent, notebooks=no_kernel, as_of=as_of))
    text = (data.parent / "reports" / "index.html").read_text()
    assert text.index('href="2024-09/index.html"') < text.index('href="2024-08/index.html"')
    assert "As of 30 Sep 2024" in text  # that of the newest, though an older month was run last
    assert "In detail" not in text
    assert "Earlier reports" not in text
    record = result.out / "run.json"
    said = json.loads(record.read_text())
    said["notebooks"][0]["status"] = "failed"
    record.write_text(json.dumps(said))
    run(Request(workspace=data.parent, notebooks=no_kernel, as_of="2024-09-30"))
    assert "Failed: 09_lacks." in (data.parent / "reports" / "index.html").read_text()


def test_the_report_on_the_sample_company_says_so(data, no_kernel, tmp_path):
    from cs_analysis.data.sample import make_sample, write_sample

    folder = write_sample(make_sample(accounts=20, months=14), tmp_path / "sample")
    for place, is_sample in ((folder, True), (data, False)):
        out = run(Request(data=place, notebooks=write_notebook(tmp_path / "nb", "1", "1", requires=["mrr_months"]),
                          out=tmp_path / place.name / "out")).out  # fmt: skip
        text = (out / "index.html").read_text()
        assert ("This is the sample company, not your data" in text) == is_sample


def test_run_json(report):
    record = json.loads((report[0].out / "run.json").read_text())
    assert (record["as_of"], record["compare_to"], record["lang"]) == ("2024-09-30", "2024-08-31", "en")
    assert set(record["inputs"]) == {"accounts.csv", "contracts.csv"}
    assert record["notebooks_from"]["origin"] == "workspace"
    assert {"cs_analysis", "python", "pandas"} <= set(record["versions"])
    good = record["notebooks"][0]
    assert good["seconds"] > 0
    assert any("UserWarning: from data" in line for line in good["warnings"])


def test_executed_notebook_tells_nothing_of_where_it_ran(report, workspace):
    path = report[0].out / "notebooks" / "01_good.ipynb"
    node = nbformat.read(path, as_version=4)
    injected = next(cell for cell in node.cells if "injected-parameters" in cell.metadata.get("tags", []))
    assert injected.source.splitlines()[1:] == [
        'data_dir = "data"',
        'as_of = "2024-09-30"',
        'compare_to = "2024-08-31"',
        'lang = "en"',
        'config = ""',
        'out_dir = "tables/01_good"',
    ]
    for file in (path, report[0].out / "01_good.html", report[0].out / "notebooks" / "02_raises.ipynb"):
        text = file.read_text()
        for secret in (str(workspace), str(Path.home()), str(Path(run_module.__file__).parents[2]), "ipykernel_"):
            assert secret not in text, (file.name, secret)
        assert "UserWarning" not in text


def test_kernel_is_this_interpreter(report):
    import sys

    # the printed path begins with sys.prefix, which is shown as "python"
    printed = nbformat.read(report[0].out / "notebooks" / "01_good.ipynb", as_version=4).cells[6].outputs[0].text
    assert "python" + sys.executable.removeprefix(sys.prefix) in printed
    assert "<object object at 0x…>" in printed


def test_progress_says_origin_and_ends(report):
    _result, events = report
    assert events[0].kind == "note"
    assert "workspace" in events[0].text
    assert sorted(event.notebook for event in events if event.kind == "end") == [
        record["name"] for record in report[0].notebooks
    ]
    assert any(event.kind == "cell" and event.done > 1 for event in events)


def test_only_replaces_one_and_the_bytes_are_the_same(report, workspace):
    out = report[0].out
    before, record = snapshot(out), json.loads((out / "run.json").read_text())
    result = run(Request(workspace=workspace, as_of="2024-09-30", only=("good",)))
    assert result.exit_code == 0  # of this run; that the others had failed stays in their cards
    assert snapshot(out) == before
    again = json.loads((out / "run.json").read_text())
    assert [r["name"] for r in again["notebooks"]] == [r["name"] for r in record["notebooks"]]
    assert again["notebooks"][1:] == record["notebooks"][1:]


def test_only_over_another_report_is_refused(report, workspace, no_kernel):
    before = snapshot(report[0].out)
    request = Request(workspace=workspace, as_of="2024-09-30", compare_to="2024-07-31", only=("01",))
    with pytest.raises(InputError, match="compare_to"):
        run(request)
    assert snapshot(report[0].out) == before


def test_tables_xlsx(report):
    book = CalamineWorkbook.from_path(str(report[0].out / "tables.xlsx"))
    assert book.sheet_names == ["contents", "01_findings", "01_headline", "01_spans"]
    assert book.get_sheet_by_name("01_findings").to_python()[1] == [1.0, "churn", "=1+1 left", 5.0, "007"]
    assert book.get_sheet_by_name("01_spans").to_python() == [["span"], [12.0]]


def test_workbook_is_cut_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("cs_analysis.report.workbook.ROW_LIMIT", 3)
    folder = tmp_path / "tables" / "01_good"
    folder.mkdir(parents=True)
    (folder / "long.csv").write_text("a\n" + "1\n" * 5, encoding="utf-8-sig")
    (folder / "fits.csv").write_text("a\n" + "1\n" * 3, encoding="utf-8-sig")
    write_workbook(tmp_path / "a.xlsx", tmp_path / "tables")
    book = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx"))
    rows = book.get_sheet_by_name("01_long").to_python()
    assert len(rows) == 5
    assert "tables/01_good/long.csv" in str(rows[4][0])
    assert len(book.get_sheet_by_name("01_fits").to_python()) == 4


def test_parameter_reaches_the_notebook(data, tmp_path):
    shelf = write_notebook(tmp_path / "shelf", "01_span", "import cs_analysis as cs", "assert span == 24, span")
    write_notebook(shelf, "02_fixed", "1", requires=["usage"], parameters='data_dir = ""\nas_of = ""\n')
    result = run(Request(data=data, out=tmp_path / "out", notebooks=shelf, parameters={"span": "24"}))
    assert [record["status"] for record in result.notebooks] == ["ok", "skipped"]
    assert json.loads((tmp_path / "out" / "run.json").read_text())["parameters"] == {"span": 24}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"parameters": {"spam": "3"}}, "did you mean 'span'"),
        ({"parameters": {"span": "many"}}, "a whole number"),
        ({"parameters": {"as_of": "2024-09-30"}}, "set by the run itself"),
        ({"only": ("10",)}, "no notebook '10'"),
        ({"as_of": "30/9/2024"}, "--as-of"),
        ({"as_of": "2031-01-31"}, "2025-08-31"),
        ({"compare_to": "2024-10-31"}, "--compare-to"),
        ({"lang": "fr"}, "en / ja"),
        ({"config": Path("nowhere.toml")}, "nowhere.toml"),
        ({"notebooks": Path("/")}, "holds no notebook"),
    ],
)
def test_a_wrong_request_writes_nothing(data, tmp_path, no_kernel, change, said):
    out = tmp_path / "reports" / "deep" / "out"
    request = {"data": data, "out": out, "notebooks": no_kernel, **change}
    with pytest.raises(InputError) as caught:
        run(Request(**request))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "reports").exists()


def test_a_parameters_cell_is_checked_before_any_kernel(tmp_path):
    shelf = write_notebook(tmp_path, "01_misspelt", "1", parameters='data_dir = ""\nas_off = ""\n')
    with pytest.raises(InputError, match="lacks as_of; did you mean 'as_off'"):
        find_notebooks(Shelf(shelf, "folder"))
    write_notebook(tmp_path, "01_misspelt", "1", parameters=None)
    with pytest.raises(InputError, match="no cell tagged 'parameters'"):
        find_notebooks(Shelf(shelf, "folder"))
    write_notebook(tmp_path, "01_misspelt", "1", parameters='data_dir = ""\nas_of = str(1)\n')
    with pytest.raises(InputError, match=r"but str\(1\)"):
        find_notebooks(Shelf(shelf, "folder"))
    (tmp_path / "01_misspelt.ipynb").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        find_notebooks(Shelf(shelf, "folder"))


def test_parameters_that_papermills_reader_stumbles_over(tmp_path):
    """A second "=" or a "#" in a comment, a bar in a type: the syntax tree sees them all."""
    cell = 'data_dir: str = ""  # a = b\nas_of: str | None = None  # c\nby: list[str] = ["segment"]  # x\nshare = 0.5\n'
    notebook = read_notebook(write_notebook(tmp_path, "01_x", "1", parameters=cell) / "01_x.ipynb")
    assert {name: p.type for name, p in notebook.parameters.items()} == {
        "data_dir": str,
        "as_of": str,
        "by": list,
        "share": float,
    }


def test_bad_input_leaves_the_last_report(data, tmp_path, no_kernel):
    out = tmp_path / "out"
    request = Request(data=data, out=out, notebooks=no_kernel)
    run(request)
    before = snapshot(out)
    contracts = data / "contracts.csv"
    contracts.write_text(contracts.read_text().replace("2024-02-01", "30. Feb", 1))
    with pytest.raises(InputError, match=r"contracts\.csv"):
        run(request)
    assert snapshot(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["client", "out"]


@pytest.mark.parametrize("broken", ["write_workbook", "write_contents", "write_run"])
@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
def test_a_crash_leaves_the_last_report_and_no_trace(data, tmp_path, no_kernel, monkeypatch, broken, kind):
    request = Request(data=data, out=tmp_path / "reports" / "out", notebooks=no_kernel)

    def crash(*args, **kwargs):
        raise kind("here")

    with monkeypatch.context() as patch:
        patch.setattr(run_module, broken, crash)
        with pytest.raises(kind):
            run(request)
    assert not (tmp_path / "reports").exists()
    run(request)
    before = snapshot(tmp_path)
    monkeypatch.setattr(run_module, broken, crash)
    with pytest.raises(kind):
        run(request)
    assert snapshot(tmp_path) == before
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["out"]


def test_a_swap_that_fails_puts_the_last_report_back(data, tmp_path, no_kernel, monkeypatch):
    request = Request(data=data, out=tmp_path / "out", notebooks=no_kernel)
    run(request)
    before = snapshot(tmp_path)
    rename = os.rename

    def fail_on_new(source, target):
        if str(source).endswith(".part"):
            raise OSError("full")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail_on_new)
    with pytest.raises(OSError, match="full"):
        run(request)
    assert snapshot(tmp_path) == before


@pytest.mark.skipif(os.name != "posix", reason="signals are sent to this process")
def test_an_interrupt_ends_the_kernels(data, tmp_path):
    tell = f"import os\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))"
    shelf = write_notebook(tmp_path / "shelf", "01_sleeps", tell, "import time\ntime.sleep(600)")

    def interrupt(event: Event) -> None:
        if event.kind == "cell" and event.done == 4:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(Request(data=data, out=tmp_path / "out", notebooks=shelf), progress=interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_a_folder_that_is_not_ours_is_refused(data, tmp_path, no_kernel):
    out = tmp_path / "out"
    out.mkdir()
    request = Request(data=data, out=out, notebooks=no_kernel)
    run(request)  # an empty folder is nobody's
    (out / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt"):
        run(request)
    assert (out / "notes.txt").read_text() == "mine"
    other = tmp_path / "other"
    write_data(other)
    with pytest.raises(InputError, match="not a report"):
        run(Request(data=data, out=other, notebooks=no_kernel))
    assert (other / "accounts.csv").exists()


def test_the_report_is_readable_by_others(data, tmp_path, no_kernel):
    mask = os.umask(0o022)
    try:
        run(Request(data=data, out=tmp_path / "out", notebooks=no_kernel))
    finally:
        os.umask(mask)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755


def test_earlier_months_are_listed(data, no_kernel):
    home = data.parent
    for as_of in ("2024-07-31", "2024-08-31"):
        run(Request(workspace=home, as_of=as_of, notebooks=no_kernel))
    listing = (home / "reports" / "index.html").read_text()
    assert listing.index("2024-08/index.html") < listing.index("2024-07/index.html")
    assert "../2024-07/index.html" in (home / "reports" / "2024-08" / "index.html").read_text()


def test_an_account_table_is_enough_to_say_what_is_missing(tmp_path, no_kernel):
    with pytest.raises(InputError, match="no folder 'data'"):
        run(Request(workspace=tmp_path, notebooks=no_kernel))
    with pytest.raises(InputError, match="not both"):
        run(Request(workspace=tmp_path, data=tmp_path))


def test_the_shelf_is_the_folder_asked_for_then_the_workspaces_then_the_kits(workspace, no_kernel, tmp_path):
    assert find_shelf(no_kernel, workspace).origin == "folder"
    assert find_shelf(None, workspace) == Shelf(workspace / "notebooks", "workspace")
    assert find_shelf(None, tmp_path) == Shelf(kit_folder("notebooks"), "package")
    assert kit_folder("notebooks").is_dir()


def test_names_of_notebooks(workspace):
    shelf = Shelf(workspace / "notebooks", "workspace")
    for asked in ("02", "raises", "02_raises", "02_raises.ipynb"):
        assert [notebook.name for notebook in find_notebooks(shelf, (asked,))] == ["02_raises"]
    assert len(find_notebooks(shelf)) == 7


def test_prose_is_translated_cell_by_cell(workspace, monkeypatch):
    from cs_analysis.report import execute

    monkeypatch.setattr(execute, "_", {"# About 01_good": "# 説明"}.get)
    notebook = read_notebook(workspace / "notebooks" / "01_good.ipynb")
    with speaking("ja"):
        job = execute.prepare(notebook, {}, {}, {})
    assert job.node.cells[0].source == "# 説明"
    assert notebook.node.cells[0].source == "# About 01_good"


def test_a_cell_without_id_gets_one_from_its_place(tmp_path):
    old = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": []}
    for kind, source in (("markdown", "# A"), ("code", 'data_dir = ""\nas_of = ""')):
        cell = {"cell_type": kind, "metadata": {"tags": ["parameters"]} if kind == "code" else {}, "source": source}
        old["cells"].append(cell | ({"outputs": [], "execution_count": None} if kind == "code" else {}))
    (tmp_path / "01_old.ipynb").write_text(json.dumps(old))
    ids = [[cell["id"] for cell in read_notebook(tmp_path / "01_old.ipynb").node.cells] for _ in range(2)]
    assert ids == [["cell-00", "cell-01"]] * 2


def test_blank_cells_need_not_run():
    cells = [nbformat.v4.new_code_cell("  "), nbformat.v4.new_code_cell("1", execution_count=1)]
    node = nbformat.v4.new_notebook(cells=cells)
    assert find_fault(node, "x") is None
    node.cells[1].execution_count = None
    assert find_fault(node, "x") is not None


def test_scrub_touches_only_whole_paths():
    hidden = {"/srv/data": "data"}
    assert scrub("/srv/data/a.csv and /srv/data-old, http://x/srv/data", hidden) == (
        "data/a.csv and /srv/data-old, http://x/srv/data"
    )
    assert scrub("file:///srv/data/a", hidden) == "data/a"


def test_default_comparison_is_the_month_end_before(report):
    assert date.fromisoformat(json.loads((report[0].out / "run.json").read_text())["compare_to"]) == date(2024, 8, 31)
