"""The loop over time, with a backward pass of its own.

The time axis is cut into chunks that fit the processor's caches. The forward pass projects the
inputs of a chunk and steps through it; the backward pass walks through the chunks from behind,
steps through each from behind, and forms the gradients of all weights for the chunk as one matrix
product each (`rnnjax.step_program` says how).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from rnnjax.jaxprs import with_products_swapped
from rnnjax.step_program import StepProgram

Project = Callable[[Any, Any, Any], Any]
"""``project(constants, xs, flags) -> inputs``: what the steps of a chunk read, ``[C, ...]``."""

Step = Callable[[Any, Any, Any], tuple[Any, Any]]
"""``step(constants, carry, inputs) -> (carry, outputs)``, as pytrees."""


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2, 3, 4))
def recur(
    project: Project,
    step: Step,
    reverse: bool,
    chunk: int,
    guarded: int | None,
    constants: Any,
    carry: Any,
    xs: Any,
    flags: Any,
) -> tuple[Any, Any]:
    """Steps through a sequence: like `lax.scan`, with a faster derivative.

    Reverse-mode derivatives of any order work; forward mode does not (`jax.custom_vjp`).

    Args:
        project: computes a chunk's inputs; linear work on large matrices belongs here.
        step: one step.
        reverse: whether to run from the last step to the first.
        chunk: steps per chunk; what is left over is a shorter chunk at the end.
        guarded: how many batch axes there are, to leave rows out of the gradients at the steps
            that no cotangent reaches, so that a NaN there stays there (0 · NaN is NaN); None to
            save that work.
        constants: a pytree of floating arrays: parameters.
        carry: a pytree of floating arrays.
        xs: the sequence, a pytree of floating arrays ``[T, ...]``.
        flags: a pytree of arrays ``[T, ...]`` that have no derivative, or None.

    Returns:
        The final carry and the outputs ``[T, ...]``.
    """
    return _forward(project, step, reverse, chunk, guarded, constants, carry, xs, flags)[0]


class _Plan:
    """The programs of a recurrence, for given shapes."""

    def __init__(
        self, project: Project, step: Step, constants: Any, carry: Any, xs: Any, flags: Any
    ) -> None:
        self.constants = jax.tree.structure(constants)
        self.carry = jax.tree.structure(carry)
        one = jax.tree.map(lambda a: jax.ShapeDtypeStruct((1, *a.shape[1:]), a.dtype), (xs, flags))
        inputs = jax.eval_shape(project, constants, *one)
        self.inputs = jax.tree.structure(inputs)
        first = [jax.ShapeDtypeStruct(a.shape[1:], a.dtype) for a in jax.tree.leaves(inputs)]
        _, outputs = jax.eval_shape(step, constants, carry, self.inputs.unflatten(first))
        self.outputs = jax.tree.structure(outputs)

        def flat_step(constants: Any, carry: Any, inputs: Any) -> Any:
            results = step(
                self.constants.unflatten(constants),
                self.carry.unflatten(carry),
                self.inputs.unflatten(inputs),
            )
            return jax.tree.leaves(results[0]), jax.tree.leaves(results[1])

        self.program = StepProgram(
            flat_step, jax.tree.leaves(constants), jax.tree.leaves(carry), first
        )


def _forward(
    project: Project,
    step: Step,
    reverse: bool,
    chunk: int,
    guarded: int | None,
    constants: Any,
    carry: Any,
    xs: Any,
    flags: Any,
) -> tuple[tuple[Any, Any], Any]:
    del guarded
    plan = _Plan(project, step, constants, carry, xs, flags)
    program = plan.program
    weights, others = program.hoist(jax.tree.leaves(constants))

    def take_step(carry: Any, inputs: Any) -> Any:
        carry, outputs, kept = program.forward(weights, others, carry, inputs)
        return carry, (outputs, kept)

    def take_chunk(carry: Any, chunk_of: Any) -> Any:
        inputs = jax.tree.leaves(project(constants, *chunk_of))
        return lax.scan(take_step, carry, inputs, reverse=reverse)

    leaves = jax.tree.leaves(carry)
    leaves, (outputs, kept) = over_chunks(take_chunk, leaves, (xs, flags), chunk, reverse)
    results = plan.carry.unflatten(leaves), plan.outputs.unflatten(outputs)
    return results, (constants, carry, xs, flags, kept)


def _backward(
    project: Project,
    step: Step,
    reverse: bool,
    chunk: int,
    guarded: int | None,
    residuals: Any,
    cotangents: Any,
) -> tuple[Any, Any, Any, None]:
    constants, carry, xs, flags, kept = residuals
    carry_ct, outputs_ct = map(jax.tree.leaves, cotangents)
    plan = _Plan(project, step, constants, carry, xs, flags)
    program = plan.program
    (weights, others), pull_hoist = jax.vjp(program.hoist, jax.tree.leaves(constants))
    turned = program.turned(weights)

    def step_back(state: Any, step_of: Any) -> Any:
        carry_ct, others_ct = state
        kept, outputs_ct = step_of
        live = None
        if guarded is not None:
            live = _any_nonzero([*carry_ct, *outputs_ct], guarded)
            kept = _only_where(live, kept)
        g = program.backward(turned, others, kept, carry_ct, outputs_ct)
        factors = [
            None if known is not None and live is None else f
            for known, f in zip(program.kept_factors, g.factors, strict=True)
        ]
        products = [
            None if same is not None else ct
            for same, ct in zip(program.product_inputs, g.products, strict=True)
        ]
        return (g.carry, _add(others_ct, g.others)), (g.inputs, products, factors, live)

    def chunk_back(state: Any, chunk_of: Any) -> Any:
        carry_ct, others_ct, weights_ct, constants_ct = state
        xs, flags, kept, outputs_ct = chunk_of
        (carry_ct, others_ct), (inputs_ct, products, factors, live) = lax.scan(
            step_back, (carry_ct, others_ct), (kept, outputs_ct), reverse=not reverse
        )
        products = [
            ct if same is None else inputs_ct[same]
            for same, ct in zip(program.product_inputs, products, strict=True)
        ]
        if live is None:
            factors = [
                f if known is None else kept[known]
                for known, f in zip(program.kept_factors, factors, strict=True)
            ]
        else:
            xs = _only_where(live, xs)
        weights_ct = [
            total + program.weight_gradient(k, weights[k], factors[k], products[k])
            for k, total in enumerate(weights_ct)
        ]

        def float_inputs(constants: Any, xs: Any) -> Any:
            inputs = jax.tree.leaves(project(constants, xs, flags))
            return [inputs[i] for i in program.float_inputs]

        pull = jax.vjp(float_inputs, constants, xs)[1]
        more_constants_ct, xs_ct = with_products_swapped(pull)(inputs_ct)
        return (carry_ct, others_ct, weights_ct, _add(constants_ct, more_constants_ct)), xs_ct

    zeros = functools.partial(jax.tree.map, jnp.zeros_like)
    state = (carry_ct, zeros(others), zeros(weights), zeros(constants))
    (carry_ct, others_ct, weights_ct, constants_ct), xs_ct = over_chunks(
        chunk_back, state, (xs, flags, kept, outputs_ct), chunk, not reverse
    )
    (hoisted_ct,) = pull_hoist((weights_ct, others_ct))
    constants_ct = _add(constants_ct, plan.constants.unflatten(hoisted_ct))
    no_flags = jax.tree.map(lambda a: np.zeros(a.shape, jax.dtypes.float0), flags)
    return constants_ct, plan.carry.unflatten(carry_ct), xs_ct, no_flags


recur.defvjp(_forward, _backward)


def over_chunks(body: Any, state: Any, sequences: Any, chunk: int, reverse: bool) -> Any:
    """Scans `body` over chunks of the sequences; the chunk left over is the last in time."""
    num_steps = len(jax.tree.leaves(sequences)[0])
    whole = num_steps // chunk * chunk
    if whole == chunk and num_steps == chunk:
        return body(state, sequences)
    first = jax.tree.map(lambda a: a[:whole].reshape(-1, chunk, *a.shape[1:]), sequences)
    rest = jax.tree.map(lambda a: a[whole:], sequences)
    parts: dict[str, Any] = {}
    for part in ("rest", "first") if reverse else ("first", "rest"):
        if part == "first":
            state, ys = lax.scan(body, state, first, reverse=reverse)
            parts[part] = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), ys)
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


def _only_where(live: jax.Array, tree: Any) -> Any:
    """Zeros instead of the arrays' entries in the rows that are not live; flags stay."""

    def choose(a: jax.Array) -> jax.Array:
        return where_rows(live, a, 0) if jnp.issubdtype(a.dtype, jnp.floating) else a

    return jax.tree.map(choose, tree)


def _add(a: Any, b: Any) -> Any:
    return jax.tree.map(jnp.add, a, b)
