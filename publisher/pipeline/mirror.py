"""Mirror: what following another publisher's stream does to a journal; its IRIs, its bytes and its order of versions stay."""

from dataclasses import replace

import orjson

from publisher.config import Settings, Source
from publisher.errors import Refused
from publisher.fetch import Fetch
from publisher.journal import Journal
from publisher.pipeline.forget import rewritten
from publisher.record import Record
from publisher.sources import ldes

KINDS = ("ldes",)


def settled(journal: Journal, source: Source, fetch: Fetch, settings: Settings) -> Settings:
    """Return the settings of a mirror's first harvest, under the base that the stream itself names; later ones as they are.

    Raises Refused if the home publishes under another base, Unreachable or Malformed for what is no stream.
    """
    if source.name in journal.sources():
        return settings
    base = ldes.base(fetch(source.url))
    home = journal.setting("base") or (settings.base if settings.base_given else base)
    if home != base:
        raise Refused(
            f"{settings.home} publishes under {home}, {source.url} under {base}, and a mirror keeps its IRIs: give it a home of its own, "
            "without --base. To link to the other publisher's records instead: publisher link"
        )
    return replace(settings, base=base)


def passed(journal: Journal, record: Record) -> bool:
    """Tell whether the journal already holds this version of a stream's record, or a later one."""
    last = journal.latest(record.id)
    return last is not None and ldes.sequence(record.url) <= ldes.sequence(last.source_url)


def erased(journal: Journal, record: Record) -> bool:
    """Erase what the journal holds of a record if the first publisher erased it before this version; tell whether there was anything.

    The caller appends the version and builds in full (`forget.erasing`).
    """
    if ldes.ERASED not in record.notes or not any(version.hash for version in journal.versions(record.id)):
        return False
    journal.erase(record.id, orjson.dumps({"type": record.object["type"], "id": record.id, "deleted": True}))
    rewritten(journal)
    return True
