"""What lies in an exported folder, for programs and for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import jax

from rnnjax.export.model import Model
from rnnjax.export.signature import arguments, arrays_of, by_name, symbolic
from rnnjax.export.stablehlo import PLATFORMS

FORMAT = 1
"""Of ``export.json``: a program that knows this one may refuse a later one."""

_STABLEHLO = """\
**`model.stablehlo`** in JAX, on {platforms}. It needs nothing but jax and flatbuffers:

```python
from pathlib import Path
import jax.export
model = jax.export.deserialize(bytearray(Path("model.stablehlo").read_bytes()))
outputs = model.call({arguments})
```
"""

_ONNX = """\
**`model.onnx`** in onnxruntime, and wherever ONNX is read:

```python
import onnxruntime
model = onnxruntime.InferenceSession("model.onnx")
outputs = model.run(None, {{{feeds}}})  # {outputs}
```
"""

_PARAMS = """\
**`params.safetensors`**, named by their places, such as `rnn.w_x`:

```python
from safetensors.numpy import load_file
params = load_file("params.safetensors")
```
"""


def as_json(model: Model, files: Sequence[str], differences: Mapping[str, float]) -> dict[str, Any]:
    """What ``export.json`` says of a model and the files that it was written to."""
    shapes = symbolic(model.inputs)

    def by_names(*leaves: Any) -> Any:
        given = arguments(model.inputs, dict(zip(shapes, leaves, strict=True)))
        return by_name(model.serve(*given))

    outputs = jax.eval_shape(by_names, *shapes.values())
    meanings = {name: array.meaning for name, array in arrays_of(model.inputs).items()}
    meanings |= {name: model.outputs[name.partition(".")[0]] for name in outputs}
    return {
        "format": FORMAT,
        "title": model.title,
        "arguments": list(model.inputs),
        "inputs": [_array(name, shape, meanings) for name, shape in shapes.items()],
        "outputs": [_array(name, shape, meanings) for name, shape in outputs.items()],
        "labels": list(model.labels),
        "notes": model.notes,
        "files": list(files),
        "platforms": list(PLATFORMS),
        "largest_difference": dict(differences),
        "versions": {name: metadata.version(name) for name in ("rnnjax", "jax")},
    }


def _array(name: str, array: jax.ShapeDtypeStruct, meanings: Mapping[str, str]) -> dict[str, Any]:
    shape = [d if isinstance(d, int) else str(d) for d in array.shape]
    return {"name": name, "shape": shape, "dtype": str(array.dtype), "meaning": meanings[name]}


def as_markdown(description: Mapping[str, Any]) -> str:
    """The folder's ``README.md``, from what `as_json` gives."""
    inputs, outputs = description["inputs"], description["outputs"]
    parts = [f"# {description['title']}", description["notes"], _table("input", inputs)]
    parts += [_table("output", outputs)]
    if description["labels"]:
        parts.append(f"Classes, in their order: {', '.join(description['labels'])}.")
    parts.append(
        _STABLEHLO.format(
            arguments=", ".join(description["arguments"]),
            platforms=", ".join(description["platforms"]),
        )
    )
    if "model.onnx" in description["files"]:
        feeds = ", ".join(f'"{array["name"]}": {array["name"]}' for array in inputs)
        names = ", ".join(array["name"] for array in outputs)
        parts.append(_ONNX.format(feeds=feeds, outputs=names))
    parts.append(_PARAMS)
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _table(head: str, arrays: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        f"| `{a['name']}` | `[{', '.join(map(str, a['shape']))}]` | {a['dtype']} | {a['meaning']} |"
        for a in arrays
    ]
    return "\n".join([f"| {head} | shape | type | meaning |", "|---|---|---|---|", *rows])
