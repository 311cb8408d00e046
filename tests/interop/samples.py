"""Random parameters, without the time that initializers take to compile."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from rnnjax import Layer
from tests.cells_under_test import random_like


def random_params(layer: Layer, seed: int = 0) -> Any:
    """Normal parameters, biases included, of the shapes and dtypes that `layer.init` draws."""
    shapes = jax.eval_shape(layer.init, jax.random.key(0))
    return random_like(np.random.default_rng(seed), shapes)
