"""Why a project is trained: requests, and the decision to start, to wait or to do nothing."""

from trimtab.signals.decision import Decision, Policy, Situation, decide, waiting_for_lock
from trimtab.signals.requests import Request, merge

__all__ = ["Decision", "Policy", "Request", "Situation", "decide", "merge", "waiting_for_lock"]
