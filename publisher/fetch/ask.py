"""One plain request as a harvester sends it: no cache, no pause, redirects followed by hand, read up to a bound."""

from collections.abc import Mapping

import httpx

from publisher import __version__
from publisher.errors import Unreachable
from publisher.fetch.page import Page

MOST = 64 * 1024 * 1024


def asked(method: str, url: str, headers: Mapping[str, str] | None = None) -> Page:
    """Return the answer to one request, whatever its status; a body beyond 64 MB is cut. Raises Unreachable."""
    agent = {"User-Agent": f"council-records-publisher/{__version__} (check-harvest)", **(headers or {})}
    try:
        with httpx.stream(method, url, headers=agent, timeout=30.0, follow_redirects=False) as answer:
            body = bytearray()
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > MOST:
                    break
            return Page(str(answer.url), answer.status_code, answer.headers.get("content-type", ""), bytes(body), dict(answer.headers))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreachable("check-harvest", url, f"expected an answer: {error}") from error
