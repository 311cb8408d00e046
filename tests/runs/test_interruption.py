"""Signals, as this very process gets them."""

import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
import time
import weakref

import pytest

from rnnjax.runs.interruption import Interrupted, Interruption, check, raised


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


class Thing:
    """Something that a weak reference can refer to."""


def in_the_garbage_collector(act):
    gc.callbacks.append(lambda phase, info: act() if phase == "stop" else None)
    try:
        gc.collect()
    finally:
        gc.callbacks.pop()


def when_an_object_goes(act):
    class Gone:
        def __del__(self):
            act()

    Gone()


def when_a_weak_reference_dies(act):
    thing = Thing()
    reference = weakref.ref(thing, lambda _: act())
    del thing
    assert reference() is None


def called_from_c(act):
    ctypes.CFUNCTYPE(None)(act)()


@pytest.fixture
def ctrl_c_counts():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_counts")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "where",
    [
        in_the_garbage_collector,
        when_an_object_goes,
        when_a_weak_reference_dies,
        called_from_c,
    ],
)
def test_a_signal_is_not_lost_where_python_drops_what_is_raised(where, number, monkeypatch):
    shown = []
    monkeypatch.setattr(sys, "unraisablehook", shown.append)

    def act():
        os.kill(os.getpid(), number)
        sum(range(1000))

    def work():
        with raised():
            where(act)
            end = time.monotonic() + 30  # the rest of the start, which would go on to the end
            while time.monotonic() < end:
                sum(range(1000))

    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    start = time.monotonic()
    with pytest.raises(Interrupted) as stop:
        work()
    assert time.monotonic() - start < 20
    assert stop.value.signal == number
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == before
    assert shown == []
    assert sys.unraisablehook == shown.append


def test_what_others_have_dropped_is_still_shown(monkeypatch):
    shown = []
    monkeypatch.setattr(sys, "unraisablehook", lambda u: shown.append(str(u.exc_value)))

    def fail():
        raise RuntimeError("of somebody else")

    with raised():
        when_an_object_goes(fail)
    assert shown == ["of somebody else"]


def forget(number=signal.SIGTERM):
    with contextlib.suppress(BaseException):
        os.kill(os.getpid(), number)
        time.sleep(30)


def test_a_signal_that_was_caught_and_forgotten_is_raised_before_training():
    trained = []

    def work():
        with raised():
            forget()
            with Interruption(trained.append):
                trained.append("training")

    with pytest.raises(Interrupted):
        work()
    assert trained == []


def test_a_signal_that_was_caught_and_forgotten_is_raised_in_the_end():
    reached = []

    def work():
        with raised():
            forget()
            reached.append(True)

    with pytest.raises(Interrupted):
        work()
    assert reached
    check()  # it is over


def test_a_signal_that_was_made_an_error_is_a_signal():
    def work():
        with raised():
            try:
                forget_not()
            except BaseException as error:
                raise ValueError("the data could not be read") from error

    def forget_not():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)

    with pytest.raises(Interrupted) as stop:
        work()
    assert stop.value.exit_code == 143


def test_ctrl_c_stays_ignored_in_the_background():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with raised():
            os.kill(os.getpid(), signal.SIGINT)
            sum(range(1000))
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
