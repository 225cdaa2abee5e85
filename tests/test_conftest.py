"""The rule for missing programs, tried out in a pytest of its own whose PATH has none of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import pytest

@pytest.mark.{marker}
def test_probe():
    pass
"""
INI = "[pytest]\nmarkers =\n  browser\n  spark\n  office\n"


def _run(folder: Path, marker: str, ci: str) -> str:
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    (folder / "test_probe.py").write_text(PROBE.format(marker=marker))
    (folder / "pytest.ini").write_text(INI)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "JAVA_HOME"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "."],
        cwd=folder,
        env=environment | {"CI": ci, "PATH": str(folder)},
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("marker", "remedy"), [("browser", "chromium"), ("spark", "openjdk"), ("office", "libreoffice-calc")]
)
def test_missing_program_skips_with_the_remedy_and_fails_under_ci(tmp_path, marker, remedy):
    alone = _run(tmp_path, marker, ci="")
    assert "1 skipped" in alone
    assert f"apt-get install {remedy}" in alone
    assert "1 error" in _run(tmp_path, marker, ci="true")
