"""The log of requests: what was asked, how it was answered and from which release; nothing of who asked or what was searched for."""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from publisher.errors import PublisherError
from publisher.release import Release

LOG = logging.getLogger("publisher.access")
LONGEST = 2000  # characters of a path; longer ones are nobody's address
Start = Callable[..., Any]


class Access:
    """WSGI middleware: a line for each answer when it begins, with method, path, status, release and milliseconds until then.

    Neither addresses of clients nor what stands behind "?" are kept: people search for names.
    """

    def __init__(self, app: Callable[[dict[str, Any], Start], Iterable[bytes]], release: Callable[[], Release]) -> None:
        """Take the app, and what gives the release in service: for answers that do not name theirs."""
        self.app, self.release = app, release

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        begun = time.perf_counter()

        def started(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            fields = {
                "method": environ["REQUEST_METHOD"][:20],
                "path": environ["PATH_INFO"][:LONGEST].encode("latin-1", "replace").decode("utf-8", "replace"),
                "status": int(status[:3]),
                "milliseconds": round(1000 * (time.perf_counter() - begun), 3),
            }
            with suppress(PublisherError):  # before the first release
                named = next((value for name, value in headers if name.lower() == "x-publisher-release"), "")
                fields["release"] = int(named or self.release().number)
            LOG.info("%(method)s %(path)s %(status)d", fields, extra={"fields": fields})
            return start_response(status, headers, *error)

        return self.app(environ, started)
