"""Convolutions as products of matrices are those of XLA."""

import jax
import numpy as np
import pytest
from flax import linen as nn
from jax import lax

from rnnjax.models.convolution import convolved
from tests.running import assert_close, quick_jit

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
@pytest.mark.parametrize("padding", ["SAME", "VALID", [(0, 2), (1, 0)]])
def test_values_and_gradients_are_those_of_xla(strides, padding):
    rng = np.random.default_rng(0)
    pictures, kernel = rng.normal(size=(2, 7, 8, 3)), rng.normal(size=(3, 2, 3, 4))

    def squares(function):
        def of(pictures, kernel):
            found = function(pictures, kernel)
            return (found**2).sum(), found

        return quick_jit(jax.value_and_grad(of, (0, 1), has_aux=True))(pictures, kernel)

    numbers = ("NHWC", "HWIO", "NHWC")
    own = squares(lambda x, k: convolved(x, k, strides, padding))
    their = squares(
        lambda x, k: lax.conv_general_dilated(x, k, strides, padding, dimension_numbers=numbers)
    )
    jax.tree.map(assert_close, own, their)


def test_flax_takes_it_and_other_convolutions_are_refused():
    pictures = np.random.default_rng(0).normal(size=(2, 6, 6, 3))
    own = nn.Conv(4, (3, 3), strides=2, conv_general_dilated=convolved)
    params = own.init(jax.random.key(0), pictures)
    assert_close(own.apply(params, pictures), nn.Conv(4, (3, 3), strides=2).apply(params, pictures))
    for dilation, groups in ((2, 1), (1, 3)):
        other = nn.Conv(
            3, (3, 3), kernel_dilation=dilation, feature_group_count=groups,
            conv_general_dilated=convolved,
        )  # fmt: skip
        with pytest.raises(NotImplementedError, match="neither dilation nor groups"):
            other.init(jax.random.key(0), pictures)
