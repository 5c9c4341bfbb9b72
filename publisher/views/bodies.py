"""What requests carry is read before anything else, by few threads at once: whoever sends slowly keeps no thread from the others."""

import threading
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import orjson

BODILESS = frozenset(("GET", "HEAD", "OPTIONS"))
BUSY = {
    "type": "about:blank",
    "title": "Gerade nicht möglich / Not possible right now",
    "status": 503,
    "detail": "Zu viele Anfragen werden noch empfangen. Bitte gleich noch einmal, oder mit GET. / "
    "Too many requests are still being received. Please try again in a moment, or use GET.",
}
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Bodies:
    """WSGI middleware. places: how many bodies may be on their way at once; size: longer ones are left unread, for views to refuse.

    Each of them holds a thread, and so does each of the few requests that wait for a place.
    """

    def __init__(self, app: Wsgi, places: int = 8, size: int = 400_000) -> None:
        self.app, self.size, self._places, self._bench = app, size, threading.Semaphore(places), threading.Semaphore(2)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, 503 if too many others are still sending."""
        length = environ.get("CONTENT_LENGTH") or ""
        # Without a length only a server that marks the end of the input may be read to it (PEP 3333 leaves that open).
        size = int(length) if length.isdigit() else self.size + 1 if not length and environ.get("wsgi.input_terminated") else 0
        if environ["REQUEST_METHOD"] in BODILESS or not 0 < size <= self.size + 1:
            return self.app(environ, start_response)
        if not (self._places.acquire(blocking=False) or self._waited()):
            start_response("503 Service Unavailable", [("Content-Type", "application/problem+json"), ("Retry-After", "5")])
            return [orjson.dumps(BUSY)]
        try:
            body = environ["wsgi.input"].read(size)
        finally:
            self._places.release()
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
        return self.app(environ, start_response)

    def _waited(self) -> bool:
        """Wait for a place, unless others do: who sends at once is read within a millisecond, so one is free soon or not at all."""
        if not self._bench.acquire(blocking=False):
            return False
        try:
            return self._places.acquire(timeout=0.1)
        finally:
            self._bench.release()
