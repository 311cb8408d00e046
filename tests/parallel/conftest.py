"""The runs to compare with: one process, one device."""

import pytest

from tests.parallel.runs import SMALL, metrics, run_of


@pytest.fixture(autouse=True, scope="session")
def compiled_once(tmp_path_factory):
    """The many processes compile the same few programs."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.getbasetemp().parent / "compiled"
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(folder))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        yield


@pytest.fixture(scope="session", params=SMALL)
def alone(request, tmp_path_factory):
    """An experiment, and what a run of it on one device has measured."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    run_of(request.param, folder).finish()
    return request.param, metrics(folder)
