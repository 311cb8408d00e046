"""The transposed derivative of one step, read from what the forward pass has kept."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Jaxpr, JaxprEqn, Literal

from rnnjax.unrolling.jaxprs import (
    Arrays,
    bind,
    evaluate,
    gradient_sums,
    is_matrix_product,
    read,
    read_summed,
    trace,
    without_dead_code,
)
from rnnjax.unrolling.leaves import chosen, differentiable, replaced
from rnnjax.unrolling.step_program import SLOPES, StepProgram


class StepGradients(NamedTuple):
    """What the backward step gives: cotangents of what has a derivative, in its order."""

    carry: list[jax.Array]
    inputs: list[jax.Array]
    others: list[jax.Array]
    """Those of the hoisted constants that are used otherwise than as a tapped weight; in float32
    if they are of half precision, because they are to be summed over the steps."""
    products: list[jax.Array]
    """Those of the tapped products."""
    factors: list[jax.Array]
    """What each tapped product multiplied with its weight: a value, not a cotangent."""


class BackwardStep:
    """The step back through a `StepProgram`.

    Args:
        program: the step.
        weights: what it hoists, or the types of these arrays.
        others: likewise.
        carry: its carry, likewise.
        inputs: its inputs, likewise.

    Attributes:
        kept: which of the carry, the inputs and the anchors the step back reads.
        kept_factors: for each tapped product, which kept value is its factor, if one is as it
            stands.
        product_inputs: for each tapped product, which input has the same cotangent: one that is
            added to it.
    """

    def __init__(
        self, program: StepProgram, weights: Arrays, others: Arrays, carry: Arrays, inputs: Arrays
    ) -> None:
        self._program = program
        results = jax.eval_shape(program.forward, weights, others, carry, inputs)
        after, outputs, anchors = results
        self.float_carry = differentiable(carry)
        self.float_inputs = differentiable(inputs)
        self.float_others = differentiable(others)
        self.float_outputs = differentiable(outputs)
        self._num_weights = len(weights)
        self._num_inputs = len(inputs)

        candidates = [*carry, *inputs, *anchors]
        carry_ct = [after[i] for i in self.float_carry]
        output_ct = [outputs[i] for i in self.float_outputs]
        arguments = (weights, others, candidates, carry_ct, output_ct)
        traced, self._arrays, self._tree = trace(self._pull_back, *arguments)
        self._jaxpr = self._turn_weights(without_dead_code(traced))
        self._find_what_is_read(len(weights) + len(others), len(candidates))

    def turned(self, weights: Arrays) -> list[jax.Array]:
        """The tapped weights as the call wants them, transposed once instead of at every step."""
        return [
            lax.optimization_barrier(w.T) if k in self._turned else w for k, w in enumerate(weights)
        ]

    def __call__(
        self, weights: Arrays, others: Arrays, kept: Arrays, carry_ct: Arrays, output_ct: Arrays
    ) -> StepGradients:
        """One step back, for cotangents of those of the carry and the outputs that have one.

        The weights are `turned`.
        """
        given = [*weights, *others, *kept, *carry_ct, *output_ct]
        env = self._arrays | dict(zip(self._invars, given, strict=True))
        for eqn in self._jaxpr.eqns:
            operands = [read(env, var) for var in eqn.invars]
            if eqn.primitive.name == "concatenate":
                # On the CPU, a concatenation fused into the loop's body keeps the compiler from
                # vectorising what it fuses with.
                operands = lax.optimization_barrier(operands)
            bind(eqn, env, operands)
        results = [read(env, var) for var in self._jaxpr.outvars]
        gradients = jax.tree.unflatten(self._tree, results)
        summed = jax.tree.unflatten(self._tree, self._jaxpr.outvars).others
        return gradients._replace(others=[read_summed(self._jaxpr, env, var) for var in summed])

    def weight_gradient(self, k: int, weight: Any, factors: Any, products: Any) -> jax.Array:
        """The gradient of the k-th tapped weight over many steps, as one matrix product.

        Args:
            k: which.
            weight: its value.
            factors: `StepGradients.factors[k]`, stacked.
            products: `StepGradients.products[k]`, stacked.
        """
        eqn = self._program.tapped[k]

        def product(w: jax.Array) -> jax.Array:
            return jax.vmap(lambda v: eqn.primitive.bind(v, w, **eqn.params))(factors)

        return gradient_sums(jax.vjp(product, weight)[1])(products)[0]

    def _find_what_is_read(self, first: int, num_candidates: int) -> None:
        """Finds out what the step back reads of the candidates, which come after `first` others."""
        jaxpr = self._jaxpr
        read_vars = {v for eqn in jaxpr.eqns for v in eqn.invars if not isinstance(v, Literal)}
        read_vars |= {v for v in jaxpr.outvars if not isinstance(v, Literal)}
        candidates = jaxpr.invars[first : first + num_candidates]
        self.kept = [i for i, var in enumerate(candidates) if var in read_vars]
        kept_vars = [candidates[i] for i in self.kept]
        rest = jaxpr.invars[first + num_candidates :]
        self._invars = [*jaxpr.invars[:first], *kept_vars, *rest]
        results: StepGradients = jax.tree.unflatten(self._tree, jaxpr.outvars)
        self.kept_factors = [_place(kept_vars, var) for var in results.factors]
        self.product_inputs = [_place(results.inputs, var) for var in results.products]

    def _turn_weights(self, backward: Jaxpr) -> Jaxpr:
        """Has the step back read those weights transposed that it multiplies with so only."""
        self._turned = []
        eqns = list(backward.eqns)
        for k, weight in enumerate(backward.invars[: self._num_weights]):
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
        self, weights: Any, others: Any, candidates: Any, carry_ct: Any, output_ct: Any
    ) -> StepGradients:
        program = self._program
        carry = candidates[: program.num_carry]
        inputs = candidates[program.num_carry :][: self._num_inputs]
        anchors = candidates[program.num_carry + self._num_inputs :]
        values = zip(program.anchored, anchors, strict=True)
        shifts = [jnp.zeros_like(value) for eqn, value in values if eqn in program.tapped]

        def run(carry_: Any, inputs_: Any, others_: Any, shifts: Any) -> tuple[Any, list[Any]]:
            env = program.environment(
                replaced(others, self.float_others, others_),
                replaced(carry, self.float_carry, carry_),
                replaced(inputs, self.float_inputs, inputs_),
            )
            remaining = iter(anchors)
            factors = []
            for eqn in program.eqns:
                if eqn in program.tapped:
                    k = program.tapped.index(eqn)
                    v = read(env, eqn.invars[0])
                    factors.append(v)
                    known = next(remaining)
                    env[eqn.outvars[0]] = _known_product(eqn, v, weights[k], known) + shifts[k]
                elif eqn.primitive.name in SLOPES:
                    x, known = read(env, eqn.invars[0]), next(remaining)
                    env[eqn.outvars[0]] = _known_function(eqn.primitive.name, x, known)
                else:
                    evaluate(eqn, env)
            results = [read(env, var) for var in program.outvars]
            after, outputs = results[: program.num_carry], results[program.num_carry :]
            return chosen(after, self.float_carry) + chosen(outputs, self.float_outputs), factors

        primals = [
            chosen(carry, self.float_carry),
            chosen(inputs, self.float_inputs),
            chosen(others, self.float_others),
        ]
        _, pull, factors = jax.vjp(run, *primals, shifts, has_aux=True)
        carry_ct, inputs_ct, others_ct, products_ct = pull([*carry_ct, *output_ct])
        return StepGradients(carry_ct, inputs_ct, others_ct, products_ct, factors)


def _known_function(name: str, x: jax.Array, value: jax.Array) -> jax.Array:
    """A transcendental function whose value is known: only its derivative is computed."""

    @jax.custom_jvp
    def function(x: jax.Array, value: jax.Array) -> jax.Array:
        del x
        return value

    @function.defjvp
    def _derivative(primals: Any, tangents: Any) -> Any:
        _, value = primals
        return value, tangents[0] * SLOPES[name](value)

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


def _is_product_with_transposed(eqn: JaxprEqn, weight: Any) -> bool:
    if eqn.invars[-1] is not weight or weight.aval.ndim != 2 or not is_matrix_product(eqn):
        return False
    return eqn.params["dimension_numbers"][0][1] == (1,) and eqn.invars[0] is not weight


def _place(values: list[Any], value: Any) -> int | None:
    return values.index(value) if value in values else None
