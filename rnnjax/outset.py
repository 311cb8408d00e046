"""What a script does before it imports anything large: its streams hold, Ctrl-C is one line.

Python itself ends a program whose reader has gone away (``| head``), whose terminal knows ASCII
only, or that is given no standard input. A training must not end so; nor must it stand for ever
when all is done, because a thread of a numerical library does not end.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import io
import os
import signal
import sys
from typing import Any, NoReturn

ENDED_BY_PIPE = 128 + 13
"""What a shell shows for a filter whose reader has gone away; SIGPIPE is signal 13."""


class Output(io.FileIO):
    """Standard output or error; once it can't be written to, what is written to it is dropped.

    Args:
        descriptor: of the stream, 1 or 2.
    """

    ends = False
    """Whether the process is to end when it can't be written to."""

    tells = False
    """Whether standard error is told of it."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)

    def write(self, data: Any) -> int:
        """How many bytes of the data were taken: all, also where nobody reads them any more."""
        try:
            return super().write(data)
        except OSError as error:
            self._lose(error)
            return memoryview(data).nbytes

    def _lose(self, error: OSError) -> None:
        # The descriptor stays open, because another file would get its number.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        why = f"standard output can't be written to ({error.strerror})"
        if self.ends and error.errno == errno.EPIPE:
            os._exit(ENDED_BY_PIPE)
        if self.ends:
            _say(f"error: {why}")
            os._exit(1)
        if self.tells:
            _say(f"warning: {why}; the work goes on without it, and is saved as usual")


_exit_code: int | None = None


def begin() -> None:
    """Makes the standard streams hold, and has Ctrl-C end the process at once with one line."""
    if "numpy" not in sys.modules:
        atexit.register(_leave)  # before all others, and so it is called after them
    _open_closed()
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if not isinstance(_raw(stream), Output):  # it has begun before
            setattr(sys, name, _lasting(stream, descriptor))
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    # A shell starts what it puts in the background with Ctrl-C ignored, and so it stays.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)


def will_leave(code: int) -> None:
    """Has a process that began before its large imports end at once after Python's own exit.

    The exit of the C libraries, which would come then, waits for their threads: that of OpenBLAS
    has stood for ever with all work done.

    Args:
        code: the exit code.
    """
    global _exit_code
    _exit_code = code


def without_reader(*, end: bool) -> None:
    """Says what happens when standard output can't be written to any more; until then, nothing.

    Args:
        end: whether the process ends, like any filter; or else goes on, and tells standard error.
    """
    output = _raw(sys.stdout)
    if isinstance(output, Output):
        output.ends, output.tells = end, not end


def _leave() -> None:
    if _exit_code is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_exit_code)


def _open_closed() -> None:
    """Gives a stream that was closed when the process began to nobody."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free


def _raw(stream: Any) -> Any:
    """What a stream of text writes to in the end."""
    buffer = getattr(stream, "buffer", None)
    return getattr(buffer, "raw", buffer)


def _lasting(stream: Any, descriptor: int) -> io.TextIOWrapper:
    """A stream with the encoding and the buffering of another one."""
    raw = Output(descriptor)
    direct = getattr(stream, "write_through", False)  # python -u
    errors = getattr(stream, "errors", "strict")
    return io.TextIOWrapper(
        raw if direct else io.BufferedWriter(raw),  # pyright: ignore[reportArgumentType]
        encoding=getattr(stream, "encoding", "utf-8"),
        # What the terminal has no character for is shown by its number.
        errors="backslashreplace" if errors in ("strict", "surrogateescape") else errors,
        line_buffering=getattr(stream, "line_buffering", True),
        write_through=direct,
    )


def _stop(number: int, frame: Any) -> NoReturn:
    # At once, because an exception in the middle of an import may be caught, or shows every line
    # that led to it; and nothing is there yet that could be lost.
    _say("stopped by Ctrl-C")
    os._exit(128 + number)


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"{line}\n".encode(errors="backslashreplace"))
