"""A step function taken apart, so that its derivative over many steps is cheap.

Differentiating a loop as it stands adds an outer product to every weight's gradient at every
step, and keeps more intermediate values than are needed. A `StepProgram` reads the step's jaxpr,
whatever the cell, and arranges four things:

*Hoisting.* What depends on the constants alone (a slice of a weight, a sum of biases) is computed
once, before the loop.

*Taps.* Where a value v is multiplied with a constant matrix, ``u = v @ w``, the backward step
gives v and the cotangent of u instead of the gradient of w. Stacked over time, they give that
gradient as one matrix product.

*Anchors.* The results of products and of transcendental functions are candidates for being kept
from the forward pass: a derivative needs the value of tanh, not its argument. Of the carry, the
inputs and these candidates, only those are kept that the backward step really reads
(`rnnjax.unrolling.backward_step`).

*Holding.* Without a derivative nothing is kept, and the CPU's compiler fuses a step into one loop,
which it can't vectorise once there are two transcendental functions of slices in it: a GRU's step
then takes twice as long. So their values are handed on to the next step, as if it needed them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jax.extend.core import JaxprEqn, Literal

from rnnjax.unrolling.jaxprs import (
    Arrays,
    Environment,
    bind,
    evaluate,
    is_matrix_product,
    read,
    trace,
)
from rnnjax.unrolling.placement import zeros_of

Step = Callable[[list[Any], list[Any], list[Any]], tuple[list[Any], list[Any]]]
"""``step(constants, carry, inputs) -> (carry, outputs)``, all flat lists of arrays."""

SLOPES: dict[str, Callable[[jax.Array], jax.Array]] = {
    "tanh": lambda y: 1 - y * y,
    "logistic": lambda y: y * (1 - y),
    "exp": lambda y: y,
}
"""Transcendental functions, and their derivative as a function of their value."""

_BELOW_ONE = ("tanh", "logistic")
"""Those whose values are never above 1, which the compiler doesn't know."""


class StepProgram:
    """A step function taken apart.

    Args:
        step: the function.
        constants: its first argument, or the shapes.
        carry: its second one, likewise.
        inputs: its third one, likewise.

    Attributes:
        num_carry: how many arrays the carry has.
        eqns: the equations of the step, without those of the constants alone.
        tapped: those of them that multiply with a constant matrix.
        anchored: those whose value may be kept for the step back.
        other_vars: what the step reads of the constants otherwise.
        outvars: the results, those of the carry first.
    """

    def __init__(self, step: Step, constants: Arrays, carry: Arrays, inputs: Arrays) -> None:
        self._jaxpr, self._arrays, _ = trace(step, constants, carry, inputs)
        self.num_carry = len(carry)
        self.outvars = self._jaxpr.outvars
        self._split(len(constants))
        held = [e for e in self.eqns if e.primitive.name in _BELOW_ONE and _is_real(e)]
        self.anchored = [e for e in self.eqns if e.primitive.name in SLOPES or e in self.tapped]
        self._held = held if len(held) > 1 and jax.default_backend() == "cpu" else []

    @property
    def has_effects(self) -> bool:
        """Whether the step does more than compute, such as printing."""
        return bool(self._jaxpr.effects)

    @property
    def is_closed(self) -> bool:
        """Whether it has no value of an enclosing trace in it, and may outlive that."""
        return not any(isinstance(a, Tracer) for a in self._arrays.values())

    def hoist(self, constants: Arrays) -> tuple[list[jax.Array], list[jax.Array]]:
        """Computes what depends on the constants alone: the tapped weights, the other values."""
        env = self._arrays | dict(zip(self._jaxpr.invars, constants, strict=False))
        for eqn in self._constant_eqns:
            evaluate(eqn, env)
        weights = [read(env, eqn.invars[1]) for eqn in self.tapped]
        return weights, [env[var] for var in self.other_vars]

    def forward(
        self, weights: Arrays, others: Arrays, carry: Arrays, inputs: Arrays
    ) -> tuple[list[jax.Array], list[jax.Array], list[jax.Array]]:
        """One step: the new carry, the outputs, and the anchors."""
        env = self.environment(others, carry, inputs)
        anchors = []
        for eqn in self.eqns:
            self._take(eqn, env, weights)
            if eqn in self.anchored:
                anchors.append(env[eqn.outvars[0]])
        return *self._results(env), anchors

    def forward_holding(
        self, weights: Arrays, others: Arrays, carry: Arrays, inputs: Arrays, held: Arrays
    ) -> tuple[list[jax.Array], list[jax.Array], list[jax.Array]]:
        """One step: the new carry, the outputs, and the values to be held until the next step.

        Args:
            weights: as in `forward`, and so are the others.
            others: as there.
            carry: as there.
            inputs: as there.
            held: what the step before gave; before the first one, `first_held`.
        """
        env = self.environment(others, carry, inputs)
        values = []
        for eqn in self.eqns:
            self._take(eqn, env, weights)
            if eqn in self._held:
                (var,) = eqn.outvars
                before = held[len(values)]
                # Always the new value, since none is above 1: but so the old one is needed.
                env[var] = jnp.where(before > 2, before, env[var])
                values.append(env[var])
        return *self._results(env), values

    def first_held(self) -> list[jax.Array]:
        """What the first step finds held."""
        return [zeros_of(eqn.outvars[0].aval) for eqn in self._held]

    def environment(self, others: Arrays, carry: Arrays, inputs: Arrays) -> Environment:
        """The values of variables before the first equation."""
        step_invars = self._jaxpr.invars[-(len(carry) + len(inputs)) :]
        given = zip([*self.other_vars, *step_invars], [*others, *carry, *inputs], strict=True)
        return self._arrays | dict(given)

    def _take(self, eqn: JaxprEqn, env: Environment, weights: Arrays) -> None:
        if eqn in self.tapped:
            bind(eqn, env, [read(env, eqn.invars[0]), weights[self.tapped.index(eqn)]])
        else:
            evaluate(eqn, env)

    def _results(self, env: Environment) -> tuple[list[jax.Array], list[jax.Array]]:
        results = [read(env, var) for var in self.outvars]
        return results[: self.num_carry], results[self.num_carry :]

    def _split(self, num_constants: int) -> None:
        """Sorts the equations into those of the constants alone, and those of the step."""
        constant = set(self._jaxpr.invars[:num_constants])
        fixed = set(self._arrays)  # what depends on nothing, such as a row of ones
        self._constant_eqns, self.eqns, self.tapped = [], [], []
        used: dict[Any, None] = {}  # an ordered set
        for eqn in self._jaxpr.eqns:
            without = [isinstance(v, Literal) or v in fixed for v in eqn.invars]
            if all(without):
                fixed.update(eqn.outvars)
                self._constant_eqns.append(eqn)
                self.eqns.append(eqn)
                continue
            known = [w or v in constant for w, v in zip(without, eqn.invars, strict=True)]
            if all(known):
                constant.update(eqn.outvars)
                self._constant_eqns.append(eqn)
                continue
            self.eqns.append(eqn)
            operands = eqn.invars
            if is_matrix_product(eqn) and known == [False, True]:
                self.tapped.append(eqn)
                operands = eqn.invars[:1]
            used |= dict.fromkeys(v for v in operands if not isinstance(v, Literal))
        used |= dict.fromkeys(v for v in self._jaxpr.outvars if not isinstance(v, Literal))
        self.other_vars = [v for v in used if v in constant]


def _is_real(eqn: JaxprEqn) -> bool:
    kind: Any = eqn.outvars[0].aval
    return jnp.issubdtype(kind.dtype, jnp.floating)
