"""The echo state network."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from rnnjax.cell import recur, settled
from rnnjax.gated_cell import GatedParams, HiddenCarry
from rnnjax.hyperparameters import Positive
from rnnjax.noise import SILENCE, Noise
from rnnjax.physical_cell import PhysicalCell


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class ESN(PhysicalCell):
    r"""A reservoir: a random recurrent network that is never trained.

    .. math::
        h_t = (1 - a) h_{t-1} + a \tanh(x_t W_x + h_{t-1} W_h + b), \qquad y_t = h_t

    No gradient reaches W_x, W_h and b; that of inputs and state goes through. What is trained, by
    ridge regression in the paper, reads h and is not part of the cell.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        leak: a, at most 1.
        spectral_radius: of W_h at first, its largest eigenvalue by absolute value.
        connectivity: the share of W_h that is not 0, at most 1.
        use_bias: whether there is a bias.

    Parameters: `GatedParams`; at first W_h is uniform where it is not 0, and then scaled, W_x is
    Glorot uniform and b is 0. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a number is not positive or above 1.

    Equals `rnnjax.SimpleRNN` with frozen parameters where a = 1. In some codes the leak is inside
    of tanh. The ``use_norm2`` of tensorflow-addons takes the Frobenius norm for the 2-norm.

    >>> cell = ESN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: H. Jaeger, "The "echo state" approach to analysing and training recurrent neural
    networks", GMD report 148, 2001; with a leak: H. Jaeger, M. Lukoševičius, D. Popovici,
    U. Siewert, "Optimization and applications of echo state networks with leaky-integrator
    neurons", Neural Networks 20 (2007). Checked against ``ESNCell`` of tensorflow-addons, whose
    numbers the defaults are, not against these texts.
    """

    leak: Positive = 1.0
    spectral_radius: Positive = 0.9
    connectivity: Positive = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("leak", "connectivity"):
            if getattr(self, name) > 1:
                raise ValueError(f"ESN: {name} must be at most 1, not {getattr(self, name)!r}.")

    def init(self, key: jax.Array) -> GatedParams:
        d, h, keys = self.input_size, self.hidden_size, jax.random.split(key, 3)
        kept = jax.random.bernoulli(keys[0], self.connectivity, (h, h))
        w_h = jnp.where(kept, jax.random.uniform(keys[1], (h, h), minval=-1.0), 0)
        found = spectral_radius(w_h)
        w_h = w_h * jnp.where(found > 0, self.spectral_radius / jnp.where(found > 0, found, 1), 1)
        w_x = jax.nn.initializers.glorot_uniform()(keys[2], (d, h))
        return GatedParams(w_x, w_h, jnp.zeros((h,)) if self.use_bias else None)

    def project(self, params: GatedParams, x: jax.Array) -> Any:
        return super().project(jax.lax.stop_gradient(params), x)

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        n = jnp.tanh(z + recur(noise.on_state(carry.h), jax.lax.stop_gradient(params.w_h)))
        h = (1 - self.leak) * carry.h + self.leak * noise.on_update(n)
        return settled(carry, HiddenCarry(h), h, z)


def spectral_radius(m: jax.Array, squarings: int = 24) -> jax.Array:
    r"""The largest eigenvalue of a matrix ``[H, H]`` by absolute value, by Gelfand's formula.

    .. math:: \rho(M) = \lim_{k \to \infty} \lVert M^k \rVert^{1/k}, \qquad k = 2^{squarings}

    Unlike eigenvalues it can be computed on every device; of a matrix a power of which is 0, it
    is 0.

    >>> round(float(spectral_radius(jnp.array([[0.0, 3.0], [-3.0, 0.0]]))), 5)
    3.0
    """

    def normed(m: jax.Array) -> tuple[jax.Array, jax.Array]:
        norm = jnp.sqrt(jnp.sum(m * m))
        return m / jnp.where(norm > 0, norm, 1), jnp.log(norm)

    m, log_norm = normed(m)
    for i in range(squarings):
        m, more = normed(jnp.matmul(m, m, precision="highest"))
        log_norm = log_norm + more / 2 ** (i + 1)
    return jnp.exp(log_norm)
