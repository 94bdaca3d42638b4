"""Serialise the requests to each of moto's backends: its conditional writes are not atomic under threads.

One lock per service and account, re-entrant for the thread that holds it. Requests that run other people's
code, or wait for something another request must do, hold none.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

from moto.iam.models import get_account_id_from

# Services whose requests call other services, through the endpoint or into functions and models.
UNLOCKED_SERVICES = frozenset({"cloudformation", "sagemakerruntime", "sagemaker-runtime", "moto_api", "sts"})
# Operations that wait: for an activity's worker, for an express execution, for a message.
UNLOCKED_TARGETS = ("GetActivityTask", "StartSyncExecution", "ReceiveMessage")


class ServiceLocks:
    """Hold one lock per service and account."""

    def __init__(self) -> None:
        self._locks: dict[tuple[str, str], threading.RLock] = {}
        self._guard = threading.Lock()

    def of(self, service: str, account: str) -> threading.RLock:
        """Return the lock of a service in an account."""
        with self._guard:
            return self._locks.setdefault((service, account), threading.RLock())

    def for_request(self, service: str, environ: dict[str, Any]) -> AbstractContextManager[Any]:
        """Return the lock that this request must hold, or one that locks nothing."""
        if service in UNLOCKED_SERVICES or environ.get("HTTP_X_AMZ_TARGET", "").endswith(UNLOCKED_TARGETS):
            return nullcontext()
        if service.startswith("awslambda") and "/invocations" in environ["PATH_INFO"]:
            return nullcontext()
        return self.of(service, _account(environ.get("HTTP_AUTHORIZATION", "")))


def _account(authorization: str) -> str:
    _, _, rest = authorization.partition("Credential=")
    return _account_of_key(rest.split("/", 1)[0] or "none")


@lru_cache(maxsize=256)
def _account_of_key(access_key: str) -> str:
    return str(get_account_id_from(access_key))
