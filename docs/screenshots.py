"""Make the screenshots of the README from the report of ``cs-analysis demo``, with Debian's chromium.

uv run python docs/screenshots.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
WIDTH = 1280
SHOTS = (  # picture, language, page, height that ends between two parts of the page
    ("index.png", "en", "index.html", 1500),
    ("nrr_cohorts.png", "en", "04_nrr_cohorts.html", 1640),
    ("index_ja.png", "ja", "index.html", 1500),
)
CHROMIUM = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")


def main() -> None:
    """Run the demo once per language and photograph its pages."""
    with tempfile.TemporaryDirectory() as folder:
        for lang in sorted({lang for _picture, lang, _page, _height in SHOTS}):
            demo = [sys.executable, "-m", "cs_analysis", "demo", "--lang", lang, "--out", f"{folder}/{lang}"]
            subprocess.run(demo, check=True)
        for picture, lang, page, height in SHOTS:
            size = f"--window-size={WIDTH},{height}"
            address = (Path(folder) / lang / page).as_uri()
            subprocess.run([*CHROMIUM, size, f"--screenshot={HERE / picture}", address], check=True)


if __name__ == "__main__":
    main()
