"""What cells with an orthogonal matrix have in common, so that one of them is its matrix."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, ClassVar

import jax

from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import HiddenCarry
from rnnjax.hyperparameters import Flag
from rnnjax.noise import SILENCE, Noise
from rnnjax.orthogonal import mod_relu


@dataclasses.dataclass(frozen=True)
class OrthogonalCell(FusedCell):
    r"""A simple recurrent cell whose matrix is made from parameters that are free.

    .. math:: h_t = \mathrm{modReLU}(x_t W_x + h_{t-1} W;\ b), \qquad y_t = h_t

    Its parameters have ``w_x [D, H]`` and ``b [H]``, None where absent: then nothing is left of
    modReLU, which is the identity.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        use_bias: whether there is a bias.
    """

    use_bias: Flag = dataclasses.field(default=True, kw_only=True)

    carry_type: ClassVar[type] = HiddenCarry
    noise_places: ClassVar[tuple[str, ...]] = ("state",)

    @abc.abstractmethod
    def matrix(self, params: Any) -> jax.Array:
        """W ``[H, H]``, for states as rows."""

    def project(self, params: Any, x: jax.Array) -> Any:
        check_input(self, x)
        return affine(x, params.w_x)

    def step(
        self, params: Any, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        u = recur(noise.on_state(carry.h), self.matrix(params))
        h = mod_relu(z + u, params.b)
        return settled(carry, HiddenCarry(h), h, z)
