"""The local cloud's endpoint: control routes of its own; everything else goes to moto, one at a time."""

from __future__ import annotations

import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from localcloud import moto_speed
from localcloud.locks import ServiceLocks
from localcloud.wsgi import HttpServer

LOG = logging.getLogger("localcloud.server")
CONTROL = "/localcloud/"

Control = Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]]]


class _Dispatcher(DomainDispatcherApplication):
    """Find moto's backend of a host once, not by listing moto's folder at every request."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self.get_backend_for_host = lru_cache(maxsize=512)(  # type: ignore[method-assign]
            super().get_backend_for_host
        )


class Endpoint:
    """Answer every request to the local cloud: a WSGI application."""

    def __init__(self, control: Control) -> None:
        """Take the function that answers the control routes: (route, body) -> (status, answer)."""
        self._control = control
        self._dispatcher = _Dispatcher()
        self.locks = ServiceLocks()
        self.calls = 0
        self._calls_lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        if path.startswith(CONTROL):
            return self._answer_control(path.removeprefix(CONTROL), environ, start_response)
        with self._calls_lock:
            self.calls += 1
        try:
            application = self._dispatcher.get_application(environ)
            service = getattr(application, "service", "")
            with self.locks.for_request(service, environ):
                return list(application(environ, start_response))
        except Exception as error:  # noqa: BLE001 - a request's last frame: the client is told, the log too
            return _fault(error, environ, start_response)

    def _answer_control(
        self, route: str, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        raw = environ["wsgi.input"].read()
        try:
            status, answer = self._control(f"{environ['REQUEST_METHOD']} {route}", json.loads(raw or b"{}"))
        except ValueError as error:
            status, answer = 400, {"error": str(error)}
        start_response(
            f"{status} {'OK' if status < 400 else 'Refused'}", [("Content-Type", "application/json")]
        )
        return [json.dumps(answer).encode() + b"\n"]


def _fault(error: Exception, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    operation = environ.get("HTTP_X_AMZ_TARGET") or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    if isinstance(error, NotImplementedError):
        code, status = "NotImplemented", "501 Not Implemented"
        message = f"the local cloud does not have {operation}: {error}"
        LOG.warning("%s", message)
    else:
        code, status = "InternalFailure", "500 Internal Server Error"
        message = f"{operation} failed inside the local cloud: {type(error).__name__}: {error}"
        LOG.error("%s\n%s", message, traceback.format_exc())
    if "json" in environ.get("CONTENT_TYPE", ""):
        start_response(status, [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code)])
        return [json.dumps({"__type": code, "message": message}).encode()]
    start_response(status, [("Content-Type", "text/xml")])
    error_xml = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return [f"<ErrorResponse>{error_xml}</ErrorResponse>".encode()]


def serve(control: Control, host: str, port: int) -> tuple[HttpServer, Endpoint]:
    """Start the endpoint on an address and return it with its server; port 0 takes a free one."""
    moto_speed.install()
    endpoint = Endpoint(control)
    server = HttpServer(endpoint, host, port)
    server.start()
    return server, endpoint
