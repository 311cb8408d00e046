"""The minimal network, whose state is an average of embedded inputs."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.gated_cell import GatedCell, HiddenCarry
from rnnjax.noise import SILENCE, Noise


class MinimalRNNParams(NamedTuple):
    """Parameters.

    Of the embedding of the input: ``w_x [D, H]``, ``b [H]``; of the gate: ``w_h [H, H]`` for the
    state, ``w_v [H, H]`` for the embedding, ``b_u [H]``. Biases are None where absent.
    """

    w_x: jax.Array
    w_h: jax.Array
    w_v: jax.Array
    b: jax.Array | None = None
    b_u: jax.Array | None = None


class Projected(NamedTuple):
    """What depends on the input alone: the embedding v, and its part of the gate, ``[..., H]``."""

    embedding: jax.Array
    gate: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MinimalRNN(GatedCell):
    r"""Minimal network: the input is embedded, and one gate averages the embeddings over time.

    .. math::
        v_t &= \tanh(x_t W_x + b) \\
        u_t &= \sigma(h_{t-1} W_h + v_t W_v + b_u) \\
        h_t &= u_t \odot h_{t-1} + (1 - u_t) \odot v_t, \qquad y_t = h_t

    The paper's embedding may be any network of the input; this one has a layer.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`, of w_v as if the
            embedding were an input; the gate's bias begins at 1 more.
        use_bias: whether there are biases.

    Parameters: `MinimalRNNParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals a linear recurrence for w_h = 0: then no gate reads the state. TensorFlow 1's
    ``MinimalRNNCell`` has no bias b, and its b_u begins at 1; RecurrentLayers.jl feeds the gate
    with the embedding of the step before.

    >>> cell = MinimalRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: M. Chen, "MinimalRNN: toward more interpretable and trainable recurrent neural
    networks", arXiv:1711.06788; ``MinimalRNNCell`` in
    ``tensorflow/contrib/rnn/python/ops/rnn_cell.py`` of TensorFlow 1.
    """

    gate_names = ("v",)

    def init(self, key: jax.Array) -> MinimalRNNParams:
        outer, inner = jax.random.split(key)
        w_x, w_h, b = super().init(outer)
        gate = dataclasses.replace(self, input_size=self.hidden_size)
        w_v, _, b_u, _ = gate.draw_gates(inner, num_gates=1, two_biases=False)
        return MinimalRNNParams(w_x, w_h, w_v, b, None if b_u is None else b_u + 1)

    def project(self, params: MinimalRNNParams, x: jax.Array) -> Projected:
        check_input(self, x)
        embedding = jnp.tanh(affine(x, params.w_x, params.b))
        return Projected(embedding, affine(embedding, params.w_v, params.b_u))

    def step(
        self, params: MinimalRNNParams, carry: HiddenCarry, z: Projected, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        (u,) = gates(z.gate + recur(noise.on_state(carry.h), params.w_h), ("sigmoid",))
        h = u * carry.h + (1 - u) * noise.on_update(z.embedding)
        return settled(carry, HiddenCarry(h), h, z.embedding)
