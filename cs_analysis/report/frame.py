"""The frame of every page: head with its policy, band, contents, foot; and the context they are filled from."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from cs_analysis import __version__
from cs_analysis.display import language
from cs_analysis.display.html import PLAIN_STYLE
from cs_analysis.display.language import _
from cs_analysis.display.style import contrast, readable
from cs_analysis.report.markup import FigureInliner, bind

TEMPLATES = Path(__file__).parent / "template"
BRAND = "#0d4a66"  # where the client has no colour
_PAPER, _GROUND, _DARK_PAPER = "#ffffff", "#f4f6f8", "#181c21"  # as in page.css


@dataclass(frozen=True)
class PageContext:
    """What is true of every page of a report.

    Parameters
    ----------
    title
        The page's title, used when the notebook has no heading of its own.
    client
        The client's name.
    lang
        "en" or "ja".
    as_of
        The last day whose facts were used.
    period
        The period covered, in words.
    logo
        A ``data:image/…`` address, or None.
    brand_colour
        A hex colour; text on it and links in it are kept readable.
    index_href, previous, next
        Where the report's index is; (title, address) of the pages before and after.
    fingerprint
        Hash of the cleaned tables.
    currency
        Of the amounts on the index.
    compare_to
        The earlier day the figures are compared with; default the end of the month before ``as_of``.
    definitions_href
        Where the definitions are, "" when nowhere.
    """

    title: str
    client: str
    lang: str
    as_of: date
    period: str = ""
    logo: str | None = None
    brand_colour: str = BRAND
    index_href: str = "index.html"
    fingerprint: str = ""
    currency: str = "JPY"
    compare_to: date | None = None
    previous: tuple[str, str] | None = None
    next: tuple[str, str] | None = None
    definitions_href: str = ""

    def compared_with(self) -> date:
        """The earlier day: as given, or the last day of the month before."""
        return self.compare_to or self.as_of.replace(day=1) - timedelta(days=1)


def frame(context: PageContext, *, kind: str, title: str, body: str, **more: Any) -> str:
    """A whole page around ``body`` (HTML already escaped); ``kind`` is "page" or "index"."""
    script = _script() if kind == "page" else ""
    return (
        environment()
        .get_template("frame.html.j2")
        .render(
            lang=context.lang,
            policy=_policy(script),
            title=title,
            client=context.client,
            initial=next((c for c in context.client if c.isalnum()), "").upper(),
            css=Markup(_style(context)),
            script=Markup(script),
            kind=kind,
            logo=context.logo if (context.logo or "").startswith("data:image/") else None,
            facts=_facts(context),
            body=Markup(bind(body.replace(PLAIN_STYLE, ""))),
            closing=_closing(context),
            definitions=context.definitions_href,
            before=context.previous,
            after=context.next,
            words={
                "skip": _("Skip to the content"),
                "contents": _("Contents"),
                "home": _("All results"),
                "unfold": _("Show all code"),
                "pages": _("Pages of this report"),
                "before": _("Previous"),
                "after": _("Next"),
                "definitions": _("Definitions and settings"),
            },
            **more,
        )
    )


@cache
def environment() -> jinja2.Environment:
    """The kit's own templates; every value in them is escaped."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )


def _script() -> str:
    return (TEMPLATES / "page.js").read_text(encoding="utf-8").strip()


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    allowed = f"script-src 'sha256-{digest}'" if script else "script-src 'none'"
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; {allowed}; base-uri 'none'; form-action 'none'"
    )


def _style(context: PageContext) -> str:
    """The style sheet with the client's colours, guarded, and the palette of the figures."""
    brand = context.brand_colour if re.fullmatch(r"#[0-9a-fA-F]{6}", context.brand_colour or "") else BRAND
    on_brand = "#ffffff" if contrast("#ffffff", brand) >= 4.5 else "#000000"
    accent = readable(brand, on=_GROUND)
    variables = {
        "brand": brand,
        "on-brand": on_brand,
        "accent": accent,
        "accent-dark": readable(brand, on=_DARK_PAPER, least=6.0),
        **FigureInliner.light,
    }
    declared = ";".join(f"--{name}:{value}" for name, value in variables.items())
    foot = _css_string(f"{context.client} · {_as_of(context)}")
    sheet = (TEMPLATES / "page.css").read_text(encoding="utf-8").strip()
    return f":root{{{declared}}}\n" + sheet.replace("PRINT_FOOT", foot)


def _css_string(text: str) -> str:
    """Text as a CSS string: nothing in it can end the string or the style element."""
    return '"' + "".join(c if c.isalnum() or c in " ·.,-" else f"\\{ord(c):x} " for c in text) + '"'


def _as_of(context: PageContext) -> str:
    return _("As of {day}").format(day=language.day(context.as_of))


def _facts(context: PageContext) -> list[str]:
    name = {"en": "English", "ja": "日本語"}[context.lang]
    return [fact for fact in (_as_of(context), context.period, name) if fact]


def _closing(context: PageContext) -> list[str]:
    lines = [f"cs-analysis {__version__}", _as_of(context)]
    if context.fingerprint:
        lines.append(_("data fingerprint {hash}").format(hash=context.fingerprint[:12]))
    return [*lines, _("this file needs no network")]
