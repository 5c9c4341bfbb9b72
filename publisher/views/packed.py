"""Pages, styles and scripts packed for clients that take it, also where no front server does so."""

from collections.abc import Callable, Iterable
from typing import Any

from publisher.views.results import PACKED, WORTH, packing

Start = Callable[..., Any]
TYPES = ("text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml")


class Packed:
    """WSGI middleware: a whole answer of these types in the client's coding (RFC 9110, 8.4), its ETag made weak, for the bytes differ.

    Data documents stay as they are: harvesters ask for many, and what answers them is made to be quick.
    """

    def __init__(self, app: Callable[[dict[str, Any], Start], Iterable[bytes]]) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """Answer a request; anything but GET, and whoever takes no coding, as without this."""
        coding = packing(environ.get("HTTP_ACCEPT_ENCODING", "")[:200]) if environ["REQUEST_METHOD"] == "GET" else ""
        if not coding:
            return self.app(environ, start_response)
        begun: list[Any] = []
        body = self.app(environ, lambda *told: begun.extend(told))
        status, headers = begun[0], begun[1]
        told = {name.lower(): value for name, value in headers}
        if not status.startswith("200") or not told.get("content-type", "").startswith(TYPES) or "content-encoding" in told:
            start_response(*begun)
            return body
        data = _whole(body)
        if len(data) >= WORTH:
            data = PACKED[coding](data)
            headers = [*_said(headers, told), ("Content-Encoding", coding), ("Content-Length", str(len(data)))]
        start_response(status, headers)
        return [data]


def _whole(body: Iterable[bytes]) -> bytes:
    try:
        return b"".join(body)
    finally:
        if close := getattr(body, "close", None):
            close()


def _said(headers: list[tuple[str, str]], told: dict[str, str]) -> list[tuple[str, str]]:
    """Return the headers that a packed answer keeps: a weak ETag instead of a strong one, and a Vary that names the coding."""
    kept = [(name, value) for name, value in headers if name.lower() not in ("content-length", "etag", "vary")]
    if tag := told.get("etag"):
        kept.append(("ETag", tag if tag.startswith("W/") else f"W/{tag}"))
    vary = told.get("vary", "")
    return [*kept, ("Vary", vary if "accept-encoding" in vary.lower() else ", ".join(filter(None, (vary, "Accept-Encoding"))))]
