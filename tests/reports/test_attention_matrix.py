"""Every weight is drawn at its row and column, as dark as it is large."""

from __future__ import annotations

import matplotlib.figure
import numpy as np
import pytest
from matplotlib.image import imread

from rnnjax.reports.attention_matrix import Looked, attention_matrices

WEIGHTS = np.array([[0.9, 0.1, 0.0], [0.0, 0.2, 0.8]])
ANSWERS = [
    Looked(["F", "end"], ["p", "h", "o"], WEIGHTS, "pho"),
    Looked(["AA", "F", "T", "end"], list("ough"), np.full((4, 4), 0.25), "ough"),
    Looked(["K", "N", "end"], ["k", "n", "o", "w", "now"], np.eye(3, 5), "know"),
]


@pytest.fixture(scope="module")
def figure(tmp_path_factory):
    """What was drawn, as it was when it was written."""
    kept, path = [], tmp_path_factory.mktemp("drawn") / "attention.png"
    save = matplotlib.figure.Figure.savefig

    def keep(self, *args, **kwargs):
        kept.append(self)
        save(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matplotlib.figure.Figure, "savefig", keep)
        attention_matrices(path, "all of them", ANSWERS, columns=2)
    assert imread(path).std() > 0
    return kept[0]


def test_weights_stand_at_the_tokens_that_they_are_of(figure):
    assert figure.get_suptitle() == "all of them"
    assert len(figure.axes) == 4
    for axes, own in zip(figure.axes, ANSWERS, strict=False):
        (image,) = axes.images
        np.testing.assert_array_equal(image.get_array(), own.weights)
        assert image.get_clim() == (0, 1)
        shade = image.cmap(own.weights)[..., :3].sum(axis=-1)
        assert (np.diff(shade.ravel()[np.argsort(own.weights.ravel())]) <= 0).all()
        assert [label.get_text() for label in axes.get_yticklabels()] == list(own.rows)
        assert [label.get_text() for label in axes.get_xticklabels()] == list(own.columns)
        assert image.get_extent() == [-0.5, len(own.columns) - 0.5, len(own.rows) - 0.5, -0.5]
        assert axes.get_title(loc="left") == own.title
    assert not figure.axes[3].axison


def test_all_cells_are_of_one_size_and_long_tokens_are_turned(figure):
    sizes = []
    for axes in figure.axes[:3]:
        x, y = np.diff(axes.transData.transform([(0, 0), (1, 1)]), axis=0)[0]
        assert abs(x) == pytest.approx(abs(y))
        sizes.append(abs(x))
    assert max(sizes) < 1.2 * min(sizes)
    first, _, below = (axes.get_position().x0 for axes in figure.axes[:3])
    assert first == pytest.approx(below, abs=0.01)
    turned = [axes.get_xticklabels()[0].get_rotation() for axes in figure.axes[:3]]
    assert turned == [0, 0, 90]


def test_what_can_not_be_drawn_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no answer"):
        attention_matrices(tmp_path / "x.png", "title", [])
    wrong = Looked(["F"], ["p", "h"], WEIGHTS, "ph")
    with pytest.raises(ValueError, match=r"weights of 'ph' are \[2, 3\]; expected \[1, 2\]"):
        attention_matrices(tmp_path / "x.png", "title", [wrong])
    assert not list(tmp_path.iterdir())
