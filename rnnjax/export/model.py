"""What is exported."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rnnjax.export.signature import Inputs


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """A function with its parameters, and what its users have to know.

    Attributes:
        title: what it is, in a few words.
        apply: ``apply(params, *inputs)``, a pure function that gives a dict of pytrees of arrays.
        params: its parameters.
        inputs: by name and in the function's order, an `Array` each, or a pytree of them.
        outputs: what each of the function's outputs means; none has the name of an input.
        labels: what the classes are called, in their order.
        notes: what else one has to know to use it, such as how inputs are prepared.
        files: what has to lie beside it, such as a vocabulary: text by file name.

    Raises:
        ValueError: an output has the name of an input.
    """

    title: str
    apply: Callable[..., Mapping[str, Any]]
    params: Any
    inputs: Inputs
    outputs: Mapping[str, str]
    labels: Sequence[str] = ()
    notes: str = ""
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if both := self.inputs.keys() & self.outputs.keys():
            raise ValueError(
                f"Model: {', '.join(sorted(both))} can't name an input and an output; in a graph "
                "every name stands for one value, so call the output next_… or the like."
            )

    def serve(self, *arguments: Any) -> Mapping[str, Any]:
        """The function of the inputs alone."""
        return self.apply(self.params, *arguments)
