"""What lies in the directory of the release in service: files sent as they are, and its search index."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from flask import Response, current_app, request, send_file

from publisher.release import Release
from publisher.search import Hits, Index
from publisher.views.answers import problem, unchanged

SMALL = 2_000_000  # bytes; read at once such a file is sent several times faster than piece by piece


LINK = re.compile(r"(?m)^<([^>]+)> <http://www\.w3\.org/(2002/07/owl#sameAs|2004/02/skos/core#\w+Match)> <([^>]+)> <")


class Links(NamedTuple):
    """The confirmed links of a release. of: our IRI -> (predicate, IRI elsewhere); to: an IRI elsewhere -> ours that are the same."""

    of: dict[str, list[tuple[str, str]]]
    to: dict[str, list[str]]


def release() -> Release:
    """Return the release in service. Raises Busy before the first one."""
    found: Release = current_app.config["RELEASE"]()
    return found


def sent(path: Path, media: str, max_age: int = 300, *, immutable: bool = False) -> Response:
    """Return a file of the release with validators and ranges, a large one piece by piece; 404 if it is not there.

    The tag is the file's checksum from the release's manifest, so that it stays while the content does.
    """
    if not path.is_file():
        return problem(404, "Nicht gefunden / not found", f"{request.path}: gibt es in dieser Version nicht / not in this release")
    tag = _tag(path)
    if unchanged(tag) and "Range" not in request.headers:
        response = Response(status=304, headers={"ETag": f'"{tag}"'})
    elif path.stat().st_size <= SMALL and "Range" not in request.headers:
        response = Response(path.read_bytes(), content_type=media, headers={"ETag": f'"{tag}"'})
    else:
        response = send_file(path, mimetype=media, conditional=True, etag=tag, max_age=max_age)
    response.headers["Cache-Control"] = f"public, max-age={max_age}" + (", immutable" if immutable else ", stale-while-revalidate=3600")
    response.headers["Accept-Ranges"] = "bytes"
    return response


def _tag(path: Path) -> str:
    """Return a file's checksum; the files of a release are read only once, and never change."""
    held: tuple[int, dict[str, Any]] | None = current_app.extensions.get("shelf")
    now = release()
    if held is None or held[0] != now.number:
        held = current_app.extensions["shelf"] = (now.number, now.manifest.get("files", {}))
    noted = held[1].get(str(path.relative_to(now.path)), {})
    return str(noted.get("sha256", now.number))[:32]


def links(number: int = 0) -> Links:
    """Return the confirmed links of the release in service, read once; whoever knows the release's number saves asking for it."""
    held: tuple[int, Links] | None = current_app.extensions.get("links")
    if held is not None and held[0] == number:
        return held[1]
    now = release()
    if held is None or held[0] != now.number:
        found = Links({}, {})
        for path in sorted((now.path / "linksets").glob("*.nq")):
            for subject, word, other in LINK.findall(path.read_text("utf-8")):
                found.of.setdefault(subject, []).append((f"http://www.w3.org/{word}", other))
                if not word.endswith("closeMatch"):
                    found.to.setdefault(other, []).append(subject)
        held = current_app.extensions["links"] = (now.number, found)
    return held[1]


def searched(q: str, filters: dict[str, str], *, limit: int, offset: int = 0) -> Hits:
    """Return the hits of a search. A result is searched as a phrase, since "mehrheitlich abgelehnt" is rejected as well as "abgelehnt"."""
    exact: dict[str, Any] = {name: value for name, value in filters.items() if name != "result"}
    result = filters.get("result", "").replace('"', "")
    return search_index().search(f'{q} "{result}"' if result else q, limit=limit, offset=offset, **exact)


def search_index() -> Index:
    """Return the search index of the release in service, opened once. Raises Unreachable if the release has none."""
    held: tuple[int, Index] | None = current_app.extensions.get("search")
    now = release()
    if held is None or held[0] != now.number:
        held = current_app.extensions["search"] = (now.number, Index(now.path / "search"))
    return held[1]
