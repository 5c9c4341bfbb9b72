"""IRIs of ours as a pure, injective function of the source's own ids, and back."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote

PLACES = {
    "Paper": ("eli/dl", "vorlage"),
    "Meeting": ("eli/dl", "sitzung"),
    "AgendaItem": ("eli/dl", "top"),
    "Consultation": ("eli/dl", "beratung"),
    "Organization": ("id", "organization"),
    "Person": ("id", "person"),
    "Membership": ("id", "membership"),
    "File": ("id", "file"),
    "Location": ("id", "location"),
    "LegislativeTerm": ("id", "term"),
    "System": ("id", "system"),
    "Body": ("id", "body"),
}
CLASS_AT = {place: cls for cls, place in PLACES.items()}
SINGULAR = {cls: cls.lower() for cls in PLACES}
PLURAL = {**{cls: cls.lower() + "s" for cls in PLACES}, "Body": "bodies", "Person": "people"}
CLASS_OF_WORD = {
    **{word: cls for cls, word in SINGULAR.items()},
    **{word: cls for cls, word in PLURAL.items()},
    **{cls.lower() + "s": cls for cls in PLACES},
    **{"agenda-item": "AgendaItem", "agenda-items": "AgendaItem", "agenda_item": "AgendaItem", "agenda_items": "AgendaItem"},
    **{"organisation": "Organization", "organisations": "Organization", "term": "LegislativeTerm", "terms": "LegislativeTerm"},
    **{"legislative-term": "LegislativeTerm", "legislative_term": "LegislativeTerm", "document": "File", "documents": "File"},
}
INNER = {"section": "abschnitt", "proposal": "vorschlag"}
CLEAN = re.compile(r"[A-Za-z0-9%/:?#\[\]@!$&'()*+,;=\-._~]*")
URL = re.compile(r"https?://[^\s/]+|urn:[a-z0-9]|mailto:\S+@|tel:", re.IGNORECASE)
PLAIN = re.compile(r"[a-z0-9.\-]")
SIMPLE = re.compile(r"[a-z0-9\-][a-z0-9.\-]*")
MOST_HEADS = 10_000


class Space(NamedTuple):
    """The part of the world that one source names: its URL prefixes and the jurisdiction they publish for.

    ids: template of ids below the first prefix, "body/1/{class}/{key}" or "bodies/1/{classes}/{key}".
    body: id of the main Body, which gets the jurisdiction's own IRI.
    namespace: a path segment that tells two id spaces of one jurisdiction apart; usually empty.
    """

    jurisdiction: str
    prefixes: tuple[str, ...]
    ids: str = "{class}/{key}"
    body: str = ""
    namespace: str = ""


class Iris:
    """Mints IRIs under one base for all registered spaces; `aliases` maps a new source id to the older one whose IRI lives on."""

    def __init__(self, base: str, spaces: Iterable[Space], aliases: Mapping[str, str] | None = None) -> None:
        self.base = base
        self.aliases = dict(aliases or {})
        self.spaces = tuple(spaces)
        pairs = [(prefix, at, space) for space in self.spaces for at, prefix in enumerate(space.prefixes)]
        self._prefixes = sorted(pairs, key=lambda pair: -len(pair[0]))
        self._heads: dict[tuple[str, str], str] = {}
        self._known: dict[tuple[str, str], str | None] = {}

    def mint(self, url: str, hint: str = "") -> str | None:
        """Return our IRI for a source's id, or None if no registered source owns it.

        The class in the IRI is the one that the id's own path names; `hint` is used only where it names none, so
        that a reference and the thing itself always get the same IRI.
        """
        head, _, tail = url.rpartition("/")
        stem = self._heads.get((head, hint))
        if stem and SIMPLE.fullmatch(tail) and tail.removesuffix(".asp") not in CLASS_OF_WORD and url not in self.aliases:
            return stem + tail
        if stem is None and len(self._heads) < MOST_HEADS:
            self._heads[head, hint] = self._stem(head, hint)
        found = self._known.get((url, hint), "")
        if found == "":
            found = self._known[url, hint] = self._minted(self.aliases.get(url, url), hint)
            if len(self._known) > 200_000:
                self._known.clear()
        return found

    def _stem(self, head: str, hint: str) -> str:
        """Return what the IRIs of all ids that are `head`, "/" and a plain key have before that key; "" where there is no such thing."""
        special = any(known.startswith(f"{head}/") for space in self.spaces for known in (space.body, *space.prefixes))
        if special or head.endswith(("/section", "/proposal")) or not all(space.ids.endswith("/{key}") for space in self.spaces):
            return ""
        minted = self._minted(f"{head}/0", hint)
        return minted[:-1] if minted else ""

    def _minted(self, url: str, hint: str) -> str | None:
        for prefix, at, space in self._prefixes:
            if url.startswith(prefix):
                return self._in_space(space, at, url[len(prefix) :], hint)
        return None

    def _in_space(self, space: Space, at: int, rest: str, hint: str) -> str | None:
        if space.body and space.prefixes[at] + rest == space.body:
            return f"{self.base}/id/{_segment(space)}"
        inner = re.fullmatch(r"(.+)/(section|proposal)/([^/]+)", rest)
        if inner and (owner := self._in_space(space, at, inner[1], "Paper")) and "/vorlage/" in owner:
            return f"{owner}/{INNER[inner[2]]}/{encoded(inner[3])}"
        cls = class_of(rest) or hint
        if cls not in PLACES:
            return None
        family, word = PLACES[cls]
        return f"{self.base}/{family}/{_segment(space)}/{word}/{_key(space, at, rest, cls)}"

    def source_of(self, iri: str) -> str | None:
        """Return the source id that `iri` was minted from (the older one, where an alias stands); None if we never minted it."""
        for space in self.spaces:
            if iri == f"{self.base}/id/{_segment(space)}":
                return space.body or None
            for family in ("eli/dl", "id"):
                head = f"{self.base}/{family}/{_segment(space)}/"
                if iri.startswith(head) and (url := self._source_in(space, family, iri[len(head) :])) is not None:
                    return url
        return None

    def _source_in(self, space: Space, family: str, rest: str) -> str | None:
        word, _, key = rest.partition("/")
        cls = CLASS_AT.get((family, word))
        inner = re.fullmatch(r"([^/]+)/(abschnitt|vorschlag)/([^/]+)", key)
        if inner:
            owner = self._source_in(space, family, f"{word}/{inner[1]}")
            return owner and f"{owner}/{'section' if inner[2] == 'abschnitt' else 'proposal'}/{decoded(inner[3])}"
        if cls is None or "/" in key:
            return None
        whole = re.fullmatch(r"~(?:x(\d+))?~(.*)", key)
        if whole:
            at = int(whole[1] or 0)
            return space.prefixes[at] + decoded(whole[2]) if at < len(space.prefixes) else None
        return space.prefixes[0] + _template(space.ids, cls) + decoded(key)


def _segment(space: Space) -> str:
    return f"{space.jurisdiction}/{space.namespace}" if space.namespace else space.jurisdiction


def _template(ids: str, cls: str) -> str:
    return ids.removesuffix("{key}").replace("{class}", SINGULAR[cls]).replace("{classes}", PLURAL[cls])


def _key(space: Space, at: int, rest: str, cls: str) -> str:
    """Return the IRI's last segment: the id's tail where the id follows the template, else all of the id, marked by `~~`."""
    head = _template(space.ids, cls)
    tail = rest[len(head) :]
    if at == 0 and rest.startswith(head) and tail and class_of(tail) is None:
        return encoded(tail)
    return f"~{f'x{at}' if at else ''}~{encoded(rest)}"


def class_of(rest: str) -> str | None:
    """Return the class that the last telling word of an id names: "body/1/paper/60" -> "Paper"."""
    for word in reversed(re.split(r"[/?&=]", rest)):
        stem = word.removesuffix(".asp").lower()
        if stem in CLASS_OF_WORD:
            return CLASS_OF_WORD[stem]
    return None


def class_of_iri(iri: str) -> str | None:
    """Return the class that an IRI of ours names by its path: ".../eli/dl/05334/vorlage/11098" -> "Paper"."""
    found = re.search(r"/(eli/dl|id)/(?:\d{5}|\d{8}|\d{12})(?:/[^/]+)??(?:/([a-z]+)/[^/]+)?$", iri)
    if not found:
        return None
    return CLASS_AT.get((found[1], found[2])) if found[2] else "Body"


def encoded(text: str) -> str:
    """Return an injective ASCII lower-case form fit for one path segment: "/" as "_", all but a-z 0-9 . - as ~hex of UTF-8."""
    plain = "".join(
        char if PLAIN.fullmatch(char) else "_" if char == "/" else "".join(f"~{byte:02x}" for byte in char.encode()) for char in text
    )
    return "~2e" + plain[1:] if plain.startswith(".") else plain


def decoded(key: str) -> str:
    """Return the text that `encoded` made `key` of."""
    raw = re.sub(rb"~([0-9a-f]{2})", lambda hit: bytes([int(hit[1], 16)]), key.replace("_", "/").encode())
    return raw.decode("utf-8", "replace")


def valid_iri(url: str) -> str:
    """Return `url` with what an IRI must not hold percent-encoded: spaces, quotes, brackets, controls, non-ASCII (RFC 3987, 3986)."""
    return url if CLEAN.fullmatch(url) else quote(url, safe="%/:?#[]@!$&'()*+,;=-._~")


def is_url(text: str) -> bool:
    """Tell whether `text` is an absolute http(s), urn, mailto or tel address, as OParl's format "url" and RDF need it."""
    return URL.match(text) is not None
