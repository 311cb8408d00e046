"""The runs to compare with: one process, one device."""

import pytest

from tests.parallel.runs import SMALL, metrics, run_of


@pytest.fixture(scope="session", params=SMALL)
def alone(request, tmp_path_factory):
    """An experiment, and what a run of it on one device has measured."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    run_of(request.param, folder, "--num_devices=1").finish()
    return request.param, metrics(folder)
