"""SIGTERM and Ctrl-C as a wish that is granted at the next good moment."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

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
        Interrupted: on leaving, if there was a signal that nobody has looked at.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.requested: signal.Signals | None = None
        self._tell = tell
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Interruption:
        if threading.current_thread() is not threading.main_thread():
            return self
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
        return self

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


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Has SIGTERM and Ctrl-C end the program where it is, by `Interrupted`."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(signal.SIGINT) from None
    finally:
        signal.signal(signal.SIGTERM, previous)
