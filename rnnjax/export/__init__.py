"""Trained models as files that need nothing of what trained them.

`export_model` writes a folder with the model as StableHLO (`jax.export`), as ONNX (jax2onnx) and
its parameters (safetensors).
"""

from __future__ import annotations

from rnnjax.errors import ExportError
from rnnjax.export.folder import Exported, check_folder, export_model
from rnnjax.export.model import Model
from rnnjax.export.params import read_params
from rnnjax.export.signature import Array, carry_arrays

__all__ = [
    "Array",
    "ExportError",
    "Exported",
    "Model",
    "carry_arrays",
    "check_folder",
    "export_model",
    "read_params",
]
