"""For whoever runs the service: whether it lives, whether it is ready, and its measurements as Prometheus reads them."""

import os
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from threading import Lock

import orjson
from flask import Blueprint, Response, current_app, g, request

from publisher import __version__
from publisher.errors import Busy, Malformed
from publisher.journal.reader import Reader
from publisher.views.desk import BEGUN
from publisher.views.pages.frame import remembered
from publisher.views.report_pages import told

blueprint = Blueprint("operation", __name__)

# Text format 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats/
FORMAT = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
Sample = tuple[dict[str, str], float]


class Meter:
    """Counts this process's answers by route and status, and how long they took to begin."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.answers: Counter[tuple[str, str, int]] = Counter()
        self.buckets: Counter[tuple[str, int]] = Counter()
        self.seconds: Counter[str] = Counter()

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        with self._lock:
            self.answers[route, method, status] += 1
            self.buckets[route, bisect_left(BOUNDS, seconds)] += 1
            self.seconds[route] += seconds  # type: ignore[assignment]

    def lines(self) -> Iterator[str]:
        """Yield the lines of the text format."""
        process = {"process": str(os.getpid())}
        with self._lock:
            answers, buckets, seconds = dict(self.answers), dict(self.buckets), dict(self.seconds)
        told_of = ("counter", "Answers of the process that was asked, by route, method and status.")
        named = (
            ({"route": route, "method": method, "status": str(status), **process}, float(count))
            for (route, method, status), count in sorted(answers.items())
        )
        yield from metric("publisher_http_answers_total", *told_of, named)
        name = "publisher_http_answer_seconds"
        yield from metric(name, "histogram", "Time until an answer begins, of the process that was asked.", ())
        for route in sorted(seconds):
            total = 0
            for at, bound in enumerate((*map(str, BOUNDS), "+Inf")):
                total += buckets.get((route, at), 0)
                yield sample(f"{name}_bucket", {"route": route, "le": bound, **process}, total)
            yield sample(f"{name}_sum", {"route": route, **process}, seconds[route])
            yield sample(f"{name}_count", {"route": route, **process}, total)


def metric(name: str, kind: str, about: str, samples: Iterable[Sample]) -> Iterator[str]:
    """Yield a metric family: its help, its type, its samples."""
    yield f"# HELP {name} {about}\n"
    yield f"# TYPE {name} {kind}\n"
    for labels, value in samples:
        yield sample(name, labels, value)


def sample(name: str, labels: dict[str, str], value: float) -> str:
    """Return one line: `name{label="..."} value`."""
    inner = ",".join(f'{key}="{text.translate(ESCAPES)}"' for key, text in labels.items())
    return f"{name}{{{inner}}} {value:.10g}\n" if inner else f"{name} {value:.10g}\n"


@blueprint.before_app_request
def _begin() -> None:
    g.begin = request.environ.get(BEGUN) or time.perf_counter()


@blueprint.after_app_request
def _end(response: Response) -> Response:
    route = request.endpoint or "none"
    _meter().count(route, request.method if route != "none" else "", response.status_code, time.perf_counter() - g.get("begin", 0.0))
    return response


def _meter() -> Meter:
    meter: Meter = current_app.extensions["meter"]
    return meter


@blueprint.record_once
def _prepared(state: object) -> None:
    state.app.extensions["meter"] = Meter()  # type: ignore[attr-defined]


@blueprint.get("/health/live")
def live() -> Response:
    """Answer 200 as long as the process answers at all."""
    return _uncached({"status": "live", "version": __version__})


@blueprint.get("/health/ready")
def ready() -> Response:
    """Answer with the release that can be read; 503 before the first one, or where its files are damaged."""
    reader: Reader = current_app.config["LIBRARY"].reader()
    if not (current_app.config["RELEASE"]().path / "store").is_dir():
        raise Busy(f"release {reader.release} has no store; publisher build --full makes it anew")
    return _uncached({"status": "ready", "release": reader.release, "seq": reader.seq})


def _uncached(found: dict[str, object]) -> Response:
    response = Response(orjson.dumps(found), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/metrics")
def metrics() -> Response:
    """Answer with measurements in the text format of Prometheus: of the release, the same from every process, and of this process."""
    try:
        lines = "".join(_of_release(current_app.config["LIBRARY"].reader()))
    except (Busy, Malformed):
        lines = "".join(metric("publisher_release", "gauge", "Number of the release in service, 0 before the first.", [({}, 0.0)]))
    built = metric("publisher_info", "gauge", "Version of the software.", [({"version": __version__}, 1.0)])
    response = Response("".join([*built, lines, *_meter().lines()]), content_type=FORMAT)
    response.headers["Cache-Control"] = "no-store"
    return response


def _of_release(reader: Reader) -> Iterator[str]:
    release = current_app.config["RELEASE"]()
    yield from metric("publisher_release", "gauge", "Number of the release in service, 0 before the first.", [({}, float(reader.release))])
    counts = remembered(("metrics", "counts"), lambda: reader.counts())
    objects = [
        ({"class": name, "state": state}, float(count))
        for name, pair in counts.items()
        for state, count in zip(("live", "deleted"), pair, strict=True)
    ]
    yield from metric("publisher_objects", "gauge", "Objects in service, embedded ones included.", objects)
    harvests = [({"source": one["name"]}, _seconds(str((one["run"] or {}).get("finished", "")))) for one in reader.sources()]
    yield from metric("publisher_source_harvest_timestamp_seconds", "gauge", "When a source's newest harvest ended, 0 for never.", harvests)
    report = told(release)
    yield from metric("publisher_release_timestamp_seconds", "gauge", "When the release was made.", [({}, _seconds(report["made"]))])
    found: Counter[tuple[str, str]] = Counter()
    for line in report["rules"]:
        found[line["source"], line["severity"]] += line["count"]
    results = [({"source": source, "severity": severity}, float(count)) for (source, severity), count in sorted(found.items())]
    yield from metric("publisher_findings", "gauge", "Results of the quality report.", results)
    refused = Counter(one["source"] for one in report["refused"])
    kept = [({"source": source}, float(count)) for source, count in sorted(refused.items())]
    yield from metric("publisher_kept_out", "gauge", "Records refused at the door or kept out of the release.", kept)


def _seconds(moment: str) -> float:
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return 0.0
