"""How many devices a processor is, and where compiled programs are kept."""

import gc
import os
import platform
import subprocess
import sys
from typing import Any

import pytest

from rnnjax.errors import UsageError
from rnnjax.experiment import startup
from rnnjax.training.settings import Config


@pytest.mark.parametrize(
    ("cores", "settings", "devices"),
    [
        (2, {"batch_size": 50}, 2),
        (4, {"batch_size": 50}, 2),
        (8, {"batch_size": 64}, 4),  # 16 rows for each
        (8, {"batch_size": 64, "num_devices": 3}, 3),  # as asked for, and then refused
        (2, {"batch_size": 64, "num_devices": 8}, 2),
        (8, {"batch_size": 7}, 1),
        (8, {"batch_size": 7, "num_seeds": 4}, 4),
        (8, {"batch_size": 64, "num_seeds": 4}, 8),
        (3, {"batch_size": 64, "num_seeds": 2}, 2),
        (8, {"batch_size": 64, "distributed": True}, None),
    ],
)
def test_cores_are_devices_as_far_as_they_can_share_the_work(monkeypatch, cores, settings, devices):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(cores), raising=False)
    asked = {}
    monkeypatch.setattr(startup.jax.config, "update", asked.__setitem__)
    startup.use_cores(Config(**settings))
    assert asked.get("jax_num_cpu_devices") == devices


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("Unable to initialize backend 'cuda':\n no GPU."), "'cuda': no GPU); leave"),
        (AssertionError(), "JAX_PLATFORMS='cuda' in the environment; leave it out, or"),
    ],
)
def test_without_the_devices_asked_for_one_sentence_says_so(monkeypatch, error, said):
    def devices():
        raise error

    monkeypatch.setattr(startup.jax, "devices", devices)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    with pytest.raises(UsageError) as refused:
        startup.find_devices()
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


SCRIPT = """
import sys, jax
from rnnjax.experiment import startup
from rnnjax.training.settings import Config
startup.set_cache(Config(compilation_cache=sys.argv[1]))
jax.jit(lambda x: x + 1)(1.0)
print(jax.config.jax_compilation_cache_dir)
"""


def start(cache, **environment):
    own = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, cache],
        env=own | {"JAX_PLATFORMS": "cpu"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_small_programs_are_kept_where_it_was_said(tmp_path):
    assert start(str(tmp_path / "here")) == str(tmp_path / "here")
    assert list((tmp_path / "here").glob("jit*-cache"))
    in_cache_folder = start("auto", XDG_CACHE_HOME=str(tmp_path / "user"))
    if sys.platform == "linux":
        assert in_cache_folder.startswith(str(tmp_path / "user" / "rnnjax" / "compiled"))
    assert start("off") == "None"
    chosen = str(tmp_path / "chosen")
    assert start("auto", JAX_COMPILATION_CACHE_DIR=chosen) == chosen


TOUCH_AND_FREE = """
import resource, threading
from rnnjax.experiment import startup
startup.keep_memory()
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    thread = threading.Thread(target=bytearray, args=(80 * 2**20,))  # filled with zeros
    thread.start()
    thread.join()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left alone")
@pytest.mark.parametrize(("environment", "kept"), [({}, True), ({"MALLOC_ARENA_MAX": "4"}, False)])
def test_freed_memory_is_kept_unless_the_environment_says_how(environment, kept):
    own = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", TOUCH_AND_FREE],
        env=own | environment,
        capture_output=True,
        text=True,
    )
    first, *later = map(int, done.stdout.split())
    assert (max(later) < first / 10) == kept, done


@pytest.fixture
def collector():
    """Python's garbage collector, which leaves nothing alone before and after."""
    assert gc.get_freeze_count() == 0
    yield gc
    gc.unfreeze()


def test_objects_are_kept_from_the_collector(collector):
    ring: list[Any] = []
    ring.append(ring)
    startup.keep_objects()
    assert collector.get_freeze_count() > 10_000
    # A generation is what it looks through, the oldest one too.
    assert not any(thing is ring for thing in collector.get_objects())
    assert len(collector.get_objects()) < 1000
