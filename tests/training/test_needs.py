"""What a run needs is a lower bound, and more than there is is refused before anything is made."""

import math
import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import binary_sequence, imdb_sentiment, mnist_rnn
from rnnjax import GRU
from rnnjax.data import imdb, mnist
from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from rnnjax.training import needs
from rnnjax.training.loop import init_state
from rnnjax.training.optimizers import build_optimizer
from rnnjax.training.settings import Config

GB = 10**9


def estimate(data=0, time_steps=10, **settings):
    config, layer = Config(batch_size=4, hidden_size=8, **settings), GRU(3, 8)
    layout = Layout.over(jax.devices()[:1], num_seeds=config.num_seeds)
    return needs.needs_of(config, layout, layer.init, layer=layer, time_steps=time_steps, data=data)


@pytest.mark.parametrize("settings", [{}, {"optimizer": "sgd"}, {"average": 0.9}])
@pytest.mark.parametrize("seeds", [1, 3])
def test_it_is_what_the_arrays_of_a_run_take(settings, seeds):
    found = estimate(num_seeds=seeds, **settings)
    config, layer = Config(**settings), GRU(3, 8)
    layout = Layout.over(jax.devices()[:1], num_seeds=seeds)
    optimizer = build_optimizer(config.optimizer, 0.1, num_steps=3, average=config.average)
    params = layout.per_seed(layer.init, layout.keys(0, 2)[0])
    state = init_state(params, optimizer, layout=layout)
    assert found.params == sum(a.nbytes for a in jax.tree.leaves(params))
    assert found.optimizer == sum(a.nbytes for a in jax.tree.leaves(state.opt_state))
    assert found.step == found.params // seeds + 10 * 4 * 8 * 4, "one seed after the other"
    assert found.checkpoint == 2 * found.params + found.optimizer


def test_an_evaluation_needs_no_more_than_parameters_and_data():
    found = estimate(eval_only=True, workdir="x", data=7)
    assert (found.optimizer, found.step, found.data) == (0, 0, 7)


def test_more_than_there_is_is_refused(monkeypatch):
    monkeypatch.setattr(needs, "machine_memory", lambda: 10**6)
    estimate()
    with pytest.raises(UsageError, match=r"^this run needs at least 10 MB .* has 1 MB\.$"):
        estimate(data=10**7)
    with pytest.raises(UsageError, match="choose a smaller --batch_size or smaller layers"):
        estimate(time_steps=10**6)
    with pytest.raises(UsageError, match="choose smaller layers, or fewer of them or of the seeds"):
        estimate(num_seeds=10_000)


def test_each_device_has_memory_of_its_own(monkeypatch):
    device = types.SimpleNamespace(platform="gpu", memory_stats=lambda: {"bytes_limit": 10**6})
    strange = types.SimpleNamespace(platform="gpu", memory_stats=lambda: None)
    for there, refused in ((device, True), (strange, False)):
        layout: Any = types.SimpleNamespace(
            mesh=types.SimpleNamespace(devices=np.array([[there]]), shape={"seeds": 1}),
            num_seeds=1, num_shares=1,
        )  # fmt: skip
        config, arguments = Config(), {"layer": None, "time_steps": 1, "data": 2 * 10**6}
        if refused:
            with pytest.raises(UsageError, match="and a device has 1 MB"):
                needs.needs_of(config, layout, GRU(3, 8).init, **arguments)
        else:
            needs.needs_of(config, layout, GRU(3, 8).init, **arguments)


def test_the_least_of_all_limits_counts(monkeypatch, tmp_path):
    installed = needs.machine_memory()
    assert 10**8 < installed < math.inf
    group = tmp_path / "a" / "b"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    (tmp_path / "a" / "memory.max").write_text("5000\n")
    (tmp_path / "self").write_text("1:cpu:/x\n0::/a/b\n")
    monkeypatch.setattr(needs, "CGROUPS", tmp_path)
    monkeypatch.setattr(needs, "OWN_CGROUPS", tmp_path / "self")
    assert needs.machine_memory() == 5000
    monkeypatch.setattr(needs, "_of_process", lambda: [math.inf, 3000])
    assert needs.machine_memory() == 3000


def test_a_checkpoint_that_no_disk_holds_is_refused(tmp_path):
    def check(size):
        found = needs.Needs(params=0, optimizer=0, data=0, step=0, checkpoint=size)
        needs.check_disk(Config(workdir=str(tmp_path / "a" / "b")), found)

    check(1000)
    with pytest.raises(UsageError, match=f"takes at least 1e.24 bytes, and the disk of {tmp_path}"):
        check(10**24)
    assert list(tmp_path.iterdir()) == []


HUGE = 2**31 - 1
LAYERS = [{"hidden_size": HUGE}, {"hidden_size": HUGE, "num_layers": 6}]


@pytest.mark.parametrize("settings", [*LAYERS, {"hidden_size": HUGE, "cell": "layer_norm_lstm"}])
def test_images_with_sizes_beyond_all_bounds(settings):
    data = mnist.load("digits")
    with pytest.raises(UsageError, match="this run needs at least "):
        mnist_rnn.problem(mnist_rnn.Config(**settings), Layout.single(), data)
    with pytest.raises(UsageError, match=r"--batch_size=1501 is larger than .* examples, 1500"):
        mnist_rnn.problem(mnist_rnn.Config(batch_size=1501), Layout.single(), data)


@pytest.mark.parametrize(
    "settings",
    [
        *LAYERS,
        *({name: HUGE} for name in ("embedding_size", "hidden_units", "max_length", "eval_length")),
        {"max_length": HUGE, "mask": False},
    ],
)
def test_reviews_with_sizes_beyond_all_bounds(reviews, settings):
    with pytest.raises(UsageError, match="this run needs at least "):
        imdb_sentiment.problem(imdb_sentiment.Config(**settings), Layout.single(), reviews)


def test_reviews_in_batches_beyond_the_data(reviews):
    config = imdb_sentiment.Config(batch_size=HUGE)
    with pytest.raises(UsageError, match="--batch_size=2147483647 is larger than the number of "):
        imdb_sentiment.problem(config, Layout.single(), reviews)


@pytest.fixture(scope="module")
def reviews():
    return imdb.load("grammar")


@pytest.mark.parametrize(
    "settings",
    [
        *LAYERS,
        {"batch_size": HUGE},
        {"row_length": HUGE, "window": HUGE},
        {"row_length": HUGE, "window": 1, "lag": HUGE - 2},
        {"num_seeds": 10_000},
    ],
)
def test_bits_with_sizes_beyond_all_bounds(monkeypatch, settings):
    monkeypatch.setattr(needs, "machine_memory", lambda: 8 * GB)
    config = binary_sequence.Config(**settings)
    layout = Layout.over(jax.devices()[:1], num_seeds=config.num_seeds)
    with pytest.raises(UsageError, match="this run needs at least "):
        binary_sequence.problem(config, layout)


def test_keys_of_many_seeds_are_those_that_each_has_alone():
    layout = Layout.over(jax.devices()[:1], num_seeds=6, num_settings=2)
    seed = 2**32 - 3
    for j, keys in enumerate(layout.keys(seed, 3)):
        for i in range(6):
            alone = jax.random.split(jax.random.key(seed + i % 3), 3)[j]
            assert jnp.all(jax.random.key_data(keys[i]) == jax.random.key_data(alone))
