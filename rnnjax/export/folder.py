"""A model in a folder that needs nothing of what trained it."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from rnnjax.errors import ExportError
from rnnjax.export.comparison import largest_difference
from rnnjax.export.description import as_json, as_markdown
from rnnjax.export.model import Model
from rnnjax.export.onnx import onnx_function, to_onnx
from rnnjax.export.params import params_bytes
from rnnjax.export.stablehlo import stablehlo_function, to_stablehlo
from rnnjax.export.unfinished import fill, find_others
from rnnjax.storage import typed_json

PARAMS, STABLEHLO, ONNX = "params.safetensors", "model.stablehlo", "model.onnx"


@dataclasses.dataclass(frozen=True)
class Exported:
    """What an export has written.

    Attributes:
        files: the names of the files.
        differences: by file, the largest absolute difference from the model that was seen.
        left_out: why there is no ``model.onnx``; None if there is one.
    """

    files: list[str]
    differences: dict[str, float]
    left_out: str | None


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """The folder's path, if it is empty, not there yet, or left by an export that was cut off.

    Raises:
        ExportError: it is something else.
    """
    path = Path(folder).expanduser()
    try:
        if find_others(path):
            raise ExportError(f"{folder} is not empty; name a folder that does not exist yet.")
    except OSError as error:
        raise ExportError(
            f"{folder} can't be a folder for the files ({error.strerror}); name another one."
        ) from None
    return path


def export_model(folder: str | os.PathLike[str], model: Model) -> Exported:
    """Writes a model as StableHLO, as ONNX where jax2onnx is installed, and its parameters.

    The functions hold the parameters and take any number of rows and steps. Each is read back
    and compared with the model on random inputs before anything is written. Where the disk is full
    or the process is ended, the same call can be made again.

    Args:
        folder: where to; it is made if it does not exist.
        model: what to export.

    Returns:
        What has been written.

    Raises:
        ExportError: the folder is not empty or can't be written, or StableHLO can't hold the model.
    """
    path = check_folder(folder)
    contents = {name: text.encode("utf-8") for name, text in model.files.items()}
    contents[PARAMS] = params_bytes(model.params)
    contents[STABLEHLO] = to_stablehlo(model.serve, model.inputs)
    call = stablehlo_function(contents[STABLEHLO], model.inputs)
    differences = {STABLEHLO: largest_difference(call, model.serve, model.inputs)}
    left_out = None
    try:
        contents[ONNX], differences[ONNX] = _onnx(model)
    except ExportError as error:
        left_out = f"{ONNX} is left out: {error}."
    description = as_json(model, sorted(contents), differences)
    contents["export.json"] = (typed_json.to_text(description, 2) + "\n").encode("utf-8")
    contents["README.md"] = as_markdown(description).encode("utf-8")
    try:
        fill(path, contents)
    except OSError as error:
        raise ExportError(
            f"{folder} can't be written ({error.strerror}); name a folder where you may create "
            "files."
        ) from None
    return Exported(sorted(contents), differences, left_out)


def _onnx(model: Model) -> tuple[bytes, float]:
    file = to_onnx(model.serve, model.inputs)
    try:
        return file, largest_difference(onnx_function(file), model.serve, model.inputs)
    except ExportError:
        raise
    except Exception as error:  # onnxruntime has a class of its own for every status code
        reason = (str(error).splitlines() or [""])[0]
        raise ExportError(f"onnxruntime can't run what jax2onnx made ({reason})") from error
