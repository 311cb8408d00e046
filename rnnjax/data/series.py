"""Series to forecast: a transformer's load, a table of one's own, or waves that a program makes.

ETTh1 has the six loads and the oil temperature of a transformer, by the hour, over two years (Zhou
et al., "Informer", AAAI 2021, arXiv:2012.07436). Its parts are those of the literature: twelve,
four and four months of thirty days.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rnnjax.data.originals import Originals, read_originals
from rnnjax.data.reading import own_file
from rnnjax.data.source import Progress, RemoteFile
from rnnjax.data.stand_in import check_dataset, or_stand_in
from rnnjax.data.table_file import read_table
from rnnjax.data.time_series import TimeSeries, cut
from rnnjax.data.waves import sine_waves, two_sines
from rnnjax.errors import DataUnavailableError

DATASETS = ("auto", "etth1", "sine", "two_sines")

ETTH1 = Originals(
    name="etth1",
    files=(
        RemoteFile(
            "ETTh1.csv",
            2_589_657,
            "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
        ),
    ),
    licence="CC BY-ND 4.0 (Zhou et al. 2021): to be passed on unchanged only",
    homepage="https://github.com/zhouhaoyi/ETDataset",
    mirrors=(
        "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/"
        "1d16c8f4f943005d613b5bc962e9eeb06058cf07/ETT-small/",
    ),
)
MONTH = 30 * 24
A_TABLE = "a table, a CSV"
"""What is asked for where a user's file is none."""
SHARES = 0.6, 0.2
"""Of a table of one's own, to train and to validate with."""


def load(
    dataset: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    csv: str | None = None,
    columns: Sequence[str] | None = None,
    input_length: int = 96,
    horizon: int = 96,
    period: int | None = None,
    stride: int = 1,
    seed: int = 0,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> TimeSeries:
    """Returns a series in windows.

    Args:
        dataset: ``"etth1"``, ``"sine"`` or ``"two_sines"`` (`rnnjax.data.waves`); or ``"auto"``:
            the first, and where it is not here, the last with a ``warning``. A ``data_dir`` is a
            wish for what it holds, so that with one ``"auto"`` never stands in.
        data_dir: A folder with ``etth1`` in it, or that one itself, as for
            `rnnjax.data.source.data_root`.
        csv: A table of one's own instead: the first .6 of its rows to train, .2 to validate with
            and .2 to test with.
        columns: The names of those to read; all of numbers by default.
        input_length: Rows that are seen.
        horizon: Rows that are forecast.
        period: Rows after which a table of one's own repeats itself roughly, such as a day.
        stride: Rows from the beginning of a window to learn from to that of the next one.
        seed: Of what a program makes.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads are.

    Raises:
        DataUnavailableError: The data are neither here nor to be had.
        DataError: ``dataset`` is unknown, or a file is not what was expected.
    """
    check_dataset(dataset, DATASETS)
    lengths = input_length, horizon
    if csv is not None:
        path = Path(csv).expanduser()
        table = read_table(own_file(csv, A_TABLE), csv, columns)
        rows = len(table.values)
        parts = int(SHARES[0] * rows), int(SHARES[1] * rows)
        return cut(
            table.values, (*parts, rows - sum(parts)), *lengths, name=path.stem, origin=csv,
            licence="your own", columns=table.columns, period=period, stride=stride,
        )  # fmt: skip
    if dataset in ("sine", "two_sines"):
        return (sine_waves if dataset == "sine" else two_sines)(*lengths, seed=seed)

    def read() -> TimeSeries:
        contents, origin = read_originals(ETTH1, data_dir, timeout=timeout, progress=progress)
        name = ETTH1.files[0].name
        table = read_table(contents[name], name, columns)
        return cut(
            table.values, (12 * MONTH, 4 * MONTH, 4 * MONTH), *lengths, name=ETTH1.name,
            origin=origin, licence=ETTH1.licence, columns=table.columns, period=period or 24,
            stride=stride,
        )  # fmt: skip

    def made_up(error: DataUnavailableError) -> TimeSeries:
        return two_sines(
            *lengths,
            "NOT ETTh1: two sines with noise that a program makes stand in for it, and the results "
            f"cannot be compared with its. {error} To insist on it, say --dataset=etth1.",
            seed=seed,
        )

    return or_stand_in(dataset, data_dir, read, made_up)
