"""The SKOS schemes of ontology/concepts, and the concept that a system's word stands for."""

import re
import unicodedata
from collections import Counter
from functools import cache
from typing import NamedTuple

import pyoxigraph as ox

from publisher.concepts.results import Result, read
from publisher.concepts.selection import selected
from publisher.config import project_file
from publisher.errors import Misconfigured

STEM = "https://w3id.org/oparl-ld/concept/"
SKOS = "http://www.w3.org/2004/02/skos/core#"
IS_DECISIVE = "https://w3id.org/oparl-ld/ns#isDecisive"
LABELS = ("prefLabel", "altLabel", "hiddenLabel", "notation")
SCHEMES = (
    "paper-type", "consultation-role", "meeting-state", "result", "majority",
    "organization-type", "organization-class", "membership-role", "section-type", "body-type",
)  # fmt: skip
REMEMBERED = 50_000


class Concept(NamedTuple):
    """One concept: slug in its scheme, labels by language, every spelling that means it, and whether it takes a decision."""

    slug: str
    labels: dict[str, str]
    spellings: tuple[str, ...]
    decisive: bool | None = None


@cache
def schemes() -> dict[str, dict[str, Concept]]:
    """Return scheme -> slug -> Concept of the files in ontology/concepts. Raises Misconfigured naming the file."""
    return {name: _scheme(name) for name in SCHEMES}


def _scheme(name: str) -> dict[str, Concept]:
    path = project_file("ontology", "concepts", f"{name}.ttl")
    found: dict[str, dict[str, list[ox.Literal]]] = {}
    try:
        quads = list(ox.parse(path=str(path), format=ox.RdfFormat.TURTLE))
    except (SyntaxError, OSError) as error:
        raise Misconfigured(f"{path}: {error}") from error
    for quad in quads:
        slug = str(quad.subject.value).removeprefix(f"{STEM}{name}/")
        if isinstance(quad.object, ox.Literal) and not slug.startswith(STEM):
            key = quad.predicate.value.removeprefix(SKOS)
            found.setdefault(slug, {}).setdefault(key, []).append(quad.object)
    return {slug: _concept(slug, said) for slug, said in found.items()}


def _concept(slug: str, said: dict[str, list[ox.Literal]]) -> Concept:
    spellings = tuple(literal.value for key in LABELS for literal in said.get(key, ()))
    labels = {literal.language or "de": literal.value for literal in said.get("prefLabel", ())}
    decisive = {literal.value == "true" for literal in said.get(IS_DECISIVE, ())}
    return Concept(slug, labels, spellings, next(iter(decisive), None))


def plain(text: str) -> str:
    """Return `text` as spellings are compared: NFC, one space, lower case, no stop or colon at the end."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip(" .:;,\u00ad").casefold()


class Concepts:
    """The schemes as one instance publishes them, under {base}/concept/{scheme}/{slug}; cheap, remembers what it was asked."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.unmapped: Counter[tuple[str, str]] = Counter()
        self._slugs = {
            name: {plain(word): concept.slug for concept in found.values() for word in concept.spellings}
            for name, found in schemes().items()
        }
        self._iris: dict[tuple[str, str], str | None] = {}
        self._results: dict[str, Result] = {}

    def iri(self, scheme: str, slug: str) -> str:
        """Return the IRI under which this instance publishes a concept."""
        return f"{self.base}/concept/{scheme}/{slug}"

    def resolve(self, scheme: str, text: str) -> str | None:
        """Return the IRI of the concept that one of whose spellings `text` is; None, and counted in `unmapped`, if none is."""
        asked = (scheme, text)
        if asked not in self._iris:
            slug = self._slugs[scheme].get(plain(text))
            if len(self._iris) > REMEMBERED:
                self._iris.clear()
            self._iris[asked] = self.iri(scheme, slug) if slug else None
        iri = self._iris[asked]
        if iri is None:
            self.unmapped[asked] += 1
        return iri

    def slug(self, scheme: str, text: str) -> str | None:
        """Return the slug of the concept that `text` spells, or None."""
        return self._slugs[scheme].get(plain(text))

    def decisive(self, text: str) -> bool | None:
        """Tell whether a consultation with the role `text` takes the decision; None where the word does not say."""
        slug = self._slugs["consultation-role"].get(plain(text))
        return schemes()["consultation-role"][slug].decisive if slug else None

    def label(self, iri: str, lang: str = "de") -> str | None:
        """Return a concept's label in German or English, None if `iri` is no concept of ours."""
        scheme, _, slug = iri.removeprefix(f"{self.base}/concept/").partition("/")
        concept = schemes().get(scheme, {}).get(slug)
        return concept and (concept.labels.get(lang) or concept.labels.get("de"))

    def result(self, text: str) -> Result:
        """Return what an agenda item's result says, as IRIs; counted in `unmapped` where it says something we cannot read."""
        if text not in self._results:
            if len(self._results) > REMEMBERED:
                self._results.clear()
            self._results[text] = self._with_iris(read(text, self._slugs["result"], self._slugs["majority"]))
        found = self._results[text]
        if not found.understood:
            self.unmapped["result", text] += 1
        return found

    def selected(self, text: str) -> str:
        """Return the mark of the proposal that a result says was adopted, "b"; "" where that is not certain."""
        return selected(text, self._slugs["result"], self._slugs["majority"])

    def decided(self, result: Result) -> bool | None:
        """Tell whether a result is a decision by its own words or votes; None where only the consultation's role can tell."""
        if not result.understood:
            return None
        if result.outcome:
            return schemes()["result"][result.outcome.rsplit("/", 1)[-1]].decisive
        return bool(result.majority or result.votes)

    def _with_iris(self, reading: Result) -> Result:
        outcome = self.iri("result", reading.outcome) if reading.outcome else None
        majority = self.iri("majority", reading.majority) if reading.majority else None
        return reading._replace(outcome=outcome, majority=majority)


@cache
def concepts(base: str) -> Concepts:
    """Return the Concepts of an instance; the same object each time, so that its memory is shared."""
    return Concepts(base)
