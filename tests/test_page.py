"""Pages: one file that asks for nothing, headings in order, every figure in words, hostile names shown as they are."""

from __future__ import annotations

import base64
import copy
import hashlib
import itertools
import re
from html.parser import HTMLParser

import nbformat.v4 as v4
import pages
import pandas as pd
import pytest
from pages import ALT, HOSTILE

from cs_analysis.display import html
from cs_analysis.display.style import PALETTE, contrast
from cs_analysis.report.index import _changes as changes_of
from cs_analysis.report.index import rows_of
from cs_analysis.report.markup import FigureInliner, failure, outline
from cs_analysis.report.page import write_page

VOID = {"meta", "link", "img", "br", "hr", "input", "path", "use", "rect"}


class _Page(HTMLParser):
    """What a browser would find: tags with attributes, visible text, and whether every tag is closed in order."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text, self.unbalanced, self._stack = "", [], []
        self.feed(markup)
        self.unbalanced += self._stack

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self._stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        self.text += " " if tag in ("p", "li", "h3") else ""
        if not self._stack or self._stack.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        if not self._stack or self._stack[-1] not in ("style", "script"):
            self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> str:
    return pages.page(tmp_path_factory.mktemp("page") / "04_nrr_cohorts.html")


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> str:
    return pages.index(tmp_path_factory.mktemp("index") / "index.html")


@pytest.fixture(params=["page", "index"])
def either(request, written, index) -> str:
    return written if request.param == "page" else index


def test_nothing_is_asked_of_a_network(either):
    for tag, attrs in _Page(either).tags:
        for key in ("src", "href", "xlink:href", "action", "srcset", "poster", "data"):
            address = attrs.get(key, "")
            if tag == "a" and key == "href":
                assert not re.match(r"(https?:)?//", address)
            elif address:
                assert address.startswith(("data:", "#")), (tag, address)
    assert not re.search(r"@import|url\((?!#)", either)
    assert "mathjax" not in either.lower()
    assert "require.min.js" not in either


def test_the_policy_allows_only_the_pages_own_script(written, index):
    policy = next(a["content"] for a in _Page(written).all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    scripts = re.findall(r"<script>(.*?)</script>", written, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert "<script" not in index
    policy = next(a["content"] for a in _Page(index).all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert "script-src 'none'" in policy


def test_hostile_names_are_text(either):
    page = _Page(either)
    assert not page.unbalanced
    for name in HOSTILE if "Contents" in page.text else (HOSTILE[0], HOSTILE[4]):
        assert name in page.text
    assert not any(key.startswith("on") for _tag, attrs in page.tags for key in attrs)
    assert not any(attrs.get("src") == "x" for attrs in page.all("img"))


def test_headings_are_in_order_with_one_first(either):
    levels = [int(tag[1]) for tag, _attrs in _Page(either).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


def test_the_contents_lead_to_the_sections(written):
    page = _Page(written)
    links = [a["href"][1:] for a in page.all("a") if re.fullmatch(r"#s\d+", a.get("href", ""))]
    assert links == [a["id"] for a in page.all("h2")]
    assert len(links) == 2
    assert "#main" in [a.get("href") for a in page.all("a")]
    assert page.all("main")[0]["id"] == "main"


def test_ids_are_unique_and_every_reference_finds_its_own(either):
    page = _Page(either)
    ids = [attrs["id"] for _tag, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    wanted = set(re.findall(r'(?:href="|url\()#([^")]+)', either))
    wanted |= {i for _tag, attrs in page.tags for i in attrs.get("aria-labelledby", "").split()}
    assert wanted <= set(ids)


def test_every_figure_is_said_in_words(written):
    page = _Page(written)
    drawings = list(page.all("svg"))
    assert [a["role"] for a in drawings] == ["img", "img"]
    assert [a["aria-label"] for a in drawings] == [ALT, ALT]
    pictures = [a for a in page.all("img") if "alt" in a]
    assert [a["alt"] for a in pictures] == ["a cloud of 1,200 accounts"]
    assert len(page.all("img")) == 1


def test_figures_follow_the_page(written):
    drawing = re.search(r"<figure class=\"figure\">.*?</figure>", written, re.DOTALL).group()
    assert "var(--ink)" in drawing
    assert "var(--paper)" in drawing
    assert "<!--" not in drawing
    assert "<style" not in drawing
    for colour in ("#1c2126", "#ffffff", "#dfe3e8", *PALETTE[:2]):
        assert colour not in drawing
    declared = set(re.findall(r"--([a-z0-9-]+):", written))
    assert set(re.findall(r"var\(--([a-z0-9-]+)\)", written)) <= declared


def test_tables_are_labelled(either):
    page = _Page(either)
    assert len(page.all("table")) == len(page.all("caption")) >= 1
    assert all(attrs.get("scope") in ("col", "row") for attrs in page.all("th"))


def test_code_is_folded_and_trouble_is_said_in_words(written):
    page = _Page(written)
    assert sum(a.get("class") == "code" for a in page.all("details")) == 6
    assert not any("open" in a for a in page.all("details"))
    assert "raw trouble" not in page.text
    assert "raw trace" not in page.text
    assert "/srv/someone" not in written
    assert "This step could not be computed: cannot read contracts.csv" in page.text
    assert "1 cell gave a technical warning" in page.text
    assert "plain <b>" in page.text


def test_the_page_is_small_besides_its_figures_and_rows(written, index):
    bare = re.sub(r"<figure.*?</figure>|<tbody>.*?</tbody>|data:text/csv[^\"]*", "", written, flags=re.DOTALL)
    assert len(bare.encode()) < 60 * 1024
    assert len(index.encode()) < 60 * 1024


def test_the_same_notebook_gives_the_same_bytes(tmp_path, written, index):
    assert pages.page(tmp_path / "04_nrr_cohorts.html") == written
    assert pages.index(tmp_path / "index.html") == index


def test_header_and_foot_say_what_this_is(written):
    page = _Page(written)
    assert page.all("html")[0]["lang"] == "en"
    for said in ("NRR cohorts", "As of 31 Oct 2026", "Nov 2025 – Oct 2026", "English", "9f31c2a07b12", "cs-analysis"):
        assert said in page.text
    assert "index.html" in [a.get("href") for a in page.all("a")]


def test_neighbouring_pages_are_linked(tmp_path):
    text = pages.page(tmp_path / "p.html", previous=("Data check", "00.html"), next=("NPS & more", "05.html"))
    links = {a.get("rel"): a["href"] for a in _Page(text).all("a")}
    assert (links["prev"], links["next"]) == ("00.html", "05.html")


def test_a_japanese_page(tmp_path):
    text = pages.page(tmp_path / "p.html", lang="ja", client="みどりソフトウェア株式会社")
    page = _Page(text)
    assert page.all("html")[0]["lang"] == "ja"
    assert "2026年10月31日" in page.text
    assert "日本語" in page.text


@pytest.mark.parametrize("colour", ["#ffffff", "#000000", "#ffee00", "#0072b2", "#e4002b", "#777777", "#7f7f7f"])
def test_any_brand_colour_stays_readable(tmp_path, colour):
    text = pages.page(tmp_path / "p.html", brand_colour=colour)
    found = dict(re.findall(r"--(brand|on-brand|accent|accent-dark):(#[0-9a-f]{6})", text))
    assert found["brand"] == colour
    assert contrast(found["brand"], found["on-brand"]) >= 4.5
    assert contrast(found["accent"], "#ffffff") >= 4.5
    assert contrast(found["accent"], "#f4f6f8") >= 4.5
    assert contrast(found["accent-dark"], "#181c21") >= 4.5


@pytest.mark.parametrize("bad", ["red;}</style><script>", "", "#12345", "url(http://x)"])
def test_what_is_no_colour_or_logo_is_left_out(tmp_path, bad):
    text = pages.page(tmp_path / "p.html", brand_colour=bad, logo="https://example.com/logo.png")
    assert "--brand:#0d4a66" in text
    assert "example.com" not in text
    assert bad == "" or bad not in text


def test_a_client_name_cannot_leave_the_style_sheet(tmp_path):
    text = pages.page(tmp_path / "p.html", client='a"}</style><script>alert(1)</script>')
    assert text.count("</style>") == 1
    assert text.count("<script>") == 1


def test_colours_of_the_sheet_have_contrast(written):
    def scheme(block):
        return dict(re.findall(r"--([a-z0-9-]+):(#[0-9a-f]{3,6})\b", block))

    sheet = written[: written.index("</style>")]
    dark_at = sheet.index("prefers-color-scheme:dark")
    light, dark = scheme(sheet[:dark_at]), scheme(sheet[dark_at : sheet.index("}}", dark_at)])
    for colours in (light, light | dark):
        for ground in ("paper", "ground"):
            for text in ("ink", "muted", *[f"t{i}" for i in range(1, 7)]):
                if not (ground == "ground" and text.startswith("t")):  # labels of lines stand on paper
                    assert contrast(colours[text], _long(colours[ground])) >= 4.5, (text, ground)
        assert contrast(colours["warn"], colours["warn-soft"]) >= 4.5
        assert contrast(colours["ink"], colours["soft"]) >= 4.5
        assert contrast(colours["line"], _long(colours["paper"])) >= 3


def _long(colour: str) -> str:
    return "#" + "".join(c * 2 for c in colour[1:]) if len(colour) == 4 else colour


# the index


def test_key_metrics_carry_interval_n_and_both_changes(index):
    text = re.sub(r"\s+", " ", _Page(index).text)
    assert "104.2 % 95 % interval 98.1–110.9 % · 212 accounts" in text
    assert "＝ no clear change on Sep 2026 then 103.9 %" in text
    assert "▲ 6.4 points above Oct 2025 difference 1.2–11.6 · then 97.8 %" in text
    assert "▼ 9 days below Oct 2025 difference −15 to −3 · then 50 days" in text
    assert "△" not in text  # it means "negative" in Japanese tables


def test_a_sum_shows_no_interval_and_no_missing_year(index):
    card = index[index.index('aria-labelledby="metric-3"') :]
    card = re.sub(r"<[^>]+>|\s+", " ", card[: card.index("</section>")])
    assert "interval" not in card
    assert "above Sep 2026" in card
    assert "Oct 2025" not in card


def test_findings_come_by_money_and_accounts_go_to_whom_to_call(index):
    text = _Page(index).text
    order = ["A larger finding", "A smaller finding", "A finding without a sum", "No contact for 74", "Usage fell"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert text.index("Whom to call") < text.index("No contact for 74")


def test_cards_say_their_status_in_words(index):
    text = re.sub(r"\s+", " ", _Page(index).text)
    assert "Data check ✓ ok No errors." in text
    assert "Onboarding ! failed The step curve stopped; run it again." in text
    assert "NPS … needs a file Add survey_responses.csv." in text


def test_a_trend_is_said_and_labelled(index):
    spark = next(a for a in _Page(index).all("div") if a.get("class") == "spark")
    assert spark["aria-label"].startswith("100.0 % in Nov 2025, 104.2 % in Oct 2026; between 100.0 % and 104.2 %")
    assert "<span>Nov 2025 <b>100.0\u00a0%</b></span>" in index
    assert index.count('class="spark"') == 1


def test_an_empty_report_still_has_an_index(tmp_path):
    none = pd.DataFrame(columns=["rank", "kind", "text", "money", "account_id"])
    text = pages.index(
        tmp_path / "i.html", headlines=pages.headlines().head(0), findings=none, quality="", trend=None, reports=[]
    )
    page = _Page(text)
    assert "Onboarding" in page.text
    assert "Key figures" not in page.text
    assert "nan" not in page.text.lower()


# pieces


def test_an_outline_never_skips_a_level():
    found = outline("<h1>T</h1><h4>a</h4><h6>b</h6><h2>c</h2><h1>d</h1>")
    assert re.findall(r"<(h\d)", found.html) == ["h2", "h3", "h2", "h2"]
    assert found.headings == [("s1", "a"), ("s2", "c"), ("s3", "d")]


def test_a_figure_loses_what_is_not_drawing():
    svg = (
        '<?xml version="1.0"?><!DOCTYPE svg><svg viewBox="0 0 1 1" onload="x()"><metadata>who</metadata>'
        '<script>x()</script><style>*{}</style><!-- name --><g id="a"/><use xlink:href="#a"/></svg>'
    )
    made = FigureInliner()
    made(svg, "first")
    assert made(svg, 'say "it"') == (
        '<figure class="figure"><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1" role="img" '
        'aria-label="say &quot;it&quot;"><g id="f2-a"/><use href="#f2-a"/></svg></figure>'
    )


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("cannot read /srv/a/b/c.csv", "cannot read c.csv"),
        (r"cannot read D:\clients\a\c.csv", "cannot read c.csv"),
        ("12 accounts / 3 months", "12 accounts / 3 months"),
        ("first\nsecond", "first"),
    ],
)
def test_a_failure_names_no_folder(raw, said):
    assert failure({"ename": "ValueError", "evalue": raw}).endswith(": " + said)


@pytest.mark.parametrize("count", range(1, 10))
def test_cards_leave_no_hole_on_a_wide_screen(count):
    sizes = rows_of(count)
    assert len(sizes) == count
    rows = [size for size, group in itertools.groupby(sizes) for _row in range(len(list(group)) // size)]
    assert sum(rows) == count  # each row holds exactly as many as its cards say
    assert all(1 <= size <= 3 for size in rows)
    assert max(rows) - min(rows) <= 1


def test_parameters_and_loading_fold_as_one(tmp_path):
    nb = v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# Title"),
            v4.new_code_cell("first = 1"),
            v4.new_code_cell("second = 2"),
            v4.new_code_cell("shown", outputs=[pages.output(html.say("Said."))]),
            v4.new_code_cell("apart", outputs=[pages.output(html.say("Also."))]),
        ]
    )
    before = copy.deepcopy(nb)
    write_page(nb, tmp_path / "page.html", pages.context())
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    folds = re.findall(r'<details class="code">.*?</details>', text, re.DOTALL)
    assert [[word for word in ("first", "second", "shown", "apart") if word in fold] for fold in folds] == [
        ["first", "second", "shown"],
        ["apart"],
    ]
    assert nb == before


def test_a_figure_and_its_unit_stay_on_one_line(index):
    assert "98.1–110.9\u00a0%" in index
    assert "98.1–110.9 %" not in _Page(index).text


def test_a_change_without_an_interval_is_neither_clear_nor_none():
    row = {"previous_change": -0.215, "previous": 1.0, "previous_low": float("nan"), "previous_high": float("nan")}
    context = pages.context()
    (said,) = changes_of(row, "rate", context)
    assert said["mark"] == "?"
    assert said["words"] == "21.5 points below Sep 2026, no interval"
