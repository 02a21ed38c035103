"""`/metrics` for Prometheus: requests by view and status, the worker's pulse, disk.

It answers who holds TCOS_METRICS_TOKEN and is not there (404) without one. Several processes add
up through PROMETHEUS_MULTIPROC_DIR, which `gunicorn.conf.py` makes.
"""

import hmac
import os
import shutil
from collections.abc import Iterator

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, abort, current_app, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric

from models.core.base import db
from services.delivery import heartbeat
from views.setup.health import folders
from views.setup.logs import milliseconds
from views.web import edge

pages = Blueprint("metrics", __name__)
REQUESTS = Counter(
    "tcos_requests", "Answers by view, method and status.", ["view", "method", "status"]
)
SECONDS = Histogram(
    "tcos_request_seconds",
    "Seconds until an answer began.",
    ["view"],
    buckets=(0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
SCHEME = "Bearer "


def init_metrics(app: Flask) -> None:
    """Count every answer and open the door for who has the token."""
    app.register_blueprint(pages)
    app.after_request(_count)


@pages.get("/metrics")
def metrics() -> Response:
    """Return the figures of all processes; 404 without a token set, 401 with another."""
    token = current_app.config["TCOS_METRICS_TOKEN"]
    if not token:
        abort(404)
    given = request.headers.get("Authorization", "").removeprefix(SCHEME)
    if not hmac.compare_digest(given.encode(), token.encode()):
        abort(401)
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    own = CollectorRegistry()
    own.register(_Standing())
    written = generate_latest(registry) + generate_latest(own)
    return Response(written, content_type=CONTENT_TYPE_LATEST)


class _Standing:
    """What is read when it is asked: the worker's side and the disks."""

    def collect(self) -> Iterator[Metric]:
        free = min(shutil.disk_usage(one).free for one in folders())
        yield _gauge("tcos_disk_free_bytes", "Least free bytes of the disks with data.", free)
        try:
            with db.engine.connect() as connection:
                pulse = heartbeat.pulse(connection, now=edge.now())
        except sa.exc.SQLAlchemyError:
            yield _gauge("tcos_database_up", "Whether the database answers.", 0)
            return
        yield _gauge("tcos_database_up", "Whether the database answers.", 1)
        yield _gauge("tcos_worker_up", "Whether a worker gave a sign of life.", int(pulse.alive))
        yield _gauge("tcos_outbox_due", "Deliveries and tasks that are due.", pulse.waiting)
        yield _gauge(
            "tcos_outbox_oldest_seconds", "Age of the oldest that is due.", pulse.oldest_seconds
        )


def _gauge(name: str, said: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, said, value=value)


def _count(response: Response) -> Response:
    view = request.endpoint or "unknown"
    REQUESTS.labels(view, request.method, response.status_code).inc()
    if "began" in g:
        SECONDS.labels(view).observe(milliseconds() / 1000)
    return response
