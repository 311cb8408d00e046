"""What holds for every test: strict rank promotion, repeatable examples, float64 on request.

Nearly all that a test waits for is the compiler, so it does without most optimisations, here and
in the scripts that tests start; ``JAX_DISABLE_MOST_OPTIMIZATIONS=0 pytest`` has it do its best.
"""

from __future__ import annotations

import gc
import os

import hypothesis
import jax
import pytest

from tests import compiler
from tests.cells_under_test import CELLS_UNDER_TEST, TYPICAL

# They need PyTorch and Keras, which no test here does; doctest collection would import them.
collect_ignore = ["golden/make_golden.py", "golden/make_state_dicts.py"]

jax.config.update("jax_numpy_rank_promotion", "raise")

compiler.hurry()  # before the first program
gc.set_threshold(50_000, 20, 50)  # what was imported stays, and is large to look through

hypothesis.settings.register_profile(
    "repeatable",
    deadline=None,  # the first example of a shape waits for the compiler
    derandomize=True,
    database=None,
    max_examples=12,
    # Every cell would shrink its own counterexample of a common fault, for minutes.
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(autouse=True, scope="session")
def compiled_once(tmp_path_factory):
    """Scripts that tests start compile the same few programs, and leave the user's cache alone."""
    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent  # of all workers
    settings = {
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_COMPILATION_CACHE_MAX_SIZE": str(2**30),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def x64():
    """Runs one test in float64 and leaves the others in JAX's default, float32."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def optimised():
    """Compiles the programs of one test as those of a user are compiled."""
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", compiler.in_a_hurry())


@pytest.fixture(params=CELLS_UNDER_TEST, ids=lambda case: case.name)
def case(request):
    """Every cell in turn: a test that takes `case` is a property of all of them."""
    return request.param


@pytest.fixture(
    params=[
        pytest.param(case, marks=[] if case.name in TYPICAL else pytest.mark.slow, id=case.name)
        for case in CELLS_UNDER_TEST
    ]
)
def typical(request):
    """Likewise, but for what the engine does with any cell: in the quick tests with a few."""
    return request.param
