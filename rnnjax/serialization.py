"""Parameters and carries of every layer, made known to `jax.export`.

A function that takes or gives one of these NamedTuples can then be exported and written to a file.
A file is read where this package has been imported.
"""

from __future__ import annotations

import jax.export

from rnnjax import cells, combinators


def _register() -> None:
    for module in (cells, combinators):
        for name in module.__all__:
            thing = getattr(module, name)
            if isinstance(thing, type) and issubclass(thing, tuple):
                jax.export.register_namedtuple_serialization(
                    thing, serialized_name=f"rnnjax.{name}"
                )


# When the module is loaded, because JAX refuses a second time.
_register()
