"""SIGTERM and Ctrl-C as a wish that is granted at the next good moment."""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)
NAMES = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "Ctrl-C"}


class Interrupted(BaseException):  # like KeyboardInterrupt, it is nobody's error
    """The run was asked to stop, and did so.

    Args:
        number: the signal.
        run: the run's folder, if a checkpoint was saved in it.
        steps: updates that this checkpoint holds.
    """

    def __init__(self, number: int, run: os.PathLike[str] | None = None, steps: int = 0) -> None:
        self.signal = signal.Signals(number)
        self.run = run
        self.steps = steps
        super().__init__(f"stopped by {NAMES.get(self.signal, self.signal.name)}")

    @property
    def exit_code(self) -> int:
        """What a shell shows for a process that a signal ended: 143 or 130."""
        return 128 + self.signal


class Interruption:
    """Holds SIGTERM and Ctrl-C back while it is open, for the program to look at when it can.

    A second Ctrl-C ends the process at once with code 130, even if it is compiling or waits for the
    device. Outside the main thread, which alone hears of signals, it does nothing.

    Args:
        tell: shows the user a line.

    Raises:
        Interrupted: on leaving, if there was a signal that nobody has looked at; on entering, if
            one that `raised` has heard of was lost.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.requested: signal.Signals | None = None
        self._tell = tell
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Interruption:
        if threading.current_thread() is not threading.main_thread():
            return self
        check()
        try:
            self._listen_to_signals()
        except BaseException:  # a signal may still end the program where it is
            self._undo.close()
            raise
        return self

    def _listen_to_signals(self) -> None:
        # Python calls a handler only when the main thread is back from what it is doing, which may
        # be a long compilation; the descriptor is written to at once, so a thread listens there.
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        listener = threading.Thread(target=self._listen, args=(reader,), daemon=True)
        listener.start()
        self._undo.callback(os.close, reader)
        self._undo.callback(listener.join)
        self._undo.callback(os.close, writer)
        self._undo.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writer))
        for number in SIGNALS:
            self._undo.callback(signal.signal, number, signal.signal(number, _nothing))

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._undo.close()
        if kind is None and self.requested is not None:
            raise Interrupted(self.requested)  # it came after the last look

    def _listen(self, reader: int) -> None:
        while received := os.read(reader, 1):
            number = signal.Signals(received[0])
            if self.requested is None and number in SIGNALS:
                self.requested = number
                again = "; Ctrl-C again stops at once" if number == signal.SIGINT else ""
                self._tell(f"{NAMES[number]}: finishing the current chunk and saving{again}")
            elif number == signal.SIGINT:
                os._exit(128 + signal.SIGINT)


def _nothing(number: int, frame: FrameType | None) -> None:
    """A handler of its own, because an ignored signal would not reach the descriptor either."""


LATER_SECONDS = 0.01
"""How long after a lost exception it is raised again; a callback of Python's is over by then."""


class _Raiser:
    """Raises `Interrupted` at a signal, and again where Python has dropped it.

    Python calls a handler between any two steps of the program, so also in a callback of the
    garbage collector, of a weak reference, of C, or in ``__del__``. What is raised there is shown,
    and then dropped; the hook that shows it is where that can be known.
    """

    def __init__(self) -> None:
        self.asked: signal.Signals | None = None
        self.is_over = False
        self._show = sys.unraisablehook
        sys.unraisablehook = self.hook = self._dropped  # one object, to be known again

    def handle(self, number: int, frame: FrameType | None) -> None:
        self.asked = signal.Signals(number)
        raise Interrupted(number)

    def close(self) -> None:
        self.is_over = True
        if sys.unraisablehook is self.hook:  # or somebody else has put a hook before this one
            sys.unraisablehook = self._show

    def _dropped(self, unraisable: Any) -> None:
        if self.is_over or not isinstance(unraisable.exc_value, Interrupted):
            self._show(unraisable)
        else:
            # No `threading.Thread`: what was interrupted may hold the lock that it needs.
            _thread.start_new_thread(self._again, ())

    def _again(self) -> None:
        time.sleep(LATER_SECONDS)
        if self.asked is not None and not self.is_over:
            _thread.interrupt_main(self.asked)  # as if the signal came once more


_raisers: list[_Raiser] = []
"""Those of `raised` that are open, the innermost last."""


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Has SIGTERM and Ctrl-C end the program where it is, by `Interrupted`.

    Raises:
        Interrupted: there was a signal. Where a callback was interrupted it comes a moment later;
            where the program has caught it and gone on, at the next `check`, or on leaving.
    """
    raiser = _Raiser()
    with contextlib.ExitStack() as undo:  # which goes on where a signal comes in the middle of it
        undo.callback(raiser.close)
        _raisers.append(raiser)
        undo.callback(_raisers.remove, raiser)
        for number in SIGNALS:
            # A shell starts what it puts in the background with Ctrl-C ignored, and so it stays.
            if (handler := signal.getsignal(number)) not in (signal.SIG_IGN, None):
                undo.callback(signal.signal, number, handler)
                signal.signal(number, raiser.handle)
        try:
            yield
        except Interrupted:
            raise
        except BaseException as error:
            if raiser.asked is not None:  # it is what somebody has made of the signal
                raise Interrupted(raiser.asked) from error
            raise
        check()


def check() -> None:
    """Raises what a signal has asked for inside `raised`, if that was caught and forgotten."""
    if _raisers and _raisers[-1].asked is not None:
        raise Interrupted(_raisers[-1].asked)
