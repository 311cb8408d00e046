"""A function rewritten with what converters to other formats take.

Three things stand in their way, and none of them changes a value:

*Loops from the last step to the first.* They become loops over the flipped sequence.

*Calls.* They are inlined, and custom derivatives with them, which only matter in training.

*Work on constants.* What depends on no input is computed here and now. Inside of a loop, a
converter may take the shape of such a value for that of the batch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax import lax
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

_CALLS = frozenset(
    {"jit", "pjit", "closed_call", "core_call", "remat2", "checkpoint", "custom_jvp_call"}
    | {"custom_vjp_call", "custom_vjp_call_jaxpr"}
)


def portable(function: Callable[..., Any], *shapes: jax.ShapeDtypeStruct) -> ClosedJaxpr:
    """Rewrites a function of arrays.

    Args:
        function: takes arrays, gives a pytree of arrays.
        shapes: of its arguments; axes may be symbols of `jax.export`.

    Returns:
        An equal function of flat lists, as a jaxpr.
    """
    closed = jax.make_jaxpr(function)(*shapes)
    return jax.make_jaxpr(lambda *args: _run(closed.jaxpr, closed.consts, args))(*shapes)


def _run(jaxpr: Jaxpr, consts: Sequence[Any], args: Sequence[Any]) -> list[Any]:
    env = dict(zip(jaxpr.constvars, consts, strict=True))
    env |= dict(zip(jaxpr.invars, args, strict=True))

    def read(var: Any) -> Any:
        return var.val if isinstance(var, Literal) else env[var]

    for eqn in jaxpr.eqns:
        env |= zip(eqn.outvars, _apply(eqn, [read(var) for var in eqn.invars]), strict=True)
    return [read(var) for var in jaxpr.outvars]


def _apply(eqn: JaxprEqn, args: list[Any]) -> list[Any]:
    if eqn.primitive.name in _CALLS:
        called: Any = eqn.params.get("jaxpr", eqn.params.get("call_jaxpr"))
        if isinstance(called, ClosedJaxpr):
            return _run(called.jaxpr, called.consts, args)
        return _run(called, (), args)
    if eqn.primitive.name == "scan":
        return _scan(eqn.params, args)
    with jax.ensure_compile_time_eval() if _is_known(eqn, args) else contextlib.nullcontext():
        results = eqn.primitive.bind(*args, **eqn.params)
    return results if eqn.primitive.multiple_results else [results]


def _scan(params: dict[str, Any], args: list[Any]) -> list[Any]:
    jaxpr, reverse = params["jaxpr"], params["reverse"]
    num_consts, num_carry = _arity(params)
    consts, others = args[:num_consts], args[num_consts:]
    carry, xs = others[:num_carry], others[num_carry:]

    def step(carry: list[Any], x: list[Any]) -> tuple[list[Any], list[Any]]:
        results = _run(jaxpr.jaxpr, jaxpr.consts, [*consts, *carry, *x])
        return results[:num_carry], results[num_carry:]

    def turned(arrays: list[Any]) -> list[Any]:
        return [lax.rev(a, (0,)) for a in arrays] if reverse else arrays

    # With a sequence its own length is taken: JAX compares no symbol with another.
    carry, ys = lax.scan(step, carry, turned(xs), length=None if xs else params["length"])
    return [*carry, *turned(ys)]


def _arity(params: dict[str, Any]) -> tuple[int, int]:
    """How many of a loop's arguments are constants, and how many the state."""
    if "num_consts" in params:
        return params["num_consts"], params["num_carry"]
    constants, carry, _ = params["ft_in"].elts  # from JAX 0.11 on
    return len(constants), len(carry)


def _is_known(eqn: JaxprEqn, args: list[Any]) -> bool:
    """Whether an operation depends on no input, nor on the size of one."""
    if eqn.primitive.name == "dim_as_value" or any(isinstance(a, Tracer) for a in args):
        return False
    shapes = [getattr(var.aval, "shape", ()) for var in eqn.outvars]
    return all(isinstance(d, int) for shape in shapes for d in shape)
