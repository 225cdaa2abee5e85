"""The report that `cs-analysis demo` writes, in both languages, opened in a real browser with the network cut."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cs_analysis.data.sample import answers, parameters, tables

pytestmark = pytest.mark.browser

PAGES = ["index", *sorted(path.stem for path in (Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))]
BOTH = pytest.mark.parametrize("lang", ["en", "ja"])
EACH = pytest.mark.parametrize("name", PAGES)
JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]")
ENGLISH = re.compile(r"\b[A-Za-z][a-z]+ [a-z]{2,}\b")  # two words on end: a text that was not translated
COMMENTS = {*answers._PRAISE, *answers._NEUTRAL, *answers._BLAME}  # shown as their writers wrote them
COUNT = re.compile(r"（[\d,]+ 行）$")
NOT_A_FIGURE = re.compile(r"\b(?:nan|NaN|NaT|None|inf|undefined|null)\b")

# what a reader reads, folded tables included, code left out
TEXTS = """(selector) => [...document.querySelectorAll(selector)]
  .filter(e => !e.closest("details.code")).map(e => e.textContent.trim())"""
BEYOND = """() => [...document.querySelectorAll("table, figure, svg, p, h1, h2")]
  .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => e.tagName + ": " + e.textContent.slice(0, 40))"""


@pytest.fixture(scope="session")
def reports(tmp_path_factory):
    """The folders of three demos, made side by side: "en", "ja", and "again" in English."""
    root = tmp_path_factory.mktemp("demo")
    langs = {"en": "en", "ja": "ja", "again": "en"}
    running = {
        name: subprocess.Popen(
            [sys.executable, "-m", "cs_analysis", "demo", "--lang", lang, "--out", str(root / name)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        for name, lang in langs.items()
    }
    for name, process in running.items():
        said, complaint = process.communicate(timeout=300)
        assert process.returncode == 0, complaint
        assert str(root / name / "index.html") in said.splitlines()
    return root


@pytest.fixture
def visit(browser, reports):
    """Open a page of a demo offline; hand back the page and all it asked for or complained of."""
    contexts = []

    def open_page(lang, name, width=1440):
        context = browser.new_context(viewport={"width": width, "height": 971}, offline=True)
        contexts.append(context)
        page, trouble = context.new_page(), []
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', e => console.error(e.violatedDirective))"
        )
        address = (reports / lang / f"{name}.html").as_uri()
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda r: None if r.url == address or r.url.startswith("data:") else trouble.append(r.url))
        page.goto(address)
        return page, trouble

    yield open_page
    for context in contexts:
        context.close()


@BOTH
def test_every_notebook_ran_without_a_warning(reports, lang):
    run = json.loads((reports / lang / "run.json").read_text(encoding="utf-8"))
    assert [notebook["name"] for notebook in run["notebooks"]] == PAGES[1:]
    for notebook in run["notebooks"]:
        assert notebook["status"] == "ok", notebook["reason"]
        assert notebook["warnings"] == []  # a glyph that no font has would be among them
    assert run["lang"] == lang


@BOTH
@EACH
def test_a_page_asks_for_nothing_and_nothing_complains(visit, lang, name):
    page, trouble = visit(lang, name)
    page.mouse.wheel(0, 20_000)
    page.wait_for_timeout(100)
    assert trouble == []


@BOTH
@EACH
def test_no_cell_and_no_sentence_holds_what_is_not_a_figure(visit, lang, name):
    page, _trouble = visit(lang, name)
    said = page.evaluate(TEXTS, "td, th, caption, summary, p, li, h1, h2, h3")
    assert len(said) > 20
    assert [text for text in said if NOT_A_FIGURE.search(text)] == []


@BOTH
@EACH
def test_every_drawing_is_said_in_words(visit, lang, name):
    page, _trouble = visit(lang, name)
    drawings = page.evaluate(
        """() => [...document.querySelectorAll("main img, main svg:not([aria-hidden]), main [role=img]")]
        .map(e => e.getAttribute("alt") || e.getAttribute("aria-label") || "")"""
    )
    assert drawings or name == "index"
    assert all(len(words) > 15 for words in drawings), drawings


def without_values(text):
    """The text without what stands in the sample's tables, which is English whatever the reader's language."""
    values = [*tables.REASONS, *parameters.STEPS, *parameters.TASKS, *parameters.STAGES, *parameters.PRODUCTS]
    values += [tables.ONBOARDING_INITIATIVE, tables.TIME_INITIATIVE, "internal meeting"]
    return re.sub("|".join(map(re.escape, sorted(values, key=len, reverse=True))), "", text)


@EACH
def test_headings_and_captions_are_in_the_readers_language(visit, name):
    page, _trouble = visit("ja", name)
    assert page.evaluate("document.documentElement.lang") == "ja"
    said = page.evaluate(TEXTS, "h1, h2, .prose h3, caption, details.table > summary, .nav-title, .contents a")
    assert [text for text in said if not JAPANESE.search(COUNT.sub("", text))] == []
    said = page.evaluate(TEXTS, "h1, h2, h3, caption, summary, th, p, li, td")
    said += page.evaluate("[...document.querySelectorAll('[aria-label]')].map(e => e.getAttribute('aria-label'))")
    assert [text for text in said if ENGLISH.search(without_values(text)) and text not in COMMENTS] == []
    english, _trouble = visit("en", name)
    assert english.evaluate("document.documentElement.lang") == "en"
    assert [t for t in english.evaluate(TEXTS, "h1, h2, caption, summary") if JAPANESE.search(t)] == []


@BOTH
@EACH
def test_every_link_leads_somewhere(visit, reports, lang, name):
    page, _trouble = visit(lang, name)
    links = page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))")
    ids = set(page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)"))
    for link in links:
        if link.startswith("#"):
            assert link[1:] in ids
        elif not link.startswith("data:"):
            assert (reports / lang / link).is_file(), link


@BOTH
@EACH
@pytest.mark.parametrize("width", [360, 800])
def test_a_narrow_screen_never_scrolls_sideways(visit, lang, name, width):
    page, _trouble = visit(lang, name, width)
    page.evaluate("document.querySelectorAll('details.table').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@BOTH
@EACH
def test_paper_clips_nothing(visit, lang, name):
    page, _trouble = visit(lang, name, 688)  # A4 less its margins at 96 dots
    page.emulate_media(media="print")
    page.evaluate("document.querySelectorAll('details.table').forEach(d => d.open = true)")
    assert page.evaluate(BEYOND) == []


@BOTH
def test_nothing_tells_where_or_by_whom_it_was_made(reports, lang):
    for path in (reports / lang).rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert str(reports) not in text
        assert str(Path.home()) + "/" not in text


def test_the_same_run_gives_the_same_bytes(reports):
    def digests(folder):
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != "run.json"
        }

    once = digests(reports / "en")
    assert len(once) > 10
    assert once == digests(reports / "again")
