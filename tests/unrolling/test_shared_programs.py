"""Equal runs share their programs, whether or not the user compiles them."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import GRU, LSTM, Bidirectional, Dropout, LearnedCarry, Residual, Stack, Zoneout
from tests.slow import slow_but

COMPILED = "/jax/core/compile/backend_compile_duration"

XS = np.random.default_rng(0).standard_normal((40, 2, 3)).astype(np.float32)
FLAGS = np.random.default_rng(1).random((40, 2)) < 0.5


@dataclasses.dataclass(frozen=True)
class Leaky(rnnjax.Cell):
    """A cell as a user writes one."""

    rate: float
    input_size: int = 3
    output_size: int = 3

    def init(self, key: jax.Array) -> Any:
        return {"w": jax.random.normal(key, (3, 3))}

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Any:
        return jnp.zeros((*batch_shape, 3), dtype)

    def project(self, params: Any, x: jax.Array) -> Any:
        return x @ params["w"]

    def step(self, params: Any, carry: Any, z: Any) -> tuple[Any, jax.Array]:
        h = self.rate * carry + jnp.tanh(z)
        return h, h


@pytest.fixture
def programs():
    """Counts the programs that are compiled, in the order of the calls."""
    count = [0]

    def listen(name: str, duration: float, **_: Any) -> None:
        count[0] += name == COMPILED

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield lambda: count[0]
    jax.monitoring.unregister_event_duration_listener(listen)


LAYERS = {
    "cell": lambda: GRU(3, 3),
    "own cell": lambda: Leaky(0.5),
    "both ways": lambda: Bidirectional(LSTM(3, 2), merge="sum"),
    "stack": lambda: Stack((GRU(3, 3), Residual(GRU(3, 3))), dropout=0.5),
    "learned carry": lambda: LearnedCarry(LSTM(3, 3)),
    "dropout": lambda: Dropout(LSTM(3, 3), inputs=0.1, state=0.2, update=0.3),
    "weights": lambda: Dropout(LSTM(3, 3), weights=0.2),
    "zoneout": lambda: Zoneout(LSTM(3, 3), c=0.2, h=0.1),
}


QUICK = ("own cell", "stack")


@pytest.mark.parametrize("name", slow_but(QUICK, LAYERS))
def test_a_second_call_compiles_nothing(name, programs):
    make = LAYERS[name]
    params = make().init(jax.random.key(0))

    def use() -> None:
        key = jax.random.key(3)
        carry, _ = rnnjax.unroll(make(), params, XS, mask=FLAGS, resets=FLAGS)
        rnnjax.unroll_last(make(), params, XS, carry, key=key)
        loss = lambda params: jnp.sum(rnnjax.unroll(make(), params, XS, key=key)[1])  # noqa: E731
        jax.grad(loss)(params)

    use()
    before = programs()
    assert before > 0
    use()
    assert programs() == before


def test_cells_alike_share_one_program_within_a_call(programs):
    def compiled(num_layers: int) -> int:
        stack = Stack((GRU(3, 3),) * num_layers)
        params = jax.device_get(stack.init(jax.random.key(0)))
        before = programs()
        jax.block_until_ready(rnnjax.unroll(stack, params, XS[:, :1]))
        return programs() - before

    compiled(1)
    assert compiled(4) == compiled(5) <= 1


def test_other_cells_and_options_have_other_programs():
    params = Leaky(0.5).init(jax.random.key(0))
    slow, fast = (rnnjax.unroll(Leaky(rate), params, XS)[1] for rate in (0.9, 0.1))
    assert (slow != fast).any()
    ahead, behind = (rnnjax.unroll(Leaky(0.9), params, XS, reverse=r)[1] for r in (False, True))
    assert (ahead != behind).any()
    cell = Zoneout(LSTM(3, 3), c=0.2)
    params = cell.init(jax.random.key(0))
    much, little = (rnnjax.unroll(Zoneout(LSTM(3, 3), c=c), params, XS)[1] for c in (0.9, 0.2))
    assert (much != little).any()
