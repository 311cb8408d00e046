"""Processes that were told different things, here as threads of one."""

import dataclasses
import socket
import threading

import jax
import pytest

from rnnjax.devices import hosts
from rnnjax.devices.cluster import Cluster
from rnnjax.errors import UsageError
from rnnjax.runs.agreement import PER_PROCESS, agree, agree_on_settings
from rnnjax.training.settings import Config


@pytest.fixture
def together(monkeypatch):
    """Calls a function in so many processes; what each has raised, or None."""

    def run(function, each):
        barrier = threading.Barrier(len(each))
        messages = [None] * len(each)
        here = threading.local()

        def exchange(message):
            assert len(hosts.json.dumps(message)) <= hosts.MESSAGE_BYTES
            messages[here.number] = message
            barrier.wait(10)
            said = list(messages)
            barrier.wait(10)
            return said

        monkeypatch.setattr(jax, "process_count", lambda: len(each))
        monkeypatch.setattr(hosts, "exchange", exchange)
        raised: list[UsageError | None] = [None] * len(each)

        def process(number):
            here.number = number
            try:
                function(each[number])
            except UsageError as error:
                raised[number] = error

        threads = [threading.Thread(target=process, args=(i,)) for i in range(len(each))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return raised

    return run


OTHER = {
    "preset": "x", "seed": 1, "num_seeds": 2, "precision": "f64", "hidden_size": 7,
    "num_layers": 2, "initial_scale": 2.0, "optimizer": "sgd", "learning_rate": 0.5,
    "schedule": "cosine", "clip_norm": 1.0, "average": 0.5, "batch_size": 9, "steps": 9,
    "decay": 0.5, "decay_after": 9, "clip_value": 1.0, "epochs": 9, "eval_every": 9,
    "eval_only": True, "export": "x", "dry_run": True,
    "resume": "must", "checkpoint_every": "9", "max_skipped": 9, "debug_nans": True,
    "distributed": True,
}  # fmt: skip


def test_every_setting_is_one_or_the_other():
    assert OTHER.keys() | PER_PROCESS == {field.name for field in dataclasses.fields(Config)}


@pytest.mark.parametrize("name", OTHER)
def test_every_setting_that_counts_is_compared(together, name):
    settings = [Config(workdir="run"), Config(**{"workdir": "run", name: OTHER[name]})]
    raised = together(lambda config: agree_on_settings("task", config), settings)
    assert str(raised[0]) == str(raised[1])
    assert f"different settings: --{name} is " in str(raised[0])
    assert "in process 0 and " in str(raised[0])
    assert all(error.everywhere for error in raised)


def test_what_matters_to_one_process_alone_may_differ(together):
    settings = [
        Config(
            workdir=f"run{i}", data_dir=str(i), keep=i + 1, startup_timeout=i + 1, num_processes=3,
            num_devices=i + 1, compilation_cache=str(i), coordinator=f"host{i}:1", process_id=i,
            distributed=True,
        )
        for i in range(3)
    ]  # fmt: skip
    assert together(lambda config: agree_on_settings("task", config), settings) == [None] * 3


def test_tasks_and_data_are_compared_whatever_their_length(together):
    raised = together(lambda task: agree_on_settings(task, Config()), ["mnist", "mnist", "imdb"])
    assert 'the task is "mnist" in process 0 and "imdb" in process 2' in str(raised[1])
    long = '\\"ü' * 3000
    raised = together(lambda data: agree("data", data), [{"a": long}, {"a": long + "x"}])
    assert "different data: a is" in str(raised[0])
    assert len(str(raised[0])) < 400
    assert together(lambda data: agree("data", data), [{"a": long}] * 2) == [None, None]
    raised = together(lambda data: agree("data", data), [{"a": 1}, {}])
    assert 'a is 1 in process 0 and "absent" in process 1' in str(raised[0])


@pytest.mark.parametrize("address", ["127.0.0.1", ""])
def test_a_port_in_use_is_said_before_jax_begins(monkeypatch, address):
    monkeypatch.setattr(jax.distributed, "initialize", lambda *_, **__: pytest.fail("too late"))
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UsageError, match=rf"can't listen at port {port} of this machine \(Add"):
            Cluster(f"localhost:{port}", 2, 0)


@pytest.mark.parametrize("port", [0, 65536, 10**9])
def test_a_port_that_is_none(port):
    with pytest.raises(UsageError, match="a port is a number from 1 to 65535"):
        Cluster(f"localhost:{port}", 2, 1)
