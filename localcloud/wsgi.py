"""A small HTTP/1.1 server with keep-alive, one thread per connection.

Werkzeug's development server closes every connection after one answer, which costs every call of every
worker a new connection and a new thread; most of the local cloud's calls take less time than that.
"""

from __future__ import annotations

import contextlib
import io
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any, BinaryIO, cast
from urllib.parse import unquote_to_bytes

from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
THREADED = {"wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False}
NO_BODY = ("1", "204", "304")
OURS = ("connection", "transfer-encoding", "content-length")


class HttpServer:
    """Serve a WSGI application on a local address until stopped."""

    def __init__(self, app: App, host: str, port: int) -> None:
        """Bind to the address; port 0 takes a free one. Raise OSError when the port is taken."""
        self._app = app
        self._listener = socket.create_server((host, port), backlog=128)
        self.host, self.port = self._listener.getsockname()[:2]
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = False

    def start(self) -> None:
        """Accept connections in a thread of its own."""
        threading.Thread(target=self._accept, name="localcloud-http", daemon=True).start()

    def stop(self) -> None:
        """Stop accepting and end every open connection."""
        self._stopping = True
        with contextlib.suppress(OSError):  # wakes the accept call on every platform
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._stopping:
            try:
                connection, address = self._listener.accept()
            except OSError:
                return  # the listener was closed
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(
                target=self._serve, args=(connection, address), name="localcloud-request", daemon=True
            ).start()

    def _serve(self, connection: socket.socket, address: tuple[str, int]) -> None:
        try:
            with connection, connection.makefile("rb", 65536) as stream:
                while self._answer(connection, cast(BinaryIO, stream), address):
                    pass
        except OSError:
            pass  # the client went away
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _answer(self, connection: socket.socket, stream: BinaryIO, address: tuple[str, int]) -> bool:
        line = stream.readline(65537)
        if not line.strip():
            return False
        try:
            method, target, version = line.decode("latin-1").split()
            headers = _read_headers(stream)
            body = _read_body(connection, stream, headers)
        except ValueError:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return False
        environ = _environ(method, target, version, headers, body, (self.host, self.port), address)
        keep = environ.get("HTTP_CONNECTION", "").lower() != "close" and version == "HTTP/1.1"
        connection.sendall(_respond(self._app, environ, keep))
        return keep and not self._stopping


def _read_headers(stream: BinaryIO) -> list[tuple[str, str]]:
    headers = []
    while (line := stream.readline(65537)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    return headers


def _read_body(connection: socket.socket, stream: BinaryIO, headers: list[tuple[str, str]]) -> bytes:
    named = {name.lower(): value for name, value in headers}
    if named.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in named.get("transfer-encoding", "").lower():
        return _read_chunks(stream)
    return stream.read(int(named.get("content-length") or 0))


def _read_chunks(stream: BinaryIO) -> bytes:
    chunks = []
    while size := int(stream.readline(65537).split(b";")[0], 16):
        chunks.append(stream.read(size))
        stream.readline(3)
    while stream.readline(65537) not in (b"\r\n", b"\n", b""):
        pass  # trailers
    return b"".join(chunks)


def _environ(
    method: str,
    target: str,
    version: str,
    headers: list[tuple[str, str]],
    body: bytes,
    server: tuple[str, int],
    client: tuple[str, int],
) -> dict[str, Any]:
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": target,
        "RAW_URI": target,
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": client[1],
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": version,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        **THREADED,
    }
    preserved: dict[str, str] = {}
    for name, value in headers:
        if "_" in name:  # WSGI cannot tell it from a dash; moto wants the spelling of S3 metadata only
            if not should_preserve_original_header_name(name):
                continue
            preserved[environ_key_for_header(name)] = name
        key = environ_key_for_header(name)
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = preserved
    return environ


def _respond(app: App, environ: dict[str, Any], keep: bool) -> bytes:
    status, headers = "500 Internal Server Error", []

    def start_response(line: str, fields: list[tuple[str, str]], exc_info: object = None) -> None:
        nonlocal status, headers
        status, headers = line, fields

    result = app(environ, start_response)
    try:
        body = b"".join(result)
    finally:
        if hasattr(result, "close"):
            result.close()
    is_head = environ["REQUEST_METHOD"] == "HEAD"
    head = _head(status, headers, len(body), is_head=is_head, keep=keep)
    return head if is_head or status.startswith(NO_BODY) else head + body


def _head(status: str, headers: list[tuple[str, str]], size: int, *, is_head: bool, keep: bool) -> bytes:
    named = {name.lower(): value for name, value in headers}
    lines = [f"HTTP/1.1 {status}"]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() not in OURS]
    if "date" not in named:
        lines.append(f"Date: {formatdate(time.time(), usegmt=True)}")
    if is_head:  # the length that a GET would have, which only the application knows
        lines.append(f"Content-Length: {named.get('content-length', 0)}")
    elif not status.startswith(NO_BODY):
        lines.append(f"Content-Length: {size}")
    lines.append("Connection: keep-alive" if keep else "Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
