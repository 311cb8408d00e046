"""The block of the linear recurrent unit."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import jax

from rnnjax.blocks.normed import NormedBlock
from rnnjax.cells.linear.lru import LRU
from rnnjax.hyperparameters import Positive, Rate, Size


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LRUBlock(NormedBlock):
    r"""The block that deep models of linear recurrent units are made of.

    .. math::
        v &= \mathrm{GELU}(\mathrm{LRU}(\mathrm{LN}(x))), \qquad
        y = x + (v W_1 + b_1) \odot \sigma(v W_2 + b_2)

    Args:
        input_size: D, features of one input and of an output.
        hidden_size: N, complex states of the `LRU`.
        dropout: rate behind GELU and behind the gate, of the same features at all steps, drawn from
            the `key` that `rnnjax.unroll` is given; 0 without a key, and when stepped.
        least_radius: as of `LRU`.
        largest_radius: as of `LRU`.
        largest_angle: as of `LRU`.
        epsilon: of the norm.

    Parameters: `NormedBlockParams`, with `LRUParams`; W is LeCun normal at first, and b zero.
    Carry: `LRUCarry`. Output: ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer, the rate is not in [0, 1), or as `LRU`.

    The paper normalises over the batch, which a single row can't do; this is a layer norm, which
    the re-implementation "minimal-LRU" offers, too.

    Source: A. Orvieto et al., "Resurrecting recurrent neural networks for long sequences", ICML
    2023, arXiv:2303.06349; ``lru/model.py`` of N. Zucchet's "minimal-LRU".
    """

    input_size: Size
    hidden_size: Size
    dropout: Rate = 0.0
    least_radius: float = 0.0
    largest_radius: float = 1.0
    largest_angle: float = 2 * math.pi
    epsilon: Positive = 1e-6

    mixing: ClassVar[str] = "full_glu"  # pyright: ignore[reportIncompatibleVariableOverride]

    @property
    def cell(self) -> LRU:
        radii = self.least_radius, self.largest_radius
        return LRU(self.input_size, self.hidden_size, None, *radii, self.largest_angle)
