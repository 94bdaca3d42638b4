"""Decide whether a request to train starts a job, and if so, prepare everything the job needs."""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lambdas.plan_training.facts import Facts, policy_of, read_facts
from lambdas.plan_training.order import (
    Code,
    Order,
    place_order,
    plan_of,
    store_training_set,
    write_order,
)
from lambdas.plan_training.pending import (
    Question,
    as_documents,
    clear_pending,
    read_question,
    store_pending,
)
from trimtab.aws import metrics, step_cache, training_lock
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings, function_settings, project_folder
from trimtab.aws.table import Table
from trimtab.cache import Entry, is_fresh, key_of
from trimtab.canonical import canonical_json
from trimtab.errors import Conflict
from trimtab.model.run import Run
from trimtab.model.training_job import MARGIN_SECONDS, job_name
from trimtab.project import Project, load_project
from trimtab.signals import Decision, decide, waiting_for_lock

OUTCOMES = {"start": "started", "skip": "skipped", "wait": "waiting"}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer with the decision: `start` brings the request of a job, `reuse` names the job that has run."""
    planner = Planner(
        settings=function_settings(),
        project=load_project(project_folder()),
        run=Run.read("train", event),
        code=Code.from_variables(os.environ),
    )
    return planner.answer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """One run's question whether to train."""

    settings: FunctionSettings
    project: Project
    run: Run
    code: Code

    @property
    def table(self) -> Table:
        """Return the table."""
        return Table(self.settings.table)

    @property
    def job(self) -> str:
        """Return the name of the job that this run may start."""
        return job_name(self.project.name, self.run.name)

    def answer(self) -> dict[str, Any]:
        """Decide; asked twice, answer the same."""
        for kind in ("job", "reuse"):
            planned = self.table.get(f"RUN#{self.project.name}", self._plan_key(kind))
            if planned is not None:
                return self._resume(dict(planned["plan"]))
        question = read_question(self.table, self.project.name, self.run)
        decision, facts = self._consider(question)
        if decision.outcome == "start":
            decision, facts = self._under_lock(question, facts)
        if decision.outcome == "start":
            return self._start(question, facts, decision)
        return self._put_off(question, decision)

    def _consider(self, question: Question) -> tuple[Decision, Facts]:
        facts = read_facts(
            self.table,
            Bucket(self.settings.data_bucket),
            self.project,
            code_sha256=self.code.sha256,
            now=self.run.time,
        )
        return decide(question.asked, policy_of(self.project), facts.situation), facts

    def _under_lock(self, question: Question, facts: Facts) -> tuple[Decision, Facts]:
        other = self._take_lock()
        if other is not None:
            return waiting_for_lock(other), facts
        # Another run may have trained between the first look and the lock.
        decision, facts = self._consider(question)
        if decision.outcome != "start":
            training_lock.release(self.table, self.project.name, self.run.execution_arn)
        return decision, facts

    def _take_lock(self) -> str | None:
        seconds = self.project.train.max_runtime_seconds + 2 * MARGIN_SECONDS
        return training_lock.acquire(
            self.table,
            self.project.name,
            self.run.execution_arn,
            now=self.run.time,
            expires_at=self.run.time + timedelta(seconds=seconds),
        )

    def _start(self, question: Question, facts: Facts, decision: Decision) -> dict[str, Any]:
        order = write_order(self.settings, self.project, facts, self.code)
        store_training_set(self.settings, self.project.name, order)
        forced = any(request.force for request in question.merged)
        cached = None if forced else self._reusable(order)
        if cached is None:
            place_order(self.settings, self.project, self.job, self.code, order)
        home = cached.facts["run"] if cached else self.job
        plan = {
            "decision": "reuse" if cached else "start",
            "reason": _explained(decision.reason, cached),
            "requests": as_documents(question.merged),
            "pending": question.seen,
            "run": self.job,
            **plan_of(self.settings, self.project, facts, home, order),
            "cache": {
                # As text, so that no number changes its type on the way through table and state machine.
                "parts": canonical_json(order.parts).decode(),
                "made_at": self.run.input["time"],
                "execution": self.run.execution_arn,
            },
            **({"reused": {"key": cached.key, "job": cached.facts["job"]}} if cached else {}),
        }
        # From here on asking again repeats this plan; only what starts a job counts for cooldown and budget.
        kind = "reuse" if cached else "job"
        item = {"pk": f"RUN#{self.project.name}", "sk": self._plan_key(kind), "outcome": "started"}
        self.table.put_once({**item, "reason": plan["reason"], "plan": plan})
        return self._finish(plan)

    def _reusable(self, order: Order) -> Entry | None:
        """Return what the same step has left, if it is young enough and all of it is still there."""
        max_age = timedelta(days=self.project.train.cache_max_age_days)
        found = step_cache.find(self.table, self.project.name, order.parts["stage"], key_of(order.parts))
        if found is None or not is_fresh(found, self.run.time, max_age):
            return None
        return None if step_cache.objection(Bucket(self.settings.model_bucket), found) else found

    def _resume(self, plan: dict[str, Any]) -> dict[str, Any]:
        other = self._take_lock()
        if other is not None:
            raise Conflict(f"{other} has taken over the training lock of {self.project.name}")
        return self._finish(plan)

    def _finish(self, plan: dict[str, Any]) -> dict[str, Any]:
        details = {name: plan[name] for name in ("job", "training_set", "requests")}
        starts = plan["decision"] == "start"
        self._record("started" if starts else "reused", plan["reason"], details)
        clear_pending(self.table, self.project.name, plan["pending"])
        if starts:
            metrics.emit(
                self.project.name,
                self.settings.environment,
                self.run.time,
                {"TrainingStarted": 1},
                {"TrainingStarted": "Count"},
            )
        return plan

    def _put_off(self, question: Question, decision: Decision) -> dict[str, Any]:
        if decision.outcome == "wait":
            store_pending(self.table, self.project.name, question, decision, at=self.run.input["time"])
        elif question.asks_again:
            clear_pending(self.table, self.project.name, question.seen)
        details = {"requests": as_documents(question.asked), "waiting_for": decision.waiting_for}
        self._record(OUTCOMES[decision.outcome], decision.reason, details)
        return {
            "decision": decision.outcome,
            "reason": decision.reason,
            "waiting_for": decision.waiting_for,
        }

    def _record(self, outcome: str, reason: str, details: dict[str, Any]) -> None:
        self.table.put(self.run.record(self.project.name, outcome=outcome, reason=reason, details=details))

    def _plan_key(self, kind: str) -> str:
        return f"{kind}#{self.run.input['time']}#{self.job}"


def _explained(reason: str, cached: Entry | None) -> str:
    return f"{reason}; reused the outputs of job {cached.job}" if cached else reason
