"""Pictures of what a classifier says while a sequence grows."""

import matplotlib.figure
import numpy as np

from rnnjax.reports.growing import Growing, plot_growing


def test_each_sequence_stands_above_its_probabilities(tmp_path, monkeypatch):
    kept, save = [], matplotlib.figure.Figure.savefig
    monkeypatch.setattr(
        matplotlib.figure.Figure, "savefig",
        lambda self, *args, **how: (kept.append(self), save(self, *args, **how)),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    likely = rng.dirichlet([1, 1, 1], size=6)
    likely[:, 2] = 0.01
    sequences = [
        Growing("first", rng.normal(size=(6, 2)), likely, 0),
        Growing("second", rng.normal(size=(1, 2)), likely[:1], 1),
    ]
    plot_growing(tmp_path / "growing.png", "title", sequences, ("a", "b", "c"))
    (figure,) = kept
    above, other, below, _ = figure.axes
    assert [len(axes.lines) for axes in (above, below)] == [2, 3]
    np.testing.assert_allclose(below.lines[1].get_ydata(), likely[:, 1])
    assert below.lines[0].get_linewidth() > below.lines[1].get_linewidth()
    assert [text.get_text() for text in below.get_legend().texts] == ["a (true)", "b"]
    assert other.get_title() == "second"
    assert (tmp_path / "growing.png").stat().st_size > 5_000
