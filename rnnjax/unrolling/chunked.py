"""The loop over time, with a backward pass of its own.

The time axis is cut into chunks that fit the processor's caches. The forward pass projects the
inputs of a chunk and steps through it; the backward pass walks through the chunks from behind,
steps through each from behind, and forms the gradients of all weights for the chunk as one matrix
product each (`rnnjax.unrolling.step_program` and `rnnjax.unrolling.backward_step` say how).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.unrolling.backward_step import BackwardStep
from rnnjax.unrolling.jaxprs import gradient_sums
from rnnjax.unrolling.leaves import accumulators, chosen, cotangents, differentiable, replaced
from rnnjax.unrolling.step_program import StepProgram

Project = Callable[[Any, Any, Any], Any]
"""``project(constants, xs, flags) -> inputs``: what the steps of a chunk read, ``[C, ...]``."""

Step = Callable[[Any, Any, Any], tuple[Any, Any]]
"""``step(constants, carry, inputs) -> (carry, outputs)``, as pytrees."""


CHUNK = 16
"""Steps per chunk: few enough that what a chunk keeps stays in a core's cache."""


@dataclasses.dataclass(frozen=True, eq=False)
class Recurrence:
    """What is done with a sequence.

    Args:
        project: computes a chunk's inputs; linear work on large matrices belongs here.
        step: one step.
        reverse: whether to run from the last step to the first.
        guarded: how many batch axes there are, to leave rows out of the gradients at the steps
            that no cotangent reaches, so that a NaN there stays there (0 · NaN is NaN); None to
            save that work.
    """

    project: Project
    step: Step
    reverse: bool
    guarded: int | None
    _plans: dict[Any, _Plan] = dataclasses.field(default_factory=dict)

    def plan(self, constants: Any, carry: Any, xs: Any, flags: Any) -> _Plan:
        """The programs for arguments of these types, made once for both directions of time."""
        leaves, structure = jax.tree.flatten((constants, carry, xs, flags))
        types = structure, tuple(jax.typeof(leaf) for leaf in leaves)
        if types in self._plans:
            return self._plans[types]
        plan = _Plan(self, constants, carry, xs, flags)
        if plan.program.is_closed:  # or else it belongs to the trace that it was made in
            self._plans[types] = plan
        return plan

    def first_inputs(self, constants: Any, xs: Any, flags: Any) -> Any:
        """What the step at the sequence's beginning reads."""
        first = jax.tree.map(lambda a: a[:1], (xs, flags))
        return jax.tree.map(lambda a: a[0], self.project(constants, *first))


class _Plan:
    """The programs of a recurrence, for given types of arrays."""

    def __init__(
        self, recurrence: Recurrence, constants: Any, carry: Any, xs: Any, flags: Any
    ) -> None:
        self.constants = jax.tree.structure(constants)
        self.carry = jax.tree.structure(carry)
        self.xs = jax.tree.structure(xs)
        step = recurrence.step
        as_types = functools.partial(jax.eval_shape, lambda *args: args)
        inputs = jax.eval_shape(recurrence.first_inputs, constants, xs, flags)
        self.inputs = jax.tree.structure(inputs)
        types = as_types(*map(jax.tree.leaves, (constants, carry, inputs)))
        _, outputs = jax.eval_shape(step, constants, carry, inputs)
        self.outputs = jax.tree.structure(outputs)
        self.float_constants = differentiable(types[0])
        self.float_xs = differentiable(jax.tree.leaves(xs))

        def flat_step(constants: Any, carry: Any, inputs: Any) -> Any:
            results = step(
                self.constants.unflatten(constants),
                self.carry.unflatten(carry),
                self.inputs.unflatten(inputs),
            )
            return jax.tree.leaves(results[0]), jax.tree.leaves(results[1])

        self._types = types
        self.program = StepProgram(flat_step, types[0], types[1], types[2])

    @functools.cached_property
    def back(self) -> BackwardStep:
        """The step back."""
        constants, carry, inputs = self._types
        weights, others = jax.eval_shape(self.program.hoist, constants)
        return BackwardStep(self.program, weights, others, carry, inputs)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def recur(
    recurrence: Recurrence, constants: Any, carry: Any, xs: Any, flags: Any
) -> tuple[Any, Any]:
    """Steps through a sequence: like `lax.scan`, with a faster derivative.

    Reverse-mode derivatives of any order work; forward mode does not (`jax.custom_vjp`).

    Args:
        recurrence: what is done at each step.
        constants: a pytree of arrays: parameters.
        carry: a pytree of arrays.
        xs: the sequence, a pytree of arrays ``[T, ...]``.
        flags: a pytree of arrays ``[T, ...]`` that have no derivative, or None.

    Returns:
        The final carry and the outputs ``[T, ...]``.
    """
    plan = recurrence.plan(constants, carry, xs, flags)
    program = plan.program
    weights, others = program.hoist(jax.tree.leaves(constants))

    def take_step(state: Any, inputs: Any) -> Any:
        carry, held = state
        carry, outputs, held = program.forward_holding(weights, others, carry, inputs, held)
        return (carry, held), outputs

    state = jax.tree.leaves(carry), program.first_held()
    (leaves, _), outputs = _run(recurrence, take_step, constants, state, xs, flags)
    return plan.carry.unflatten(leaves), plan.outputs.unflatten(outputs)


def _forward(
    recurrence: Recurrence, constants: Any, carry: Any, xs: Any, flags: Any
) -> tuple[tuple[Any, Any], Any]:
    """The same, with what the way back reads."""
    plan = recurrence.plan(constants, carry, xs, flags)
    weights, others = plan.program.hoist(jax.tree.leaves(constants))

    def take_step(carry: Any, inputs: Any) -> Any:
        after, outputs, anchors = plan.program.forward(weights, others, carry, inputs)
        return after, (outputs, chosen([*carry, *inputs, *anchors], plan.back.kept))

    leaves = jax.tree.leaves(carry)
    leaves, (outputs, kept) = _run(recurrence, take_step, constants, leaves, xs, flags)
    results = plan.carry.unflatten(leaves), plan.outputs.unflatten(outputs)
    return results, (constants, carry, xs, flags, kept)


def _run(
    recurrence: Recurrence, take_step: Any, constants: Any, state: Any, xs: Any, flags: Any
) -> Any:
    def take_chunk(state: Any, chunk_of: Any) -> Any:
        inputs = jax.tree.leaves(recurrence.project(constants, *chunk_of))
        return lax.scan(take_step, state, inputs, reverse=recurrence.reverse)

    chunk = chunk_length(len(jax.tree.leaves(xs)[0]))
    return over_chunks(take_chunk, state, (xs, flags), chunk, recurrence.reverse)


def _backward(recurrence: Recurrence, residuals: Any, cts: Any) -> tuple[Any, Any, Any, Any]:
    constants, carry, xs, flags, kept = residuals
    plan = recurrence.plan(constants, carry, xs, flags)
    program, back = plan.program, plan.back
    constants, carry, xs = map(jax.tree.leaves, (constants, carry, xs))
    carry_ct = chosen(jax.tree.leaves(cts[0]), back.float_carry)
    outputs_ct = chosen(jax.tree.leaves(cts[1]), back.float_outputs)

    def hoist(floats: Any) -> Any:
        weights, others = program.hoist(replaced(constants, plan.float_constants, floats))
        return (weights, chosen(others, back.float_others)), others

    floats = chosen(constants, plan.float_constants)
    (weights, _), pull_hoist, others = jax.vjp(hoist, floats, has_aux=True)
    turned = back.turned(weights)

    def step_back(state: Any, step_of: Any) -> Any:
        carry_ct, others_ct = state
        kept, outputs_ct = step_of
        live = None
        if recurrence.guarded is not None:
            live = _any_nonzero([*carry_ct, *outputs_ct], recurrence.guarded)
            kept = _only_where(live, kept, 1)
        g = back(turned, others, kept, carry_ct, outputs_ct)
        factors = [
            None if known is not None and live is None else f
            for known, f in zip(back.kept_factors, g.factors, strict=True)
        ]
        products = [
            None if same is not None else ct
            for same, ct in zip(back.product_inputs, g.products, strict=True)
        ]
        return (g.carry, _add(others_ct, g.others)), (g.inputs, products, factors, live)

    def chunk_back(state: Any, chunk_of: Any) -> Any:
        carry_ct, others_ct, weights_ct, constants_ct = state
        xs, flags, kept, outputs_ct = chunk_of
        num_steps = len(xs[0])  # said, since there may be nothing that is kept
        (carry_ct, others_ct), (inputs_ct, products, factors, live) = lax.scan(
            step_back,
            (carry_ct, others_ct),
            (kept, outputs_ct),
            length=num_steps,
            reverse=not recurrence.reverse,
        )
        products = [
            ct if same is None else inputs_ct[same]
            for same, ct in zip(back.product_inputs, products, strict=True)
        ]
        if live is None:
            factors = [
                f if known is None else kept[known]
                for known, f in zip(back.kept_factors, factors, strict=True)
            ]
        else:
            xs = _only_where(live, xs, 0)
        weights_ct = [
            total + back.weight_gradient(k, weights[k], factors[k], products[k])
            for k, total in enumerate(weights_ct)
        ]

        def float_inputs(floats: Any, float_xs: Any) -> Any:
            all_constants = replaced(constants, plan.float_constants, floats)
            all_xs = replaced(xs, plan.float_xs, float_xs)
            arguments = plan.constants.unflatten(all_constants), plan.xs.unflatten(all_xs)
            inputs = jax.tree.leaves(recurrence.project(*arguments, flags))
            return chosen(inputs, back.float_inputs)

        pull = jax.vjp(float_inputs, floats, chosen(xs, plan.float_xs))[1]
        more_constants_ct, xs_ct = gradient_sums(pull)(inputs_ct)
        xs_ct = [ct.astype(xs[i].dtype) for i, ct in zip(plan.float_xs, xs_ct, strict=True)]
        return (carry_ct, others_ct, weights_ct, _add(constants_ct, more_constants_ct)), xs_ct

    float_others = chosen(others, back.float_others)
    sums = (
        accumulators(float_others),
        accumulators(weights),
        accumulators(floats),
    )
    (carry_ct, others_ct, weights_ct, constants_ct), xs_ct = over_chunks(
        chunk_back,
        (carry_ct, *sums),
        (xs, flags, kept, outputs_ct),
        chunk_length(len(xs[0])),
        not recurrence.reverse,
    )
    hoisted_ct = _cast((weights_ct, others_ct), (weights, float_others))
    (hoisted_ct,) = gradient_sums(pull_hoist)(hoisted_ct)  # over rows, too
    constants_ct = _add(constants_ct, hoisted_ct)
    return (
        plan.constants.unflatten(cotangents(constants, plan.float_constants, constants_ct)),
        plan.carry.unflatten(cotangents(carry, back.float_carry, carry_ct)),
        plan.xs.unflatten(cotangents(xs, plan.float_xs, xs_ct)),
        jax.tree.map(lambda a: cotangents([a], [], [])[0], flags),
    )


recur.defvjp(_forward, _backward)


def chunk_length(num_steps: int) -> int:
    """Steps per chunk: at most `CHUNK`, and if possible so many that no steps are left over.

    Short sequences are one chunk, and a chunk left over is one more program to compile.

    >>> [chunk_length(n) for n in (28, 100, 256, 500, 97)]
    [28, 10, 16, 10, 16]
    """
    if num_steps <= 2 * CHUNK:
        return num_steps
    near = [c for c in range(CHUNK // 2, CHUNK + 1) if num_steps % c == 0]
    return max(near, default=CHUNK)


def over_chunks(body: Any, state: Any, sequences: Any, chunk: int, reverse: bool) -> Any:
    """Scans `body` over chunks of the sequences; the chunk left over is the last in time."""
    num_steps = len(jax.tree.leaves(sequences)[0])
    whole = num_steps // chunk * chunk
    if whole == chunk and num_steps == chunk:
        return body(state, sequences)
    # Said in full: -1 stands for nothing where there are no rows.
    shape = (whole // chunk, chunk)
    first = jax.tree.map(lambda a: a[:whole].reshape(*shape, *a.shape[1:]), sequences)
    rest = jax.tree.map(lambda a: a[whole:], sequences)
    parts: dict[str, Any] = {}
    for part in ("rest", "first") if reverse else ("first", "rest"):
        if part == "first":
            state, ys = lax.scan(body, state, first, reverse=reverse)
            parts[part] = jax.tree.map(lambda a: a.reshape(whole, *a.shape[2:]), ys)
        elif whole < num_steps:
            state, parts[part] = body(state, rest)
    if "rest" not in parts:
        return state, parts["first"]
    joined = jax.tree.map(lambda a, b: jnp.concatenate((a, b)), parts["first"], parts["rest"])
    return state, joined


def where_rows(flags: jax.Array, on_true: Any, on_false: Any) -> Any:
    """`jnp.where` over pytrees of ``[..., features]``, with a flag ``[...]`` for each row."""
    return jax.tree.map(
        lambda a, b: jnp.where(flags.reshape(flags.shape + (1,) * (a.ndim - flags.ndim)), a, b),
        on_true,
        on_false,
    )


def _any_nonzero(arrays: list[jax.Array], num_batch_axes: int) -> jax.Array:
    """For each row of a batch, whether anything in these arrays ``[..., features]`` is not 0."""
    rows = [jnp.any(a != 0, axis=tuple(range(num_batch_axes, a.ndim))) for a in arrays]
    return functools.reduce(jnp.logical_or, rows)


def _only_where(live: jax.Array, tree: Any, other: float) -> Any:
    """Another number instead of the arrays' entries in the rows that are not live; flags stay.

    Of what a step keeps that is 1: the step back may divide by it.
    """

    def choose(a: jax.Array) -> jax.Array:
        return where_rows(live, a, other) if jnp.issubdtype(a.dtype, jnp.inexact) else a

    return jax.tree.map(choose, tree)


def _add(a: Any, b: Any) -> Any:
    return jax.tree.map(jnp.add, a, b)


def _cast(tree: Any, like: Any) -> Any:
    return jax.tree.map(lambda a, b: a.astype(b.dtype), tree, like)
