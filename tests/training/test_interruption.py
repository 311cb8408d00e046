"""Signals, as this very process gets them."""

import os
import signal
import threading
import time

import pytest

from rnnjax.training.interruption import Interrupted, Interruption, raised


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("number", "code", "name"), [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "Ctrl-C")]
)
def test_a_signal_is_held_back_until_somebody_looks(number, code, name):
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    told = []

    def train():
        with Interruption(told.append) as interruption:
            assert interruption.requested is None
            os.kill(os.getpid(), number)
            wait_for(lambda: told)
            assert interruption.requested == number
            raise Interrupted(number)

    with pytest.raises(Interrupted, match=f"stopped by {name}") as stop:
        train()
    assert stop.value.exit_code == code
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == before
    assert signal.set_wakeup_fd(-1) == -1
    assert told[0].startswith(f"{name}: finishing the current chunk and saving")
    assert len(told) == 1


def test_a_signal_that_nobody_looked_at_is_not_lost():
    with pytest.raises(Interrupted), Interruption(lambda line: None):
        os.kill(os.getpid(), signal.SIGTERM)


def test_another_thread_may_train_too():
    seen = []

    def train():
        with Interruption(seen.append) as interruption:
            seen.append(interruption.requested)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert seen == [None]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_outside_of_training_a_signal_ends_the_program_where_it_is(number):
    def work():
        with raised():
            os.kill(os.getpid(), number)
            time.sleep(30)

    # A shell starts what it puts in the background with Ctrl-C ignored; Python leaves it so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(Interrupted) as stop:
            work()
    finally:
        signal.signal(signal.SIGINT, before)
    assert stop.value.exit_code == 128 + number
    assert stop.value.run is None
