"""Rows shared out among two devices, in a user's program and in the training loop."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, jax, jax.numpy as jnp, numpy as np, optax
import rnnjax
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from rnnjax.training.batches import ExampleBatches
from rnnjax.devices.layout import Layout
from rnnjax.training.loop import Trainer, init_state

jax.config.update("jax_enable_x64", True)
layer = rnnjax.Bidirectional(rnnjax.Dropout(rnnjax.LSTM(3, 4), state=0.3))
params = layer.init(jax.random.key(0))
xs = jax.random.normal(jax.random.key(1), (20, 6, 3))
mask = rnnjax.length_mask(jnp.array([20, 3, 0, 7, 19, 10]), 20)
mesh = jax.make_mesh((2,), ("rows",), (AxisType.Auto,))

def loss(params, xs):
    ys = rnnjax.unroll(layer, params, xs, mask=mask, key=jax.random.key(2))[1]
    return (ys**3).sum()

def difference(one, other):
    return max(float(abs(a - b).max() / abs(a).max())
               for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other)))

functions = {
    "gradient": lambda: jax.jit(jax.grad(loss, (0, 1)))(params, xs),
    "placed": lambda: jax.jit(jax.grad(loss))(
        params, jax.device_put(xs, NamedSharding(mesh, PartitionSpec(None, "rows")))),
    "vmap": lambda: jax.jit(jax.vmap(jax.grad(loss), (0, None)))(
        jax.tree.map(lambda a: jnp.stack([a, 2 * a]), params), xs),
}
found = {}
for name, function in functions.items():
    alone = function()
    with jax.set_mesh(mesh):
        found[name] = difference(alone, function())

def of_row(params, carry, batch, key):
    ys = rnnjax.unroll(layer, params, jnp.swapaxes(batch, 0, 1), key=key)[1]
    return (ys**2).mean((0, 2)), carry

trainer = Trainer(of_row, optax.sgd(0.1), ExampleBatches(6, 4, True), np.asarray(xs).swapaxes(0, 1),
                  jax.random.key(3), layout=Layout.over(batch_size=4))
state = init_state(params, optax.sgd(0.1), layout=Layout.over(batch_size=4))
program, arguments = trainer.program(state)
found["loop"] = program.lower(*arguments).as_text().count("manual_computation")
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "2"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gradient", "placed", "vmap"])
def test_gradients_are_those_of_one_device(found, name):
    assert found[name] < 1e-12


@pytest.mark.slow
def test_the_training_loop_shares_out_rows_within_unroll(found):
    assert found["loop"] >= 2, "one way and the other"
