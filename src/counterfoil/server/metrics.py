"""Metrics for Prometheus, of one process; with several workers each answers for itself."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from counterfoil import __version__

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """What is counted and measured of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauge("build_info", "The version.", "version").labels(__version__).set(1)
        self.events = self._counter(
            "events", "Events that came in, by what became of them.", "result"
        )
        self.commit = self._histogram(
            "commit_seconds", "From a request's events being ready to their commit."
        )
        self.requests = self._counter("requests", "Requests answered.", "method", "route", "status")
        self.seconds = self._histogram(
            "request_seconds", "From a request's beginning to its answer's beginning.", "route"
        )
        self.active = self._gauge("active_requests", "Requests being answered.")
        self.streams = self._gauge("live_streams", "Readers of live streams.")
        self.queue = self._gauge("queue_events", "Events that wait to be written.")
        self.spooled = self._gauge("spool_events", "Events that wait in the local spool.")
        self.spool_bytes = self._gauge("spool_bytes", "Bytes of the local spool.")
        self.outbox = self._gauge(
            "outbox_events",
            "Events in the application's outbox that wait to be moved; NaN while it is away.",
        )
        self.outbox_age = self._gauge(
            "outbox_age_seconds",
            "Since the oldest of them was put there; 0 where none waits, NaN while it is away.",
        )
        self.outbox_refused = self._gauge(
            "outbox_refused_events", "Events that no log takes, kept there; NaN while it is away."
        )
        self.uncovered = self._gauge(
            "uncovered_events", "Events that no signed checkpoint covers yet."
        )
        self.unindexed = self._gauge(
            "text_index_lag_events",
            "Events that the text index does not hold yet; NaN where there is no index.",
        )
        self.verify_age = self._gauge(
            "verify_age_seconds",
            "Since the last verification of all logs; NaN where there was none.",
        )
        self.verify_ok = self._gauge(
            "verify_ok", "1 where it found nothing wrong; NaN without one."
        )
        self.purged = self._counter(
            "purged_events", "Events deleted by retention; 0, since this version deletes none."
        )
        # Each label that there may be is there from the start, so that a rate has a beginning.
        for result in ("recorded", "refused", "failed"):
            self.events.labels(result)

    def text(self) -> bytes:
        """All of them, in the text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"counterfoil_{name}", what, labels, registry=self.registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"counterfoil_{name}", what, labels, registry=self.registry)

    def _histogram(self, name: str, what: str, *labels: str) -> Histogram:
        return Histogram(
            f"counterfoil_{name}", what, labels, buckets=_SECONDS, registry=self.registry
        )
