"""Zoneout: units that now and then keep their value."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax

from rnnjax.cell import Carry, Composite, Options, Params
from rnnjax.combinators.residual import Residual
from rnnjax.combinators.wrapper import CellWrapper, innermost, wrappers
from rnnjax.hyperparameters import AnyLayer, Rate, check_hyperparameters
from rnnjax.noise import draw_kept
from rnnjax.unrolling.unroll import run, zone_out


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Zoneout(CellWrapper):
    r"""Lets each unit keep its previous value with a given probability, anew at every step.

    .. math:: s_t = d_t \odot s_{t-1} + (1 - d_t) \odot \tilde{s}_t, \qquad
              d_t \sim \mathrm{Bernoulli}(p), \qquad y_t = h_t

    for each field s of the carry (h, and c with a rate of its own), where s̃ is what the wrapped
    cell makes of the previous carry; h̃ is computed from c̃, as in the paper. In evaluation, that
    is without a key, d is replaced by its expectation p, also when stepped one input at a time.

    Args:
        layer: a cell whose output is its state h, perhaps in other wrappers.
        h: rate p of the state.
        c: rate of the memory; for cells that have one.

    Parameters, carry and output: those of the wrapped cell.

    Raises:
        ValueError: a rate is not in [0, 1), the cell has no such field, its output is not its
            state, or there is zoneout in it already.

    >>> from rnnjax import LSTM, unroll
    >>> layer = Zoneout(LSTM(3, 4), h=0.05, c=0.5)
    >>> params = layer.init(jax.random.key(0))
    >>> xs = jax.numpy.ones((7, 2, 3))
    >>> carry, ys = unroll(layer, params, xs, key=jax.random.key(1))  # training
    >>> carry, ys = unroll(layer, params, xs)  # evaluation

    Source: D. Krueger et al., "Zoneout: regularizing RNNs by randomly preserving hidden
    activations", ICLR 2017, section 3.2 (equations for the LSTM) and appendix (GRU).
    """

    layer: AnyLayer
    h: Rate = 0.0
    c: Rate = 0.0

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if any(isinstance(wrapper, Zoneout) for wrapper in wrappers(self.layer)):
            raise ValueError("Zoneout: the layer inside has zoneout already; give one all rates.")
        cell = innermost(self.layer)
        carry = jax.eval_shape(cell.initial_carry)
        fields = getattr(carry, "_fields", ())
        is_state = "h" in fields and carry.h.shape[-1:] == (cell.output_size,)
        adds = any(isinstance(wrapper, Residual) for wrapper in wrappers(self.layer))
        if isinstance(cell, Composite) or adds or not (is_state and cell.gives_state):
            raise ValueError(
                f"Zoneout: {type(self.layer).__name__} is no cell whose output is its state h; "
                "wrap cells such as rnnjax.LSTM(28, 64), each by itself."
            )
        if self.c and "c" not in fields:
            raise ValueError(f"Zoneout: {type(cell).__name__} has no memory c, only h.")

    @property
    def _rates(self) -> dict[str, float]:
        return {name: rate for name in ("h", "c") if (rate := getattr(self, name))}

    def step(self, params: Params, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
        after, y = super().step(params, carry, z)
        return zone_out(carry, after, y, rates=self._rates)

    def unroll(
        self, params: Params, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, Any]:
        if options.key is None:
            noise = options.noise._replace(zoneout_rates=self._rates)
            return run(self.layer, params, xs, carry, options._replace(noise=noise))
        inner, *keys = jax.random.split(options.key, 3)
        kept = {
            name: draw_kept(key, 1 - rate, (len(xs), *getattr(carry, name).shape))
            for key, (name, rate) in zip(keys, self._rates.items(), strict=False)
        }
        noise = options.noise._replace(zoneout=kept)
        return run(self.layer, params, xs, carry, options._replace(key=inner, noise=noise))
