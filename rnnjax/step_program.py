"""A step function taken apart, so that its derivative can be computed cheaply over many steps.

Differentiating a loop as it stands adds an outer product to every weight's gradient at every
step, and keeps more intermediate values than are needed. A `StepProgram` reads the step's jaxpr,
whatever the cell, and arranges three things:

*Hoisting.* What depends on the constants alone (a slice of a weight, a sum of biases) is computed
once, before the loop.

*Taps.* Where a value is multiplied with a constant matrix, ``u = v @ w``, the backward step
returns v and the cotangent of u instead of the gradient of w. Stacked over time, they give that
gradient as one matrix product.

*Anchors.* The results of products and of transcendental functions are candidates for being kept
from the forward pass: a derivative needs the value of tanh, not its argument. Of the candidates,
the inputs and the carry, only those are kept that the backward step really reads.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var

_CALLS = ("jit", "pjit", "closed_call", "core_call")

_SLOPES: dict[str, Callable[[jax.Array], jax.Array]] = {
    "tanh": lambda y: 1 - y * y,
    "logistic": lambda y: y * (1 - y),
    "exp": lambda y: y,
}
"""The derivative of a transcendental function, as a function of its value."""


class StepGradients(NamedTuple):
    """What the backward step gives, each a list of arrays."""

    carry: list[jax.Array]
    inputs: list[jax.Array]
    """Of the inputs of floating type only."""
    others: list[jax.Array]
    """Of the hoisted constants that are used otherwise than in a tapped product."""
    tapped: list[jax.Array]
    """The cotangent of each tapped product."""
    factors: list[jax.Array]
    """What each of them was multiplied with its weight."""


class StepProgram:
    """A step function ``step(constants, carry, inputs) -> (carry, outputs)``, taken apart.

    All arguments and results are flat lists of arrays.

    Args:
        step: the function.
        constants: examples of its arguments, or their shapes.
        carry: likewise.
        inputs: likewise, of one step.
    """

    def __init__(
        self,
        step: Callable[..., tuple[list[Any], list[Any]]],
        constants: Sequence[Any],
        carry: Sequence[Any],
        inputs: Sequence[Any],
    ) -> None:
        shapes = jax.tree.map(_shape, (list(constants), list(carry), list(inputs)))
        closed = jax.make_jaxpr(step)(*shapes)
        # Traced again without the calls that jax.numpy wraps its functions in.
        self._jaxpr = jax.make_jaxpr(functools.partial(_evaluate_inline, closed))(
            *jax.tree.leaves(shapes)
        ).jaxpr
        self.num_constants, self.num_carry = len(constants), len(carry)
        self._split_constants()
        self.float_inputs = [
            i for i, x in enumerate(shapes[2]) if jnp.issubdtype(x.dtype, jnp.floating)
        ]
        outvars = self._jaxpr.outvars
        self.forwarded = [
            next((i for i, c in enumerate(outvars[: self.num_carry]) if c is y), None)
            for y in outvars[self.num_carry :]
        ]
        """For each output, which part of the new carry it is, if it is one."""
        self._shapes = shapes
        self._analyse_backward()

    # -- the three parts --------------------------------------------------------------------

    def hoist(self, constants: Sequence[jax.Array]) -> tuple[list[jax.Array], list[jax.Array]]:
        """Computes what depends on the constants alone: (tapped weights, other values)."""
        env = _Environment(self._jaxpr.invars[: self.num_constants], constants)
        for eqn in self._jaxpr.eqns:
            if eqn in self._constant_eqns:
                env.evaluate(eqn)
        return env.read_all(self._weights), env.read_all(self._others)

    def forward(
        self, weights: Sequence[Any], others: Sequence[Any], carry: Sequence[Any], inputs: Any
    ) -> tuple[list[jax.Array], list[jax.Array], list[jax.Array]]:
        """One step: the new carry, the outputs, and what the backward step will read."""
        env = self._environment(weights, others, carry, inputs)
        anchors = []
        for eqn in self._step_eqns:
            env.evaluate(eqn)
            if _is_anchor(eqn, self._weights):
                anchors.append(env.read(eqn.outvars[0]))
        results = env.read_all(self._jaxpr.outvars)
        candidates = [*carry, *inputs, *anchors]
        kept = [candidates[i] for i in self._kept]
        return results[: self.num_carry], results[self.num_carry :], kept

    def backward(
        self,
        weights: Sequence[Any],
        others: Sequence[Any],
        kept: Sequence[Any],
        carry_cotangents: Sequence[Any],
        output_cotangents: Sequence[Any],
    ) -> StepGradients:
        """The transposed derivative of one step, from what `forward` kept."""
        env = _Environment(
            self._backward_used,
            [*weights, *others, *kept, *carry_cotangents, *output_cotangents],
        )
        for eqn in self._backward_eqns:
            env.evaluate(eqn)
        return jax.tree.unflatten(
            self._backward_tree, env.read_all(self._backward_jaxpr.outvars)
        )

    def kept_factors(self) -> list[int | None]:
        """For each tapped product, which kept value is its factor, if one is as it stands."""
        size = len(jax.tree.leaves(self._backward_tree.unflatten([0] * self._backward_tree.num_leaves).factors)) if False else len(self._weights_of_taps)
        first = len(self._weights) + len(self._others)
        kept = self._backward_used[first : first + len(self._kept)]
        factors = self._backward_jaxpr.outvars[len(self._backward_jaxpr.outvars) - size :]
        return [next((i for i, v in enumerate(kept) if v is f), None) for f in factors]
