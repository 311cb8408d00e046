from __future__ import annotations

import numpy as np
import pytest

from experiments.comparison.questions import plain_networks
from rnnjax.errors import UsageError
from tests.experiments.comparison.asking import SMALL, study_of


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    study = study_of("plain_networks", tmp_path_factory.mktemp("plain"), **SMALL)
    with pytest.MonkeyPatch.context() as patch:
        groups, run = [], study.run
        patch.setattr(study, "run", lambda *given: groups.extend(found := run(*given)) or found)
        yield plain_networks.answer(study), {group.name: group for group in groups}


@pytest.mark.slow
def test_networks_are_of_one_size(asked):
    _, groups = asked
    sizes = {name: group.num_params for name, group in groups.items()}
    assert sizes.pop("logistic_regression") == 650
    assert sizes["rows"] == 6 * (8 + 6 + 1) + 70
    assert sizes["mlp_2"] == 2 * 65 + 30
    assert all(abs(size / sizes["rows"] - 1) < 0.15 for size in sizes.values()), sizes


@pytest.mark.slow
def test_each_reads_its_order_and_pixels_take_fewer_updates(asked):
    _, groups = asked
    images = groups["rows"].problem.test_inputs[:3]
    read = {name: np.asarray(group.problem.read(images)) for name, group in groups.items()}
    np.testing.assert_allclose(read["rows"], images / 255, rtol=1e-6)
    np.testing.assert_array_equal(read["mlp_2"], read["rows"])
    np.testing.assert_array_equal(read["pixels_gru"], read["rows"].reshape(3, 64, 1))
    for name, plain in (("rows_permuted", "rows"), ("pixels_permuted_gru", "pixels_gru")):
        assert not np.array_equal(read[name], read[plain])
        assert sorted(read[name][0].sum(axis=1)) == sorted(read[plain][0].sum(axis=1))
    steps = {name: group.result["steps"] for name, group in groups.items()}
    assert {steps[name] for name in ("rows", "mlp_2", "rows_permuted")} == {40}
    assert {steps[name] for name in groups if name.startswith("pixels")} == {10}


@pytest.mark.slow
def test_differences_are_those_of_seeds(asked):
    answer, groups = asked
    rows = {(row[0], row[1]): row for row in answer.tables[0].rows}
    own, first = (groups[name].final("test_accuracy")[0] for name in ("mlp_2", "rows"))
    assert rows["MLP of 2 units", "all at once"][6].values == pytest.approx(tuple(own - first))
    assert rows["simple_rnn", "row by row"][6] is None
    assert len(rows) == 8
    assert any("Pixel by pixel gru reaches" in sentence for sentence in answer.sentences)


def test_words_are_no_pixels(tmp_path):
    study = study_of("plain_networks", tmp_path, "imdb_sentiment")
    with pytest.raises(UsageError, match=r"there are no pixels.*--task=mnist_rnn"):
        plain_networks.answer(study)
