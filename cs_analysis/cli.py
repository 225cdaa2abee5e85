"""The command line: the verbs of the library, errors as one sentence, results on stdout and all else on stderr.

Only what ``--help`` needs is imported at the top; each command imports the rest when it runs. The help stays
English, so that it can be searched for; errors and progress speak the reader's language.
"""

from __future__ import annotations

import io
import json
import signal
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from cs_analysis.errors import N_, CsError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cs_analysis.data.book import Checked
    from cs_analysis.report.request import Client, Request

OK, FAILED, BAD_INPUT, CRASHED, INTERRUPTED = 0, 1, 2, 3, 130

# rich_markup_mode=None: with rich, --help alone takes over 0.3 s
app = typer.Typer(
    name="cs-analysis",
    help="Customer Success data in, a monthly report with honest numbers out.",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)

_JOBS = "Notebooks at a time (default: as many as cores, at most 4)."
Lang = Annotated[str, typer.Option("--lang", metavar="en|ja", help="Language (default: the client file's, else en).")]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Client file (cs-analysis.toml).")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
Debug = Annotated[bool, typer.Option("--debug", help="Add the traceback to an error.")]
Jobs = Annotated[int, typer.Option("--jobs", min=0, metavar="N", show_default=False, help=_JOBS)]


def main() -> None:
    """The entry point of ``cs-analysis``."""
    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, _interrupt)  # so that what is half written is cleared away
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a narrow terminal must not turn a report into a crash
    try:
        code = app(prog_name="cs-analysis", standalone_mode=False)
    except Exception as error:
        if not hasattr(error, "format_message"):  # of all that typer raises, only a wrong use has this
            raise
        _tell_use(error)
        code = BAD_INPUT
    sys.exit(code or OK)


def _tell_use(error: Any) -> None:
    """What is wrong with the way the command was called: one sentence, and where to look it up."""
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message(), file=sys.stderr)
        return
    called = error.ctx.command_path if getattr(error, "ctx", None) is not None else "cs-analysis"
    said = " ".join(str(error.format_message()).split()).rstrip(".")
    print(f"{said}{' ' if said.endswith('?') else '; '}{called} --help tells how it is used.", file=sys.stderr)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


@app.callback(invoke_without_command=True)
def _top(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        import cs_analysis

        typer.echo(f"cs-analysis {cs_analysis.__version__}")
        raise typer.Exit


@app.command("run")
def run_command(
    workspace: Annotated[list[Path] | None, typer.Argument(metavar="[WORKSPACE]...", show_default=False)] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="A bare data folder.")] = None,
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="Last day whose facts count.")] = "",
    compare_to: Annotated[
        str, typer.Option("--compare-to", metavar="DATE", help="Day to compare with (default: last month end).")
    ] = "",
    lang: Lang = "",
    config: Config = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Default: WORKSPACE/reports/<as-of month>.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Only these notebooks: 04, nrr_cohorts; repeated or with commas."),
    ] = None,
    notebooks: Annotated[
        Path | None, typer.Option("--notebooks", metavar="DIR", help="Folder of notebooks to run instead.")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Parameter of the notebooks.")
    ] = None,
    jobs: Jobs = 0,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """The monthly report of one or many client workspaces, or of a bare data folder.

    Exit code 0: all ran, or were skipped for want of data. 1: a notebook failed, the others are written.
    2: the input or the arguments are at fault, nothing is written.
    """
    from cs_analysis.report.request import Request

    shared: dict[str, Any] = {
        "as_of": as_of,
        "compare_to": compare_to,
        "lang": lang,
        "config": config,
        "notebooks": notebooks,
        "jobs": jobs,
    }
    with _one_sentence(lang, debug) as told:
        shared["parameters"] = _pairs(parameter or [])
        shared["only"] = tuple(name.strip() for asked in only or [] for name in asked.split(",") if name.strip())
        if only and not shared["only"]:
            raise InputError(N_("--only names no notebook; give a name such as 04 or nrr_cohorts."))
        if data is not None:
            if workspace:
                raise InputError(N_("Give a workspace or --data, not both."))
            requests = [Request(data=data, out=out, **shared)]
        else:
            requests = _workspaces(workspace or [Path(".")], out, shared)
    if told.code:
        raise typer.Exit(told.code)
    several = len(requests) > 1
    codes = [
        _report(request, quiet=quiet, debug=debug, name=str(request.workspace) if several else "")
        for request in requests
    ]
    raise typer.Exit(max(codes))


def _workspaces(workspaces: list[Path], out: Path | None, shared: dict[str, Any]) -> list[Request]:
    """A request per workspace; with several, each gets a folder of its own in ``--out``."""
    from cs_analysis.report.request import Request

    if len(workspaces) == 1:
        return [Request(workspace=workspaces[0], out=out, **shared)]
    names = [path.resolve().name for path in workspaces]
    twice = next((name for name in names if names.count(name) > 1), None)
    if out is not None and twice is not None:
        raise InputError(
            N_("Two workspaces are called {name}, so their reports would share a folder of --out; run them apart."),
            name=twice,
        )
    return [
        Request(workspace=path, out=out / name if out else None, **shared)
        for path, name in zip(workspaces, names, strict=True)
    ]


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(N_("--parameter takes NAME=VALUE, not {value!r}."), value=text)
        pairs[name.strip()] = value
    return pairs


@app.command()
def check(
    workspace: Annotated[list[Path] | None, typer.Argument(metavar="[WORKSPACE]...", show_default=False)] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="A bare data folder.")] = None,
    config: Config = None,
    lang: Lang = "",
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="Only what was known on that day.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    annotate: Annotated[
        Path | None, typer.Option("--annotate", metavar="DIR", help="Write copies with the faulty cells marked.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Every fault of the input in one pass: file, sheet, row, column, value, what to do.

    Exit code 0: no errors. 1: errors found. 2: it cannot be read at all.
    """
    from cs_analysis.report.checked import as_dict
    from cs_analysis.report.request import Request, find_client, language_of

    if data is not None and not workspace:
        requests = [Request(data=data, lang=lang, config=config)]
    else:  # both together are told as an error
        requests = [Request(workspace=path, data=data, lang=lang, config=config) for path in workspace or [Path(".")]]
    codes, found = [], {}
    for request in requests:
        name = str(request.workspace) if len(requests) > 1 else ""
        with _one_sentence(lang, debug, partial(language_of, request), name) as told:
            from cs_analysis.data.book import check as check_data
            from cs_analysis.report.request import parse_day

            language = language_of(request)
            client = find_client(request)
            day = parse_day(as_of, "--as-of")
            try:
                checked = check_data(client.data, as_of=day, config=client.config, lang=language)
            except InputError:  # often because no table is known yet, which is when a proposal helps most
                if proposals := _propose(client, language, as_json):
                    found[str(request.data or request.workspace)] = {"proposals": proposals}
                raise
            told.code = int(checked.n_errors > 0)
            if as_json:
                proposals = _propose(client, language, as_json, checked)
                found[str(request.data or request.workspace)] = as_dict(checked) | {"proposals": proposals}
            else:
                _show(checked, name)
                _propose(client, language, as_json, checked)
            if annotate is not None:
                _write_marked(checked, client.data, annotate / client.data.parent.name if name else annotate)
        codes.append(told.code)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
    raise typer.Exit(max(codes))


def _show(checked: Checked, name: str) -> None:
    """The problems and their number on stdout: a table on a terminal, a line each otherwise; ``name`` above them."""
    from cs_analysis.report.checked import lines, summary, table

    if name:
        typer.echo(name)
    if not sys.stdout.isatty():
        typer.echo("\n".join(lines(checked)))
        return
    from rich.console import Console

    if len(checked.problems):
        console = Console(highlight=False)
        console.print(table(checked, console.width))
    typer.echo(summary(checked))


def _propose(client: Client, language: str, as_json: bool, checked: Checked | None = None) -> list[dict]:
    """A mapping for what is not known yet, written beside the client file; for programs it is returned only."""
    from cs_analysis.data.proposing.as_toml import as_records, place_of, proposed_text, summary_lines, unknown_lines
    from cs_analysis.data.proposing.propose import recognise
    from cs_analysis.data.settings import read_settings
    from cs_analysis.display.language import speaking

    try:
        with speaking(language):
            settings = read_settings(client.config)
            proposals, unknown = recognise(client.data, settings, checked.reading if checked else None)
            if as_json:
                return as_records(proposals)
            if unknown:
                typer.echo("\n".join(unknown_lines(unknown)), err=True)
            if not proposals:
                return as_records(proposals)
            path = place_of(client.config, client.workspace, client.data)
            try:
                path.write_text(proposed_text(proposals, settings), encoding="utf-8")
            except OSError:  # a folder that may only be read: what was found is still told
                path = Path()
            typer.echo("\n".join(summary_lines(proposals, str(path) if path.name else "")), err=True)
    except InputError:
        pass  # what cannot be read is told by the check itself
    return []


def _write_marked(checked: Checked, data: Path, out: Path) -> None:
    """The marked copies; which they are goes to stderr, for stdout holds the faults."""
    from cs_analysis.data.annotate import annotate
    from cs_analysis.display.language import _

    written, left = annotate(checked.faults, data, out)
    for path in written:
        typer.echo(_("Marked copy: {file}").format(file=path), err=True)
    for file in left:
        typer.echo(_("{file} has faults and cannot be marked; they are listed only.").format(file=file), err=True)


@app.command()
def template(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the templates go.")],
    lang: Lang = "en",
    format: Annotated[str, typer.Option("--format", metavar="xlsx|csv", help="One workbook, or a CSV per table.")] = (
        "xlsx"
    ),
    debug: Debug = False,
) -> None:
    """The blank templates for a client's staff."""
    with _one_sentence(lang, debug) as told:
        from cs_analysis.data.templates.template import write_templates

        for path in write_templates(out, lang=lang, format=format):
            typer.echo(str(path))
    raise typer.Exit(told.code)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is empty or not there yet.")],
    lang: Lang = "en",
    debug: Debug = False,
) -> None:
    """A workspace for a client: client file, data folder with the template, notebooks, README.

    Exit code 0: it is made. 2: the folder holds anything.
    """
    with _one_sentence(lang, debug) as told:
        from cs_analysis.report.workspace import make_workspace

        typer.echo(str(make_workspace(folder, lang=lang)))
    raise typer.Exit(told.code)


@app.command()
def demo(
    lang: Lang = "en",
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the report goes.")] = Path("reports/demo"),
    jobs: Jobs = 0,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Make the sample company, run every notebook on it, and print the path of the report's index.html."""
    from cs_analysis.report.request import Request

    with _one_sentence(lang, debug) as told, tempfile.TemporaryDirectory(prefix="cs-demo-") as folder:
        from cs_analysis.data.sample import make_sample, write_sample

        data = Path(folder) / "sample"
        write_sample(make_sample(), data)
        told.code = _report(Request(data=data, out=out, lang=lang, jobs=jobs), quiet=quiet, debug=debug)
    raise typer.Exit(told.code)


@app.command()
def sample(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")],
    accounts: Annotated[int, typer.Option("--accounts", metavar="N", min=1)] = 240,
    months: Annotated[int, typer.Option("--months", metavar="M", min=1)] = 48,
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="The last day of its data.")] = "2026-10-31",
    seed: Annotated[int, typer.Option("--seed", metavar="S")] = 1,
    format: Annotated[str, typer.Option("--format", metavar="csv|xlsx|parquet")] = "csv",
    lang: Lang = "en",
    debug: Debug = False,
) -> None:
    """The synthetic company whose truth is known: its tables and truth.json."""
    with _one_sentence(lang, debug) as told:
        from cs_analysis.data.sample import make_sample, write_sample
        from cs_analysis.display.language import check_language, choose
        from cs_analysis.report.request import parse_day

        check_language(lang)
        formats = ["csv", "xlsx", "parquet"]
        if format not in formats:
            raise InputError(
                N_("There is no format {format!r}; {choice}."), format=format, choice=choose(format, formats)
            )
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InputError(N_("{out} is not empty; choose another --out."), out=str(out))
        last = parse_day(until, "--until")
        assert last is not None
        write_sample(make_sample(accounts=accounts, months=months, until=last, seed=seed), out, format)  # type: ignore[arg-type]
        typer.echo(str(out))
    raise typer.Exit(told.code)


def _report(request: Request, *, quiet: bool, debug: bool, name: str = "") -> int:
    """One client's report; the path of its index goes to stdout, the code comes back.

    Where there are several clients, what goes to stderr says by its ``name`` which one is meant.
    """
    from cs_analysis.report.progress import shown
    from cs_analysis.report.request import language_of
    from cs_analysis.report.run import run

    with (
        _one_sentence(request.lang, debug, partial(language_of, request), name) as told,
        shown(partial(typer.echo, err=True), quiet=quiet) as progress,
    ):
        if name and not quiet:
            typer.echo(name, err=True)
        result = run(request, progress=progress)
        typer.echo(str(result.out / "index.html"))
        told.code = result.exit_code
    return told.code


class _Told:
    """The exit code a block ends with."""

    code = OK


@contextmanager
def _one_sentence(lang: str, debug: bool, language=None, name: str = "") -> Iterator[_Told]:
    """Turn what goes wrong in a block into one sentence on stderr and an exit code."""
    from cs_analysis.display.language import LANGUAGES, speaking

    told = _Told()
    try:
        with speaking(lang if lang in LANGUAGES else "en"):
            yield told
    except CsError as error:
        told.code = BAD_INPUT
        _tell(error, lang, language, name)
        if debug:
            _trace()
    except KeyboardInterrupt:
        _tell(CsError(N_("Broken off; nothing was written.")), lang, language)
        raise typer.Exit(INTERRUPTED) from None
    except typer.Exit:
        raise
    except Exception as error:
        told.code = CRASHED
        text = N_("This should not have happened: {error}. Nothing was written; --debug shows where.")
        _tell(CsError(text, error=f"{type(error).__name__}: {error}"), lang, language, name)
        if debug:
            _trace()


def _trace() -> None:
    import traceback

    traceback.print_exc()


def _tell(error: CsError, lang: str, language, name: str = "") -> None:
    from cs_analysis.display.language import LANGUAGES, render, speaking

    if lang not in LANGUAGES:
        lang = language() if language and not lang else "en"
    with speaking(lang):
        print(*filter(None, (name, render(error))), sep=": ", file=sys.stderr)
