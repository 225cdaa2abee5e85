"""cs-analysis: from a client's Customer Success data to a monthly report with honest numbers.

>>> import cs_analysis as cs
>>> book = cs.load()  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Everything is imported when it is first used, so that `import cs_analysis` costs next to nothing.
_NAMES = {  # name → where it is; a module, or a name in a module
    "Book": "data.book:Book",
    "chart": "display.charts:chart",
    "churn": "topics.churn",
    "effort": "topics.effort",
    "load": "data.book:load",
    "nps": "topics.nps",
    "onboarding": "topics.onboarding",
    "overview": "data.overview",
    "revenue": "topics.revenue",
    "save": "data.save:save",
    "say": "display.html:say",
    "stats": "stats",
    "table": "display.html:table",
}


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    path, _, member = _NAMES[name].partition(":")
    module = import_module(f"{__name__}.{path}")
    found = getattr(module, member) if member else module
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
