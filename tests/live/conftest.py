"""Comparisons with other frameworks as installed; ``pytest`` runs them only when it is told to.

pytest tests/live
"""

from __future__ import annotations

import os

# Keras computes in float64 throughout with this backend only: with its own on JAX, tanh rounds to
# float32. It is read when Keras is imported.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
