"""Failures by remedy: the class says what to do next, and state machines catch it by name."""


class TrimtabError(Exception):
    """Base of every failure that Trimtab explains in one sentence."""


class BadInput(TrimtabError):
    """The input is wrong; retrying cannot help, a person has to mend it."""


class Transient(TrimtabError):
    """A passing fault of a service; the same call may succeed later."""


class Conflict(TrimtabError):
    """Somebody was faster; read again, then decide again."""


class Denied(TrimtabError):
    """A permission or an integrity check refused; retrying would hide the cause."""


class Gone(TrimtabError):
    """What the request is about no longer exists."""
