"""Learning rates that differ from layer to layer, for networks that know something already."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax


@dataclasses.dataclass(frozen=True)
class LayerRates:
    r"""Which parameters go fast and which slowly, and from when on.

    .. math:: \eta_l = \eta / \mathrm{decay}^l, \qquad 0 \text{ before update } l \cdot
              \mathrm{thaw}

    for the group l, counted from the top; :math:`\eta` is the learning rate of the schedule.

    Args:
        groups: of parameters, the top one first, each as places in their tree: "rnn" is all of
            it, "rnn/1" a part.
        decay: of the rate from one group to the next.
        thaw: how many updates later than a group the one below begins to learn; 0 for none.

    Source: J. Howard, S. Ruder, "Universal Language Model Fine-tuning for Text Classification",
    arXiv:1801.06146: discriminative fine-tuning (equation 2) and gradual unfreezing.
    """

    groups: tuple[tuple[str, ...], ...]
    decay: float = 1.0
    thaw: int = 0

    @property
    def are_equal(self) -> bool:
        """Whether all parameters have one rate."""
        return self.decay == 1 and not self.thaw

    def labels(self, params: Any) -> Any:
        """The group of each parameter, by its number as a string.

        Raises:
            ValueError: a parameter is in no group.
        """

        def label(path: Any, _: Any) -> str:
            place = jax.tree_util.keystr(path, simple=True, separator="/") + "/"
            for number, names in enumerate(self.groups):
                if any(place.startswith(f"{name}/") for name in names):
                    return str(number)
            raise ValueError(f"The parameter {place[:-1]} is in no group of {self.groups}.")

        return jax.tree.map_with_path(label, params)

    def apply(self, optimizer: optax.GradientTransformation) -> optax.GradientTransformation:
        """Lets an optimiser make the updates of each group as large as this says.

        It goes on gathering what it knows of the gradients where nothing is learnt yet.

        Args:
            optimizer: whose updates grow in proportion to its learning rate.
        """
        if self.are_equal:
            return optimizer

        def share(number: int) -> optax.Schedule:
            first, rate = number * self.thaw, self.decay**-number
            return lambda count: jnp.where(jnp.asarray(count) < first, 0.0, rate)

        shares: dict[Any, optax.GradientTransformation] = {
            str(number): optax.scale_by_schedule(share(number))
            for number in range(len(self.groups))
        }
        return optax.chain(optimizer, optax.multi_transform(shares, self.labels))
