r"""What cells whose recurrent matrix keeps lengths are made of.

Their matrices come from parameters without any constraint: angles of rotations in planes, or the
strictly upper triangle of a matrix that is skew-symmetric.

Sources: M. Arjovsky, A. Shah, Y. Bengio, "Unitary evolution recurrent neural networks", ICML 2016,
arXiv:1511.06464 (modReLU); L. Jing et al., "Tunable efficient unitary neural networks", ICML 2017,
arXiv:1612.05231 (rotations); K. Helfrich, D. Willmott, Q. Ye, "Orthogonal recurrent neural networks
with scaled Cayley transform", ICML 2018, arXiv:1707.09520; M. Henaff, A. Szlam, Y. LeCun,
"Recurrent orthogonal networks and long-memory tasks", ICML 2016, arXiv:1602.06662 (first angles).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Pair = tuple[jax.Array, jax.Array]
"""A complex array: its real and its imaginary part."""

Planes = tuple[tuple[Any, Any], ...]
"""By layers, the units that span planes: the first and the second one of each, as NumPy arrays."""


def like(v: jax.Array, h: jax.Array) -> jax.Array:
    """A vector ``[H]`` for every row of ``h [..., H]``."""
    return jnp.broadcast_to(v, h.shape)


def wide(array: jax.Array) -> jax.Array:
    """The array in at least float32."""
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))


def mod_relu(a: jax.Array, b: jax.Array | None) -> jax.Array:
    r"""sign(a) relu(|a| + b), by units; the identity where b is None, and 0 where a is.

    Args:
        a: ``[..., H]``.
        b: ``[H]``.
    """
    if b is None:
        return a
    return jnp.sign(a) * jax.nn.relu(jnp.abs(a) + like(b, a))


def complex_mod_relu(a: Pair, b: jax.Array | None) -> Pair:
    r"""a / |a| relu(|a| + b), by units; the identity where b is None, and 0 where a is.

    Args:
        a: two of ``[..., H]``.
        b: ``[H]``.
    """
    if b is None:
        return a
    re, im = (wide(part) for part in a)
    square = re**2 + im**2
    # The root has no slope at 0.
    is_zero = square == 0
    length = jnp.sqrt(jnp.where(is_zero, 1.0, square))
    scale = jnp.where(is_zero, 0.0, jax.nn.relu(length + like(b, length)) / length)
    return re * scale, im * scale


def times(a: Pair, b: Pair) -> Pair:
    """The product of two complex arrays of one shape."""
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def reflect(h: Pair, v: Pair) -> Pair:
    r"""(1 - 2 v v* / ‖v‖²) h, of ``h [..., H]`` and ``v [H]``, both complex."""
    square = jnp.sum(v[0] ** 2 + v[1] ** 2)
    re, im = (like(part, h[0]) for part in v)
    along = [
        jnp.sum(part, axis=-1, keepdims=True) * (2 / square) for part in times((re, -im), h)
    ]  # of v* h
    away = times((re, im), (like(along[0], re), like(along[1], re)))
    return h[0] - away[0], h[1] - away[1]


def shuffle(seed: int, size: int) -> Any:
    """A permutation of so many units, always the same one of a seed."""
    return np.random.RandomState(seed).permutation(size)


def skew(upper: jax.Array, size: int) -> jax.Array:
    """The skew-symmetric matrix of a strictly upper triangle.

    Args:
        upper: ``[H (H - 1) / 2]``, row by row.
        size: H.
    """
    a = triangle(upper, size)
    return a - a.T


def triangle(upper: jax.Array, size: int) -> jax.Array:
    """The matrix ``[H, H]`` of a strictly upper triangle, as of `skew`."""
    return jnp.zeros((size, size), upper.dtype).at[np.triu_indices(size, 1)].set(upper)


def exponential(upper: jax.Array, size: int) -> jax.Array:
    """e to the power of the matrix that `skew` gives: a rotation; computed in at least float32."""
    return jax.scipy.linalg.expm(skew(wide(upper), size)).astype(upper.dtype)


def cayley(upper: jax.Array, size: int) -> jax.Array:
    """(1 + A)⁻¹ (1 - A) of A that `skew` gives: a rotation; computed in at least float32."""
    a = skew(wide(upper), size)
    eye = jnp.eye(size, dtype=a.dtype)
    return jnp.linalg.solve(eye + a, eye - a).astype(upper.dtype)


def henaff_blocks(key: jax.Array, size: int) -> jax.Array:
    """A first triangle of which the exponential rotates pairs of units by any angles."""
    return _blocks(jax.random.uniform(key, (size // 2,), minval=-jnp.pi, maxval=jnp.pi), size)


def cayley_blocks(key: jax.Array, size: int) -> jax.Array:
    """A first triangle of which the Cayley transform rotates pairs by angles up to π / 2."""
    angles = jax.random.uniform(key, (size // 2,), minval=0.0, maxval=jnp.pi / 2)
    return _blocks(-jnp.sqrt((1 - jnp.cos(angles)) / (1 + jnp.cos(angles))), size)


FIRST_BLOCKS: MappingProxyType[str, Callable[[jax.Array, int], jax.Array]] = MappingProxyType(
    {"henaff": henaff_blocks, "cayley": cayley_blocks}
)
"""The first strictly upper triangles by name."""


def _blocks(values: jax.Array, size: int) -> jax.Array:
    """The triangle of a matrix of 2 x 2 blocks along its diagonal, each with one of the values."""
    rows, columns = np.triu_indices(size, 1)
    places = np.flatnonzero((rows % 2 == 0) & (columns == rows + 1))
    return jnp.zeros(len(rows), values.dtype).at[places].set(values)


STYLES = ("tunable", "fft")
"""Which planes the layers of rotations are in."""


@functools.cache
def planes(style: str, size: int, capacity: int) -> Planes:
    """The planes of layers of rotations.

    Args:
        style: "tunable", of neighbours, (0, 1), (2, 3) and so on, and in every second layer (1, 2),
            (3, 4) and so on; or "fft", of units that are H / 2, then H / 4, ..., then 1 apart.
        size: H; even, and for "fft" a power of 2.
        capacity: how many layers "tunable" has, an even number; "fft" has as many as it takes.
    """
    units = np.arange(size)
    if style == "fft":
        blocks = [units.reshape(2**k, 2, -1) for k in range(size.bit_length() - 1)]
        return tuple((block[:, 0].ravel(), block[:, 1].ravel()) for block in blocks)
    both = units.reshape(-1, 2), units[1:-1].reshape(-1, 2)
    return tuple((pairs[:, 0], pairs[:, 1]) for pairs in both * (capacity // 2))


def check_planes(owner: str, style: str, size: int, capacity: int) -> None:
    """Raises a `ValueError` if there are no such planes."""
    if style == "fft" and (size < 2 or size & (size - 1)):
        raise ValueError(
            f'{owner}: hidden_size must be a power of 2, from 2 on, for "fft", not {size}.'
        )
    if style == "tunable" and size % 2:
        raise ValueError(f'{owner}: hidden_size must be even for "tunable", not {size}.')
    if style == "tunable" and capacity % 2:
        raise ValueError(f'{owner}: capacity must be even for "tunable", not {capacity}.')


def num_angles(layers: Planes) -> int:
    """How many angles all layers have."""
    return sum(len(first) for first, _ in layers)


def rotate(h: jax.Array, layers: Planes, theta: jax.Array) -> jax.Array:
    """Rotates the units of every plane, layer by layer, in at least float32.

    Args:
        h: ``[..., H]``.
        layers: as `planes` gives them.
        theta: the angles of all layers, one behind the other.
    """
    h = wide(h)
    for (first, second), angles in _by_layers(layers, wide(theta)):
        cos, sin = jnp.cos(angles), jnp.sin(angles)
        kept = _placed(first, cos, second, cos, jnp.ones(h.shape[-1], cos.dtype))
        swapped = _placed(first, -sin, second, sin, jnp.zeros(h.shape[-1], cos.dtype))
        h = h * like(kept, h) + h[..., _swap(first, second, h.shape[-1])] * like(swapped, h)
    return h


def rotate_complex(h: Pair, layers: Planes, theta: jax.Array, phi: jax.Array) -> Pair:
    """As `rotate`, with the second unit of each plane first turned by a phase of its own.

    Args:
        h: two of ``[..., H]``.
        layers: as `planes` gives them.
        theta: the angles of all layers, one behind the other.
        phi: the phases likewise.
    """
    h = wide(h[0]), wide(h[1])
    for ((first, second), angles), (_, phases) in zip(
        _by_layers(layers, wide(theta)), _by_layers(layers, wide(phi)), strict=True
    ):
        cos, sin = jnp.cos(angles), jnp.sin(angles)
        re, im = jnp.cos(phases), jnp.sin(phases)
        zeros = jnp.zeros(h[0].shape[-1], cos.dtype)
        kept = (
            _placed(first, cos, second, cos * re, zeros + 1),
            _placed(first, 0.0, second, cos * im, zeros),
        )
        swapped = (
            _placed(first, -sin * re, second, sin, zeros),
            _placed(first, -sin * im, second, 0.0, zeros),
        )
        order = _swap(first, second, len(zeros))
        other = h[0][..., order], h[1][..., order]
        own = times(h, (like(kept[0], h[0]), like(kept[1], h[0])))
        others = times(other, (like(swapped[0], h[0]), like(swapped[1], h[0])))
        h = own[0] + others[0], own[1] + others[1]
    return h


def _by_layers(layers: Planes, values: jax.Array) -> Any:
    """Every layer's planes, and its part of the values."""
    ends = np.cumsum([len(first) for first, _ in layers])
    return list(zip(layers, jnp.split(values, ends[:-1]), strict=True))


def _placed(first: Any, one: Any, second: Any, other: Any, rest: jax.Array) -> jax.Array:
    """A vector with values for the first units of planes, and others for the second ones."""
    return rest.at[first].set(one).at[second].set(other)


def _swap(first: Any, second: Any, size: int) -> Any:
    """For each unit the other one of its plane, or itself where it is in none."""
    order = np.arange(size)
    order[first], order[second] = second, first
    return order
