"""Layers that run from the last step to the first, and both ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, Composite, Layer, Options, Params
from rnnjax.combinators.wrapper import Wrapper
from rnnjax.hyperparameters import AnyLayer, check_hyperparameters, one_of
from rnnjax.unrolling.unroll import run


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Reversed(Wrapper):
    r"""A layer run from the last step to the first; its outputs stay in the order of the inputs.

    .. math:: (s_t, y_t) = \mathrm{step}(s_{t+1}, x_t)

    With a mask, the run of a right-padded row begins at the row's last step. A reset marks the
    step where a segment begins, so the reversed run enters the segment at its other end.

    Args:
        layer: any layer.

    Parameters, carry and output: those of the wrapped layer; the carry is that at the first step.

    Raises:
        ValueError: what is wrapped is no layer.

    Equal to ``go_backwards=True`` in Keras, whose outputs come in reversed order.

    >>> from rnnjax import GRU, Stack
    >>> up_and_down = Stack((GRU(3, 4), Reversed(GRU(4, 4))))
    """

    layer: AnyLayer

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    def unroll(
        self, params: Params, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, Any]:
        return run(self.layer, params, xs, carry, _other_way(options))


class BidirectionalParams(NamedTuple):
    """The parameters of both directions."""

    forward: Params
    backward: Params


class BidirectionalCarry(NamedTuple):
    """The carries of both directions; the backward one is that at the first step."""

    forward: Carry
    backward: Carry


MERGES: MappingProxyType[str, Callable[[jax.Array, jax.Array], Any]] = MappingProxyType(
    {
        "concat": lambda f, b: jnp.concatenate((f, b), axis=-1),
        "sum": lambda f, b: f + b,
        "mul": lambda f, b: f * b,
        "ave": lambda f, b: (f + b) / 2,
        "none": lambda f, b: (f, b),
    }
)
"""How `Bidirectional` puts the outputs of both directions together, by Keras's names."""

Merge = Annotated[str, one_of(MERGES)]
"""A name in `MERGES`."""


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Bidirectional(Composite):
    r"""One layer run from the first step to the last, another from the last to the first.

    .. math:: y_t = \mathrm{merge}(\overrightarrow{y}_t, \overleftarrow{y}_t)

    Both outputs at step t are those of step t: the backward ones need no flipping, and with a
    mask the backward run of a right-padded row begins at the row's last step.

    Args:
        forward: the layer that runs forward.
        backward: the one that runs backward; by default an equal layer (with parameters of its
            own).
        merge: "concat" (``[..., 2 O]``), "sum", "mul", "ave" (``[..., O]``), or "none" for the
            pair of outputs.

    Parameters: `BidirectionalParams`. Carry: `BidirectionalCarry`. With `rnnjax.unroll_last` each
    direction gives the output of the last step that it took, so the backward one that of the
    row's first step, as ``keras.layers.Bidirectional`` does with ``return_sequences=False``.

    Raises:
        ValueError: the two do not fit each other, or the merge is unknown.

    Equal to ``keras.layers.Bidirectional`` (``merge_mode``), and with "concat" to
    ``bidirectional=True`` of PyTorch.

    >>> from rnnjax import LSTM, unroll
    >>> layer = Bidirectional(LSTM(3, 4))
    >>> params = layer.init(jax.random.key(0))
    >>> carry, ys = unroll(layer, params, jnp.ones((7, 3)))
    >>> ys.shape
    (7, 8)

    Source: M. Schuster, K. Paliwal, "Bidirectional recurrent neural networks", IEEE Transactions
    on Signal Processing 45 (1997), 2673-2681.
    """

    forward: AnyLayer
    backward: AnyLayer | None = None
    merge: Merge = "concat"

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        forward, backward = self._both
        if forward.input_size != backward.input_size:
            raise ValueError(
                f"Bidirectional: both directions read the same inputs, but forward takes "
                f"{forward.input_size} and backward {backward.input_size} features."
            )
        if forward.input_shape != backward.input_shape:
            raise ValueError(
                f"Bidirectional: both directions read the same inputs, but forward takes "
                f"{forward.input_shape} and backward {backward.input_shape}."
            )
        if forward.output_shape[:-1] != backward.output_shape[:-1]:
            raise ValueError(
                f"Bidirectional: the outputs have other axes of space, forward "
                f"{forward.output_shape} and backward {backward.output_shape}."
            )
        if self.merge in ("sum", "mul", "ave") and forward.output_size != backward.output_size:
            raise ValueError(
                f"Bidirectional: merge={self.merge!r} needs outputs of one size, but forward has "
                f"{forward.output_size} and backward {backward.output_size}."
            )

    @property
    def _both(self) -> tuple[Layer, Layer]:
        return self.forward, self.forward if self.backward is None else self.backward

    @property
    def input_size(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.forward.input_size

    @property
    def output_size(self) -> int:
        sizes = [layer.output_size for layer in self._both]
        return sum(sizes) if self.merge == "concat" else sizes[0]

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.forward.input_shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (*self.forward.output_shape[:-1], self.output_size)

    def init(self, key: jax.Array) -> BidirectionalParams:
        keys = jax.random.split(key)
        return BidirectionalParams(
            *(layer.init(k) for layer, k in zip(self._both, keys, strict=True))
        )

    def initial_carry(
        self, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> BidirectionalCarry:
        return BidirectionalCarry(*(c.initial_carry(batch_shape, dtype) for c in self._both))

    def first_carry(
        self, params: BidirectionalParams, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> BidirectionalCarry:
        forward, backward = self._both
        return BidirectionalCarry(
            forward.first_carry(params.forward, batch_shape, dtype),
            backward.first_carry(params.backward, batch_shape, dtype),
        )

    def unroll(
        self,
        params: BidirectionalParams,
        xs: jax.Array,
        carry: BidirectionalCarry,
        options: Options,
    ) -> tuple[BidirectionalCarry, Any]:
        forward, backward = self._both
        ahead, behind = options, _other_way(options)
        if options.first is not None:
            ahead = ahead._replace(first=options.first.forward)
            behind = behind._replace(first=options.first.backward)
        if options.key is not None:
            keys = jax.random.split(options.key)
            ahead, behind = ahead._replace(key=keys[0]), behind._replace(key=keys[1])
        carry_f, ys_f = run(forward, params.forward, xs, carry.forward, ahead)
        carry_b, ys_b = run(backward, params.backward, xs, carry.backward, behind)
        return BidirectionalCarry(carry_f, carry_b), MERGES[self.merge](ys_f, ys_b)


def _other_way(options: Options) -> Options:
    """The options of a run over the same segments from the other end of time."""
    other = options._replace(reverse=not options.reverse)
    if options.resets is None:
        return other
    return other._replace(resets=_resets_from_behind(options.resets, options.reverse))


def _resets_from_behind(resets: jax.Array, reverse: bool) -> jax.Array:
    """Marks each segment's end as seen by a run the other way, given where it begins.

    The other run enters a segment at the step before the next segment's beginning.
    """
    begins = resets if not reverse else resets[::-1]
    others = jnp.concatenate((begins[1:], jnp.zeros_like(begins[:1])))
    return others if not reverse else others[::-1]
