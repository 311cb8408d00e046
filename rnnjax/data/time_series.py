"""Series of numbers, cut into windows: what was seen, and what came then."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnjax.errors import DataError


class Scale(NamedTuple):
    """The mean and the deviation of each column, of the rows that are learnt from, ``[C]``."""

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Scale:
        """Of numbers ``[T, C]``, NaN where one is missing; a constant has the deviation 1."""
        deviation = np.nanstd(values, axis=0)
        return cls(np.nanmean(values, axis=0), np.where(deviation > 0, deviation, 1.0))

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """Numbers ``[..., C]`` in deviations from the mean."""
        return (values - self.mean) / self.deviation

    def restored(self, values: np.ndarray) -> np.ndarray:
        """What was standardised, in its units again."""
        return values * self.deviation + self.mean


class Windows(NamedTuple):
    """Pieces of a series, one after the other in time."""

    inputs: np.ndarray
    """float32 ``[N, L, C]``, standardised; a gap holds the value before it."""
    inputs_known: np.ndarray
    """bool ``[N, L, C]``, where there is no gap."""
    targets: np.ndarray
    """float32 ``[N, H, C]``, what comes then."""
    known: np.ndarray
    """bool ``[N, H, C]``."""


class TimeSeries(NamedTuple):
    """Rows of numbers, one for each step of time, and where windows of them begin.

    Attributes:
        name: The data really used.
        origin: One phrase that says where they came from.
        licence: One phrase that says who may do what with them.
        columns: Their names.
        values: float32 ``[T, C]``, standardised; a gap holds the value before it.
        known: bool ``[T, C]``, where there is no gap.
        scale: Of the rows that are learnt from.
        train: int32 ``[N]``, where windows to learn from begin.
        validation: Those to choose by.
        test: Those to test with.
        input_length: L, rows that are seen.
        horizon: H, rows that are forecast.
        train_length: Rows of a window to learn from.
        period: Rows after which the series repeats itself roughly, where that is known.
        warning: Where other data than was asked for stand in, the sentence that says so.
        best_mse: The mean squared error that no forecast beats but by chance, where the law of the
            series is known.
    """

    name: str
    origin: str
    licence: str
    columns: tuple[str, ...]
    values: np.ndarray
    known: np.ndarray
    scale: Scale
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    input_length: int
    horizon: int
    train_length: int
    period: int | None = None
    warning: str | None = None
    best_mse: float | None = None

    @property
    def has_gaps(self) -> bool:
        """Whether a number is missing anywhere."""
        return not self.known.all()

    def windows(self, starts: np.ndarray) -> Windows:
        """The windows that begin at these rows."""
        seen = starts[:, None] + np.arange(self.input_length)
        then = starts[:, None] + self.input_length + np.arange(self.horizon)
        return Windows(self.values[seen], self.known[seen], self.values[then], self.known[then])

    def training_windows(self) -> tuple[np.ndarray, np.ndarray]:
        """The windows to learn from, ``[N, train_length, C]``: values, and where they are known."""
        rows = self.train[:, None] + np.arange(self.train_length)
        return self.values[rows], self.known[rows]

    def described(self) -> str:
        """How many rows and windows there are, and the licence."""
        gaps = f", {100 * (1 - self.known.mean()):.1f} % of the numbers missing"
        return (
            f"columns  {', '.join(self.columns)}; {len(self.values):,} rows{gaps * self.has_gaps}\n"
            f"windows  {len(self.train):,} to train, {len(self.validation):,} to validate, "
            f"{len(self.test):,} to test; {self.input_length} rows seen, {self.horizon} forecast\n"
            f"licence  {self.licence}"
        )


def filled(values: np.ndarray) -> np.ndarray:
    """Numbers ``[T, C]``, each NaN replaced by the value before it; 0 where there is none.

    >>> filled(np.array([[np.nan], [1.0], [np.nan], [2.0]])).tolist()
    [[0.0], [1.0], [1.0], [2.0]]
    """
    known = ~np.isnan(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values))[:, None], -1), axis=0)
    before = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(last >= 0, before, 0.0)


def cut(
    values: np.ndarray,
    parts: tuple[int, int, int],
    input_length: int,
    horizon: int,
    *,
    name: str,
    origin: str,
    licence: str,
    columns: tuple[str, ...],
    stride: int = 1,
    **more: Any,
) -> TimeSeries:
    """One series in three parts, one after the other, in windows.

    Windows to validate and to test with may reach back into the part before with what they see,
    not with what they forecast.

    Args:
        values: float64 ``[T, C]``, NaN where a number is missing.
        parts: rows to train, to validate and to test; later ones are left out.
        input_length: L.
        horizon: H.
        name: as all that follow, of `TimeSeries`.
        origin: where it came from.
        licence: who may do what with it.
        columns: their names.
        stride: rows from the beginning of a window to learn from to that of the next one.
        more: other attributes of `TimeSeries`.

    Raises:
        DataError: a part is too short for a window.
    """
    length = input_length + horizon
    for what, rows, needed in zip(
        ("train", "validate", "test"), parts, (length, horizon, horizon), strict=True
    ):
        if rows < needed:
            raise DataError(
                f"{name} has {rows:,} rows to {what}, of {len(values):,}; windows of "
                f"{input_length} and {horizon} rows need {needed}: give a longer table, or smaller "
                "--input_length and --horizon."
            )
    ends = np.cumsum(parts)
    train, validation, test = (
        np.arange(max(begin - input_length, 0), end - length + 1, dtype=np.int32)
        for begin, end in zip((0, *ends[:-1]), ends, strict=True)
    )
    values = values[: ends[-1]]
    is_empty = np.isnan(values[: parts[0]]).all(axis=0)
    if is_empty.any():
        empty = columns[int(is_empty.argmax())]
        raise DataError(
            f"{name}: the column {empty!r} has no number among the rows to train; leave it out "
            "with --columns."
        )
    scale = Scale.of(values[: parts[0]])
    standardised = scale.standardised(values)
    return TimeSeries(
        name, origin, licence, columns, filled(standardised).astype(np.float32),
        ~np.isnan(values), scale, train[::stride], validation, test, input_length, horizon, length,
        **more,
    )  # fmt: skip
