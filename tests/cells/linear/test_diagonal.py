"""Initial values of the diagonal cells, and hyper-parameters that they refuse."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

import jax
import numpy as np
import pytest

from rnnjax import Dropout
from rnnjax.cells.linear.gate_loop import GateLoop
from rnnjax.cells.linear.gilr import GILR
from rnnjax.cells.linear.hgrn import HGRN
from rnnjax.cells.linear.qrnn import QRNN
from rnnjax.cells.linear.s6 import S6
from rnnjax.cells.linear.sru import SRU
from tests.cells.linear.loops_diagonal import CASES
from tests.cells_under_test import random_like
from tests.running import assert_close, quick_jit


def bound(values):
    return np.abs(values).max()


@pytest.fixture(scope="module")
def drawn():
    """Initial values, in one program."""
    cells = {
        "s6": S6(320, state_size=4, rank=16),
        "sru": SRU(300, 300, highway_bias=-1.0),
        "sru-other_size": SRU(300, 200, highway_bias=-1.0),
        "qrnn": QRNN(100, 30),
        "gilr": GILR(100, 30),
        "hgrn": HGRN(100, 25),
        "gate_loop": GateLoop(100, 30),
    }
    keys = dict(zip(cells, jax.random.split(jax.random.key(0), len(cells)), strict=True))
    return jax.device_get(
        quick_jit(lambda: {name: cell.init(keys[name]) for name, cell in cells.items()})()
    )


def test_s6_begins_as_mamba_does(drawn):
    params = drawn["s6"]
    np.testing.assert_allclose(np.exp(params.a_log), np.tile([1, 2, 3, 4], (320, 1)), rtol=1e-6)
    step = np.log1p(np.exp(np.asarray(params.b_dt, np.float64)))
    assert 0.999e-3 <= step.min() < 1.1e-3
    assert 0.09 < step.max() <= 0.1001
    # Uniform in its logarithm.
    assert np.mean(np.log10(step)) == pytest.approx(-2, abs=0.1)
    assert 0.99 * 16**-0.5 < bound(params.w_dt) <= 16**-0.5
    assert 0.99 * 320**-0.5 < bound(params.w_x) <= 320**-0.5
    assert (np.asarray(params.d) == 1).all()
    assert S6(33).delta_rank == 2


@pytest.mark.parametrize(
    ("name", "size", "scales"),
    [("sru", 300, (1, 1, 1)), ("sru-other_size", 200, (1, 1, 1, np.sqrt(1 + 2 * np.exp(-1))))],
)
def test_sru_begins_with_the_variance_of_its_inputs(drawn, name, size, scales):
    w_x, b = drawn[name]
    for part, scale in zip(np.split(w_x, w_x.shape[1] // size, axis=1), scales, strict=True):
        assert 0.99 * 0.1 * scale < bound(part) <= 0.1 * scale * (1 + 1e-6)
    np.testing.assert_array_equal(np.split(b, 2), [[0] * size, [-1] * size])


def test_other_matrices_begin_with_their_scales(drawn):
    assert 0.99 * 0.1 < bound(drawn["qrnn"].w_x) <= 0.1
    assert 0.99 * 0.05 < bound(drawn["gilr"].w_x) <= 0.05
    assert 0.99 * 0.1 < bound(drawn["hgrn"].w_x) <= 0.1
    assert 0.99 * 0.2 < bound(drawn["hgrn"].w_o) <= 0.2
    assert np.std(drawn["gate_loop"].w_x) == pytest.approx(0.1, rel=0.05)


def test_a_memory_whose_gate_is_nearly_shut_keeps_the_digits_of_what_it_adds():
    z = np.float32([[3.0, 30.0, 0.0]])
    for cell, value in ((QRNN(1, 1), np.tanh(3.0)), (HGRN(1, 1), 3 / (1 + np.exp(-3.0)))):
        added = cell.coefficients(None, z).b
        np.testing.assert_allclose(added, [[value * np.exp(-30.0)]], rtol=1e-5)


@pytest.mark.usefixtures("x64")
def test_all_steps_at_once_are_each_step_by_itself():
    rng = np.random.default_rng(0)
    samples = {}
    for name, cell, *_ in CASES:
        params = random_like(rng, jax.eval_shape(cell.init, jax.random.key(0)))
        states = random_like(rng, jax.eval_shape(lambda cell=cell: cell.initial_carry((3, 2))))
        samples[name] = params, tuple(states), rng.normal(size=(3, 2, cell.input_size))

    def shown(cell, params, states, xs):
        z = cell.project(params, xs)
        a, b = cell.coefficients(params, z)
        return a, b, cell.readout(params, states, z)

    @quick_jit
    def found(samples):
        cells = {case.name: case.cell for case in CASES}
        at_once = {name: shown(cells[name], *own) for name, own in samples.items()}
        of_one = {
            name: shown(cells[name], params, tuple(own[1] for own in states), xs[1])
            for name, (params, states, xs) in samples.items()
        }
        return at_once, of_one

    at_once, of_one = found(samples)
    assert_close(jax.tree.map(lambda own: own[1], at_once), of_one, tolerance=1e-13)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: QRNN(3, 4, "of"), "unknown pooling 'of'; expected one of: f, fo, ifo"),
        (lambda: SRU(3, 4, highway_bias=np.nan), "highway_bias must be a finite number"),
        (lambda: HGRN(3, 4, lower_bound=1.0), "lower_bound must be a rate"),
        (lambda: S6(3, rank=0), "rank must be a positive integer"),
        (lambda: S6(3, least_step=0.2), "steps must rise"),
        (lambda: Dropout(S6(3), update=0.1), "S6 has no update that could be dropped"),
    ],
)
def test_hyperparameters_that_are_none_are_told(make, said):
    with pytest.raises(ValueError, match=said):
        make()
