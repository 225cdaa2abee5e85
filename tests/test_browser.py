"""Pages in a real browser with the network cut: no request, no console error, readable at every width and on paper."""

from __future__ import annotations

from pathlib import Path

import pages
import pytest

pytestmark = pytest.mark.browser

# contrast of every visible text with the colour behind it, as the browser computed both
CONTRAST = """() => {
  const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("script,style")) continue;
    const style = getComputedStyle(element);
    const [a, b] = [luminance(parse(style.color)), luminance(behind(element))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) poor.push([element.className, walker.currentNode.data.trim().slice(0, 30), ratio]);
  }
  return poor;
}"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    pages.page(folder / "page.html")
    pages.index(folder / "index.html")
    pages.page(folder / "page_ja.html", lang="ja")
    pages.index(folder / "index_ja.html", lang="ja")
    return folder


@pytest.fixture
def visit(browser, files):
    """Open a file offline; hand back the page and everything it asked for or complained of."""
    contexts = []

    def open_page(name, width=1440, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, accept_downloads=True
        )
        contexts.append(context)
        page, trouble = context.new_page(), []
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else trouble.append(r.url))
        page.goto((files / name).as_uri())
        return page, trouble

    yield open_page
    for context in contexts:
        context.close()


NAMES = ["page.html", "index.html", "page_ja.html", "index_ja.html"]


@pytest.mark.parametrize("name", NAMES)
def test_no_request_leaves_and_nothing_complains(visit, name):
    page, trouble = visit(name)
    page.wait_for_timeout(100)
    assert trouble == []
    assert page.evaluate("window.pwned") is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [360, 800, 1440])
def test_no_width_makes_the_page_scroll_sideways(visit, name, width):
    page, _trouble = visit(name, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(visit, name, scheme):
    page, _trouble = visit(name, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(CONTRAST) == []


def test_figures_follow_a_dark_page(visit):
    fills = []
    for scheme in ("light", "dark"):
        page, _trouble = visit("page.html", scheme=scheme)
        fills.append(page.evaluate("getComputedStyle(document.querySelector('.figure svg path')).fill"))
    assert fills == ["rgb(255, 255, 255)", "rgb(24, 28, 33)"]


def test_one_button_unfolds_all_code(visit):
    page, _trouble = visit("page.html")
    assert page.locator("details.code[open]").count() == 0
    page.get_by_role("button", name="Show all code").click()
    assert page.locator("details.code[open]").count() == page.locator("details.code").count() == 6
    page.locator("details.code summary").first.click()
    assert page.locator("details.code[open]").count() == 5


def test_the_contents_stay_in_sight_from_1100_pixels(visit):
    page, _trouble = visit("page.html", 1100)
    page.mouse.wheel(0, 600)
    page.wait_for_timeout(200)
    box, main = (page.locator(part).bounding_box() for part in (".contents", "main"))
    assert 0 <= box["y"] < 100
    assert box["x"] + box["width"] <= main["x"]
    narrow, _trouble = visit("page.html", 1000)
    box, main = (narrow.locator(part).bounding_box() for part in (".contents", "main"))
    assert box["y"] + box["height"] <= main["y"]


def test_the_keyboard_finds_its_way_and_sees_it(visit):
    page, _trouble = visit("page.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Tab")
    outline = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
    assert outline >= 2


def test_the_download_is_the_table(visit):
    page, trouble = visit("page.html")
    page.locator("details.table > summary").click()
    with page.expect_download() as started:
        page.locator("a.download").click()
    data = Path(started.value.path()).read_bytes()
    assert started.value.suggested_filename == "table.csv"
    assert data.startswith(b"\xef\xbb\xbfaccount,mrr\n")
    assert trouble == []


@pytest.mark.parametrize("name", ["page.html", "index.html"])
def test_paper_holds_everything(visit, name):
    page, _trouble = visit(name)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 971})  # A4 less its margins at 96 dots
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    assert page.locator("details.code").count() == 0 or not page.locator("details.code").first.is_visible()
    assert not page.locator(".contents").count() or not page.locator(".contents").is_visible()
    sheets = page.pdf(prefer_css_page_size=True)
    assert sheets.startswith(b"%PDF")
    assert b"/MediaBox [0 0 594.95" in sheets or b"/MediaBox [0 0 595" in sheets
