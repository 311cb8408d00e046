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
from typing import Any, ClassVar, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from rnnjax.buffers import apart
from rnnjax.checks import (
    agrees,
    check_carry,
    check_input_array,
    check_params,
    is_array,
    is_complex,
)
from rnnjax.noise import QUIET, SILENCE, Noise, RunNoise

Params = Any
"""The parameters of a cell: a NamedTuple of arrays (a tuple of them for a cell made of cells)."""

Carry = Any
"""The state that a cell hands from one step to the next: a NamedTuple of arrays."""

C = TypeVar("C", bound=tuple)


class Layer(abc.ABC):
    """What maps a sequence to a sequence: a `Cell`, or a `Composite` made of layers."""

    input_size: int
    """D, the features of one input. A field of most cells; a property of composites."""

    gives_state: ClassVar[bool] = True
    """Whether the output is the field h of the carry, in a cell that has one of its size."""

    @property
    @abc.abstractmethod
    def output_size(self) -> int:
        """O, the features of one output."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The axes of one input: ``(D,)``, or those of space and D; the others are the batch's."""
        return (self.input_size,)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The axes of one output, likewise."""
        return (self.output_size,)

    @abc.abstractmethod
    def init(self, key: jax.Array) -> Params:
        """Draws the parameters, in JAX's default float type, from a random key."""

    @abc.abstractmethod
    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        """The carry before the first step: zeros ``[*batch_shape, ...]`` of the given type.

        Each array has a buffer of its own, so that the carry may be donated.
        """

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
        """One whole step, for streaming: (carry, x) to (carry, y), as `jax.lax.scan` wants it.

        Args:
            params: as `init` gives them.
            carry: as `initial_carry` gives it for the batch axes of `x`.
            x: the input ``[..., D]``.

        Returns:
            The next carry, each array of which may be donated, and the output ``[..., O]``.

        Raises:
            ValueError: the parameters, the carry or the input do not fit the cell or each other.
        """
        check_step(self, params, carry, x)
        return apart(self.step(params, carry, self.project(params, x)), params, carry, x)


class NoisyCell(Cell):
    """A cell whose step can be given `Noise`: `rnnjax.Dropout` wraps it."""

    noise_places: ClassVar[tuple[str, ...]] = ("state", "update")
    """The fields of `Noise` that the step heeds."""

    @property
    def update_size(self) -> int:
        """Features of the update, what `Noise.update` multiplies: H."""
        return self.hidden_size  # pyright: ignore[reportAttributeAccessIssue]

    @abc.abstractmethod
    def step(
        self, params: Params, carry: Carry, z: Any, noise: Noise = SILENCE
    ) -> tuple[Carry, jax.Array]:
        """As `Cell.step`, with dropout at the places that the noise names."""


class Memory(NamedTuple):
    """What every step of a `ReadingCell` reads, such as what an encoder gave for a sentence."""

    values: jax.Array
    """``[..., S, M]``: S places of M features, behind the batch axes."""
    mask: jax.Array | None = None
    """``[..., S]``, False where there is no place: what `values` holds there reaches nothing."""


class ReadingCell(Cell):
    r"""A cell whose every step also reads a memory, which stays as it is throughout a run.

    .. math:: (s_t, y_t) = \mathrm{step}(s_{t-1}, z_t, \mathrm{remember}(m))

    `rnnjax.unroll` computes what `remember` gives once, and sums its gradient over the steps.
    """

    @abc.abstractmethod
    def remember(self, params: Params, memory: Memory) -> Any:
        """What the parameters and a memory ``[..., S, M]`` alone determine: a pytree of arrays."""

    @abc.abstractmethod
    def step(self, params: Params, carry: Carry, z: Any, remembered: Any) -> tuple[Carry, Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """As `Cell.step`, with what `remember` gave."""

    @abc.abstractmethod
    def first_carry(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        params: Params,
        batch_shape: tuple[int, ...] = (),
        dtype: Any = None,
        *,
        memory: Memory | None = None,
    ) -> Carry:
        """The carry before the first step; what has the memory's size needs the memory."""

    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, params: Params, carry: Carry, x: jax.Array, memory: Memory
    ) -> tuple[Carry, jax.Array]:
        """One whole step: the next carry and the output.

        Args:
            params: as `init` gives them.
            carry: as `first_carry` gives it.
            x: the input ``[..., D]``.
            memory: what is read; see `remember` for many steps on one.
        """
        remembered = self.remember(params, memory)
        return apart(self.step(params, carry, self.project(params, x), remembered), params, carry)


class Options(NamedTuple):
    """How a sequence is run; see `rnnjax.unroll`."""

    mask: jax.Array | None = None
    resets: jax.Array | None = None
    first: Carry | None = None
    """What a reset replaces the carry by; None without resets."""
    reverse: bool = False
    executor: str = "auto"
    keep: str = "outputs"
    """What comes back: "outputs"; the "last" output only; or "carries", those of all steps too."""
    remat_chunk: int | str | None = None
    key: jax.Array | None = None
    """What dropout draws from; None for evaluation."""
    noise: RunNoise = QUIET
    """What wrappers of the cell have drawn already."""
    memory: Memory | None = None
    """What every step of a `ReadingCell` reads."""


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
    """`affine` of a state, computed in the parameters' float type: a float32 carry rides on bf16.

    A complex state keeps its imaginary part, and weights of integers let it be what it is.
    """
    if all(jnp.issubdtype(a.dtype, jnp.floating) for a in (h, w)):
        h = h.astype(w.dtype)
    return affine(h, w, *biases)


def settled(before: C, after: C, y: jax.Array, z: jax.Array) -> tuple[C, jax.Array]:
    """What a step gives, in the types that it owes: the carry in its own, the output in that of z.

    Args:
        before: the carry that the step was given, whose types stay.
        after: the next carry, in any types.
        y: the output.
        z: what `Cell.project` gave, or an array of it.
    """
    kept = (new.astype(own.dtype) for new, own in zip(after, before, strict=True))
    return type(before)(*kept), y.astype(z.dtype)


def default_float() -> Any:
    """JAX's default float type: float32, or float64 under ``jax_enable_x64``."""
    return jnp.zeros(()).dtype


def zero_carry(
    carry_type: type[C], batch_shape: tuple[int, ...], dtype: Any, **sizes: int | tuple[int, ...]
) -> C:
    """A carry of zeros, each field ``[*batch_shape, size]`` with a buffer of its own.

    Args:
        carry_type: a NamedTuple of arrays.
        batch_shape: any number of batch axes, none included.
        dtype: of all fields; None for JAX's default float type.
        sizes: the features of each field, by its name; several where they have several axes.

    Raises:
        ValueError: the batch shape is no tuple.
    """
    if not isinstance(batch_shape, tuple | list):
        raise ValueError(
            f"{carry_type.__name__}: batch_shape must be a tuple of sizes, such as (8,), or () for "
            f"no batch, not {batch_shape!r}."
        )
    dtype = dtype or default_float()
    axes = {name: (own,) if isinstance(own, int) else own for name, own in sizes.items()}
    fields = {name: jnp.zeros((*batch_shape, *own), dtype) for name, own in axes.items()}
    return carry_type(**fields)


def param_shapes(layer: Layer) -> Params:
    """The shapes of the parameters that `init` gives, as `jax.ShapeDtypeStruct`.

    They are kept: under a float type of JAX's that changed in between, their dtypes are old.
    """
    return _kept(_param_shapes, layer)


@functools.lru_cache(maxsize=256)
def _param_shapes(layer: Layer) -> Params:
    return jax.eval_shape(layer.init, jax.random.key(0))


def carry_shapes(layer: Layer, batch_shape: tuple[int, ...], *arrays: Any) -> Carry:
    """The shapes of the carry that `initial_carry` gives, as `jax.ShapeDtypeStruct`.

    They are kept as those of the parameters are.

    Args:
        layer: a layer.
        batch_shape: of the inputs.
        arrays: parameters and inputs; where any of them is complex, so is the state.
    """
    if not all(isinstance(size, int) for size in batch_shape):
        # The sizes of `jax.export` that are symbols compare with those of their own scope alone.
        return _carry_shapes.__wrapped__(layer, batch_shape, is_complex(arrays))
    return _kept(_carry_shapes, layer, batch_shape, is_complex(arrays))


@functools.lru_cache(maxsize=256)
def _carry_shapes(layer: Layer, batch_shape: tuple[int, ...], is_complex: bool) -> Carry:
    dtype = {"dtype": jnp.result_type(default_float(), jnp.complex64)} if is_complex else {}
    return jax.eval_shape(lambda: layer.initial_carry(batch_shape, **dtype))


def _kept(function: Any, layer: Layer, *arguments: Any) -> Any:
    """What a function with a cache gives, without it for a layer that can't be hashed."""
    try:
        return function(layer, *arguments)
    except TypeError:
        try:
            hash(layer)
        except TypeError:
            return function.__wrapped__(layer, *arguments)
        raise


def check_step(cell: Cell, params: Params, carry: Carry, x: Any) -> None:
    """Raises a `ValueError` if a cell can't take this step, by what it says of itself.

    A cell of a user's may read something else than ``[..., D]``, which only it can judge; then the
    carry, whose batch axes are unknown, goes unchecked.
    """
    check_params(cell, param_shapes(cell), params)
    name = type(cell).__name__
    if carry is None:
        raise ValueError(
            f"{name} wants a carry to step from, but got None; begin with that of its first_carry."
        )
    for part in jax.tree.leaves(x) or [x]:
        check_input_array(name, part)
    own, shape = getattr(cell, "input_shape", None), jnp.shape(x) if is_array(x) else ()
    if not shape or own is None or shape[-len(own) :] != own:
        return
    batch_shape = shape[: -len(own)]
    try:
        check_carry(cell, carry_shapes(cell, batch_shape, params, x), carry, batch_shape)
    except ValueError:
        # Integers may be indices, as many as an index has values: then all axes are of the batch.
        if not jnp.issubdtype(jnp.result_type(x), jnp.integer):
            raise
        if not agrees(carry_shapes(cell, shape, params, x), carry):
            raise


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


def check_choice(owner: str, name: str, value: object, choices: Any) -> None:
    """Raises a `ValueError` that lists the choices if `value` is none of them."""
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(sorted(choices))
        raise ValueError(f"{owner}: unknown {name} {value!r}; expected one of: {listed}.")


def check_input(cell: Layer, x: jax.Array) -> None:
    """Raises a `ValueError` if `x` is no array, or its last axes are not those of one input."""
    check_input_array(type(cell).__name__, x)
    shape, own = jnp.shape(x), cell.input_shape
    if shape[-len(own) :] != own:
        last = f"of {own[0]} features on the last axis" if len(own) == 1 else f"of last axes {own}"
        raise ValueError(
            f"{type(cell).__name__} was built for inputs {last}, but got an input of shape {shape}."
        )
