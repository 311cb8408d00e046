r"""Initial distributions of parameters, where `jax.nn.initializers` has none ready.

An `Initialization` bundles what one framework uses for a recurrent layer and for the dense layer
behind it, so that ``initialization="keras"`` or ``"torch"`` means exactly that.

============  ===========================================  ====================================
\             ``"keras"``                                  ``"torch"``
============  ===========================================  ====================================
input         Glorot uniform over the fused ``[D, G*H]``   uniform(±1/√H)
recurrent     one orthogonal fused ``[H, G*H]`` matrix     uniform(±1/√H)
biases        zero; +1 for the forget gate of the LSTM     uniform(±1/√H), one for the input and
                                                           one for the state
dense layer   Glorot uniform, zero bias                    uniform(±1/√inputs), bias likewise
embedding     uniform(±0.05)                               normal(0, 1)
============  ===========================================  ====================================

Sources: ``keras/src/layers`` of Keras 3; the ``reset_parameters`` of ``torch.nn.RNNBase``,
``Linear`` and ``Embedding`` of PyTorch 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax.nn import initializers


class Initializer(Protocol):
    """Draws an array: ``initializer(key, shape, dtype)``, as in `jax.nn.initializers`."""

    def __call__(self, key: jax.Array, shape: Any, dtype: Any = None, /) -> jax.Array:
        """Draws an array of the given shape and type."""
        ...


def symmetric_uniform(fan: int) -> Initializer:
    """Uniform on ±1/√fan: PyTorch's choice for recurrent layers, where `fan` is H."""
    return _uniform(fan**-0.5)


def _uniform(bound: float) -> Initializer:
    def draw(key: jax.Array, shape: Any, dtype: Any = None, /) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, minval=-bound, maxval=bound)

    return draw


def inverse_softplus_of_steps(
    key: jax.Array, shape: tuple[int, ...], least: float = 1e-3, largest: float = 0.1
) -> jax.Array:
    """Biases whose softplus is log-uniform between these: step sizes of Mamba and its kin.

    Source: A. Gu, T. Dao, "Mamba: linear-time sequence modeling with selective state spaces",
    arXiv:2312.00752, section 3.6; state-spaces/mamba, whose floor of 1e-4 is below the least.
    """
    low, high = math.log(least), math.log(largest)
    step = jnp.exp(jax.random.uniform(key, shape, minval=low, maxval=high))
    return step + jnp.log(-jnp.expm1(-step))


def small_normal(size: int) -> Initializer:
    """Normal with a variance of 2 / (5 · size): xLSTM's choice for blocks of so many features.

    Source: T. Nguyen, J. Salazar, "Transformers without tears", IWSLT 2019; NX-AI/xlstm.
    """
    return initializers.normal((2 / (5 * size)) ** 0.5)


class Initialization(NamedTuple):
    """One framework's initial distributions, each as a function of the layer's size."""

    kernel: Callable[[int], Initializer]
    """For w_x, given H."""
    recurrent_kernel: Callable[[int], Initializer]
    """For w_h, given H."""
    bias: Callable[[int], Initializer]
    """For the biases, given H."""
    forget_bias: float
    """Added to the initial bias of an LSTM's forget gate."""
    two_biases: bool
    """Whether the state has a bias of its own beside the input's."""
    dense_kernel: Callable[[int], Initializer]
    """For a dense layer, given its number of inputs."""
    dense_bias: Callable[[int], Initializer]
    """For a dense layer's bias, given its number of inputs."""
    embedding: Initializer
    """For the table of an embedding."""


def _zeros(fan: int) -> Initializer:
    del fan
    return initializers.zeros


def _glorot_uniform(fan: int) -> Initializer:
    del fan
    return initializers.glorot_uniform()


def _orthogonal(fan: int) -> Initializer:
    del fan
    return initializers.orthogonal()


INITIALIZATIONS: MappingProxyType[str, Initialization] = MappingProxyType(
    {
        "keras": Initialization(
            kernel=_glorot_uniform,
            recurrent_kernel=_orthogonal,
            bias=_zeros,
            forget_bias=1.0,
            two_biases=False,
            dense_kernel=_glorot_uniform,
            dense_bias=_zeros,
            embedding=_uniform(0.05),
        ),
        "torch": Initialization(
            kernel=symmetric_uniform,
            recurrent_kernel=symmetric_uniform,
            bias=symmetric_uniform,
            forget_bias=0.0,
            two_biases=True,
            dense_kernel=symmetric_uniform,
            dense_bias=symmetric_uniform,
            embedding=initializers.normal(1.0),
        ),
    }
)
"""The sets of initial distributions by name."""


class GateParams(NamedTuple):
    """What every fused recurrent layer starts from."""

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None
    b_h: jax.Array | None


def gate_params(
    key: jax.Array,
    initialization: str,
    input_size: int,
    hidden_size: int,
    *,
    num_gates: int,
    use_bias: bool,
    state_size: int | None = None,
    two_biases: bool | None = None,
    forget_gate: int | None = None,
) -> GateParams:
    """Draws ``w_x [D, G*H]``, ``w_h [S, G*H]`` and the biases ``[G*H]`` (None where absent).

    Args:
        key: random key.
        initialization: a name in `INITIALIZATIONS`.
        input_size: D.
        hidden_size: H.
        num_gates: G.
        use_bias: whether there are biases at all.
        state_size: features of the recurrent state, if they are not H.
        two_biases: whether the state has its own; by default as the named framework has it.
        forget_gate: which of the gates is the forget gate, if one is.
    """
    chosen = INITIALIZATIONS[initialization]
    if two_biases is None:
        two_biases = chosen.two_biases
    keys = jax.random.split(key, 4)
    width = num_gates * hidden_size
    recurrent_shape = (state_size or hidden_size, width)
    draw_bias = chosen.bias(hidden_size)
    b = draw_bias(keys[2], (width,)) if use_bias else None
    if b is not None and forget_gate is not None:
        forget = slice(forget_gate * hidden_size, (forget_gate + 1) * hidden_size)
        b = b.at[forget].add(chosen.forget_bias)
    return GateParams(
        w_x=chosen.kernel(hidden_size)(keys[0], (input_size, width)),
        w_h=chosen.recurrent_kernel(hidden_size)(keys[1], recurrent_shape),
        b=b,
        b_h=draw_bias(keys[3], (width,)) if use_bias and two_biases else None,
    )


def draw_dense(
    key: jax.Array, initialization: str, inputs: int, width: int, *, use_bias: bool
) -> tuple[jax.Array, jax.Array | None]:
    """Draws a dense layer's ``[inputs, width]`` and its bias ``[width]``, None where absent."""
    chosen, keys = INITIALIZATIONS[initialization], jax.random.split(key)
    kernel = chosen.dense_kernel(inputs)(keys[0], (inputs, width))
    return kernel, chosen.dense_bias(inputs)(keys[1], (width,)) if use_bias else None
