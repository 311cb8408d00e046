"""How probable right answers are to a model that goes on from its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from rnnjax.data.codes import PAD, START
from rnnjax.devices.layout import Layout
from rnnjax.experiment.building import applying
from rnnjax.experiment.encoder_decoder import Arrays
from rnnjax.models import EncoderDecoder
from rnnjax.training.sequence_losses import scoring_symbols, sums_by_row, symbol_losses


def scoring_fed_back(
    config: Any, layout: Layout, model: EncoderDecoder, arrays: Arrays, part: str
) -> Callable[[Any], dict[str, np.ndarray]]:
    r"""Loss and perplexity per symbol of given targets, of which the model is never told any.

    .. math:: \hat w_0 = \mathrm{start}, \quad
              \hat w_t = \arg\max_w p(w \mid \hat w_0 … \hat w_{t-1}), \quad
              \mathrm{loss} = -\mathrm{mean}_t \log p(w_t \mid \hat w_0 … \hat w_{t-1})

    The length is that of the target, whatever the model has written before. Where its words stand
    in another order, every right one costs much: this is far above the loss with right words.

    Args:
        config: the settings.
        layout: of seeds and rows over devices.
        model: an encoder and a decoder.
        arrays: the pairs.
        part: "validation" or "test".

    Returns:
        A function of parameters: ``<part>_fed_back_loss`` and ``<part>_fed_back_perplexity``.
    """
    apply = applying(config, model)
    longest = int(arrays.lengths.max())

    def sums(params: Any, batch: Arrays) -> jax.Array:
        encoded, carry = apply(params, batch.sources, batch.sources != PAD, method="encode")

        def step(state: tuple[Any, jax.Array], targets: jax.Array) -> tuple[Any, jax.Array]:
            carry, logits, _ = apply(params, encoded, *state, method="step")
            own = logits.argmax(axis=-1).astype(state[1].dtype)
            return (carry, own), symbol_losses(logits, targets)

        first = jnp.full(len(batch.targets), START, batch.targets.dtype)
        _, losses = lax.scan(step, (carry, first), batch.targets.T)
        return sums_by_row(losses.T, batch.targets != PAD)

    shortened = Arrays(*(array[:, :longest] for array in arrays))
    return scoring_symbols(sums, shortened, layout, f"{part}_fed_back")
