"""The standard streams and Ctrl-C of a script, in small programs that begin as the scripts do."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.experiments.starting import ROOT

BEGIN = "import sys; import rnnjax.outset as outset; outset.begin()\n"


def run(program, *, options=(), environment=None, stdout: Any = -1, stderr: Any = -1):
    return subprocess.run(
        [sys.executable, *options, "-c", BEGIN + program],
        cwd=ROOT,
        env=os.environ | (environment or {}),
        timeout=60,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
    )


def without_reader():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def test_what_has_begun_begins_no_second_time():
    program = "streams = sys.stdout, sys.stderr; outset.begin()\n"
    done = run(program + "print(streams == (sys.stdout, sys.stderr))")
    assert done.stdout == b"True\n"


C_LIBRARY_WAITS = """
import atexit, ctypes
c_library = ctypes.CDLL(None)
c_library.__cxa_atexit(c_library.pause, None, None)
atexit.register(print, 'saved')
outset.will_leave(3)
sys.exit(0)
"""


def test_a_script_does_not_wait_for_the_exit_of_the_c_libraries():
    done = run(C_LIBRARY_WAITS)
    assert done.returncode == 3
    assert done.stdout == b"saved\n"


WORK = """
print('first', flush=True)
open('/dev/null', 'w').write('saved')
print('second'); sys.stdout.flush()
print('done', file=sys.stderr)
"""


@pytest.mark.parametrize("options", [(), ("-u",)])
def test_a_training_goes_on_when_its_reader_has_gone(options):
    writer = without_reader()
    done = run("outset.without_reader(end=False)" + WORK, options=options, stdout=writer)
    assert done.returncode == 0
    warning, last = done.stderr.decode().splitlines()
    assert warning.startswith(
        "warning: standard output can't be written to (Broken pipe); the work"
    )
    assert last == "done"


def test_a_training_goes_on_when_the_disk_of_its_output_is_full():
    with open("/dev/full", "w") as full:
        done = run("outset.without_reader(end=False)" + WORK, stdout=full)
    assert done.returncode == 0
    assert b"(No space left on device); the work goes on" in done.stderr


def test_a_filter_ends_quietly_when_its_reader_has_gone():
    done = run("outset.without_reader(end=True)" + WORK, stdout=without_reader())
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_filter_whose_output_is_lost_says_so():
    with open("/dev/full", "w") as full:
        done = run("outset.without_reader(end=True)" + WORK, stdout=full)
    assert done.returncode == 1
    assert done.stderr == (
        b"error: standard output can't be written to (No space left on device)\n"
    )


def test_before_anything_is_known_nothing_is_said():
    done = run(WORK, stdout=without_reader())
    assert (done.returncode, done.stderr) == (0, b"done\n")


def test_both_readers_may_go():
    writer = without_reader()
    program = "outset.without_reader(end=False)" + WORK
    assert run(program, stdout=writer, stderr=writer).returncode == 0


def test_what_a_terminal_has_no_character_for_is_shown_by_its_number():
    program = r"""
print('28 \u00d7 50 \udcff')
print('\u00d7', file=sys.stderr)
from rich.console import Console
Console().print('\u2026')
"""
    done = run(program, environment={"PYTHONIOENCODING": "ascii"})
    assert done.stdout.decode() == "28 \\xd7 50 \\udcff\n\\u2026\n"
    assert done.stderr.decode() == "\\xd7\n"
    done = run(program, environment={"PYTHONIOENCODING": "ascii:replace"})
    assert done.stdout.decode() == "28 ? 50 ?\n?\n"
    posix = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    assert run(program, environment=posix).returncode == 0
    utf8 = run(program, environment={"PYTHONUTF8": "1"})
    assert utf8.stdout.decode() == "28 × 50 \\udcff\n…\n"


STREAMS = """
import os
written = sys.stdin.buffer.read()
print('out'); print('err', file=sys.stderr)
for stream in (0, 1, 2): os.fstat(stream)
file = open('setup.cfg')
assert file.fileno() > 2, file.fileno()
sys.exit(len(written) + 3)
"""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_were_closed_when_it_began(closed):
    command = f'exec "$@" {closed}'
    done = subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-c", BEGIN + STREAMS],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout == (b"" if ">&-" in closed.replace("2>&-", "") else b"out\n")
    assert done.stderr == (b"" if "2>&-" in closed else b"err\n")


def test_a_terminal_is_still_one():
    outer, inner = pty.openpty()
    program = "print(sys.stdout.isatty(), sys.stdout.line_buffering, sys.stderr.isatty())"
    done = run(program, stdout=inner, stderr=inner, environment={"PYTHONUNBUFFERED": ""})
    os.close(inner)
    assert done.returncode == 0
    assert select.select([outer], [], [], 10)[0]
    assert os.read(outer, 100).split() == [b"True", b"True", b"True"]
    os.close(outer)


@contextlib.contextmanager
def ctrl_c(handler):
    """What a process that is started here inherits; in the background it is "ignored"."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    "script",
    [
        "mnist_rnn",
        "binary_sequence",
        "imdb_sentiment",
        "language_model",
        "translation",
        "image_description",
        "compare",
        "letters_to_sounds",
        "speaker",
        "text_similarity",
        "time_series",
        "drawing",
        "music",
        "speech_digits",
        "long_memory",
    ],
)
def test_ctrl_c_in_the_imports_is_one_line(script, tmp_path):
    """A module that never ends stands where the first large import is."""
    for name in ("jax", "flax", "absl"):
        (tmp_path / f"{name}.py").write_text(
            "import os, time; os.write(1, b'!')\n"
            "while True:\n"
            "    try: time.sleep(60)\n"
            "    except BaseException: pass\n"  # as those who ask whether something is there
        )
    with (
        ctrl_c(signal.default_int_handler),
        subprocess.Popen(
            [sys.executable, f"experiments/{script}.py"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.read(1) == b"!"
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 130
            assert process.stderr.read() == b"stopped by Ctrl-C\n"
        finally:
            process.kill()


def test_ctrl_c_stays_ignored_where_it_was():
    program = "import os, signal, time\nos.kill(os.getpid(), 2); time.sleep(0.1); print('on')"
    start = time.monotonic()
    with ctrl_c(signal.SIG_IGN):
        done = run(program)
    assert done.stdout == b"on\n"
    assert time.monotonic() - start < 60
