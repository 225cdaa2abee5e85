"""``python -m cs_analysis`` is ``cs-analysis``."""

from cs_analysis.cli import main

main()
