"""Convolutions of pictures as products of matrices."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def convolved(
    lhs: jax.Array,
    rhs: jax.Array,
    window_strides: Sequence[int],
    padding: Any,
    **options: Any,
) -> jax.Array:
    r"""The convolution of `flax.linen.Conv`, which takes it as ``conv_general_dilated``.

    .. math:: y_{b,i,j} = \sum_{u,v} x_{b,\, s i + u,\, s j + v} K_{u,v}

    All patches of the pictures side by side are multiplied by the kernel. XLA's own convolution
    takes some twenty times as long on CPUs when it stands inside of a loop, as a training step
    does here; outside both take as long.

    Args:
        lhs: x, pictures ``[B, height, width, C]``.
        rhs: K, ``[rows, columns, C, F]``.
        window_strides: s, of rows and columns.
        padding: as of `jax.lax.conv_general_dilated`.
        options: the others of that function; only what they are by default for pictures is known.

    Raises:
        NotImplementedError: dilation or groups are asked for.
    """
    dilated = (*(options.get("lhs_dilation") or ()), *(options.get("rhs_dilation") or ()))
    if options.get("feature_group_count", 1) != 1 or any(d != 1 for d in dilated):
        raise NotImplementedError("convolved: neither dilation nor groups of features.")
    sizes, strides = rhs.shape[:2], tuple(window_strides)
    pads = padding
    if isinstance(padding, str):
        pads = lax.padtype_to_pads(lhs.shape[1:3], sizes, strides, padding)
    padded = jnp.pad(lhs, ((0, 0), *pads, (0, 0)))
    ends = [
        s * ((length - size) // s) + 1
        for length, size, s in zip(padded.shape[1:3], sizes, strides, strict=True)
    ]
    patches = [
        padded[:, u : u + ends[0] : strides[0], v : v + ends[1] : strides[1]]
        for u, v in itertools.product(*map(range, sizes))
    ]
    product = jnp.concatenate(patches, axis=-1) @ rhs.reshape(-1, rhs.shape[-1])
    return product.astype(lhs.dtype)
