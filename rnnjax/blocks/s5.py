"""The block of S5."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import jax

from rnnjax.blocks.normed import MIXINGS, NormedBlock
from rnnjax.cells.linear.s5 import S5
from rnnjax.hyperparameters import Flag, Positive, Rate, Size, one_of


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class S5Block(NormedBlock):
    r"""The block that deep models of S5 are made of.

    .. math::
        v &= \mathrm{GELU}(\mathrm{S5}(\mathrm{LN}(x))), \qquad
        y = x + v \odot \sigma(v W + b)

    or another gate, which `NormedBlock` writes out.

    Args:
        input_size: D, features of one input and of an output.
        state_size: P, as of `S5`.
        blocks: as of `S5`.
        mixing: "half_glu1", the gate above; "half_glu2", "full_glu" or "gelu".
        dropout: rate behind GELU and behind the gate, of the same features at all steps, drawn from
            the `key` that `rnnjax.unroll` is given; 0 without a key, and when stepped.
        discretization: as of `S5`.
        clip_eigenvalues: as of `S5`.
        output_initialization: as of `S5`.
        least_step: as of `S5`.
        largest_step: as of `S5`.
        epsilon: of the norm.

    Parameters: `NormedBlockParams`, with `S5Params`; W is LeCun normal at first, and b zero. Carry:
    `S5Carry`. Output: ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer, the rate is not in [0, 1), or as `S5`.

    The authors' scripts normalise over the batch, which a single row can't do; this is a layer
    norm, which their code offers, too. It stands in front, as in their scripts.

    Source: J. Smith, A. Warrington, S. Linderman, "Simplified state space layers for sequence
    modeling", ICLR 2023, arXiv:2208.04933; ``s5/layers.py`` of lindermanlab/S5.
    """

    input_size: Size
    state_size: Size = 64
    blocks: Size = 1
    mixing: Annotated[str, one_of(MIXINGS)] = "half_glu1"
    dropout: Rate = 0.0
    discretization: str = "zoh"
    clip_eigenvalues: Flag = False
    output_initialization: str = "trunc_standard_normal"
    least_step: Positive = 1e-3
    largest_step: Positive = 1e-1
    epsilon: Positive = 1e-6

    @property
    def cell(self) -> S5:
        return S5(
            self.input_size, self.state_size, self.blocks, self.discretization,
            self.clip_eigenvalues, self.output_initialization, self.least_step, self.largest_step,
        )  # fmt: skip
