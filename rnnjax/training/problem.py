"""What a task hands to the training loop."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import jax

from rnnjax.training.batches import Batches
from rnnjax.training.layer_rates import LayerRates
from rnnjax.training.loop import CutFn, LossFn, whole
from rnnjax.training.metrics import Metric
from rnnjax.training.needs import Needs


class Dataset(Protocol):
    """What every data set says of itself."""

    @property
    def name(self) -> str:
        """The data really used."""
        ...

    @property
    def origin(self) -> str:
        """One phrase that says where they came from."""
        ...

    @property
    def warning(self) -> str | None:
        """Where other data than was asked for stand in, the sentence that says so."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ArrayDataset:
    """Inputs and targets as arrays, for a task whose data need no class of their own.

    Args:
        name: the data really used.
        origin: one phrase that says where they came from.
        train: inputs and targets to learn from, pytrees of arrays ``[N, ...]``.
        test: those to test with.
        warning: where other data than was asked for stand in, the sentence that says so.
    """

    name: str
    origin: str
    train: tuple[Any, Any]
    test: tuple[Any, Any]
    warning: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """A model, the data that it is to learn, and how well it has learnt them.

    Where there are several runs at once, keys, parameters, metrics and predictions have a leading
    axis for them, as `rnnjax.devices.layout.Layout` says.

    Args:
        title: what is trained on what.
        dataset: what the data say of themselves.
        model: a flax.linen module.
        init: parameters from a key.
        keys: those of each run's initial parameters, and of its training.
        loss: the loss of each row of a batch.
        batches: which examples each step sees.
        data: the training data, a pytree of arrays ``[N, ...]``.
        evaluate: the metrics of given parameters that are followed in training, each with the data
            that it is of in front: ``validation_loss``.
        test: their metrics on the test set, ``test_loss`` among them.
        watched: of which data `evaluate` tells: "test" or "validation".
        best_by: a metric; the parameters of the evaluation where it was best are kept.
        keep_best: whether these are the ones to test and predict with, not the last.
        carry: the initial recurrent state, for losses that carry one from batch to batch.
        own_data: whether each run has data of its own.
        tells_step: whether the loss is told the number of the update, from 0, as ``step``.
        cut: ``cut(function, batch)``, what a function gives of a batch without what all of its
            rows have behind; by default of all of it.
        needs: what training takes of the machine, where it was estimated.
        files: texts that the parameters mean nothing without, such as a vocabulary, by the names
            of their files; they are written beside them.
        predict: what the model makes of the test set; of a classifier the logits ``[N, C]``, or
            ``[N]`` where one stands for two.
        test_inputs: a pytree of arrays ``[N, ...]``.
        test_labels: of a classifier ``[N]``.
        class_names: what each label stands for.
        read: what the model is given of such inputs; by default these themselves.
        layer_rates: how the learning rates of layers differ; by default all have the same.
    """

    title: str
    dataset: Dataset
    model: Any
    init: Callable[[jax.Array], Any]
    keys: Sequence[jax.Array]
    loss: LossFn
    batches: Batches
    data: Any
    evaluate: Callable[[Any], Mapping[str, Any]]
    test: Callable[[Any], Mapping[str, Any]]
    watched: str = "test"
    best_by: Metric | None = None
    keep_best: bool = False
    carry: Any = ()
    own_data: bool = False
    tells_step: bool = False
    cut: CutFn = whole
    needs: Needs | None = None
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    predict: Callable[[Any], Any] | None = None
    test_inputs: Any = None
    test_labels: Any = None
    class_names: tuple[str, ...] = ()
    read: Callable[[Any], Any] = lambda inputs: inputs
    layer_rates: LayerRates | None = None
