"""The intersection network, of one gate through time and one through depth."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, NamedTuple

import jax

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, settled
from rnnjax.gated_cell import GatedCell, HiddenCarry
from rnnjax.initializers import draw_dense
from rnnjax.noise import SILENCE, Noise


class IntersectionRNNParams(NamedTuple):
    """Parameters, gates fused in the order k, n, d, r.

    ``w_x [H, 4H]``, ``w_h [H, 4H]``, ``b [4H]``; ``w_p [D, H]`` and ``b_p [H]`` of the input's
    projection, which are there for D ≠ H only. Biases are None where absent.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None
    w_p: jax.Array | None = None
    b_p: jax.Array | None = None


class Projected(NamedTuple):
    """What depends on the input alone: v ``[..., H]``, and its part of the gates ``[..., 4H]``."""

    v: jax.Array
    gates: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class IntersectionRNN(GatedCell):
    r"""Intersection network: a gate between two states, another between the input and the output.

    .. math::
        v_t &= x_t \quad (D = H), \qquad v_t = x_t W_p + b_p \quad (D \ne H) \\
        k_t &= \sigma(v_t W_{xk} + h_{t-1} W_{hk} + b_k) \\
        n_t &= \tanh(v_t W_{xn} + h_{t-1} W_{hn} + b_n) \\
        d_t &= \sigma(v_t W_{xd} + h_{t-1} W_{hd} + b_d) \\
        r_t &= \mathrm{relu}(v_t W_{xr} + h_{t-1} W_{hr} + b_r) \\
        h_t &= k_t \odot h_{t-1} + (1 - k_t) \odot n_t \\
        y_t &= d_t \odot v_t + (1 - d_t) \odot r_t

    The output y is not the state h.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`; the biases of both
            gates begin at 1 more.
        use_bias: whether there are biases.

    Parameters: `IntersectionRNNParams`, in the order k, n, d, r. Carry: `HiddenCarry`. Output:
    ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.UGRNN` as far as the state is concerned, with k and n as its g and c. TensorFlow
    1's ``IntersectionRNNCell`` has this order of gates, adds 1 to both at every step instead of to
    their first biases, and projects an input of another size only if it is asked to;
    RecurrentLayers.jl takes 1 - k for the output where 1 - d belongs.

    >>> cell = IntersectionRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jax.numpy.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: J. Collins, J. Sohl-Dickstein, D. Sussillo, "Capacity and trainability in recurrent
    neural networks", ICLR 2017, arXiv:1611.09913; the authors' ``IntersectionRNNCell`` in
    ``tensorflow/contrib/rnn/python/ops/rnn_cell.py`` of TensorFlow 1.
    """

    gives_state = False
    gate_names = ("k", "n", "d", "r")
    first_biases: ClassVar = {"k": 1.0, "d": 1.0}

    def init(self, key: jax.Array) -> IntersectionRNNParams:
        d, h = self.input_size, self.hidden_size
        if d == h:
            return IntersectionRNNParams(*super().init(key))
        own, dense = jax.random.split(key)
        deep = dataclasses.replace(self, input_size=h).init(own)
        w_p, b_p = draw_dense(dense, self.initialization, d, h, use_bias=self.use_bias)
        return deep._replace(w_p=w_p, b_p=b_p)

    def project(self, params: IntersectionRNNParams, x: jax.Array) -> Projected:
        check_input(self, x)
        v = x if params.w_p is None else affine(x, params.w_p, params.b_p)
        return Projected(v, affine(v, params.w_x, params.b))

    def step(
        self,
        params: IntersectionRNNParams,
        carry: HiddenCarry,
        z: Projected,
        noise: Noise = SILENCE,
    ) -> tuple[HiddenCarry, jax.Array]:
        a = self.sums(params, carry.h, z.gates, noise)
        k, n, d, r = gates(a, ("sigmoid", "tanh", "sigmoid", "relu"))
        h = k * carry.h + (1 - k) * noise.on_update(n)
        y = d * z.v + (1 - d) * r
        return settled(carry, HiddenCarry(h), y, z.gates)
