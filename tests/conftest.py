"""What the tests share: the rule for programs that only some tests need.

A test marked ``browser``, ``spark`` or ``office`` is skipped, with the remedy as its reason, where that program is
missing; where the environment variable ``CI`` is set it fails instead, so that the full proof cannot shrink unseen.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cs_analysis.display.language import set_language

# small matrices on busy cores: threads wait for each other for longer than they compute (read when numpy is imported)
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")


def chromium() -> str | None:
    """Path of Debian's Chromium, or None."""
    return shutil.which("chromium")


def java() -> str | None:
    """Path of a Java runtime, or None."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")


def office() -> str | None:
    """Path of LibreOffice, or None."""
    return shutil.which("soffice")


NEEDS = {
    "browser": (chromium, "needs Debian's chromium (apt-get install chromium)"),
    "spark": (java, "needs a Java runtime (apt-get install openjdk-17-jre-headless)"),
    "office": (office, "needs LibreOffice (apt-get install libreoffice-calc)"),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, (find, reason) in NEEDS.items():
        if item.get_closest_marker(marker) and find() is None:
            if os.environ.get("CI", "").lower() in ("", "0", "false"):
                pytest.skip(reason)
            pytest.fail(f"{reason}; under CI this is a failure, not a skip", pytrace=False)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Chromium's path, for ``playwright…chromium.launch(executable_path=…)`` in tests marked ``browser``."""
    path = chromium()
    assert path is not None, "mark the test with `browser`"
    return path


@pytest.fixture(scope="module")
def browser(chromium_path):
    """A running headless Chromium."""
    from playwright.sync_api import sync_playwright  # here, so that the other tests need no playwright

    with sync_playwright() as started:
        running = started.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.fixture(autouse=True)
def _english():
    """Every test begins in English, whatever language an earlier one loaded a book in."""
    set_language("en")
