"""Free running against a loop written out."""

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.decoding import feed_back


def test_each_step_reads_what_was_drawn_and_each_draw_has_its_key():
    keys = jax.random.split(jax.random.key(3), 4)

    def step(carry, x):
        return carry * 0.5 + x["a"], {"a": carry - x["a"], "n": x["n"] + 1}

    def draw(key, outputs):
        return {"a": outputs["a"] + jax.random.normal(key, (2,)), "n": outputs["n"]}

    carry = jnp.array([1.0, -2.0])
    x = {"a": jnp.array([0.3, 0.7]), "n": jnp.zeros(2, jnp.int32)}
    last, drawn = jax.jit(feed_back, static_argnums=(0, 1))(step, draw, carry, x, keys)
    for t in range(4):
        noise = np.asarray(jax.random.normal(keys[t], (2,)))
        carry, x = (
            np.asarray(carry) * 0.5 + x["a"],
            {"a": np.asarray(carry) - x["a"] + noise, "n": x["n"] + 1},
        )
        np.testing.assert_allclose(drawn["a"][t], x["a"], rtol=1e-6)
        np.testing.assert_array_equal(drawn["n"][t], x["n"])
    np.testing.assert_allclose(last, carry, rtol=1e-6)
