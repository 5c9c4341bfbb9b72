"""Each kind of council information system as a walker that yields records."""

from collections.abc import Callable, Iterator

from publisher.config import Source
from publisher.errors import Misconfigured
from publisher.fetch import Fetch
from publisher.record import Record, Refusal
from publisher.sources import allris3, allris4, ldes, oparl, oparl_files, unserac

Records = Iterator[Record | Refusal]

KINDS: dict[str, Callable[[Source, Fetch], Records]] = {
    "oparl": oparl.records,
    "oparl-files": oparl_files.records,
    "ldes": ldes.records,
    "unserac": unserac.records,
    "allris3": allris3.records,
    "allris4": allris4.records,
}


def records(source: Source, fetch: Fetch) -> Records:
    """Yield what a source holds, object by object. Raises Misconfigured for a kind that is not in KINDS.

    A Refusal without an id means that a whole page or list is missing: after it the walk must not count as complete.
    """
    if source.kind not in KINDS:
        raise Misconfigured(f"source {source.name}: kind {source.kind!r}; expected one of: {', '.join(KINDS)}")
    return _walked(source, fetch)


def _walked(source: Source, fetch: Fetch) -> Records:
    yield from KINDS[source.kind](source, fetch)
    if isinstance(fetch, Fetch):
        fetch.finish()  # an interrupted walk does not come here: its pages are used by the next one
