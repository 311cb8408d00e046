"""Dropout in a recurrent layer, where the literature has it."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax

from rnnjax.cell import Carry, NoisyCell, Options, Params, param_shapes
from rnnjax.combinators.wrapper import CellWrapper, innermost, wrappers
from rnnjax.hyperparameters import AnyLayer, Rate, check_hyperparameters
from rnnjax.noise import as_factors, draw_kept, drop
from rnnjax.unrolling.unroll import run


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Dropout(CellWrapper):
    r"""Dropout of the inputs, of the state, of the update, or of the recurrent weights.

    With masks m whose entries are 0 with probability p and 1 / (1 - p) otherwise:

    .. math::
        \text{inputs:}  &\quad x_t \to m_x \odot x_t \\
        \text{state:}   &\quad h_{t-1} W_h \to (m_h \odot h_{t-1}) W_h \\
        \text{update:}  &\quad c_t = f_t \odot c_{t-1} + i_t \odot m_t \odot g_t
                         \quad \text{(LSTM)} \\
                        &\quad h_t = z_t \odot h_{t-1} + (1 - z_t) \odot m_t \odot n_t
                         \quad \text{(GRU)} \\
        \text{weights:} &\quad W_h \to M \odot W_h

    The masks of inputs and state are drawn once per row and serve all of its steps; that of the
    update is new at every step; that of the weights is drawn once for the whole batch. A state
    keeps its full value where no product reads it, so that a GRU does not forget.

    All are drawn before the run, from the `key` that `rnnjax.unroll` is given. Without a key the
    layer is the wrapped one, and so it is when it is stepped one input at a time.

    Args:
        layer: a cell, perhaps in other wrappers; for `inputs` alone any layer.
        inputs: rate p of the inputs: ``dropout`` of a Keras layer.
        state: rate of the state: ``recurrent_dropout`` of a Keras layer, whose LSTM and GRU draw
            one more mask for every gate.
        update: rate of the update; for cells that have one.
        weights: rate of the matrix ``w_h``; for cells that have one.

    Parameters, carry and output: those of the wrapped layer.

    Raises:
        ValueError: a rate is not in [0, 1), the layer has no such place, or the layer inside
            has dropout already.

    >>> from rnnjax import LSTM, unroll
    >>> layer = Dropout(LSTM(3, 4), inputs=0.2, state=0.3)
    >>> params = layer.init(jax.random.key(0))
    >>> xs = jax.numpy.ones((7, 2, 3))
    >>> carry, ys = unroll(layer, params, xs, key=jax.random.key(1))  # training
    >>> carry, ys = unroll(layer, params, xs)  # evaluation

    Sources: inputs and state: Y. Gal, Z. Ghahramani, "A theoretically grounded application of
    dropout in recurrent neural networks", NIPS 2016, equation 7 (one mask for all gates, their
    "tied weights"). Update: S. Semeniuta, A. Severyn, E. Barth, "Recurrent dropout without memory
    loss", COLING 2016, equations 11 and 16. Weights: S. Merity, N. Keskar, R. Socher,
    "Regularizing and optimizing LSTM language models", ICLR 2018, section 2.
    """

    layer: AnyLayer
    inputs: Rate = 0.0
    state: Rate = 0.0
    update: Rate = 0.0
    weights: Rate = 0.0

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if any(isinstance(wrapper, Dropout) for wrapper in wrappers(self.layer)):
            raise ValueError(
                "Dropout: the layer inside has dropout already; give one of them all of the rates."
            )
        cell = innermost(self.layer)
        places = cell.noise_places if isinstance(cell, NoisyCell) else ()
        for name in ("state", "update"):
            if getattr(self, name) and name not in places:
                raise ValueError(
                    f"Dropout: {type(cell).__name__} has no {name} that could be dropped; wrap a "
                    "cell that has one, each by itself."
                )
        if self.weights and not hasattr(param_shapes(self.layer), "w_h"):
            raise ValueError(
                f"Dropout: {type(cell).__name__} has no matrix w_h whose weights could be dropped; "
                "wrap a cell that has one, each by itself."
            )

    def unroll(
        self, params: Params, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, Any]:
        if options.key is None:
            return run(self.layer, params, xs, carry, options)
        inner, *keys = jax.random.split(options.key, 5)
        inputs_key, state_key, update_key, weights_key = keys
        batch_shape = xs.shape[1:-1]
        noise = options.noise
        if self.inputs:
            xs = drop(inputs_key, self.inputs, xs, (1, *xs.shape[1:]))
        if self.weights:
            w_h = params.w_h
            params = params._replace(w_h=drop(weights_key, self.weights, w_h, w_h.shape))
        if self.state:
            kept = draw_kept(state_key, self.state, carry.h.shape)
            noise = noise._replace(state=as_factors(kept, self.state, xs.dtype))
        if self.update:
            cell: Any = innermost(self.layer)
            shape = (len(xs), *batch_shape, cell.update_size)
            kept = draw_kept(update_key, self.update, shape)
            noise = noise._replace(update=kept, update_rate=self.update)
        return run(self.layer, params, xs, carry, options._replace(key=inner, noise=noise))
