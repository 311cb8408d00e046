"""Recurrent networks in JAX: cells that are exactly the published equations, and their unrolling.

>>> import jax, rnnjax
>>> cell = rnnjax.LSTM(input_size=28, hidden_size=64)
>>> params = cell.init(jax.random.key(0))
>>> xs = jax.random.normal(jax.random.key(1), (100, 8, 28))  # 100 steps, 8 rows, 28 features
>>> carry, ys = rnnjax.unroll(cell, params, xs)
>>> ys.shape
(100, 8, 64)
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

if TYPE_CHECKING or "jax" in sys.modules:
    from rnnjax.public import *  # noqa: F403
    from rnnjax.public import __all__ as __all__


def __getattr__(name: str) -> Any:
    """Loads the public names when the first of them is asked for.

    So where JAX was not loaded before: it takes half a second, and by then a script wants to have
    said what Ctrl-C means (`rnnjax.outset`).
    """
    if name.startswith("_") and name != "__all__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    public = importlib.import_module("rnnjax.public")
    names = {each: getattr(public, each) for each in ("__all__", *public.__all__)}
    globals().update(names)
    try:
        return globals()[name]  # a folder or a file of the package is among them by now
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
