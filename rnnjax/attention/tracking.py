"""Attention that also reads where it has looked before."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.attention.scoring import HiddenLayer, additive_params
from rnnjax.cell import affine
from rnnjax.hyperparameters import Flag, Initialization, Size
from rnnjax.initializers import INITIALIZATIONS


class CoverageParams(NamedTuple):
    """``w_q [Q, A]``, ``w_m [M, A]``, ``v [A]``, ``b [A]`` (None where absent), ``w_c [A]``."""

    w_q: jax.Array
    w_m: jax.Array
    v: jax.Array
    b: jax.Array | None
    w_c: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Coverage(HiddenLayer):
    r"""Additive scores that also read how much each place has been read so far.

    .. math:: e_{ts} = v^\top \tanh(q_t W_q + m_s W_m + w_c \sum_{t' < t} a_{t's} + b)

    Args:
        query_size: Q.
        memory_size: M.
        attention_size: A, hidden units.
        use_bias: whether there is b.
        initialization: "keras" or "torch", as for dense layers.

    Parameters: `CoverageParams`.

    Source: A. See, P. Liu, C. Manning, "Get to the point", arXiv:1704.04368, equations 10 and 11,
    without their loss; the idea: Z. Tu et al., "Modeling coverage for neural machine translation",
    arXiv:1601.04811.
    """

    use_bias: Flag = True
    initialization: Initialization = "keras"

    tracks: ClassVar[str | None] = "sum"

    def init(self, key: jax.Array) -> CoverageParams:
        own, more = jax.random.split(key)
        draw = INITIALIZATIONS[self.initialization].dense_kernel(1)
        w_c = draw(more, (1, self.attention_size))[0]
        return CoverageParams(*additive_params(self, own), w_c=w_c)

    def located(self, params: CoverageParams, past: jax.Array | None) -> jax.Array:
        assert past is not None
        return affine(past[..., None], params.w_c[None])


class LocationAwareParams(NamedTuple):
    """As `CoverageParams`, with ``filters [R, K]`` and ``w_f [K, A]`` in the place of w_c."""

    w_q: jax.Array
    w_m: jax.Array
    v: jax.Array
    b: jax.Array | None
    filters: jax.Array
    w_f: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LocationAware(HiddenLayer):
    r"""Additive scores that also read the last weights through filters.

    .. math::
        f_{ts} &= \sum_{r=1}^R F_r\, a_{t-1, s + r - \lceil R/2 \rceil} \\
        e_{ts} &= v^\top \tanh(q_t W_q + m_s W_m + f_{ts} W_f + b)

    Weights beyond either end count as 0, and so do all before the first step.

    Args:
        query_size: Q.
        memory_size: M.
        attention_size: A, hidden units.
        num_filters: K.
        filter_size: R, places that a filter reads; odd, so that it has a middle.
        use_bias: whether there is b.
        initialization: "keras" or "torch", as for dense layers.

    Parameters: `LocationAwareParams`.

    Raises:
        ValueError: the size of a filter is even.

    Source: J. Chorowski et al., "Attention-based models for speech recognition", arXiv:1506.07503,
    equations 8 and 9.
    """

    num_filters: Size = 10
    filter_size: Size = 15
    use_bias: Flag = True
    initialization: Initialization = "keras"

    tracks: ClassVar[str | None] = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.filter_size % 2 == 0:
            raise ValueError(
                f"LocationAware: filter_size must be odd, not {self.filter_size}: a filter has a "
                "place in its middle."
            )

    def init(self, key: jax.Array) -> LocationAwareParams:
        own, of_filters, of_kernel = jax.random.split(key, 3)
        r, k = self.filter_size, self.num_filters
        draw = INITIALIZATIONS[self.initialization].dense_kernel
        return LocationAwareParams(
            *additive_params(self, own),
            filters=draw(r)(of_filters, (r, k)),
            w_f=draw(k)(of_kernel, (k, self.attention_size)),
        )

    def located(self, params: LocationAwareParams, past: jax.Array | None) -> jax.Array:
        assert past is not None
        half, num_places = self.filter_size // 2, past.shape[-1]
        padded = jnp.pad(past, [(0, 0)] * (past.ndim - 1) + [(half, half)])
        near = [padded[..., r : r + num_places] for r in range(self.filter_size)]
        # Of the parameters alone, so before the loop.
        kernel = affine(params.filters, params.w_f)
        return affine(jnp.stack(near, axis=-1), kernel)
