"""A real HTTP server on this machine that can be told to misbehave."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LocalServer:
    """Serves ``files`` and logs every request as (name, Range header or None).

    Attributes:
        ranges: Whether the server resumes a transfer.
        break_after: Numbers of bytes after which the next transfers of more than that break off.
        silent: While true, requests are accepted and not answered.
        hold_after: Files of which so many bytes are sent and then nothing, with open connection.
        announce_length: Whether a Content-Length is sent.
    """

    def __init__(self, files: dict[str, bytes]):
        self.files = files
        self.ranges = True
        self.break_after: list[int] = []
        self.hold_after: dict[str, int] = {}
        self.silent = False
        self.announce_length = True
        self.requests: list[tuple[str, str | None]] = []
        self._closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *args: object) -> None:
                pass  # a client that hangs up early is part of the tests

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def downloads(self, name: str) -> int:
        return sum(1 for requested, _ in self.requests if requested == name)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.lstrip("/")
        wanted = handler.headers.get("Range")
        self.requests.append((name, wanted))
        if self.silent:
            self._closing.wait()
            return
        if name not in self.files:
            handler.send_error(404)
            return
        contents = self.files[name]
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header(
                "Content-Range", f"bytes {start}-{len(contents) - 1}/{len(contents)}"
            )
        if self.announce_length:
            handler.send_header("Content-Length", str(len(contents) - start))
        handler.end_headers()
        body = contents[start:]
        if self.break_after and len(body) > self.break_after[0]:
            body = body[: self.break_after.pop(0)]
        if name in self.hold_after:
            handler.wfile.write(body[: self.hold_after[name]])
            self._closing.wait()
            return
        handler.wfile.write(body)
        handler.close_connection = True
