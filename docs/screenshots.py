"""Make the screenshots of the README from the report of ``cs-analysis demo``, with Debian's chromium.

uv run python docs/screenshots.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
WIDTH = 1280
SHOTS = (  # picture, language, page, heading it begins at, height that ends between two parts of the page
    ("index.png", "en", "index.html", "", 1500),
    ("nrr_cohorts.png", "en", "04_nrr_cohorts.html", "Do later cohorts do better?", 970),
    ("churn_survival.png", "en", "03_churn_survival.html", "How long do customers stay?", 900),
    ("index_ja.png", "ja", "index.html", "", 1540),
)


def main() -> None:
    """Run the demo once per language and photograph its pages."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        for lang in sorted({shot[1] for shot in SHOTS}):
            demo = [sys.executable, "-m", "cs_analysis", "demo", "--lang", lang, "--out", f"{folder}/{lang}"]
            subprocess.run(demo, check=True)
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for picture, lang, page, heading, height in SHOTS:
            tab = browser.new_page(viewport={"width": WIDTH, "height": height}, reduced_motion="reduce")
            tab.goto((Path(folder) / lang / page).as_uri())
            if heading:
                tab.get_by_role("heading", name=heading).evaluate("heading => heading.scrollIntoView()")
                tab.wait_for_timeout(200)  # the contents mark the section
            tab.screenshot(path=HERE / picture)
        browser.close()


if __name__ == "__main__":
    main()
