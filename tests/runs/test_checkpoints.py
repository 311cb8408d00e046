"""Checkpoints on disk: exact, few, and never read when something about them is wrong."""

import contextlib
import errno
import gc
import os
import pathlib
import pickle
import resource
import shutil
import threading

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rnnjax.cells import LSTMParams
from rnnjax.devices import hosts
from rnnjax.errors import StorageError, UsageError
from rnnjax.runs import checkpoints as module
from rnnjax.runs.checkpoints import Checkpoints, load_params
from rnnjax.runs.identity import Identity
from rnnjax.runs.manifest import NAME, write_manifest

PARAMS = {
    "cell": LSTMParams(w_x=jnp.array([[1.5, -2.0]]), w_h=jnp.array([[3e-7]]), b=None, b_h=None),
    "b": jnp.array([3], jnp.int32),
}
STATE = (jnp.int32(10), PARAMS, optax.adam(1e-3).init(PARAMS), (), None)
RUN = Identity.new()
RECORD = {"history": [{"step": 4, "loss": 0.1 + 0.2}], "best": None, "sum": float("nan")}


@pytest.fixture
def collected():
    """Collects what a test has left, before another test is blamed for it."""
    yield
    gc.collect()


def gives_up(test):
    """For tests in which Orbax gives up, and leaves an event loop open."""
    ignored = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    return ignored(pytest.mark.usefixtures("collected")(test))


def save(run, *steps, keep=3, params=PARAMS):
    checkpoints = Checkpoints(run, RUN, keep=keep, tell=pytest.fail)
    for step in steps:
        state = (jnp.int32(step), *STATE[1:])
        checkpoints.save(step, state, params, params_step=step - 1, record=RECORD)
    checkpoints.wait()
    return checkpoints


def names(run):
    return sorted(path.name for path in (run / "checkpoints").iterdir())


def assert_same(actual, expected):
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_everything_comes_back_bit_by_bit(tmp_path):
    checkpoints = save(tmp_path, 9, 10)
    assert checkpoints.newest() == 10
    like = jax.tree.map(lambda a: a + 1, STATE)
    state, record = checkpoints.restore(10, like)
    assert_same(state, STATE)
    assert {k: record[k] for k in ("history", "best")} == {
        k: RECORD[k] for k in ("history", "best")
    }
    assert np.isnan(record["sum"])
    step, params = load_params(tmp_path, jax.tree.map(jnp.zeros_like, PARAMS), pytest.fail)
    assert step == 9
    assert_same(params, PARAMS)


def test_what_is_saved_may_be_reused_at_once(tmp_path):
    """As the training step does, which writes over the memory of the state that it is given."""
    reuse = jax.jit(lambda tree: jax.tree.map(lambda a: a * 0, tree), donate_argnums=0)
    checkpoints = Checkpoints(tmp_path)
    given = jax.tree.map(lambda a: a + 0, STATE)
    busy = threading.Event()
    checkpoints._worker.submit(busy.wait)  # writing begins when the memory has been reused
    record = {"history": [{"step": 0}]}
    state = hosts.fetch(given)
    checkpoints.save(1, state, state[1], params_step=1, record=record)
    reuse(given)
    record["history"][0]["step"] = 7
    record["history"].append({"step": 9})
    busy.set()
    checkpoints.wait()
    state, restored = checkpoints.restore(1, STATE)
    assert_same(state, STATE)
    assert restored["history"] == [{"step": 0}]


def test_the_newest_are_kept(tmp_path):
    save(tmp_path, 5, 40, 300, keep=2)
    assert names(tmp_path) == ["300", "40"]
    save(tmp_path, 301, keep=1)
    assert names(tmp_path) == ["301"]


def halve(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file, position, bit):
    content = bytearray(file.read_bytes())
    content[position] ^= 1 << bit
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda file: flip(file, -1, 0), id="a flipped bit"),
        pytest.param(halve, marks=pytest.mark.slow, id="half of it"),
        pytest.param(pathlib.Path.unlink, marks=pytest.mark.slow, id="missing"),
    ],
)
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_taken(tmp_path, damage):
    save(tmp_path / "sound", 5, 6)
    files = [p for p in (tmp_path / "sound/checkpoints/6").rglob("*") if p.is_file()]
    assert len(files) > 10
    for path in files:
        run = tmp_path / "run"
        shutil.copytree(tmp_path / "sound", run)
        damage(run / path.relative_to(tmp_path / "sound"))
        told = []
        step, params = load_params(run, PARAMS, told.append)
        assert step == 4, path
        assert_same(params, PARAMS)
        (sentence,) = told
        assert str(run / "checkpoints" / "6") in sentence
        # What went missing of the manifest is the manifest's damage.
        assert (path.name if path.name != NAME else "checkpoints/6 ") in sentence
        shutil.rmtree(run)


def test_without_a_sound_checkpoint_there_is_nothing_to_load(tmp_path):
    with pytest.raises(UsageError, match="no sound checkpoint"):
        load_params(tmp_path, PARAMS)
    save(tmp_path, 1)
    (tmp_path / "checkpoints" / "1" / NAME).unlink()
    told = []
    with pytest.raises(UsageError, match="no sound checkpoint"):
        load_params(tmp_path, PARAMS, told.append)
    assert "was not finished" in told[0]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (PARAMS | {"b": jnp.zeros(2, jnp.int32)}, r"b is int32\[1\] there and int32\[2\] here"),
        (PARAMS | {"b": jnp.zeros(1)}, r"b is int32\[1\] there and float32\[1\] here"),
        ({"cell": PARAMS["cell"]}, r"b is int32\[1\] there and absent here"),
        (PARAMS | {"more": jnp.zeros(1)}, r"more is absent there and float32\[1\] here"),
    ],
)
def test_parameters_of_another_model_are_refused(tmp_path, other, message):
    save(tmp_path, 1)
    with pytest.raises(UsageError, match=message):
        load_params(tmp_path, other)


def test_a_run_of_an_earlier_version_is_refused_in_a_sentence(tmp_path):
    def params(named_tuple):
        cell = {"w_x": jnp.ones(2), "b": jnp.ones(1), "w_h": jnp.ones(3)}
        return {"rnn": {"cell": LSTMParams(**cell, b_h=None)} if named_tuple else cell}

    earlier, today = params(True), params(False)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, (earlier, {"mu": earlier}), earlier, params_step=1, record={})
    checkpoints.wait()
    message = "an earlier version of rnnjax saved it.*train again in another folder"
    with pytest.raises(UsageError, match=message):
        load_params(tmp_path, today)
    with pytest.raises(UsageError, match=message):
        checkpoints.restore(1, (today, {"mu": today}))
    with pytest.raises(UsageError, match="rnn/b is absent there"):
        load_params(tmp_path, {"rnn": {"b": jnp.ones(1)}})


@contextlib.contextmanager
def largest_file(size):
    """No file can become larger: what a full disk looks like, on every machine."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@gives_up
def test_a_failed_save_is_told_and_leaves_the_earlier_ones(tmp_path):
    checkpoints = save(tmp_path, 1)
    noise = {"w": jax.random.normal(jax.random.key(0), (100_000,))}
    checkpoints.save(2, noise, PARAMS, params_step=2, record={})
    with largest_file(100_000), pytest.raises(StorageError) as failure:
        checkpoints.wait()
    assert "the checkpoint of step 2 could not be written" in str(failure.value)
    assert f"({os.strerror(errno.EFBIG)}); the earlier ones are sound" in str(failure.value)
    assert "\n" not in str(failure.value)
    assert names(tmp_path) == ["1"]
    assert checkpoints.newest() == 1
    checkpoints.save(2, noise, PARAMS, params_step=2, record={})
    checkpoints.wait()
    assert checkpoints.newest() == 2


class Malicious:
    """Unpickled, it makes a file: what a pickle from a stranger may do, and worse."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self.path,)


@gives_up
def test_a_malicious_file_does_not_execute(tmp_path):
    """Whichever file of a checkpoint is a pickle, with a manifest that vouches for it."""
    trace = tmp_path / "executed"
    payload = pickle.dumps(Malicious(trace))
    pickle.loads(payload)
    trace.unlink()  # it does work

    save(tmp_path / "sound", 1)
    for path in [p for p in (tmp_path / "sound").rglob("*") if p.is_file() and p.name != NAME]:
        run = tmp_path / "run"
        shutil.copytree(tmp_path / "sound", run)
        (run / path.relative_to(tmp_path / "sound")).write_bytes(payload)
        (run / "checkpoints/1" / NAME).unlink()
        write_manifest(run / "checkpoints" / "1")
        with contextlib.suppress(UsageError):
            if "state" in path.parts:
                Checkpoints(run).restore(1, STATE)
            else:
                load_params(run, PARAMS)
        assert not trace.exists(), path
        shutil.rmtree(run)


def test_no_source_reads_or_writes_pickles():
    root = pathlib.Path(module.__file__).parents[2]
    for path in [*root.glob("rnnjax/**/*.py"), *root.glob("experiments/*.py")]:
        source = path.read_text()
        for word in ("import pickle", "allow_pickle=True", "joblib", "dill", "marshal", "shelve"):
            assert word not in source, f"{word} in {path}"
