r"""What the state of a recurrent layer does over a sequence, and what the loss makes of it.

The gradient of the loss :math:`L` with respect to the state :math:`s_t` says how much of what
happens at step t the loss can still see, and so how much can be learnt there. It is a product of
Jacobians,

.. math::
    \frac{\partial L}{\partial s_t} = \frac{\partial L}{\partial s_T}
    \prod_{k = t + 1}^{T} \frac{\partial s_k}{\partial s_{k - 1}}

which, going back in time, vanishes or explodes like a power.

Sources: Y. Bengio, P. Simard, P. Frasconi, "Learning long-term dependencies with gradient descent
is difficult", IEEE Transactions on Neural Networks 5 (1994), 157-166; R. Pascanu, T. Mikolov,
Y. Bengio, "On the difficulty of training recurrent neural networks", arXiv:1211.5063, equation 5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.cell import Carry, Layer, Params, check_input, steppable
from rnnjax.combinators.stack import Stack
from rnnjax.combinators.wrapper import innermost
from rnnjax.linear_cell import LinearCell


class StateTrace(NamedTuple):
    """All states of a run over one sequence, or over a batch of them."""

    carries: Carry
    """After every step, ``[T, ..., H]``."""
    outputs: jax.Array
    """``[T, ..., O]``."""
    gradients: Carry
    """Of the loss with respect to `carries`, likewise ``[T, ..., H]``."""
    loss: jax.Array


def trace_state(
    layer: Layer,
    params: Params,
    xs: jax.Array,
    loss: Callable[[jax.Array], jax.Array],
    carry: Carry | None = None,
) -> StateTrace:
    """Runs a cell and differentiates a loss with respect to the state after every step.

    A zero is added to the state that each step hands on, and the gradient with respect to these
    zeros is taken, as in evaluation, without dropout. So all fields of all layers count as one
    state of independent parts: the memory c of an LSTM is felt through the later steps, and the h
    of the top layer also through the output that it is.

    Args:
        layer: a cell, or a combination of cells that can be stepped.
        params: its parameters.
        xs: the inputs ``[T, ..., D]``.
        loss: of the outputs ``[T, ..., O]``, a number. A sum over rows has each row's gradients
            side by side.
        carry: the state before the first step; by default `layer.first_carry`.

    Raises:
        ValueError: the layer needs the whole sequence, the inputs do not fit it, or the top one of
            several layers has a readout (`rnnjax.linear_cell.LinearCell`).

    >>> from rnnjax import GRU
    >>> cell = GRU(input_size=3, hidden_size=2)
    >>> xs = jax.random.normal(jax.random.key(1), (5, 3))
    >>> trace = trace_state(cell, cell.init(jax.random.key(0)), xs, lambda ys: ys[-1].sum())
    >>> trace.carries.h.shape, trace.gradients.h[-1].tolist()
    ((5, 2), [1.0, 1.0])
    """
    cell = steppable("trace_state", layer)
    if not isinstance(cell, LinearCell) and isinstance(_top(cell), LinearCell):
        raise ValueError(
            f"trace_state: what {type(_top(cell)).__name__} puts out is read from its state, which "
            "can't be done anew within other layers; trace that layer by itself."
        )
    check_input(cell, xs)
    if carry is None:
        carry = cell.first_carry(params, xs.shape[1:-1], xs.dtype)
    zeros = jax.tree.map(lambda a: jnp.zeros((len(xs), *a.shape), a.dtype), carry)

    def run(added: Carry) -> tuple[jax.Array, tuple[Carry, jax.Array]]:
        def step(before: Carry, inputs: tuple[Any, Carry]) -> tuple[Carry, Any]:
            z, terms = inputs
            after, y = cell.step(params, before, z)
            after = jax.tree.map(jnp.add, after, terms)
            if isinstance(cell, LinearCell):
                return after, (after, cell.read(params, after, z))
            return after, (after, _add_to_output(y, terms))

        carries, ys = lax.scan(step, carry, (cell.project(params, xs), added))[1]
        return loss(ys), (carries, ys)

    (value, (carries, ys)), gradients = jax.value_and_grad(run, has_aux=True)(zeros)
    return StateTrace(carries, ys, gradients, value)


def step_norms(tree: Carry) -> dict[str, jax.Array]:
    """The Euclidean norm over the features, of every step and every field of a carry.

    Args:
        tree: carries or their gradients, ``[T, ..., H]``.

    Returns:
        Arrays ``[T, ...]`` by name: ``h`` and ``c`` for an LSTM, ``0.h`` for the lowest layer of a
        stack, and so on.
    """
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): jnp.linalg.norm(leaf, axis=-1)
        for path, leaf in jax.tree.leaves_with_path(tree)
    }


def _top(layer: Layer) -> Layer:
    """The cell whose output is the layer's."""
    while not isinstance(layer, LinearCell):
        below = layer.layers[-1] if isinstance(layer, Stack) else innermost(layer)
        if below is layer:
            break
        layer = below
    return layer


def _add_to_output(y: jax.Array, added: Carry) -> jax.Array:
    """The output when something is added to the state: to its part h, which cells put out."""
    while type(added) is tuple:  # the carries of the layers of a stack
        added = added[-1]
    h = getattr(added, "h", None)
    return y if h is None or h.shape != y.shape else y + h.astype(y.dtype)
