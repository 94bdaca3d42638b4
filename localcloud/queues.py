"""SQS: long polling that waits instead of spinning, and not at all on a moved clock, which would never
pass.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from moto.sqs.models import SQSBackend

from localcloud.bridges import Bridge
from localcloud.context import Context

LOOK_AGAIN_SECONDS = 0.05

_bridge = Bridge()
_receiving = threading.RLock()


def install(context: Context) -> None:
    """Receive messages by this local cloud's clock."""
    _bridge.install(context, _patch)


def _patch() -> None:
    original = SQSBackend.receive_message

    def receive_message(
        self: SQSBackend,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Any]:
        waits = 0 if _bridge.context.clock.is_moved else wait_seconds_timeout
        deadline = time.monotonic() + waits
        while True:
            with _receiving:
                found: list[Any] = original(
                    self, queue_name, count, 0, visibility_timeout, message_attribute_names
                )
            if found or time.monotonic() >= deadline:
                return found
            time.sleep(LOOK_AGAIN_SECONDS)

    SQSBackend.receive_message = receive_message  # type: ignore[method-assign]
