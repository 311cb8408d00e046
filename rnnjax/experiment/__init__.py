"""The frame of every experiment: settings as flags, and the order of a run.

A script has its own words only, its settings, model, data, loss, metrics and pictures, and ends
with ``launch(EXPERIMENT)``; it may lie anywhere. See ``docs/your_own_experiment.md``.
"""

from rich.console import Console

from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from rnnjax.experiment.building import (
    applying,
    beginning_with,
    build_cell,
    build_layer,
    drawn_within,
    initializing,
    run_title,
    show_class_scores,
)
from rnnjax.experiment.experiment import Baselines, Experiment, Outcome
from rnnjax.experiment.launching import launch
from rnnjax.experiment.saved import read_file, saved_config, saved_dataset
from rnnjax.training.batches import Batches, ExampleBatches, WindowBatches
from rnnjax.training.evaluation import (
    Predictor,
    classification_metrics,
    classifying,
    reading,
    regressing,
    regression_metrics,
    scoring,
)
from rnnjax.training.fields import whole_numbers
from rnnjax.training.layer_rates import LayerRates
from rnnjax.training.lengths import batches_by_length
from rnnjax.training.metrics import ACCURACY, LOSS, Metric
from rnnjax.training.needs import needs_of, num_bytes
from rnnjax.training.optimizers import SCHEDULES
from rnnjax.training.parameters import load_model
from rnnjax.training.problem import ArrayDataset, Problem
from rnnjax.training.remembering import remembered
from rnnjax.training.settings import Config, command, setting
from rnnjax.training.streams import StreamReader, as_rows, stream_metrics

__all__ = [
    "ACCURACY", "LOSS", "SCHEDULES", "ArrayDataset", "Baselines", "Batches", "Config", "Console",
    "ExampleBatches", "Experiment", "LayerRates", "Layout", "Metric", "Outcome", "Predictor",
    "Problem", "StreamReader", "UsageError", "WindowBatches", "applying", "as_rows",
    "batches_by_length", "beginning_with", "build_cell", "build_layer", "classification_metrics",
    "classifying", "command", "drawn_within", "initializing", "launch", "load_model", "needs_of",
    "num_bytes", "read_file", "reading", "regressing", "regression_metrics", "remembered",
    "run_title", "saved_config", "saved_dataset", "scoring", "setting", "show_class_scores",
    "stream_metrics", "whole_numbers",
]  # fmt: skip
