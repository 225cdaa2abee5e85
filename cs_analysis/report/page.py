"""Pages: an executed notebook, or the index of a report, as one HTML file that asks for nothing.

A notebook's cells go through nbconvert with the kit's own template (``template/page``, on nbconvert's classic blocks);
head, contents list, style and foot come from ``template/frame.html.j2``. Each file carries its style, its small script
(allowed by its hash alone) and its figures; a policy in the page itself forbids every request.
"""

from __future__ import annotations

import html
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cs_analysis.display import language
from cs_analysis.display.language import _, ngettext, speaking
from cs_analysis.report.frame import TEMPLATES, PageContext, frame
from cs_analysis.report.index import Card, write_index
from cs_analysis.report.markup import FigureInliner, failure, outline

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Card", "PageContext", "write_index", "write_page"]


def write_page(nb: NotebookNode, path: Path, context: PageContext) -> None:
    """Write an executed notebook as a self-contained page; the same notebook gives the same bytes.

    Parameters
    ----------
    nb
        Executed; its figures and tables come from `cs_analysis.display`, its prose from markdown cells.
    path
        The HTML file; its folder exists.
    context
        Names, dates and links of the page.
    """
    with speaking(context.lang):
        body = _body(nb)
        found = outline(body)
        has_code = 'class="code"' in body
        warned = _count_warnings(nb)
        text = found.html + (_warnings_note(warned, path.stem) if warned else "")
        page = frame(
            context,
            kind="page",
            title=found.title or context.title,
            body=text,
            contents=found.headings,
            has_code=has_code,
            home=context.index_href,
        )
    Path(path).write_text(page, encoding="utf-8", newline="\n")


@cache
def _exporter() -> Any:
    # imported here: nbconvert costs a second, and the index does not need it
    from nbconvert.exporters import HTMLExporter
    from nbconvert.filters import strip_ansi

    exporter = HTMLExporter(
        template_name="page",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        embed_images=False,
    )
    # no script, no widget: the policy would stop them and leave a hole
    kinds = ["text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/plain"]
    exporter.config.NbConvertBase.display_data_priority = kinds
    exporter.register_filter("strip_ansi", strip_ansi)
    exporter.register_filter("failure", failure)
    exporter.register_filter("escape_html_quotes", lambda text: html.escape(str(text), quote=True))
    return exporter


def _body(nb: NotebookNode) -> str:
    exporter = _exporter()
    exporter.register_filter("inline_svg", FigureInliner())
    words = {"code": _("Code"), "figure": _("Figure")}
    # an absolute path or a date in metadata must not reach the page
    body, _resources = exporter.from_notebook_node(
        _merged(nb), resources={"words": words, "metadata": {"name": "page"}}
    )
    return body


def _merged(nb: NotebookNode) -> NotebookNode:
    """A copy in which code without output joins the code cell below it: parameters and loading fold as one."""
    cells: list[NotebookNode] = []
    for cell in nb.cells:
        above = cells[-1] if cells else None
        if above is not None and above.cell_type == cell.cell_type == "code" and not above.outputs:
            cells[-1] = type(cell)(cell | {"source": f"{above.source.rstrip()}\n\n{cell.source}".strip("\n")})
        else:
            cells.append(cell)
    return type(nb)(nb | {"cells": cells})


def _count_warnings(nb: NotebookNode) -> int:
    outputs = (out for cell in nb.cells for out in cell.get("outputs", []))
    return sum(1 for out in outputs if out.get("output_type") == "stream" and out.get("name") == "stderr")


def _warnings_note(count: int, name: str) -> str:
    words = ngettext(
        "{n} cell gave a technical warning; it is kept in the executed notebook {file}.",
        "{n} cells gave technical warnings; they are kept in the executed notebook {file}.",
        count,
    ).format(n=language.number(count), file=f"notebooks/{name}.ipynb")
    return f'<p class="finding note">{html.escape(words)}</p>'
