"""Figures for Prometheus: requests, what members did, and the counts of ``services.monitoring.operation``.

Invariant: labels have few values: rules, members, kinds of failure; never a path or a text of a request.
Non-goal: figures of quality.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from blender_ui.services.asking.answering import CandidateUpdate
from blender_ui.services.monitoring.operation import Operation
from db.enums import JobStatus

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180)


class Metrics:
    """The figures of one process.

    Args:
        operation: Counts when somebody asks.
    """

    def __init__(self, operation: Operation) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Counts(operation))
        self._requests = Counter(
            "blender_requests", "Requests of programs", ["route", "status"], registry=self._registry
        )
        self._request_seconds = Histogram(
            "blender_request_seconds", "Until the end of the answer", ["route"],
            buckets=SECONDS, registry=self._registry,
        )  # fmt: skip
        self._asks = Counter(
            "blender_asks", "Questions to members, by how they ended", ["member", "end"],
            registry=self._registry,
        )  # fmt: skip
        self._tokens = Counter(
            "blender_tokens",
            "Tokens that members read and wrote",
            ["member", "side"],
            registry=self._registry,
        )
        self._first_token_seconds = Histogram(
            "blender_first_token_seconds", "From asking a member to its first word", ["member"],
            buckets=SECONDS, registry=self._registry,
        )  # fmt: skip
        self._answer_seconds = Histogram(
            "blender_answer_seconds", "From asking a member to its end", ["member"],
            buckets=SECONDS, registry=self._registry,
        )  # fmt: skip

    def note_request(self, route: str, *, status: int, seconds: float) -> None:
        """A request of a program was answered."""
        self._requests.labels(route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def note_answer(self, member: str, end: CandidateUpdate) -> None:
        """A member's answer has ended, whoever asked for it."""
        self._asks.labels(member, "answered" if end.failure is None else end.failure.kind.value).inc()
        self._tokens.labels(member, "read").inc(end.n_prompt_tokens or 0)
        self._tokens.labels(member, "written").inc(end.n_tokens or 0)
        self._answer_seconds.labels(member).observe(end.seconds)
        if end.first_token_seconds is not None:
            self._first_token_seconds.labels(member).observe(end.first_token_seconds)

    def write(self) -> bytes:
        """All figures, in the text form of Prometheus."""
        return generate_latest(self._registry)


class _Counts(Collector):
    """Counts in the store and of the members, at the moment they are asked for."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

    def describe(self) -> list[Metric]:
        return []  # so that nothing is counted when it is registered

    def collect(self) -> Iterator[Metric]:
        found = self._operation.measure()
        jobs = GaugeMetricFamily("blender_jobs", "Jobs by status", labels=["status"])
        for status in JobStatus:
            jobs.add_metric([status.value], found.jobs.get(status, 0))
        active = GaugeMetricFamily("blender_active_version", "The version that serves", labels=["role"])
        for role, version_id in found.active.items():
            active.add_metric([role.value], version_id)
        pauses = GaugeMetricFamily(
            "blender_member_pause_seconds", "How long a member is left alone; 0 where it may be asked",
            labels=["member"],
        )  # fmt: skip
        for name, seconds in found.pauses.items():
            pauses.add_metric([name], seconds)
        drifts = GaugeMetricFamily(
            "blender_drift", "1 for what is otherwise than before, beyond chance", labels=["what", "member"]
        )
        for drift in found.drifts:
            drifts.add_metric([drift.what.value, drift.member], 1)
        yield from (jobs, active, pauses, drifts)
        for name, said, value in (
            ("blender_preferences", "Votes of people that stand", found.n_preferences),
            ("blender_open_pairs", "Pairs that more people are to be asked", found.n_open),
            ("blender_promotions", "Decisions that made a version active", found.n_promotions),
            (
                "blender_worker_silent",
                "1 where no worker gives a sign of life for a job",
                found.is_worker_silent,
            ),
        ):
            yield GaugeMetricFamily(name, said, value=float(value))
