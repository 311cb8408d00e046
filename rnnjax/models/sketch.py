"""Drawings point by point, with or without an encoder that has seen the whole."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from rnnjax.bridges.linen import RNN, LastOutput
from rnnjax.cell import Carry, Cell, Layer
from rnnjax.data.drawings import END, PADDING
from rnnjax.models.mixture_density import (
    NUM_PENS,
    as_mixture,
    log_density,
    num_outputs,
    pen_losses,
)
from rnnjax.models.parts import Dropout, dense

NUM_FEATURES = 2 + NUM_PENS
"""Of a point: two offsets, and what the pen does, one-hot."""


class Latent(NamedTuple):
    """What an encoder says of drawings: a normal distribution of z, ``[B, Z]``."""

    mean: jax.Array
    log_variance: jax.Array

    def drawn(self, noise: jax.Array | None) -> jax.Array:
        """z of standard normal noise; the mean without any."""
        if noise is None:
            return self.mean
        return self.mean + jnp.exp(self.log_variance / 2) * noise

    def divergence(self) -> jax.Array:
        r"""How far it is from N(0, I), in nats ``[B]``.

        .. math:: -\tfrac12 \sum_j (1 + \hat\sigma_j - \mu_j^2 - e^{\hat\sigma_j})
        """
        terms = 1 + self.log_variance - jnp.square(self.mean) - jnp.exp(self.log_variance)
        return -0.5 * terms.sum(axis=-1)


class Sketcher(nn.Module):
    r"""What comes next in a drawing, at each of its points.

    .. math::
        (s_t, y_t) &= \mathrm{decoder}(s_{t-1}, [x_{t-1}; p_{t-1}; z]) \\
        (\mathrm{pen}_t, \mathrm{mixture}_t) &= W y_t + b

    Without an encoder there is no z, and s_0 is zero. With one, which has read the whole drawing,

    .. math::
        [\mu; \hat\sigma] = W_z\, \mathrm{encoder}(x, p) + b_z, \qquad
        z \sim N(\mu, e^{\hat\sigma}), \qquad s_0 = \tanh(W_s z + b_s)

    The first point follows on a start: no offset, and a pen that has ended. Padding behind, and
    whatever stands there, changes nothing.

    Attributes:
        decoder: a cell or a `rnnjax.Stack` of cells, of `NUM_FEATURES` + Z inputs.
        components: K, Gaussians of the mixture.
        encoder: any layer of `NUM_FEATURES` inputs; in the paper a `rnnjax.Bidirectional`.
        latent_size: Z; 0 without an encoder.
        dropout: rate on what the last matrix reads.
        initialization: initial distributions, "keras" or "torch".

    Sources: A. Graves, arXiv:1308.0850, section 4 (his layers read the inputs and give to the last
    matrix directly, too); D. Ha, D. Eck, arXiv:1704.03477, section 3 (there the input before the
    first point has a pen that draws).
    """

    decoder: Cell
    components: int = 20
    encoder: Layer | None = None
    latent_size: int = 0
    dropout: float = 0.0
    initialization: str = "keras"

    def setup(self) -> None:
        """Makes the parts."""
        how = self.initialization
        self.write, self.drop = RNN(self.decoder), Dropout(self.dropout)
        outputs = num_outputs(self.components)
        self.to_mixture = dense(outputs, self.decoder.output_size, how, "to_mixture")
        if self.encoder is not None:
            self.read = LastOutput(self.encoder)
            size = self.latent_size
            self.to_latent = dense(2 * size, self.encoder.output_size, how, "to_latent")
            leaves = jax.tree.leaves(jax.eval_shape(self.decoder.initial_carry))
            self.first_states = [
                dense(leaf.shape[-1], size, how, f"first_state_{i}")
                for i, leaf in enumerate(leaves)
            ]

    def __call__(
        self,
        offsets: jax.Array,
        pens: jax.Array,
        noise: jax.Array | None = None,
        *,
        training: bool = False,
    ) -> tuple[jax.Array, Latent | None]:
        """Outputs ``[B, T, 6 K + 3]`` on each point of drawings, and what the encoder says.

        `rnnjax.models.mixture_density.as_mixture` reads the outputs.

        Args:
            offsets: ``[B, T, 2]``.
            pens: integers ``[B, T]``, negative for padding.
            noise: standard normal ``[B, Z]``, to draw z with; without it z is the mean.
            training: whether dropout draws from the stream "dropout".
        """
        latent = None
        if self.encoder is not None:
            latent = self.encode(offsets, pens, training=training)
        z = None if latent is None else latent.drawn(noise)
        before = jnp.concatenate((jnp.zeros_like(offsets[:, :1]), offsets[:, :-1]), axis=1)
        states = jnp.concatenate((jnp.full_like(pens[:, :1], END), pens[:, :-1]), axis=1)
        carry = None if z is None else self.first_carry(z)
        _, outputs = self.go_on(before, states, carry, z, training=training)
        return outputs, latent

    def encode(self, offsets: jax.Array, pens: jax.Array, *, training: bool = False) -> Latent:
        """What the encoder says of z, of points as in a call."""
        features = self._features(offsets, pens)
        last = self.read(features, mask=pens != PADDING, training=training)
        return Latent(*jnp.split(self.to_latent(last), 2, axis=-1))

    def first_carry(self, z: jax.Array) -> Carry:
        """The decoder's state before the start, of z ``[B, Z]``."""
        states = [jnp.tanh(first(z)) for first in self.first_states]
        like = jax.eval_shape(self.decoder.initial_carry)
        return jax.tree.unflatten(jax.tree.structure(like), states)

    def go_on(
        self,
        offsets: jax.Array,
        pens: jax.Array,
        carry: Carry | None = None,
        z: jax.Array | None = None,
        *,
        training: bool = False,
    ) -> tuple[Carry, jax.Array]:
        """Reads points ``[B, T, …]``: the carry behind them, and the outputs on each one's next.

        Args:
            offsets: ``[B, T, 2]``.
            pens: integers ``[B, T]``, negative for padding.
            carry: of before; zeros by default.
            z: ``[B, Z]``, with an encoder.
            training: whether dropout draws from the stream "dropout".
        """
        xs = self._features(offsets, pens)
        if z is not None:
            repeated = jnp.broadcast_to(z[:, None], (*pens.shape, z.shape[-1]))
            xs = jnp.concatenate((xs, repeated.astype(xs.dtype)), axis=-1)
        carry, ys = self.write(xs, carry, training=training)
        return carry, self.to_mixture(self.drop(ys, deterministic=not training))

    def _features(self, offsets: jax.Array, pens: jax.Array) -> jax.Array:
        there = (pens != PADDING)[..., None]
        states = jax.nn.one_hot(pens, NUM_PENS, dtype=offsets.dtype)
        return jnp.concatenate((jnp.where(there, offsets, 0), states), axis=-1)


def point_losses(outputs: jax.Array, offsets: jax.Array, pens: jax.Array) -> jax.Array:
    """Nats of each point's offset and of its pen, ``[..., 2]``; zero at padding.

    Args:
        outputs: ``[..., 6 K + 3]``, of a `Sketcher`.
        offsets: ``[..., 2]``.
        pens: integers ``[...]``, negative for padding.
    """
    there = (pens != PADDING)[..., None]
    mixture = as_mixture(outputs)
    # Whatever stands at padding reaches no gradient either.
    points = jnp.where(there, offsets, 0).astype(mixture.pens.dtype)
    nats = jnp.stack((-log_density(mixture, points), pen_losses(mixture, pens)), axis=-1)
    return jnp.where(there, nats, 0)


def stretched(offsets: jax.Array, most: float, key: jax.Array) -> jax.Array:
    """Drawings ``[B, T, 2]`` whose width and height change by a share, uniform in ±most, each."""
    if not most:
        return offsets
    shape = (len(offsets), 1, 2)
    return offsets * jax.random.uniform(key, shape, offsets.dtype, 1 - most, 1 + most)
