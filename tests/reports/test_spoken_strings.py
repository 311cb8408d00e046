"""Pictures of spoken strings."""

import matplotlib.figure
import numpy as np

from rnnjax.reports.spoken_strings import SpokenString, plot_occupancy, plot_spikes


def test_spikes_and_boundaries_stand_where_they_are(tmp_path, monkeypatch):
    kept, save = [], matplotlib.figure.Figure.savefig
    monkeypatch.setattr(
        matplotlib.figure.Figure, "savefig",
        lambda self, *args, **how: (kept.append(self), save(self, *args, **how)),
    )  # fmt: skip
    likely = np.array([[0.1, 0.0, 0.9], [0.8, 0.1, 0.1], [0.0, 0.0, 1.0]])
    own = SpokenString(
        "name", np.zeros((6, 4)), ["0"], np.array([0.01]), np.array([0.05]),
        np.array([0.01, 0.03, 0.05]), likely, ["0"], [0.03], np.array([[0.2], [0.9], [0.1]]),
    )  # fmt: skip
    plot_spikes(tmp_path / "spikes.png", "title", [own], ("0", "1", "blank"))
    plot_occupancy(tmp_path / "occupancy.png", "title", own)
    first, second = kept
    above, below = first.axes
    assert [line.get_xdata()[0] for line in above.lines] == [0.01, 0.05]
    np.testing.assert_allclose(below.lines[0].get_ydata(), likely[:, 0])
    assert below.lines[3].get_xdata() == [0.03]
    assert [text.get_text() for text in below.get_legend().texts] == ["0", "blank"]
    _, matrix, _ = second.axes
    np.testing.assert_allclose(matrix.images[0].get_array(), [[0.2, 0.9, 0.1]])
    for image in (above.images[0], matrix.images[0]):
        np.testing.assert_allclose(image.get_extent()[:2], [0, 0.06], atol=1e-9)
    (frame,) = matrix.patches
    assert (frame.get_x(), frame.get_width()) == (0.01, 0.04)
    assert (tmp_path / "occupancy.png").stat().st_size > 5_000
