"""Several processes, on one machine or many, that train one run together."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from typing import NoReturn

import jax

from rnnjax.devices import hosts
from rnnjax.errors import UsageError

BEAT_SECONDS = 5.0
"""How often two processes tell each other that they are alive."""

SILENCE_SECONDS = 60.0
"""After how much silence a process is taken for dead; below the 100 s after which JAX aborts."""

_BEAT, _GOODBYE = b".", b"x"


class Cluster:
    """The other processes of this run: joined, and watched until `leave`.

    JAX ends a process without a word to its user when another one has died: some minutes later, by
    SIGABRT. So each process holds a connection to the first one, which the system closes as soon
    as either dies, and says in a sentence what has happened.

    Args:
        coordinator: "host:port" of the first process; None where the environment says it, as on a
            TPU pod or under SLURM.
        num_processes: how many; likewise.
        process_id: this one's number, from 0; likewise.
        timeout: seconds to wait for the others.

    Raises:
        UsageError: nothing in the environment says who the others are, or this is to be the first
            process and can't listen at the coordinator's port.
    """

    def __init__(
        self,
        coordinator: str | None = None,
        num_processes: int | None = None,
        process_id: int | None = None,
        *,
        timeout: int = 60,
    ) -> None:
        if coordinator is not None:
            _check_port(coordinator, listens=process_id == 0)
        self._leaving = False
        self._lock = threading.Lock()
        where = coordinator or "the coordinator that the environment names"
        count = "the" if num_processes is None else f"all {num_processes}"
        late = threading.Timer(
            timeout,
            self.give_up,
            [
                f"{count} processes were not there after {timeout} s; start each with the same "
                f"--coordinator and --num_processes and its own --process_id, and see that all can "
                f"reach {where}, or wait longer with --startup_timeout."
            ],
        )
        late.daemon = True
        late.start()
        try:
            # Later than our own limit: JAX does not raise at its limit, it aborts.
            jax.distributed.initialize(
                coordinator, num_processes, process_id, initialization_timeout=timeout + 60
            )
            jax.devices()  # the processes exchange what devices they have
        except (ValueError, RuntimeError) as error:
            raise UsageError(
                f"--distributed: {str(error).splitlines()[0].rstrip('.')}; where the environment "
                "does not say who takes part, give --coordinator, --num_processes and --process_id."
            ) from None
        finally:
            late.cancel()
        self._watch(coordinator)

    def leave(self) -> None:
        """Parts from the others in order; they leave too, or have left."""
        self._leaving = True
        for connection in self._connections:
            self._send(connection, _GOODBYE)
        jax.distributed.shutdown()

    def give_up(self, message: str) -> NoReturn:
        """Ends this process at once, with a sentence and exit code 1."""
        with self._lock:  # one sentence is enough
            print(f"error: {message}", file=sys.stderr, flush=True)
            sys.stdout.flush()
            os._exit(1)

    def _watch(self, coordinator: str | None) -> None:
        self._connections: list[socket.socket] = []
        listener = socket.create_server(("", 0)) if hosts.is_main() else None
        here = [socket.gethostname(), listener.getsockname()[1] if listener else 0]
        host, port = hosts.exchange(here)[0]
        if coordinator is not None:
            host = coordinator.rsplit(":", 1)[0].strip("[]")
        # Where this fails, JAX will notice later.
        try:
            if listener is None:
                self._connections = [socket.create_connection((host, port), timeout=10)]
            else:
                listener.settimeout(10)
                for _ in range(jax.process_count() - 1):
                    self._connections.append(listener.accept()[0])
        except OSError:
            pass
        finally:
            if listener is not None:
                listener.close()
        for connection in self._connections:
            connection.settimeout(SILENCE_SECONDS)
            threading.Thread(target=self._listen, args=(connection,), daemon=True).start()
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        while not self._leaving:
            for connection in self._connections:
                self._send(connection, _BEAT)
            time.sleep(BEAT_SECONDS)

    def _listen(self, connection: socket.socket) -> None:
        try:
            while received := connection.recv(64):
                if _GOODBYE in received:
                    return
        except OSError:
            pass
        if not self._leaving:
            self.give_up(LOST)

    def _send(self, connection: socket.socket, what: bytes) -> None:
        with contextlib.suppress(OSError):  # `_listen` finds out
            connection.sendall(what)


def _check_port(coordinator: str, *, listens: bool) -> None:
    """Tries the port before JAX does, which would crash."""
    port = int(coordinator.rpartition(":")[2])
    if not 0 < port < 2**16:
        raise UsageError(f"--coordinator={coordinator}: a port is a number from 1 to 65535.")
    families = [socket.AF_INET, *([socket.AF_INET6] if socket.has_dualstack_ipv6() else [])]
    for family in families if listens else []:
        try:
            socket.create_server(("", port), family=family).close()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise UsageError(
                f"--coordinator={coordinator}: process 0 can't listen at port {port} of this "
                f"machine ({reason}); give all processes another one that is free."
            ) from None


LOST = (
    "another process of this run has stopped or can't be reached; see what it said, and start all "
    "of them again with the same flags to go on from the last checkpoint."
)
