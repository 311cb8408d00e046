"""The figures that a task tells of are those that it computes."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rnnjax.errors import UsageError
from rnnjax.experiment import Config, Experiment, Metric, remembered
from rnnjax.experiment.result import check_metrics, compared, final_metrics

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


class Fitted(SimpleNamespace):
    """A run whose last parameters are new arrays each time, as averages are."""

    @property
    def params(self):
        return {"w": np.full(1, 2.0)}


@pytest.mark.parametrize("keep_best", [False, True])
@pytest.mark.parametrize("best_step", [3, 9])
def test_no_parameters_are_tested_twice(keep_best, best_step):
    asked = []

    @remembered
    def predict(params):
        asked.append(params)
        return float(params["w"][0])

    problem: Any = SimpleNamespace(
        best_by=MAE, watched="validation", keep_best=keep_best, evaluate=None, predict=predict,
        test=lambda params: {"test_mae": predict(params)},
    )  # fmt: skip
    best = 1.0 if best_step == 3 else 2.0
    fitted: Any = Fitted(
        train=SimpleNamespace(step=10), best_step=best_step, best_params={"w": np.full(1, best)}
    )
    params, metrics = final_metrics(problem, fitted)
    count = best if keep_best else 2.0
    assert predict(params) == metrics["test_mae"] == count
    assert metrics["last"] == {"test_mae": 2.0}
    assert metrics["best_validation"] == {"step": best_step, "test_mae": best}
    assert len(asked) == (2 if best_step == 3 else 1)
