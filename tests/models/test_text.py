"""The text classifier and the tagger, against the same computation written out."""

# NumPy arrays go where JAX arrays are declared, and linen's `apply` returns a union.
# pyright: reportArgumentType=false, reportCallIssue=false, reportOperatorIssue=false

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax.bridges.named import from_named
from rnnjax.models import SequenceTagger, TextClassifier
from rnnjax.models.parts import max_mean

TOKENS = np.array([[3, 1, 4, 0], [2, 2, 0, 0], [0, 0, 0, 0]])
MASK = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]], bool)


def build(**options):
    model = TextClassifier(6, 3, rnnjax.Bidirectional(rnnjax.GRU(3, 2)), **options)
    params = model.init(jax.random.key(0), jnp.asarray(TOKENS))["params"]
    noise = jax.random.normal(jax.random.key(1), (100,))
    return model, jax.tree.map(lambda a: a + noise[: a.size].reshape(a.shape), params)


@pytest.mark.parametrize("masked", [pytest.param(False, marks=pytest.mark.slow), True])
@pytest.mark.parametrize("pooling", ["last", "max_mean", "last_max_mean"])
def test_text_classifier_by_hand(pooling, masked):
    model, params = build(hidden_units=4, pooling=pooling)
    mask = MASK if masked else None
    logits = model.apply({"params": params}, TOKENS, mask=mask)

    xs = params["embedding"]["embedding"][TOKENS].swapaxes(0, 1)
    run = rnnjax.unroll_last if pooling == "last" else rnnjax.unroll
    time_mask = None if mask is None else mask.T
    _, ys = run(model.layer, from_named(model.layer, params["rnn"]), xs, mask=time_mask)
    if pooling == "last":
        features = np.asarray(ys)
    else:
        valid = MASK if masked else np.ones_like(MASK)
        rows = [np.asarray(ys)[v, i] for i, v in enumerate(valid)]
        nothing = np.zeros(2 * 4)
        features = np.stack(
            [np.concatenate((r.max(0), r.mean(0))) if len(r) else nothing for r in rows]
        )
        if pooling == "last_max_mean":
            last = [r[-1] if len(r) else np.zeros(4) for r in rows]
            features = np.concatenate((last, features), axis=1)
    hidden, last = jax.device_get((params["to_hidden"], params["to_logit"]))
    features = np.maximum(features @ hidden["kernel"] + hidden["bias"], 0)
    np.testing.assert_allclose(logits, (features @ last["kernel"] + last["bias"])[:, 0], rtol=2e-5)


def test_padding_changes_nothing_behind_a_mask():
    model, params = build(pooling="max_mean")
    other = np.where(MASK, TOKENS, 5)
    a, b = (model.apply({"params": params}, t, mask=MASK) for t in (TOKENS, other))
    np.testing.assert_array_equal(a, b)
    unmasked = model.apply({"params": params}, other)
    assert (np.asarray(unmasked) != np.asarray(a)).all()


@pytest.mark.parametrize("rate", [pytest.param(0.0, marks=pytest.mark.slow), 0.4])
def test_dropout_rates_may_be_numbers_in_a_program(rate):
    names = ("dropout", "word_dropout", "embedding_dropout")
    model, params = build(hidden_units=4)

    @jax.jit
    def at(rates):
        with_rates = model.clone(**dict(zip(names, rates, strict=True)))
        key = {"dropout": jax.random.key(3)}
        return with_rates.apply({"params": params}, TOKENS, training=True, rngs=key)

    for i in range(3):
        rates = [0.5] * 3
        rates[i] = rate
        fixed, _ = build(hidden_units=4, **dict(zip(names, rates, strict=True)))
        key = {"dropout": jax.random.key(3)}
        expected = fixed.apply({"params": params}, TOKENS, training=True, rngs=key)
        np.testing.assert_allclose(at(jnp.asarray(rates)), expected, rtol=1e-5)
    plain = model.apply({"params": params}, TOKENS)
    assert not np.allclose(at(jnp.full(3, 0.5)), plain)
    np.testing.assert_allclose(at(jnp.zeros(3)), plain, rtol=1e-5)


def test_gradients_of_a_row_without_steps_are_finite():
    ys = jnp.ones((1, 3, 2))
    gradient = jax.grad(lambda ys: max_mean(ys, jnp.zeros((1, 3), bool)).sum())(ys)
    np.testing.assert_array_equal(gradient, np.zeros((1, 3, 2)))


def test_dropout_acts_in_training_only_and_word_dropout_on_whole_words():
    model, params = build(dropout=0.5)
    run = lambda model, **options: np.asarray(  # noqa: E731
        model.apply({"params": params}, TOKENS, rngs={"dropout": jax.random.key(3)}, **options)
    )
    np.testing.assert_array_equal(run(model), run(build()[0]))
    assert (run(model, training=True) != run(model)).any()

    words = TextClassifier(6, 3, rnnjax.GRU(3, 2), word_dropout=0.5)
    params = words.init(jax.random.key(0), jnp.asarray(TOKENS))["params"]
    _, state = words.apply(
        {"params": params},
        np.tile(TOKENS[:1], (50, 1)),
        training=True,
        rngs={"dropout": jax.random.key(4)},
        capture_intermediates=True,
    )
    dropped = np.asarray(state["intermediates"]["Dropout_1"]["__call__"][0]) == 0
    assert (dropped.all(axis=-1) == dropped.any(axis=-1)).all(), "a word goes as a whole"
    assert 0.3 < dropped.mean() < 0.7


def test_tagger_by_hand():
    model = SequenceTagger(rnnjax.LSTM(2, 3), num_classes=4, initialization="torch")
    xs = jax.random.normal(jax.random.key(5), (2, 5, 2))
    params = model.init(jax.random.key(6), xs)["params"]
    carry = jax.tree.map(jnp.ones_like, model.layer.initial_carry((2,)))
    final, logits = model.apply({"params": params}, xs, carry)
    wanted, ys = rnnjax.unroll(
        model.layer, from_named(model.layer, params["rnn"]), xs.swapaxes(0, 1), carry
    )
    kernel, bias = params["to_logits"]["kernel"], params["to_logits"]["bias"]
    np.testing.assert_allclose(logits, (ys @ kernel).swapaxes(0, 1) + bias[None, None], rtol=1e-5)
    jax.tree.map(np.testing.assert_array_equal, final, wanted)
