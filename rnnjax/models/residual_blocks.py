"""Recurrent layers in residual blocks, as those that are linear in their state need them."""

from __future__ import annotations

from collections.abc import Sequence

import jax
from flax import linen as nn

from rnnjax.bridges.linen import RNN
from rnnjax.cell import Layer

READOUTS = ("last", "mean", "all")
"""What is read of the outputs of all steps."""


class ResidualBlocks(nn.Module):
    r"""Recurrent layers one above the other, each in a block that is added to what goes past it.

    .. math::
        x^0_t &= u_t W_0 + b_0 \\
        g_t &= \mathrm{GELU}(\mathrm{layer}(\mathrm{norm}(x^{l-1}))_t) \\
        x^l_t &= x^{l-1}_t + (g_t W_1 + b_1) \odot \sigma(g_t W_2 + b_2) \\
        \mathrm{outputs} &= \mathrm{norm}(x^L) W_3 + b_3

    with layer normalisation. A layer that is linear in its state mixes times but bends nothing;
    what stands around it does.

    Attributes:
        layers: one for each block, of D inputs and D outputs.
        num_outputs: O.
        readout: the outputs of the last step, the mean over all steps (of what is normed), or all.
        executor: as of `rnnjax.unroll`.
        remat_chunk: as of `rnnjax.unroll`.

    Raises:
        ValueError: a layer has other sizes than the first one, or the readout is unknown.

    Source: A. Orvieto et al., "Resurrecting recurrent neural networks for long sequences", ICML
    2023, arXiv:2303.06349, figure 1 and appendix; there with batch normalisation.
    """

    layers: Sequence[Layer]
    num_outputs: int
    readout: str = "last"
    executor: str = "auto"
    remat_chunk: int | str | None = None

    @nn.compact
    def __call__(self, xs: jax.Array) -> jax.Array:
        """Inputs ``[B, T, I]``: outputs ``[B, O]``, or ``[B, T, O]`` where all are read."""
        width = self.layers[0].input_size
        _check(self.layers, width, self.readout)
        xs = nn.Dense(width, name="encode")(xs)
        for number, layer in enumerate(self.layers):
            normed = nn.LayerNorm(name=f"norm_{number}")(xs)
            rnn = RNN(layer, self.executor, self.remat_chunk, name=f"rnn_{number}")
            gated = nn.Dense(2 * width, name=f"gate_{number}")(nn.gelu(rnn(normed)[1]))
            xs = xs + nn.glu(gated)
        if self.readout == "last":
            xs = xs[:, -1]
        xs = nn.LayerNorm(name="norm")(xs)
        if self.readout == "mean":
            xs = xs.mean(axis=1)
        return nn.Dense(self.num_outputs, name="decode")(xs)


def _check(layers: Sequence[Layer], width: int, readout: str) -> None:
    for layer in layers:
        if {layer.input_size, layer.output_size} != {width}:
            raise ValueError(
                f"ResidualBlocks: {type(layer).__name__} has {layer.input_size} inputs and "
                f"{layer.output_size} outputs; all must be {width}, as the first layer's inputs."
            )
    if readout not in READOUTS:
        raise ValueError(
            f"ResidualBlocks: the readout must be one of {', '.join(READOUTS)}, not {readout!r}."
        )
