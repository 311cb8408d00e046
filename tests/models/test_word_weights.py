"""The linear model beside a network, in a program of JAX and in NumPy."""

# NumPy arrays go where JAX arrays are declared, and linen's `apply` returns a union.
# pyright: reportArgumentType=false, reportCallIssue=false, reportOperatorIssue=false

import jax
import jax.numpy as jnp
import numpy as np

import rnnjax
from rnnjax.data import word_ngrams
from rnnjax.data.ragged import Padded
from rnnjax.models import TextClassifier, WordWeights

RNG = np.random.default_rng(0)
TOKENS = np.array([[0, 3, 1, 4], [2, 2, 5, 0], [0, 0, 0, 0], [5, 3, 0, 0]], np.int32)
LINEAR = word_ngrams.LinearModel(
    RNG.normal(size=6).astype(np.float32), RNG.normal(size=8).astype(np.float32), np.float32(0.5)
)


def test_they_are_the_linear_model_that_was_fitted():
    counts = word_ngrams.ngram_counts(Padded(TOKENS, TOKENS != 0), 6, 3)
    found = WordWeights(6, 3).apply({"params": LINEAR._asdict()}, TOKENS)
    np.testing.assert_allclose(found, word_ngrams.logits(LINEAR, counts), rtol=1e-5)
    assert float(np.asarray(found)[2]) == 0.5


def test_a_classifier_adds_them_where_it_is_not_trained_and_never_changes_them():
    model = TextClassifier(6, 3, rnnjax.GRU(3, 2), ngram_bits=3)
    params = model.init(jax.random.key(0), jnp.asarray(TOKENS))["params"]
    assert jax.tree.map(jnp.shape, params["beside"]) == {"words": (6,), "ngrams": (8,), "bias": ()}
    params = {**params, "beside": jax.tree.map(jnp.asarray, LINEAR._asdict())}
    alone = {name: value for name, value in params.items() if name != "beside"}
    network = model.clone(ngram_bits=0).apply({"params": alone}, TOKENS)
    beside = WordWeights(6, 3).apply({"params": params["beside"]}, TOKENS)
    np.testing.assert_allclose(model.apply({"params": params}, TOKENS), network + beside, rtol=1e-5)
    key = {"dropout": jax.random.key(1)}
    trained = model.apply({"params": params}, TOKENS, training=True, rngs=key)
    np.testing.assert_allclose(trained, network, rtol=1e-6)
    slope = jax.grad(lambda p: jnp.sum(model.apply({"params": p}, TOKENS)))(params)
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(slope["beside"]))
    assert np.any(slope["to_logit"]["kernel"])


def test_every_parameter_of_a_classifier_is_in_a_group():
    layers = rnnjax.Stack((rnnjax.GRU(3, 2), rnnjax.GRU(2, 2)))
    for layer, number in ((layers, 4), (rnnjax.Bidirectional(rnnjax.GRU(3, 2)), 3)):
        model = TextClassifier(6, 3, layer, hidden_units=2, ngram_bits=3)
        shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.asarray(TOKENS))["params"]
        assert len(model.groups) == number
        named = {name for group in model.groups for name in group}
        assert {name.split("/")[0] for name in named} == shapes.keys()
    assert TextClassifier(6, 3, layers).groups[1:] == (("rnn/1",), ("rnn/0",), ("embedding",))
