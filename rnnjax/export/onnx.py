"""A function as an ONNX graph, by jax2onnx."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jax.extend.core import jaxpr_as_fun

from rnnjax.errors import ExportError
from rnnjax.export.portable import portable
from rnnjax.export.signature import Inputs, arguments, by_name, symbolic

INSTALL = "pip install -e '.[export]'"


def to_onnx(function: Callable[..., Any], inputs: Inputs) -> bytes:
    """Converts a function, with a name for each axis that has one.

    Args:
        function: takes the inputs, in their order, as pytrees; gives a dict of pytrees.
        inputs: what it takes.

    Returns:
        The file. The graph's inputs and outputs are named by their places: "carry.h".

    Raises:
        ExportError: jax2onnx is not installed, or can't convert the function.
    """
    try:
        with _quiet():
            import jax2onnx  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ExportError(f"jax2onnx is not installed; {INSTALL} brings it") from None
    shapes = symbolic(inputs)

    def by_names(*leaves: Any) -> dict[str, Any]:
        given = arguments(inputs, dict(zip(shapes, leaves, strict=True)))
        return by_name(function(*given))

    outputs = jax.eval_shape(by_names, *shapes.values())
    # Traced before jax2onnx sees it, because while it traces, `jnp.shape` is another function.
    flat = portable(by_names, *shapes.values())
    try:
        with _quiet():
            graph = jax2onnx.to_onnx(
                jaxpr_as_fun(flat),
                list(shapes.values()),
                model_name="rnnjax",
                input_names=list(shapes),
                output_names=list(outputs),
            )
    except Exception as error:  # each operation that it does not know fails in its own way
        reason = (str(error).splitlines() or [""])[0]
        raise ExportError(
            f"jax2onnx can't convert this model ({type(error).__name__}: {reason})"
        ) from error
    _drop_unused(graph.graph)
    for value in graph.graph.output:
        axes = value.type.tensor_type.shape.dim
        for axis, size in zip(axes, outputs[value.name].shape, strict=True):
            if not isinstance(size, int):
                axis.dim_param = str(size)  # jax2onnx loses the names behind a loop
    return graph.SerializeToString()


def onnx_function(file: bytes) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """What onnxruntime computes from such a file, from arrays by name to arrays by name."""
    import onnxruntime  # pyright: ignore[reportMissingImports]

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))


def _drop_unused(graph: Any) -> set[str]:
    """Deletes constants that nothing reads, each of which onnxruntime would warn of."""
    used = {value.name for value in graph.output}
    for node in graph.node:
        used.update(node.input)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                used |= _drop_unused(attribute.g)
    kept = [constant for constant in graph.initializer if constant.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return used


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps back warnings about parts of jax2onnx that are not used."""
    loggers = [logging.getLogger(name) for name in ("jax2onnx", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
