"""The same weights for every side, and the gradients of every side under the same names.

The common names are ``embedding``, ``forward.w_x``, ``forward.w_h``, ``forward.b``,
``forward.b_hn`` (of a GRU), likewise ``backward.…``, ``dense.kernel``, ``dense.bias``,
``out.kernel`` and ``out.bias``, laid out as rnnjax has them. There is one bias for each gate, and
for the candidate of a GRU the one that its reset gate multiplies, which flax.nnx lacks: it is zero
at the start, so that all sides compute the same function.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import rnnjax
from benchmarks.work import Row, Work
from rnnjax.interop import flax as flax_interop
from rnnjax.interop import keras as keras_interop
from rnnjax.interop import torch as torch_interop

Arrays = dict[str, np.ndarray]


def layer_of(work: Work) -> Any:
    """The recurrent layer of rnnjax."""
    options: dict[str, Any] = {"initialization": "torch"} if work.two_biases else {}
    kind: Any = rnnjax.CELLS[work.cell]
    cell = kind(work.input_size, work.hidden_size, **options)
    return rnnjax.Bidirectional(cell) if work.bidirectional else cell


def initial_weights(row: Row) -> Arrays:
    """Weights as a training starts from, but with biases that are not zero: each has its place."""
    work, rng = row.work, np.random.default_rng(3)
    params = layer_of(work).init(jax.random.key(3))
    arrays = _common_cells(work, params)
    for name in [name for name in arrays if name.endswith(".b")]:
        arrays[name] = arrays[name] + 0.1 * rng.standard_normal(arrays[name].shape, np.float32)
    if row.kind == "stream":
        return arrays
    if work.num_words:
        shape = (work.num_words, work.input_size)
        arrays["embedding"] = 0.5 * rng.standard_normal(shape, np.float32)
    width = work.hidden_size * len(work.directions)
    if work.dense_size:
        arrays |= _dense(rng, "dense", width, work.dense_size)
        width = work.dense_size
    return arrays | _dense(rng, "out", width, work.outputs)


def to_side(side: str, row: Row, arrays: Arrays) -> Arrays:
    """The common arrays under the names and in the layout of one side."""
    layer = layer_of(row.work)
    params = _layer_params(row.work, arrays)
    kernels = {n: a for n, a in arrays.items() if n.partition(".")[0] in ("dense", "out")}
    embedding = arrays.get("embedding")
    match _family(side):
        case "torch":
            cells = torch_interop.to_state_dict(layer, params, prefix="rnn.")
            others = {
                name.replace("kernel", "weight"): np.ascontiguousarray(a.T)
                for name, a in kernels.items()
            }
            place = "embedding.weight"
        case "keras":
            listed = keras_interop.to_weights(layer, params)
            cells = {f"rnn.{i}": a for i, a in enumerate(listed)}
            others = {
                name.replace("kernel", "0").replace("bias", "1"): a for name, a in kernels.items()
            }
            place = "embedding.0"
        case "rnnjax":
            cells, place = _named("rnn", params), "embedding.embedding"
            heads = _our_heads(row.work)
            others = {_with_head(name, heads): a for name, a in kernels.items()}
        case "flax_linen":
            nested = flax_interop.to_linen(layer, params)[1]["params"]
            inner = "rnn" if row.work.bidirectional else "rnn.cell"
            cells, others, place = _named(inner, nested), kernels, "embedding.embedding"
        case _:
            module = flax_interop.to_nnx(layer, params)
            inner = "rnn" if row.work.bidirectional else "rnn.cell"
            cells = _named(inner, nnx.to_pure_dict(nnx.state(module, nnx.Param)))
            others, place = kernels, "embedding.embedding"
    embedded = {} if embedding is None else {place: embedding}
    return {n: np.asarray(a, np.float32) for n, a in (cells | others | embedded).items()}


def from_side(side: str, row: Row, arrays: Arrays) -> Arrays:
    """The inverse of `to_side`, for weights or their gradients."""
    work, layer = row.work, layer_of(row.work)
    like = _layer_params(work, initial_weights(row))
    if side == "rnnjax":
        common_heads = {ours: head for head, ours in _our_heads(work).items()}
        arrays = {_with_head(name, common_heads): a for name, a in arrays.items()}
    parts = {
        head: {n: a for n, a in arrays.items() if n.partition(".")[0] == head}
        for head in ("rnn", "embedding", "dense", "out")
    }
    kernels = parts["dense"] | parts["out"]
    match _family(side):
        case "torch":
            params = torch_interop.from_state_dict(parts["rnn"], prefix="rnn.")[1]
            kernels = {name.replace("weight", "kernel"): a.T for name, a in kernels.items()}
        case "keras":
            listed = [parts["rnn"][f"rnn.{i}"] for i in range(len(parts["rnn"]))]
            params = keras_interop.from_weights(listed, keras_interop.to_config(layer))[1]
            kernels = {
                name.replace(".0", ".kernel").replace(".1", ".bias"): a
                for name, a in kernels.items()
            }
        case "rnnjax":
            params = _unnamed("rnn", like, parts["rnn"])
        case "flax_linen":
            module, variables = flax_interop.to_linen(layer, like)
            inner = "rnn" if work.bidirectional else "rnn.cell"
            nested = _unnamed(inner, variables["params"], parts["rnn"])
            params = flax_interop.from_linen(module, {"params": nested})[1]
        case _:
            module = flax_interop.to_nnx(layer, like)
            inner = "rnn" if work.bidirectional else "rnn.cell"
            state = nnx.state(module, nnx.Param)
            nested = _unnamed(inner, nnx.to_pure_dict(state), parts["rnn"])
            nnx.replace_by_pure_dict(state, nested)
            nnx.update(module, state)
            params = flax_interop.from_nnx(module)[1]
    common = _common_cells(work, params)
    if side == "flax_nnx":
        common = {name: a for name, a in common.items() if not name.endswith(".b_hn")}
    for embedding in parts["embedding"].values():
        common["embedding"] = embedding
    return common | kernels


def _family(side: str) -> str:
    return "keras" if side.startswith("keras") else side


def _our_heads(work: Work) -> dict[str, str]:
    """What the dense layers are called in `rnnjax.models`."""
    return {"dense": "to_hidden", "out": "to_logit" if work.num_words else "to_logits"}


def _with_head(name: str, heads: dict[str, str]) -> str:
    head, dot, rest = name.partition(".")
    return f"{heads.get(head, head)}{dot}{rest}"


def _dense(rng: np.random.Generator, name: str, inputs: int, outputs: int) -> Arrays:
    kernel = rng.standard_normal((inputs, outputs), np.float32) / np.float32(inputs**0.5)
    return {f"{name}.kernel": kernel, f"{name}.bias": rng.standard_normal(outputs, np.float32)}


def _common_cells(work: Work, params: Any) -> Arrays:
    """One layer's parameters, as an `init` or a converter gives them, under the common names."""
    arrays: Arrays = {}
    for direction in work.directions:
        cell = getattr(params, direction) if work.bidirectional else params
        arrays |= {f"{direction}.{name}": np.asarray(getattr(cell, name)) for name in _NAMES}
        if work.cell == "gru":
            arrays[f"{direction}.b_hn"] = np.asarray(cell.b_h)[2 * work.hidden_size :]
    return arrays


_NAMES = ("w_x", "w_h", "b")


def _layer_params(work: Work, arrays: Arrays) -> Any:
    """The inverse of `_common_cells`: what the layer's `init` would give."""
    layer = layer_of(work)
    params = jax.eval_shape(layer.init, jax.random.key(0))
    filled = []
    for direction in work.directions:
        cell = getattr(params, direction) if work.bidirectional else params
        fields: dict[str, Any] = {n: jnp.asarray(arrays[f"{direction}.{n}"]) for n in _NAMES}
        if cell.b_h is not None:
            b_h = jnp.zeros(cell.b_h.shape)
            if work.cell == "gru":
                b_h = b_h.at[2 * work.hidden_size :].set(arrays[f"{direction}.b_hn"])
            fields["b_h"] = b_h
        filled.append(cell._replace(**fields))
    return type(params)(*filled) if work.bidirectional else filled[0]


def _named(prefix: str, tree: Any) -> Arrays:
    """The arrays of a pytree by their paths."""
    return {_name(prefix, path): np.asarray(a) for path, a in jax.tree.leaves_with_path(tree)}


def _unnamed(prefix: str, like: Any, arrays: Arrays) -> Any:
    """The inverse of `_named`, for a tree of the same structure as another."""
    return jax.tree.map_with_path(lambda path, _: jnp.asarray(arrays[_name(prefix, path)]), like)


def _name(prefix: str, path: Any) -> str:
    return f"{prefix}.{jax.tree_util.keystr(path, simple=True, separator='.')}"
