"""Jaxprs read and evaluated, one equation after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Jaxpr, JaxprEqn, Literal

from rnnjax.unrolling.leaves import is_half

Arrays = Sequence[Any]

Environment = dict[Any, Any]
"""The values of variables."""

_CALLS = ("jit", "pjit", "closed_call", "core_call")


def trace(function: Callable[..., Any], *arguments: Any) -> tuple[Jaxpr, Environment, Any]:
    """The jaxpr of a function, the arrays that it closes over, by their variables, and its tree.

    The calls are inlined that jax.numpy wraps its functions in. The tree is that of its results.
    """
    closed, results = jax.make_jaxpr(function, return_shape=True)(*arguments)

    def inlined(*args: Any) -> list[Any]:
        return _evaluate_jaxpr(closed.jaxpr, closed.consts, args)

    flat = jax.make_jaxpr(inlined)(*jax.tree.leaves(arguments))
    arrays = dict(zip(flat.jaxpr.constvars, flat.consts, strict=True))
    return flat.jaxpr, arrays, jax.tree.structure(results)


def evaluate(eqn: JaxprEqn, env: Environment) -> None:
    """Adds the results of an equation to the values of variables."""
    bind(eqn, env, [read(env, var) for var in eqn.invars])


def bind(eqn: JaxprEqn, env: Environment, operands: Arrays) -> None:
    """The same, with these operands instead of its own."""
    if eqn.primitive.name in _CALLS:
        inner = eqn.params["jaxpr"]
        results = _evaluate_jaxpr(inner.jaxpr, inner.consts, operands)
    else:
        params = eqn.primitive.get_bind_params(eqn.params)
        results = eqn.primitive.bind(*operands, **params)
        results = results if eqn.primitive.multiple_results else [results]
    env.update(zip(eqn.outvars, results, strict=True))


def read(env: Environment, var: Any) -> Any:
    """The value of a variable or a literal."""
    return var.val if isinstance(var, Literal) else env[var]


def without_dead_code(jaxpr: Jaxpr) -> Jaxpr:
    """The jaxpr without the equations that no result depends on."""
    live = {var for var in jaxpr.outvars if not isinstance(var, Literal)}
    eqns = []
    for eqn in reversed(jaxpr.eqns):
        if any(var in live for var in eqn.outvars):
            eqns.append(eqn)
            live.update(var for var in eqn.invars if not isinstance(var, Literal))
    return jaxpr.replace(eqns=eqns[::-1])


def gradient_sums(pull: Callable[..., Any]) -> Callable[..., Any]:
    r"""A pull-back, whose products and sums over many steps and rows are formed as they should be.

    .. math:: (A B)^\top = B^\top A^\top

    The derivative of a product by its second factor is such a transposed product in JAX. With the
    sums over steps and rows in it, the CPU's compiler takes three times as long for it, so the
    other one is computed. Results of half precision come in float32, and so do the sums in them.
    """

    def summed(*arguments: Any) -> Any:
        jaxpr, env, tree = trace(pull, *arguments)
        products = {eqn.outvars[0]: eqn for eqn in jaxpr.eqns if is_matrix_product(eqn)}
        eqns = [_swap(eqn, products) for eqn in jaxpr.eqns]
        jaxpr = without_dead_code(jaxpr.replace(eqns=eqns))
        env |= dict(zip(jaxpr.invars, jax.tree.leaves(arguments), strict=True))
        for eqn in jaxpr.eqns:
            evaluate(eqn, env)
        return jax.tree.unflatten(tree, [read_summed(jaxpr, env, v) for v in jaxpr.outvars])

    return summed


def read_summed(jaxpr: Jaxpr, env: Environment, var: Any) -> Any:
    """The value of a variable; of half precision, it comes in float32, and so do sums in it.

    Args:
        jaxpr: the equations.
        env: their values.
        var: which.
    """
    makers = {v: eqn for eqn in jaxpr.eqns for v in eqn.outvars}

    def wide(var: Any) -> Any:
        value = read(env, var)
        if not is_half(value.dtype):
            return value
        eqn = None if isinstance(var, Literal) else makers.get(var)
        name = "" if eqn is None else eqn.primitive.name
        if eqn is None or name not in _SUMS | _MOVES:
            return value.astype(jnp.float32)
        operands = [read(env, v) for v in eqn.invars]
        params = eqn.params
        if name == "dot_general":
            params = params | {"preferred_element_type": jnp.dtype(jnp.float32)}
        elif name == "convert_element_type":
            return wide(eqn.invars[0]) if is_half(operands[0].dtype) else operands[0]
        else:
            operands = [wide(v) for v in eqn.invars]
        return eqn.primitive.bind(*operands, **params)

    return wide(var)


_SUMS = {"dot_general", "reduce_sum", "add_any", "add"}
_MOVES = {"transpose", "reshape", "squeeze", "broadcast_in_dim", "neg", "convert_element_type"}


def is_matrix_product(eqn: JaxprEqn) -> bool:
    """Whether it multiplies two matrices of real or complex numbers, without batch axes."""
    if eqn.primitive is not lax.dot_general_p:
        return False
    _, batch_dimensions = eqn.params["dimension_numbers"]
    types: list[Any] = [v.aval for v in eqn.invars]
    is_inexact = all(jnp.issubdtype(kind.dtype, jnp.inexact) for kind in types)
    return batch_dimensions == ((), ()) and is_inexact


def _swap(eqn: JaxprEqn, products: dict[Any, JaxprEqn]) -> JaxprEqn:
    """The equation itself, or the product of which it is the transposed, the other way round."""
    if eqn.primitive is not lax.transpose_p or eqn.invars[0] not in products:
        return eqn
    product = products[eqn.invars[0]]
    (of_a, of_b), batch = product.params["dimension_numbers"]
    a: Any = product.invars[0].aval
    first = a.ndim - len(of_a)  # the axes of a come first in a @ b
    num_axes = len(eqn.params["permutation"])
    if tuple(eqn.params["permutation"]) != (*range(first, num_axes), *range(first)):
        return eqn
    params = product.params | {"dimension_numbers": ((of_b, of_a), batch)}
    return product.replace(invars=product.invars[::-1], outvars=eqn.outvars, params=params)


def _evaluate_jaxpr(jaxpr: Jaxpr, consts: Arrays, args: Arrays) -> list[Any]:
    env: Environment = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *args], strict=True))
    for eqn in jaxpr.eqns:
        evaluate(eqn, env)
    return [read(env, var) for var in jaxpr.outvars]
