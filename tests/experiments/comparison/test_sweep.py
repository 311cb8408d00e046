"""What ``--sweep`` takes."""

import pytest

from experiments.comparison.sweep import Sweep, by_group, parse, product
from experiments.imdb_sentiment import Config as Reviews
from experiments.mnist_rnn import Config as Images
from rnnjax.errors import UsageError


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("learning_rate=1e-4:1e-1:4", (0.0001, 0.001, 0.01, 0.1)),
        ("initial_scale=0.5,1,2", (0.5, 1.0, 2.0)),
        ("hidden_size=8:128:5", (8, 16, 32, 64, 128)),
        ("hidden_size=1:3:9", (1, 2, 3)),
        ("cell=gru, lstm", ("gru", "lstm")),
        ("shuffle=true,false", (True, False)),
        ("clip_norm=1,10", (1.0, 10.0)),
    ],
)
def test_values(text, values):
    sweep = parse(text, Images)
    assert sweep == Sweep(text.partition("=")[0], values)
    assert [type(v) for v in sweep.values] == [type(v) for v in values]


def test_dropout_rates_lie_at_equal_distances():
    assert parse("dropout=0.1:0.5:5", Reviews).values == (0.1, 0.2, 0.3, 0.4, 0.5)
    assert parse("dropout=0:0.8:5", Reviews).values == (0.0, 0.2, 0.4, 0.6, 0.8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rate", "is no sweep; give a setting and its values"),
        ("learning_rates=1,2", "is no sweep"),
        ("learning_rate=", "is no sweep"),
        ("learning_rate=fast,slow", "'fast' is no number"),
        ("hidden_size=1.5,2", "'1.5' is no whole number"),
        ("learning_rate=1:0.1:5", "a range is low:high:count"),
        ("learning_rate=0.1:1:1", "a range is low:high:count"),
        ("seed=1,2", "runs can't be compared by --seed"),
        ("dataset=mnist,digits", "runs can't be compared by --dataset"),
        ("workdir=a,b", "runs can't be compared by --workdir"),
        ("shuffle=yes", "yes is neither true nor false"),
    ],
)
def test_mistakes_are_told_in_one_sentence(text, message):
    with pytest.raises(UsageError) as error:
        parse(text, Images)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_every_combination_once_and_numbers_share_a_group():
    cells, rates = Sweep("cell", ("gru", "lstm")), Sweep("learning_rate", (0.1, 0.2))
    scales = Sweep("initial_scale", (1.0, 2.0))
    settings = product([rates, cells, scales])
    assert len(settings) == 8
    groups = by_group(settings, ("learning_rate", "initial_scale"))
    assert [common for common, _ in groups] == [{"cell": "gru"}, {"cell": "lstm"}]
    for _, numbers in groups:
        assert numbers == product([rates, scales])
    with pytest.raises(UsageError, match="of the same setting"):
        product([cells, Sweep("cell", ("simple_rnn",))])
