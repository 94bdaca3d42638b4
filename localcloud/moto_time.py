"""Give moto the local cloud's clock: the names through which its modules read the time are bound to stand-
ins.

moto reads the clock in some 190 files, as `datetime.datetime.now`, `datetime.now`, `time.time` and so on.
Patching those functions for the whole process would move botocore's and the test runner's clock as well, so
only the names inside `moto.*` modules are rebound, when they are loaded and for those loaded already. The
stand-ins make real `datetime` objects and pass `isinstance` both ways; without a clock installed they tell
the real time.
"""

from __future__ import annotations

import datetime as real_datetime
import importlib.machinery
import sys
import time as real_time
import types
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from typing import Any

from localcloud.clock import Clock

# Temporary credentials are judged by clients that live in the real world.
KEEPS_REAL_TIME = ("moto.sts",)


class _Current:
    clock: Clock | None = None


def _seconds() -> float:
    return _Current.clock.time() if _Current.clock is not None else real_time.time()


def _nanoseconds() -> int:
    return int(_seconds() * 1_000_000_000)


def _sleep(seconds: float) -> None:
    if _Current.clock is not None:
        _Current.clock.sleep(seconds)
    else:
        real_time.sleep(seconds)


class _LooksReal(type):
    """Let `isinstance(x, MovedDatetime)` ask about the real class."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.__mro__[1])


class MovedDatetime(real_datetime.datetime, metaclass=_LooksReal):
    """Stand in for `datetime.datetime`: same constructors, other now."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return real_datetime.datetime(*args, **kwargs)  # noqa: DTZ001 - moto decides on the zone

    @classmethod
    def now(cls, tz: real_datetime.tzinfo | None = None) -> Any:
        """Return the local cloud's time; naive in UTC, as on AWS's own machines, without a zone."""
        moment = real_datetime.datetime.fromtimestamp(_seconds(), real_datetime.UTC)
        return moment.astimezone(tz) if tz is not None else moment.replace(tzinfo=None)

    @classmethod
    def utcnow(cls) -> Any:
        """Return the local cloud's time in UTC, naive."""
        return cls.now()

    @classmethod
    def today(cls) -> Any:
        """Return the local cloud's time in UTC, naive."""
        return cls.now()


class MovedDate(real_datetime.date, metaclass=_LooksReal):
    """Stand in for `datetime.date`."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return real_datetime.date(*args, **kwargs)

    @classmethod
    def today(cls) -> Any:
        """Return the local cloud's day in UTC."""
        return MovedDatetime.now().date()


def _stand_in_module(original: types.ModuleType, **replaced: Any) -> types.ModuleType:
    module = types.ModuleType(original.__name__)
    module.__dict__.update(original.__dict__)
    module.__dict__.update(replaced)
    return module


_DATETIME = _stand_in_module(real_datetime, datetime=MovedDatetime, date=MovedDate)
_TIME = _stand_in_module(real_time, time=_seconds, time_ns=_nanoseconds, sleep=_sleep)
_STAND_INS: dict[int, Any] = {
    id(real_datetime): _DATETIME,
    id(real_datetime.datetime): MovedDatetime,
    id(real_datetime.date): MovedDate,
    id(real_time): _TIME,
    id(real_time.time): _seconds,
    id(real_time.time_ns): _nanoseconds,
    id(real_time.sleep): _sleep,
}


def rebind(module: types.ModuleType) -> None:
    """Bind a moto module's names for the clock to the stand-ins; safe to repeat."""
    name = getattr(module, "__name__", "")
    if not name.startswith("moto") or name.startswith(KEEPS_REAL_TIME):
        return
    for key, value in list(vars(module).items()):
        stand_in = _STAND_INS.get(id(value))
        if stand_in is not None:
            setattr(module, key, stand_in)


class _RebindingLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        self._loader.exec_module(module)
        rebind(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


class _MotoFinder(MetaPathFinder):
    """Find moto's modules as ever and rebind them once they are executed: moto loads its services lazily."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not name.startswith("moto."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _RebindingLoader(spec.loader)
        return spec


def install(clock: Clock) -> None:
    """Make moto read this clock from now on; the last clock installed holds."""
    _Current.clock = clock
    if not any(isinstance(finder, _MotoFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _MotoFinder())
        for module in list(sys.modules.values()):
            rebind(module)


def uninstall(clock: Clock) -> None:
    """Give moto the real time back, unless another clock was installed meanwhile."""
    if _Current.clock is clock:
        _Current.clock = None
