"""What is given to a Cox model: which columns are covariates, their numbers, and the strata as codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cs_analysis.errors import N_, InputError, nearest
from cs_analysis.stats.survival.rows import labels

Column = str | ArrayLike
Columns = str | Sequence[str] | ArrayLike | pd.DataFrame


def column(frame: pd.DataFrame, given: Column) -> ArrayLike:
    """The values meant by an argument that is a column's name, or the values themselves."""
    return _named(frame, given) if isinstance(given, str) else given


def columns(frame: pd.DataFrame, given: Columns | None) -> list[ArrayLike]:
    """The same for an argument that may be one name, several, values or a frame of values."""
    if given is None:
        return []
    if isinstance(given, pd.DataFrame):
        return [given[name] for name in given]
    names = named(frame, given)
    return [_named(frame, name) for name in names] if names else [given]  # pyright: ignore[reportReturnType]


def named(frame: pd.DataFrame, given: object) -> list[str]:
    """The column names in an argument; a list of words counts as names only if the frame has a column for each."""
    if isinstance(given, str):
        return [given]
    if isinstance(given, (list, tuple)) and given and all(isinstance(part, str) and part in frame for part in given):
        return list(given)
    return []


def names(frame: pd.DataFrame, others: Iterable[object]) -> list[str]:
    """The covariates: all columns that no other argument names."""
    taken = {_named(frame, name).name for given in others for name in named(frame, given)}
    return [name for name in frame.columns if name not in taken]


def matrix(frame: pd.DataFrame, wanted: list[str], *, missing: bool = False) -> np.ndarray:
    """The covariates as floats (rows × covariates); ``missing`` lets missing values through as ``nan``.

    >>> matrix(pd.DataFrame({"a": [1, 2], "b": [True, False]}), ["a", "b"]).tolist()
    [[1.0, 1.0], [2.0, 0.0]]
    """
    result = np.empty((len(frame), len(wanted)))
    for j, name in enumerate(wanted):
        values = _named(frame, name)
        dtype = values.dtype
        if not (pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype)):
            raise InputError(
                N_("The covariate {column} is not a number; turn it into columns of 0 and 1, one per value but one."),
                column=name,
            )
        result[:, j] = values.to_numpy(dtype=float, na_value=np.nan)
        wrong = ~np.isfinite(result[:, j])
        if wrong.any() and not missing:
            raise InputError(
                N_("The covariate {column} is missing or infinite in {n} rows (first: row {row}); leave them out."),
                column=name,
                n=int(wrong.sum()),
                row=int(wrong.argmax()) + 1,
            )
    return result


def spread(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column; 1 for a column that never changes."""
    total = weight.sum()
    if not total:
        return np.zeros(x.shape[1]), np.ones(x.shape[1])
    same = x.min(axis=0) == x.max(axis=0)
    mean = np.where(same, x[0], weight @ x / total)
    deviation = np.sqrt(weight @ (x - mean) ** 2 / total)
    return mean, np.where(same | ~(deviation > 0), 1.0, deviation)


def clusters(frame: pd.DataFrame, given: Columns) -> np.ndarray:
    """A number per row, equal for rows of one cluster."""
    code = np.zeros(len(frame), dtype=np.int64)
    for values in columns(frame, given):
        codes, found = pd.factorize(values if isinstance(values, pd.Series) else np.asarray(values))
        if len(codes) != len(frame) or codes.min(initial=0) < 0:
            labels(values, len(frame), "cluster")  # refuses it in words
        code = pd.factorize(code * max(len(found), 1) + codes)[0]
    return code


@dataclass(frozen=True)
class Strata:
    """The strata met in a fit, numbered; ``known`` has a key per number, a value or a tuple of them."""

    given: Columns | None
    known: dict[object, int]

    @classmethod
    def of(cls, frame: pd.DataFrame, given: Columns | None) -> tuple[Strata, np.ndarray]:
        """Number what is given; also each row's number."""
        code, keys = np.zeros(len(frame), dtype=np.int64), [()]
        for values in columns(frame, given):
            codes, found = labels(values, len(frame), "strata")
            code, composed = pd.factorize(code * max(len(found), 1) + codes, sort=True)
            keys = [(*keys[kind // len(found)], found[kind % len(found)]) for kind in composed]
        kept = given if named(frame, given) else None
        return cls(kept, {_key(key): number for number, key in enumerate(keys)}), code.astype(np.int64)

    def codes(self, frame: pd.DataFrame, given: Columns | None) -> np.ndarray:
        """The numbers of the strata of other rows; −1 for a stratum not met in the fit."""
        given = self.given if given is None else given
        if given is None and self.known.keys() == {""}:
            return np.zeros(len(frame), dtype=np.int64)
        if given is None:
            raise InputError(N_("The model has strata; say which stratum each row belongs to (strata=…)."))
        met, code = Strata.of(frame, given)
        numbers = np.array([self.known.get(key, -1) for key in met.known], dtype=np.int64)
        return numbers[code] if len(numbers) else code

    def name(self, code: int) -> object:
        """The key of a number."""
        return list(self.known)[code]


def _key(key: tuple) -> object:
    return key[0] if len(key) == 1 else key or ""


def _named(frame: pd.DataFrame, name: str) -> pd.Series:
    if name in frame.columns:
        return frame[name]
    near = nearest(name, frame.columns)
    if near:
        raise InputError(N_('There is no column {column}; did you mean "{near}"?'), column=name, near=near)
    raise InputError(N_("There is no column {column}."), column=name)
