"""Errors that reach a user: one sentence that says what, where, what is there instead, and the remedy.

An error carries its message (English, which is also the key of the translation) apart from its fields,
so that the edge (command line, notebook, page) can put it into the reader's language.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

_translate: Callable[[str], str] = str


def translate_with(translate: Callable[[str], str]) -> None:
    """Put every error's sentence into the language in force, wherever it is shown: a traceback in a notebook too."""
    global _translate
    _translate = translate


def N_(message: str) -> str:
    """Mark a message for translation without translating it yet."""
    return message


class CsError(Exception):
    """A fault with a sentence for the user.

    Parameters
    ----------
    message
        English sentence with ``{name}`` placeholders, marked with :func:`N_`.
    **fields
        The values of the placeholders.

    Examples
    --------
    >>> str(CsError(N_("The file {file} is empty."), file="contracts.csv"))
    'The file contracts.csv is empty.'
    """

    def __init__(self, message: str, /, **fields: object) -> None:
        super().__init__(message, fields)
        self.message = message
        self.fields = fields

    def __str__(self) -> str:
        return _translate(self.message).format(**self.fields)

    def __reduce__(self):
        return (_rebuild, (type(self), self.message, self.fields))


class InputError(CsError):
    """The input or the arguments are at fault: nothing is written and the exit code is 2."""


class NotebookError(CsError):
    """A notebook could not be run to its end: the report says so and the exit code is 1."""


def check_columns(there: Iterable[object], needed: Iterable[str], message: str) -> None:
    """Raise ``message`` with its fields ``missing`` and ``known`` unless all the columns ``needed`` are ``there``.

    >>> check_columns(["date", "csm"], ["date", "hours"], "The log lacks {missing}; it has {known}.")
    Traceback (most recent call last):
    cs_analysis.errors.InputError: The log lacks hours; it has date, csm.
    """
    names = [str(name) for name in there]
    missing = [name for name in needed if name not in names]
    if missing:
        raise InputError(message, missing=", ".join(missing), known=", ".join(names))


def _rebuild(kind: type[CsError], message: str, fields: dict) -> CsError:
    return kind(message, **fields)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name``, for a "did you mean", or None when none is near.

    >>> nearest("as_off", ["as_of", "data_dir"])
    'as_of'
    """
    found = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.6)
    return found[0] if found else None
