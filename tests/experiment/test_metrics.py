"""The figures that a task tells of are those that it computes."""

import pytest

from rnnjax.errors import UsageError
from rnnjax.experiment import Config, Experiment, Metric
from rnnjax.experiment.result import check_metrics, compared

MAE = Metric("mae", higher_is_better=False)


def task(**options):
    return Experiment(
        name="mine", config=Config, problem=lambda config, layout, data: data, **options
    )


def test_a_metric_that_is_not_computed_is_named():
    check_metrics(task(metrics=(MAE,)), {"step": 1, "test_loss": 1.0, "test_mae": 1.0})
    with pytest.raises(UsageError) as error:
        check_metrics(task(), {"step": 1, "test_loss": 1.0, "test_mae": 1.0})
    assert str(error.value).startswith(
        "the task mine tells of test_accuracy, but its Problem.test gives test_loss, test_mae; "
    )


def test_the_lower_error_wins_and_the_higher_accuracy():
    result = {"test_loss": 1.0, "test_mae": 0.5, "test_accuracy": 0.5}
    simple = {"mean": {"test_mae": 0.6, "test_accuracy": 0.6}, "zero": {"test_loss": 1.0}}
    assert compared(task(metrics=(MAE, Metric("accuracy"))), result, simple) == [
        "baseline mean: test mae 0.6000 (beaten), test accuracy 0.6000 (NOT BEATEN by this run)",
        "baseline zero: test loss 1.0000 (NOT BEATEN by this run)",
    ]
