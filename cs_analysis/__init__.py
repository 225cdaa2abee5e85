"""cs-analysis: from a client's Customer Success data to a monthly report with honest numbers.

>>> import cs_analysis as cs
>>> book = cs.load()  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Everything is imported when it is first used, so that `import cs_analysis` costs next to nothing.
_NAMES = {
    "Book": "data.book",
    "chart": "display.charts",
    "load": "data.book",
    "save": "data.save",
    "say": "display.html",
    "table": "display.html",
}
_TOPICS = ("churn", "economics", "effort", "nps", "onboarding", "portfolio", "revenue", "stages")
_PACKAGES = ("data", "display", "stats", "topics")
_MODULES = {"overview": "data.overview"}

__all__ = sorted({*_NAMES, *_TOPICS, *_MODULES, "stats"})


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        found = getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    elif name in _MODULES:
        found = import_module(f"{__name__}.{_MODULES[name]}")
    elif name in _TOPICS or name in _PACKAGES:
        path = f"{__name__}.topics.{name}" if name in _TOPICS else f"{__name__}.{name}"
        try:
            found = import_module(path)
        except ModuleNotFoundError as error:
            if error.name != path:
                raise
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
