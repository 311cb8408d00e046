"""The contract that every recurrent cell fulfils.

A cell is a value and its parameters are data: a frozen dataclass holds the hyper-parameters, and
everything else is a pure function of its arguments. So a cell is hashable and static under
`jax.jit`, two equal cells share one compiled program, and its parameters are an ordinary pytree.

Axis letters used in every docstring of this package:

=======  ===========================================================================
``T``    time steps
``B``    batch; a cell takes any number of batch axes, none included, written ``...``
``D``    input features (`input_size`)
``H``    hidden units (`hidden_size`)
``O``    output features (`output_size`; equal to ``H`` unless a cell projects)
=======  ===========================================================================
"""

from __future__ import annotations

import abc
import functools
import numbers
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.noise import QUIET, SILENCE, Noise, RunNoise

Params = Any
"""The parameters of a cell: a NamedTuple of arrays (a tuple of them for a cell made of cells)."""

Carry = Any
"""The state that a cell hands from one step to the next: a NamedTuple of arrays."""


class Layer(abc.ABC):
    """What maps a sequence to a sequence: a `Cell`, or a `Composite` made of layers."""

    input_size: int
    """D, the features of one input. A field of most cells; a property of composites."""

    @property
    @abc.abstractmethod
    def output_size(self) -> int:
        """O, the features of one output."""

    @abc.abstractmethod
    def init(self, key: jax.Array) -> Params:
        """Draws the parameters, in JAX's default float type, from a random key."""

    @abc.abstractmethod
    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        """The carry before the first step: zeros ``[*batch_shape, ...]`` of the given type."""

    def first_carry(
        self, params: Params, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> Carry:
        """The carry that a run begins with: `initial_carry`, unless a layer learns it."""
        del params
        return self.initial_carry(batch_shape, dtype)


class Cell(Layer):
    r"""One step of a recurrent network, in two halves.

    .. math:: z_t = \mathrm{project}(x_t), \qquad
              (s_t, y_t) = \mathrm{step}(s_{t-1}, z_t)

    `project` holds all that depends on the input alone. `rnnjax.unroll` computes it for all time
    steps at once, as one large matrix product; only `step` runs sequentially.
    """

    @abc.abstractmethod
    def project(self, params: Params, x: jax.Array) -> Any:
        """All that depends on the input alone: ``[..., D]`` to a pytree of ``[..., ?]``."""

    @abc.abstractmethod
    def step(self, params: Params, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
        """What is sequential: the next carry and the output ``[..., O]``.

        The carry keeps its own dtype whatever that of `z` is; the output has that of `z`.
        """

    def __call__(self, params: Params, carry: Carry, x: jax.Array) -> tuple[Carry, jax.Array]:
        """One whole step, for streaming: (carry, x) to (carry, y), as `jax.lax.scan` wants it."""
        return self.step(params, carry, self.project(params, x))


class NoisyCell(Cell):
    """A cell whose step can be given `Noise`: `rnnjax.Dropout` wraps it."""

    noise_places: ClassVar[tuple[str, ...]] = ("state", "update")
    """The fields of `Noise` that the step heeds."""

    @abc.abstractmethod
    def step(
        self, params: Params, carry: Carry, z: Any, noise: Noise = SILENCE
    ) -> tuple[Carry, jax.Array]:
        """As `Cell.step`, with dropout at the places that the noise names."""


class Options(NamedTuple):
    """How a sequence is run; see `rnnjax.unroll`."""

    mask: jax.Array | None = None
    resets: jax.Array | None = None
    first: Carry | None = None
    """What a reset replaces the carry by; None without resets."""
    reverse: bool = False
    executor: str = "chunked"
    keep: str = "outputs"
    """What comes back: "outputs"; the "last" output only; or "carries", those of all steps too."""
    remat_chunk: int | str | None = None
    key: jax.Array | None = None
    """What dropout draws from; None for evaluation."""
    noise: RunNoise = QUIET
    """What wrappers of the cell have drawn already."""


class Composite(Layer):
    """A layer made of layers, which knows itself how to run them over a sequence."""

    @abc.abstractmethod
    def unroll(
        self, params: Params, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, jax.Array]:
        """Runs the sequence ``[T, ..., D]``: the final carry and the outputs ``[T, ..., O]``.

        With ``options.keep == "last"``, the output ``[..., O]`` of the last step taken instead;
        with "carries", the carries of all steps ``[T, ...]`` instead of the final one.
        """


def affine(x: jax.Array, w: jax.Array, *biases: jax.Array | None) -> jax.Array:
    """``x @ w`` plus every bias that is not None: ``[..., D]`` to ``[..., K]``."""
    y = jnp.matmul(x, w)
    present = [b for b in biases if b is not None]
    if not present:
        return y
    return y + jnp.broadcast_to(sum(present[1:], start=present[0]), y.shape)


def recur(h: jax.Array, w: jax.Array, *biases: jax.Array | None) -> jax.Array:
    """`affine` of a state, computed in the parameters' dtype: a float32 carry rides on bf16."""
    return affine(h.astype(w.dtype), w, *biases)


def default_float() -> Any:
    """JAX's default float type: float32, or float64 under ``jax_enable_x64``."""
    return jnp.zeros(()).dtype


@functools.lru_cache(maxsize=256)
def param_shapes(layer: Layer) -> Params:
    """The shapes of the parameters that `init` gives, as `jax.ShapeDtypeStruct`.

    They are kept: under a float type of JAX's that changed in between, their dtypes are old.
    """
    return jax.eval_shape(layer.init, jax.random.key(0))


def steppable(owner: str, layer: Layer) -> Cell:
    """The layer, if it can be stepped.

    Raises:
        ValueError: it can't.
    """
    if not isinstance(layer, Cell):
        raise ValueError(
            f"{owner}: {type(layer).__name__} needs the whole sequence and can't be stepped one "
            "input at a time; use rnnjax.unroll."
        )
    return layer


def check_layers(owner: str, *layers: Any) -> None:
    """Raises a `ValueError` naming the first of these that is no layer."""
    for layer in layers:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"{owner}: expected cells or combinations of cells, such as rnnjax.LSTM(28, 64), "
                f"not {layer!r}."
            )


def check_sizes(cell: object, *names: str) -> None:
    """Raises a `ValueError` naming the first of these fields that is not a positive integer."""
    for name in names:
        value = getattr(cell, name)
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
            raise ValueError(
                f"{type(cell).__name__}: {name} must be a positive integer, not {value!r}."
            )


def check_choice(owner: str, name: str, value: object, choices: Any) -> None:
    """Raises a `ValueError` that lists the choices if `value` is none of them."""
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(sorted(choices))
        raise ValueError(f"{owner}: unknown {name} {value!r}; expected one of: {listed}.")


def check_input(cell: Layer, x: jax.Array) -> None:
    """Raises a `ValueError` if the last axis of `x` is not the cell's input size."""
    shape = jnp.shape(x)
    if not shape or shape[-1] != cell.input_size:
        raise ValueError(
            f"{type(cell).__name__} was built for inputs of {cell.input_size} features on the "
            f"last axis, but got an input of shape {shape}."
        )
