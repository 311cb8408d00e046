"""The parameters that a run begins with, and those that it has come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.devices import hosts
from rnnjax.devices.layout import Layout
from rnnjax.devices.precision import kept_in
from rnnjax.runs.checkpoints import load_params
from rnnjax.runs.folder import read_config
from rnnjax.runs.identity import Identity
from rnnjax.training.problem import Problem
from rnnjax.training.settings import Config


def initial_params(
    config: Config, layout: Layout, problem: Problem, scales: Sequence[float] | None = None
) -> Any:
    """The parameters that a run begins with, of each seed.

    Args:
        config: the settings.
        layout: of seeds over devices.
        problem: what is to be learnt.
        scales: factors on the initial weights of each seed, instead of the one in the settings.
    """
    params = _drawn(config, layout, problem.init, problem.keys[0])
    factors = np.asarray(config.initial_scale if scales is None else scales)
    if np.all(factors == 1):
        return params
    by_run = np.broadcast_to(factors, (layout.num_seeds,))

    def scaled(leaf: jax.Array) -> jax.Array:
        axes = leaf.ndim - (layout.num_seeds > 1)
        if axes < 2:
            return leaf  # a bias, such as the one of a forget gate, is a place and no spread
        factor = by_run.reshape(-1, *[1] * axes) if layout.num_seeds > 1 else by_run[0]
        return leaf * jnp.asarray(factor, leaf.dtype)

    return jax.tree.map(scaled, params)


def load_run(config: Config, layout: Layout, like: Any) -> tuple[int, Any]:
    """The step that the run in --workdir has come to, and its parameters, of each seed."""
    params = hosts.fetch(like)

    def read() -> int:
        nonlocal params
        updates, params = _load(config, params)
        return updates

    updates = hosts.on_main(read)
    return updates - 1, layout.put(hosts.from_main(params), layout.of_seeds())


def load_model(config: Config, init: Callable[[jax.Array], Any]) -> Any:
    """The parameters of the run in --workdir, to use on one device; of the first seed."""
    layout = Layout.over(jax.local_devices()[:1], num_seeds=config.num_seeds)
    keys, _ = layout.keys(config.seed, 2)
    like = jax.eval_shape(lambda keys: _drawn(config, layout, init, keys), keys)
    return layout.part(_load(config, like)[1], 0)


def _load(config: Config, like: Any) -> tuple[int, Any]:
    workdir = str(config.workdir)
    identity = Identity.recorded(read_config(workdir), {})
    return load_params(workdir, like, hosts.warn, identity)


def _drawn(
    config: Config, layout: Layout, init: Callable[[jax.Array], Any], keys: jax.Array
) -> Any:
    # One program: operation by operation, each of some dozens would be compiled alone.
    return kept_in(config.precision, layout.per_seed(jax.jit(init), keys))
