"""Every cell, listed once. A new one enters all properties of the contract by a line here."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import rnnjax
from rnnjax import (
    GRU,
    LSTM,
    LSTMP,
    Dropout,
    LayerNormGRU,
    LayerNormLSTM,
    PeepholeLSTM,
    Residual,
    SimpleRNN,
    Stack,
    Zoneout,
)
from tests import oracles


@dataclasses.dataclass(frozen=True)
class CellUnderTest:
    """A cell and the equations it has to fulfil."""

    name: str
    make: Callable[[], rnnjax.Cell]
    """Builds it anew with every call, so that equal cells can be told from the same one."""
    oracle: oracles.Step
    adapt: Callable[[Any, Any], tuple[Any, Any]] = lambda params, carry: (params, carry)
    """Makes of parameters and a carry drawn from a normal distribution what the cell can have."""
    begins: bool = False
    """Whether its first carry is another one than zeros."""
    exempt: tuple[str, ...] = ()
    """Names of those properties in `tests.test_contract` that its equations contradict."""


CELLS_UNDER_TEST = [
    CellUnderTest("simple_rnn", lambda: SimpleRNN(3, 4), oracles.simple_rnn()),
    CellUnderTest(
        "simple_rnn-relu",
        lambda: SimpleRNN(3, 4, activation="relu", initialization="torch"),
        oracles.simple_rnn("relu"),
    ),
    CellUnderTest(
        "simple_rnn-no_bias", lambda: SimpleRNN(3, 4, use_bias=False), oracles.simple_rnn()
    ),
    CellUnderTest("lstm", lambda: LSTM(3, 4), oracles.lstm()),
    CellUnderTest(
        "lstm-other_activations",
        lambda: LSTM(3, 4, "softsign", "hard_sigmoid", initialization="torch"),
        oracles.lstm("softsign", "hard_sigmoid"),
    ),
    CellUnderTest("lstmp", lambda: LSTMP(3, 4, 2), oracles.lstm(projected=True)),
    CellUnderTest("gru-reset_after", lambda: GRU(3, 4), oracles.gru()),
    CellUnderTest(
        "gru-reset_before", lambda: GRU(3, 4, reset_after=False), oracles.gru(reset_after=False)
    ),
    CellUnderTest("layer_norm_lstm", lambda: LayerNormLSTM(3, 4), oracles.layer_norm_lstm()),
    CellUnderTest(
        "layer_norm_lstm-other_activations",
        lambda: LayerNormLSTM(
            3, 4, "softsign", "hard_sigmoid", initialization="torch", epsilon=0.1
        ),
        oracles.layer_norm_lstm("softsign", "hard_sigmoid", epsilon=0.1),
    ),
    CellUnderTest("layer_norm_gru", lambda: LayerNormGRU(3, 4), oracles.layer_norm_gru()),
    CellUnderTest(
        "layer_norm_gru-other_activations",
        lambda: LayerNormGRU(3, 4, "softsign", "hard_sigmoid", use_bias=False, epsilon=0.1),
        oracles.layer_norm_gru("softsign", "hard_sigmoid", epsilon=0.1),
    ),
    CellUnderTest("peephole_lstm", lambda: PeepholeLSTM(3, 4), oracles.peephole_lstm()),
    CellUnderTest(
        "peephole_lstm-other_activations",
        lambda: PeepholeLSTM(3, 4, "softsign", "hard_sigmoid", initialization="torch"),
        oracles.peephole_lstm("softsign", "hard_sigmoid"),
    ),
    CellUnderTest(
        "stack",
        lambda: Stack((LSTM(3, 5), GRU(5, 4))),
        oracles.stack(oracles.lstm(), oracles.gru()),
    ),
    CellUnderTest(
        "wrappers",
        lambda: Stack(
            (Zoneout(Dropout(GRU(3, 4), state=0.3), h=0.1), Residual(LSTM(4, 4))),
            dropout=0.2,
        ),
        oracles.stack(
            oracles.zoneout(oracles.gru(), 0.1),
            oracles.residual(oracles.lstm()),
        ),
    ),
]

TYPICAL = ("gru-reset_before", "wrappers")
"""A cell with two products with its state, and layers, a memory among them, made of wrappers."""


class Sample(NamedTuple):
    """A cell with everything `rnnjax.unroll` wants, in the order it wants it."""

    cell: rnnjax.Cell
    params: Any
    xs: np.ndarray
    carry: Any


def random_like(rng: np.random.Generator, tree: Any, scale: float = 1.0, dtype: Any = None) -> Any:
    """NumPy arrays with normal entries, in the tree structure and shapes of `tree`.

    Integers, such as a count of steps, are small ones from 0 on, of their own type.
    """

    def random(like: Any) -> np.ndarray:
        if np.issubdtype(like.dtype, np.integer):
            return rng.integers(0, 4, like.shape).astype(like.dtype)
        return (scale * rng.standard_normal(like.shape)).astype(dtype or like.dtype)

    return jax.tree.map(random, tree)


def draw(
    case: CellUnderTest,
    *,
    steps: int = 6,
    batch: tuple[int, ...] = (3,),
    seed: int = 0,
    dtype: Any = None,
) -> Sample:
    """A cell with random parameters, biases included, a random carry and random inputs."""
    rng = np.random.default_rng([seed, zlib.crc32(case.name.encode())])
    cell = case.make()
    params = jax.eval_shape(cell.init, jax.random.key(0))
    carry = jax.eval_shape(lambda: cell.initial_carry(batch))
    xs = jax.ShapeDtypeStruct((steps, *batch, *cell.input_shape), jnp.zeros(()).dtype)
    params = random_like(rng, params, 0.6, dtype)
    xs = random_like(rng, xs, 1.0, dtype)
    params, carry = case.adapt(params, random_like(rng, carry, 0.8, dtype))
    return Sample(cell, params, xs, carry)
