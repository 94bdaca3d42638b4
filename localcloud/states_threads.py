"""Give the state machine interpreter threads and events that the clock knows.

moto's interpreter starts a thread per execution, state, branch and map worker, and waits on events, in real
time. Here its threads count as runnable and its waits are waits on the clock, so `Wait`, `TimeoutSeconds` and
`HeartbeatSeconds` last as long as the clock says, and the clock moves only when every branch waits.
"""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable
from typing import Any

from localcloud.clock import Clock, Signal

PACKAGE = "moto.stepfunctions.parser"


class _Current:
    clock: Clock


class ClockThread:
    """Stand in for `threading.Thread`, as far as the interpreter uses it."""

    def __init__(
        self,
        target: Callable[..., object],
        args: tuple[Any, ...] = (),
        name: str | None = None,
        daemon: bool | None = None,
    ) -> None:
        """Take what `threading.Thread` takes; every thread is a daemon."""
        self._target, self._args = target, args
        self._name = name or _label(target)
        self._ended: Signal | None = None
        self.native_id = None

    def start(self) -> None:
        """Start the thread; it is runnable from this moment."""
        self._ended = _Current.clock.signal()
        _Current.clock.spawn(self._run, name=self._name)

    def _run(self) -> None:
        try:
            self._target(*self._args)
        finally:
            self._give_end()

    def _give_end(self) -> None:
        if self._ended is not None:
            self._ended.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the thread's end, at most `timeout` seconds of the clock."""
        if self._ended is not None:
            self._ended.wait(timeout)

    def is_alive(self) -> bool:
        """Tell whether the thread was started and has not ended."""
        return self._ended is not None and not self._ended.is_set()


def _label(target: Callable[..., object]) -> str:
    owner = getattr(target, "__self__", None)
    details = getattr(owner, "_evaluation_details", None)
    if details is not None:
        return f"execution {details.execution_details.name}"
    return f"state machine, {getattr(target, '__qualname__', 'worker')}"


def _event() -> Signal:
    return _Current.clock.signal()


def _stand_in() -> types.ModuleType:
    module = types.ModuleType("threading")
    module.__dict__.update(threading.__dict__)
    module.__dict__.update(Thread=ClockThread, Event=_event)
    return module


def use(clock: Clock) -> None:
    """Make threads and events of this clock from now on."""
    _Current.clock = clock


def patch() -> None:
    """Rebind the interpreter's names for threads and events."""
    stand_ins = {id(threading): _stand_in(), id(threading.Thread): ClockThread, id(threading.Event): _event}
    for module in interpreter_modules():
        for name, value in list(vars(module).items()):
            if (stand_in := stand_ins.get(id(value))) is not None:
                setattr(module, name, stand_in)


def interpreter_modules() -> list[types.ModuleType]:
    """Return the loaded modules of moto's interpreter."""
    return [module for name, module in list(sys.modules.items()) if name.startswith(PACKAGE)]
