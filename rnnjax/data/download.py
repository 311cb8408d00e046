"""Downloads that are checked against published checksums and resumed where they broke off."""

from __future__ import annotations

import hashlib
import http.client
import os
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from rnnjax.data.source import Progress, RemoteFile
from rnnjax.errors import DataUnavailableError

_CHUNK = 1 << 16
_ATTEMPTS = 3
_PAUSE = 0.5  # seconds before a broken transfer is taken up again
_TRANSFER_ERRORS = (OSError, http.client.HTTPException, ValueError)


class _MismatchError(ValueError):
    """A server gives something other than the published file."""


class _BrokenOffError(OSError):
    """A transfer ended before its time."""


def missing_files(files: Sequence[RemoteFile], folder: Path) -> list[RemoteFile]:
    """Returns those of ``files`` that are not in ``folder`` with their published contents."""
    return [file for file in files if not _is_complete(folder / file.name, file)]


def answering_mirrors(mirrors: Sequence[str], file: RemoteFile, *, timeout: float) -> list[str]:
    """Returns the mirrors that begin to serve ``file`` within ``timeout`` seconds, fastest first.

    All are asked at once. Name resolution and connecting count towards the time, and the call
    returns as soon as one has answered and the others have had a moment to.

    Args:
        mirrors: Addresses that end in ``/``.
        file: The file to ask for; a small one is kindest.
        timeout: Seconds.

    Raises:
        DataUnavailableError: None did; the message says of each what came instead.
    """
    answers: queue.Queue[tuple[str, str | None]] = queue.Queue()
    # Daemons, since a resolver that hangs would otherwise keep the interpreter from ending.
    for mirror in mirrors:
        threading.Thread(
            target=lambda mirror: answers.put((mirror, _ask(mirror, file, timeout))),
            args=(mirror,),
            daemon=True,
        ).start()
    deadline = time.monotonic() + timeout
    answered: list[str] = []
    reasons = dict.fromkeys(mirrors, f"no answer within {timeout:g} s")
    for _ in mirrors:
        try:
            mirror, reason = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if reason is None:
            answered.append(mirror)
            deadline = min(deadline, time.monotonic() + 0.1 * timeout)
        else:
            reasons[mirror] = reason
    if not answered:
        raise DataUnavailableError("; ".join(f"{url}: {why}" for url, why in reasons.items()))
    return answered


def fetch(
    files: Sequence[RemoteFile],
    mirrors: Sequence[str],
    folder: Path,
    *,
    timeout: float = 20.0,
    progress: Progress | None = None,
) -> dict[str, Path]:
    """Downloads the files that are missing from ``folder`` and verifies every one.

    A transfer that breaks off leaves ``NAME.part``; it is taken up where it ended, by this call or
    a later one, if the server can (HTTP Range), and from the beginning if not. A file gets its
    name when its SHA-256 is the published one. One process at a time may work in a folder.

    Args:
        files: What to download.
        mirrors: Addresses that end in ``/``, tried in order.
        folder: Where the files go; it is made if need be.
        timeout: Seconds without a byte after which a server is given up.
        progress: Told the number of bytes of each file.

    Returns:
        The path of each file by its name.

    Raises:
        DataUnavailableError: A file could not be had whole from any mirror.
        OSError: The folder cannot be written.
    """
    for file in missing_files(files, folder):
        (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
        reasons = []
        for mirror in mirrors:
            try:
                _download(mirror + file.name, file, folder, timeout, progress)
                break
            except _TRANSFER_ERRORS as error:
                reasons.append(f"{mirror}{file.name}: {_say(error)}")
        else:
            raise DataUnavailableError("; ".join(reasons))
    return {file.name: folder / file.name for file in files}


def _ask(mirror: str, file: RemoteFile, timeout: float) -> str | None:
    try:
        _open(mirror + file.name, file, 0, timeout).close()
    except _TRANSFER_ERRORS as error:
        return _say(error)
    return None


def _open(url: str, file: RemoteFile, start: int, timeout: float) -> http.client.HTTPResponse:
    request = urllib.request.Request(url, headers={"User-Agent": "rnnjax"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    response = urllib.request.urlopen(request, timeout=timeout)
    length = response.headers.get("Content-Length")
    expected = file.size - (start if _is_resumed(response, start) else 0)
    # The log-in page of a hotel, or an error page with status 200, shows itself here.
    if length is not None and length != str(expected):
        response.close()
        raise _MismatchError(f"{length} bytes are offered instead of {expected}")
    return response


def _is_resumed(response: http.client.HTTPResponse, start: int) -> bool:
    content_range = response.headers.get("Content-Range", "")
    return response.status == 206 and content_range.startswith(f"bytes {start}-")


def _download(
    url: str, file: RemoteFile, folder: Path, timeout: float, progress: Progress | None
) -> None:
    part = folder / f"{file.name}.part"
    for attempt in range(1, _ATTEMPTS + 1):
        start = part.stat().st_size if part.exists() else 0
        try:
            if start < file.size:
                _transfer(url, file, part, start, timeout, progress)
            if _is_complete(part, file):
                os.replace(part, folder / file.name)
                return
            raise _MismatchError("the contents differ from those published (SHA-256)")
        except _BrokenOffError:
            if attempt == _ATTEMPTS:
                raise
        except _MismatchError:
            # It may be the bytes of an earlier transfer that are wrong: then from the beginning.
            part.unlink(missing_ok=True)
            if not start or attempt == _ATTEMPTS:
                raise
        time.sleep(_PAUSE)


def _transfer(
    url: str, file: RemoteFile, part: Path, start: int, timeout: float, progress: Progress | None
) -> None:
    with _open(url, file, start, timeout) as response:
        resumed = _is_resumed(response, start)
        done = start if resumed else 0
        with open(part, "ab" if resumed else "wb") as out:
            while chunk := _receive(response):
                done += len(chunk)
                if done > file.size:
                    raise _MismatchError(f"more than the published {file.size} bytes came")
                out.write(chunk)
                out.flush()  # what has come survives a process that is killed
                if progress is not None:
                    progress(f"downloading {file.name}", done, file.size)
    if done < file.size:
        raise _BrokenOffError(f"the connection broke off after {done} of {file.size} bytes")


def _receive(response: http.client.HTTPResponse) -> bytes:
    try:
        # Unlike read, read1 hands over what has come when the connection breaks off behind it.
        return response.read1(_CHUNK)
    except _TRANSFER_ERRORS as error:
        raise _BrokenOffError(_say(error)) from error


def _is_complete(path: Path, file: RemoteFile) -> bool:
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256


def _say(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP status {error.code}"
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, TimeoutError):
        return "the server stopped answering"
    return " ".join((getattr(reason, "strerror", None) or str(reason) or repr(reason)).split())
