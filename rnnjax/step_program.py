"""A step function taken apart, so that its derivative over many steps is cheap.

Differentiating a loop as it stands adds an outer product to every weight's gradient at every
step, and keeps more intermediate values than are needed. A `StepProgram` reads the step's jaxpr,
whatever the cell, and arranges three things:

*Hoisting.* What depends on the constants alone (a slice of a weight, a sum of biases) is computed
once, before the loop.

*Taps.* Where a value v is multiplied with a constant matrix, ``u = v @ w``, the backward step
gives v and the cotangent of u instead of the gradient of w. Stacked over time, they give that
gradient as one matrix product.

*Anchors.* The results of products and of transcendental functions are candidates for being kept
from the forward pass: a derivative needs the value of tanh, not its argument. Of the carry, the
inputs and these candidates, only those are kept that the backward step really reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Jaxpr, JaxprEqn, Literal

from rnnjax.jaxprs import (
    Arrays,
    bind,
    evaluate,
    read,
    trace,
    with_products_swapped,
    without_dead_code,
)

Step = Callable[[list[Any], list[Any], list[Any]], tuple[list[Any], list[Any]]]
"""``step(constants, carry, inputs) -> (carry, outputs)``, all flat lists of arrays."""

_SLOPES: dict[str, Callable[[jax.Array], jax.Array]] = {
    "tanh": lambda y: 1 - y * y,
    "logistic": lambda y: y * (1 - y),
    "exp": lambda y: y,
}
"""Transcendental functions, and their derivative as a function of their value."""


class StepGradients(NamedTuple):
    """What the backward step gives."""

    carry: list[jax.Array]
    inputs: list[jax.Array]
    """The cotangents of the inputs of floating type, in their order."""
    others: list[jax.Array]
    """Those of the hoisted constants that are used otherwise than as a tapped weight."""
    products: list[jax.Array]
    """Those of the tapped products."""
    factors: list[jax.Array]
    """What each tapped product multiplied with its weight: a value, not a cotangent."""


class StepProgram:
    """A step function taken apart.

    Args:
        step: the function.
        constants: its first argument, or the shapes.
        carry: its second one, likewise.
        inputs: its third one, likewise.
    """

    def __init__(self, step: Step, constants: Arrays, carry: Arrays, inputs: Arrays) -> None:
        shapes = [_shapes(constants), _shapes(carry), _shapes(inputs)]
        self._jaxpr, self._arrays = trace(step, *shapes)
        num_constants, self._num_carry = len(constants), len(carry)
        self.float_inputs = [i for i, x in enumerate(shapes[2]) if _is_float(x)]
        self._split(num_constants)
        self._analyse_backward(*shapes[1:])

    @property
    def num_weights(self) -> int:
        """How many tapped products there are, each with its weight."""
        return len(self._tapped)

    def hoist(self, constants: Arrays) -> tuple[list[jax.Array], list[jax.Array]]:
        """Computes what depends on the constants alone: the tapped weights, the other values."""
        env = self._arrays | dict(zip(self._jaxpr.invars, constants, strict=False))
        for eqn in self._constant_eqns:
            evaluate(eqn, env)
        weights = [read(env, eqn.invars[1]) for eqn in self._tapped]
        return weights, [env[var] for var in self._other_vars]

    def forward(
        self, weights: Arrays, others: Arrays, carry: Arrays, inputs: Arrays
    ) -> tuple[list[jax.Array], list[jax.Array], list[jax.Array]]:
        """One step: the new carry, the outputs, and what the backward step will read."""
        env = self._environment(others, carry, inputs)
        anchors = []
        for eqn in self._step_eqns:
            if eqn in self._tapped:
                bind(eqn, env, [read(env, eqn.invars[0]), weights[self._tapped.index(eqn)]])
            else:
                evaluate(eqn, env)
            if self._is_anchor(eqn):
                anchors.append(env[eqn.outvars[0]])
        results = [read(env, var) for var in self._jaxpr.outvars]
        candidates = [*carry, *inputs, *anchors]
        kept = [candidates[i] for i in self._kept]
        return results[: self._num_carry], results[self._num_carry :], kept

    def turned(self, weights: Arrays) -> list[jax.Array]:
        """The tapped weights as `backward` wants them, transposed once instead of at every step."""
        return [
            lax.optimization_barrier(w.T) if k in self._turned else w for k, w in enumerate(weights)
        ]

    def backward(
        self, weights: Arrays, others: Arrays, kept: Arrays, carry_ct: Arrays, output_ct: Arrays
    ) -> StepGradients:
        """The transposed derivative of one step, from what `forward` kept.

        The weights are `turned`.
        """
        env = self._backward_arrays | dict(
            zip(
                self._backward_invars,
                [*weights, *others, *kept, *carry_ct, *output_ct],
                strict=True,
            )
        )
        for eqn in self._backward.eqns:
            operands = [read(env, var) for var in eqn.invars]
            if eqn.primitive.name == "concatenate":
                # On the CPU, a concatenation fused into the loop's body keeps the compiler from
                # vectorising what it fuses with.
                operands = lax.optimization_barrier(operands)
            bind(eqn, env, operands)
        results = [read(env, var) for var in self._backward.outvars]
        return jax.tree.unflatten(self._backward_tree, results)

    def weight_gradient(self, k: int, weight: Any, factors: Any, products: Any) -> jax.Array:
        """The gradient of the k-th tapped weight over many steps, as one matrix product.

        Args:
            k: which.
            weight: its value.
            factors: `StepGradients.factors[k]`, stacked.
            products: `StepGradients.products[k]`, stacked.
        """

        def product(w: jax.Array) -> jax.Array:
            multiply = lambda v: self._tapped[k].primitive.bind(v, w, **self._tapped[k].params)  # noqa: E731
            return jax.vmap(multiply)(factors)

        pull = jax.vjp(product, weight)[1]
        return with_products_swapped(pull)(products)[0]

    def _split(self, num_constants: int) -> None:
        """Sorts the equations into those of the constants alone, and those of the step."""
        constant = set(self._jaxpr.invars[:num_constants])
        fixed = set(self._arrays)  # what depends on nothing, such as a row of ones
        self._constant_eqns, self._step_eqns, self._tapped = [], [], []
        used: dict[Any, None] = {}  # an ordered set
        for eqn in self._jaxpr.eqns:
            without = [isinstance(v, Literal) or v in fixed for v in eqn.invars]
            if all(without):
                fixed.update(eqn.outvars)
                self._constant_eqns.append(eqn)
                self._step_eqns.append(eqn)
                continue
            known = [w or v in constant for w, v in zip(without, eqn.invars, strict=True)]
            if all(known):
                constant.update(eqn.outvars)
                self._constant_eqns.append(eqn)
                continue
            self._step_eqns.append(eqn)
            operands = eqn.invars
            if _is_product_with_matrix(eqn) and known == [False, True]:
                self._tapped.append(eqn)
                operands = eqn.invars[:1]
            used |= dict.fromkeys(v for v in operands if not isinstance(v, Literal))
        used |= dict.fromkeys(v for v in self._jaxpr.outvars if not isinstance(v, Literal))
        self._other_vars = [v for v in used if v in constant]

    def _environment(self, others: Arrays, carry: Arrays, inputs: Arrays) -> dict[Any, Any]:
        step_invars = self._jaxpr.invars[-(len(carry) + len(inputs)) :]
        given = zip([*self._other_vars, *step_invars], [*others, *carry, *inputs], strict=True)
        return self._arrays | dict(given)

    def _is_anchor(self, eqn: JaxprEqn) -> bool:
        return eqn.primitive.name in _SLOPES or eqn in self._tapped

    def _analyse_backward(self, carry: Arrays, inputs: Arrays) -> None:
        """Traces the backward step, and finds out what it reads."""
        weights = _shapes([eqn.invars[1].aval for eqn in self._tapped])
        others = _shapes([var.aval for var in self._other_vars])
        anchors = _shapes([e.outvars[0].aval for e in self._step_eqns if self._is_anchor(e)])
        outvars = [var.aval for var in self._jaxpr.outvars]
        carry_ct, output_ct = (
            _shapes(outvars[: self._num_carry]),
            _shapes(outvars[self._num_carry :]),
        )
        candidates = [*carry, *inputs, *anchors]
        arguments = (weights, others, candidates, carry_ct, output_ct)
        tree: list[Any] = []

        def backward(*args: Any) -> list[Any]:
            leaves, structure = jax.tree.flatten(self._pull_back(len(carry), len(inputs), *args))
            tree.append(structure)
            return leaves

        traced, self._backward_arrays = trace(backward, *arguments)
        self._backward_tree = tree[0]
        self._backward = self._turn_weights(without_dead_code(traced))
        needed = {
            v for eqn in self._backward.eqns for v in eqn.invars if not isinstance(v, Literal)
        }
        needed |= {v for v in self._backward.outvars if not isinstance(v, Literal)}
        invars = self._backward.invars
        first = len(weights) + len(others)
        candidate_vars = invars[first : first + len(candidates)]
        self._kept = [i for i, var in enumerate(candidate_vars) if var in needed]
        self._backward_invars = [
            *invars[:first],
            *(candidate_vars[i] for i in self._kept),
            *invars[first + len(candidates) :],
        ]
        ends = self._backward.outvars
        factors = ends[len(ends) - self.num_weights :]
        kept_vars = [candidate_vars[i] for i in self._kept]
        self.kept_factors = [kept_vars.index(v) if v in kept_vars else None for v in factors]
        """For each tapped product, which kept value is its factor, if one is as it stands."""
        floats = ends[len(carry) : len(carry) + len(self.float_inputs)]
        products = ends[len(ends) - 2 * self.num_weights : len(ends) - self.num_weights]
        self.product_inputs = [floats.index(v) if v in floats else None for v in products]
        """For each tapped product, which input has the same cotangent: one that is added to it."""

    def _turn_weights(self, backward: Jaxpr) -> Jaxpr:
        """Has the backward step read those weights transposed that it multiplies with so only."""
        self._turned = []
        eqns = list(backward.eqns)
        for k, weight in enumerate(backward.invars[: self.num_weights]):
            uses = [i for i, eqn in enumerate(eqns) if weight in eqn.invars]
            if uses and all(_is_product_with_transposed(eqns[i], weight) for i in uses):
                self._turned.append(k)
                for i in uses:
                    of_value, _ = eqns[i].params["dimension_numbers"][0]
                    numbers = ((of_value, (0,)), ((), ()))
                    params = eqns[i].params | {"dimension_numbers": numbers}
                    eqns[i] = eqns[i].replace(params=params)
        return backward.replace(eqns=eqns)

    def _pull_back(
        self,
        num_carry: int,
        num_inputs: int,
        weights: Any,
        others: Any,
        candidates: Any,
        carry_ct: Any,
        output_ct: Any,
    ) -> StepGradients:
        carry, inputs = candidates[:num_carry], candidates[num_carry:][:num_inputs]
        anchors = candidates[num_carry + num_inputs :]
        shifts = [jnp.zeros(e.outvars[0].aval.shape, e.outvars[0].aval.dtype) for e in self._tapped]

        def run(carry: Any, floats: Any, others: Any, shifts: Any) -> tuple[Any, list[Any]]:
            all_inputs = list(inputs)
            for i, x in zip(self.float_inputs, floats, strict=True):
                all_inputs[i] = x
            env = self._environment(others, carry, all_inputs)
            remaining = iter(anchors)
            factors = []
            for eqn in self._step_eqns:
                if eqn in self._tapped:
                    k = self._tapped.index(eqn)
                    v = read(env, eqn.invars[0])
                    factors.append(v)
                    known = next(remaining)
                    env[eqn.outvars[0]] = _known_product(eqn, v, weights[k], known) + shifts[k]
                elif eqn.primitive.name in _SLOPES:
                    x, known = read(env, eqn.invars[0]), next(remaining)
                    env[eqn.outvars[0]] = _known_function(eqn.primitive.name, x, known)
                else:
                    evaluate(eqn, env)
            return [read(env, var) for var in self._jaxpr.outvars], factors

        floats = [inputs[i] for i in self.float_inputs]
        _, pull, factors = jax.vjp(run, carry, floats, others, shifts, has_aux=True)
        carry_ct, floats_ct, others_ct, products_ct = pull([*carry_ct, *output_ct])
        return StepGradients(carry_ct, floats_ct, others_ct, products_ct, factors)


def _known_function(name: str, x: jax.Array, value: jax.Array) -> jax.Array:
    """A transcendental function whose value is known: only its derivative is computed."""

    @jax.custom_jvp
    def function(x: jax.Array, value: jax.Array) -> jax.Array:
        del x
        return value

    @function.defjvp
    def _derivative(primals: Any, tangents: Any) -> Any:
        _, value = primals
        return value, tangents[0] * _SLOPES[name](value)

    return function(x, value)


def _known_product(eqn: JaxprEqn, v: jax.Array, w: jax.Array, value: jax.Array) -> jax.Array:
    """A product whose value is known: only its derivative by v is computed."""

    @jax.custom_jvp
    def function(v: jax.Array, w: jax.Array, value: jax.Array) -> jax.Array:
        del v, w
        return value

    @function.defjvp
    def _derivative(primals: Any, tangents: Any) -> Any:
        _, w, value = primals
        return value, eqn.primitive.bind(tangents[0], w, **eqn.params)

    return function(v, w, value)


def _is_product_with_matrix(eqn: JaxprEqn) -> bool:
    if eqn.primitive.name != "dot_general":
        return False
    _, batch_dimensions = eqn.params["dimension_numbers"]
    return batch_dimensions == ((), ())


def _is_product_with_transposed(eqn: JaxprEqn, weight: Any) -> bool:
    if not _is_product_with_matrix(eqn) or eqn.invars[1] is not weight or weight.aval.ndim != 2:
        return False
    return eqn.params["dimension_numbers"][0][1] == (1,) and eqn.invars[0] is not weight


def _is_float(x: Any) -> bool:
    return jnp.issubdtype(x.dtype, jnp.floating)


def _shapes(arrays: Arrays) -> list[jax.ShapeDtypeStruct]:
    return [jax.ShapeDtypeStruct(jnp.shape(a), a.dtype) for a in arrays]
