"""Settings of an instance, descriptions of sources (TOML), and where the project's own files lie."""

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from publisher.errors import Misconfigured

DEFAULT_BASE = "http://127.0.0.1:8000"
PRIVATE = ("Paper.verfasser", "Paper.bearbeiter", "Person.phone", "Person.location", "Person.locationObject")
# What is left of a former member is what the office was: the names, and the memberships.
FORMER = (
    "Person.email", "Person.phone", "Person.location", "Person.locationObject", "Person.image", "Person.life", "Person.lifeSource",
    "Person.gender", "Person.status", "Person.oparlx:extension",
)  # fmt: skip

Find = Callable[[str], Iterable[tuple[str, str]]]


def project_file(*names: str) -> Path:
    """Return where a file that ships with the project lies: beside the package in a checkout, inside it once installed."""
    installed = Path(__file__).parent.joinpath("_data", *names)
    return installed if installed.exists() else Path(__file__).parent.parent.joinpath(*names)


@dataclass(frozen=True, slots=True)
class Settings:
    """What every command is told: where the instance lives and under which IRIs it publishes."""

    home: Path
    base: str
    base_given: bool = False
    retention: int = 3
    safety_share: float = 0.05


LIMITS: dict[str, tuple[Any, float, float, str]] = {
    "retention": (int, 1, 10_000, "how many releases are kept, a whole number of 1 or more"),
    "safety_share": (int | float, 0, 1, "the share of records that a harvest or a release may lose, a number from 0 to 1"),
}


def settings(home: str | None, base: str | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings from options first, then PUBLISHER_HOME and PUBLISHER_BASE, {home}/publisher.toml, then defaults.

    Raises Misconfigured naming the setting and what was expected.
    """
    given = base or environ.get("PUBLISHER_BASE")
    iri = (given or DEFAULT_BASE).rstrip("/")
    if not re.fullmatch(r"https?://[A-Za-z0-9.\-]+(:\d+)?(/[a-z0-9._~\-/]*)?", iri):
        raise Misconfigured(f"base {iri!r}: expected an http(s) address such as https://ris.example.org")
    place = Path(home or environ.get("PUBLISHER_HOME") or "var")
    return Settings(place, iri, bool(given), **_kept(place / "publisher.toml"))


def toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says, {} if there is none. Raises Misconfigured naming the file."""
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: not TOML: {error}") from error


def _kept(path: Path) -> dict[str, Any]:
    """Return what {home}/publisher.toml says of `retention` and `safety_share`."""
    told = toml(path)
    for key, value in told.items():
        kind, least, most, expected = LIMITS.get(key, (str, 0, 0, f"one of {', '.join(LIMITS)}"))
        if not isinstance(value, kind) or isinstance(value, bool) or not least <= value <= most:
            raise Misconfigured(f"{path}: {key} = {value!r}: expected {expected}")
    return told


@dataclass(frozen=True, slots=True)
class Source:
    """One council information system, as a TOML file in data/sources/ describes it.

    jurisdiction: ARS (12 digits), AGS (8) or Kreis key (5); it stands in every IRI and never changes. A TOML may give a name or address.
    prefixes: URL prefixes under which the source's own ids live; found at the first harvest when empty, then frozen.
    ids: template of ids after the prefix, e.g. "body/1/{class}/{key}"; only makes IRIs shorter.
    ignored: "Class.key" names left out on purpose; withheld: "Class.key" names kept out for privacy.
    expired: "Person.key" names that go, old versions and all, `expired_after_days` after the end of a person's last membership.
    files_a_run: how many PDFs a harvest may read at most, so that their texts can be searched; 0 reads none.
    expected: class -> how many objects the source is known to hold. pages_kept_days: after how long a page not read again leaves the cache.
    """

    name: str
    kind: str
    url: str
    jurisdiction: str
    title: str = ""
    publisher: str = ""
    contact: str = ""
    license: str = ""
    attribution: str = ""
    pause: float = 1.0
    prefixes: tuple[str, ...] = ()
    ids: str = ""
    namespace: str = ""
    ignored: tuple[str, ...] = ()
    withheld: tuple[str, ...] = PRIVATE
    expired: tuple[str, ...] = FORMER
    expired_after_days: int = 90
    expected: Mapping[str, int] = field(default_factory=dict)
    full_every_days: int = 7
    pages_kept_days: int = 30
    files_a_run: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


KEYS = tuple(f.name for f in fields(Source))
DEFAULTS: dict[str, Any] = {
    f.name: {} if f.default_factory is not MISSING else f.default
    for f in fields(Source)
    if f.default is not MISSING or f.default_factory is not MISSING
}


def source_of_table(table: Mapping[str, Any], place: str, find: Find | None = None) -> Source:
    """Return the checked Source of a TOML table. Raises Misconfigured naming `place`, the key and what was expected.

    find: tells which (key, name) a jurisdiction may mean that is given as a name, an address, or a key without its zero.
    """
    for key in table:
        if key not in KEYS:
            raise Misconfigured(f"{place}: unknown key {key!r}; known: {', '.join(KEYS)}")
    for key in ("name", "kind", "url", "jurisdiction"):
        if not isinstance(table.get(key), str) or not table[key]:
            raise Misconfigured(f"{place}: {key} is missing; expected a text, e.g. {key} = {EXAMPLES[key]!r}")
    if re.match(r"\w+://[^/]*@", table["url"]):
        raise Misconfigured(f"{place}: url: expected an address without a user name in it; what a source is asked by is published")
    table = {**table, "jurisdiction": _key(table["jurisdiction"].strip(), place, find)}
    if not re.fullmatch(r"[a-z0-9\-]*", table.get("namespace", "") if isinstance(table.get("namespace", ""), str) else "?"):
        raise Misconfigured(
            f"{place}: namespace {table['namespace']!r}: expected lower-case letters, digits and '-'; it stands in every IRI"
        )
    if "/" in table["name"] or table["name"].startswith("."):
        raise Misconfigured(
            f"{place}: name {table['name']!r}: expected a text without '/' that does not begin with '.'; a folder is named so"
        )
    _check_names(table, place)
    return Source(**{key: _checked(key, value, place) for key, value in table.items()})


def _check_names(table: Mapping[str, Any], place: str) -> None:
    """Refuse a name that would hold nothing back, or count nothing, without a word."""
    for key, pattern, example in (
        ("withheld", r"[A-Z][A-Za-z]+\.\S+", "Person.phone"),
        ("ignored", r"[A-Z][A-Za-z]+\.\S+", "Paper.web"),
        ("expired", r"Person\.\S+", "Person.email"),
        ("expected", r"[A-Z][A-Za-z]+", "Paper"),
    ):
        names = table.get(key, ())
        for name in names if isinstance(names, list | tuple | Mapping) else ():
            if not re.fullmatch(pattern, str(name)):
                raise Misconfigured(f"{place}: {key} names {name!r}: expected a name such as {example!r}")
    for name, count in table["expected"].items() if isinstance(table.get("expected"), Mapping) else ():
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise Misconfigured(f"{place}: expected.{name} = {count!r}: expected a number of objects")


def _key(text: str, place: str, find: Find | None) -> str:
    if re.fullmatch(r"\d{5}|\d{8}|\d{12}", text):
        return text
    found = list(find(text)) if find else []
    if len(found) == 1:
        return found[0][0]
    wrong = f"{place}: jurisdiction {text!r}"
    if found:
        raise Misconfigured(f"{wrong} may mean {', '.join(f'{key} ({name})' for key, name in found[:10])}: write the key that is meant")
    raise Misconfigured(
        f"{wrong}: expected 12 digits (ARS), 8 (AGS) or 5 (Kreis), as text in quotes, or the name or web address of a German municipality"
    )


EXAMPLES = {"name": "huertgenwald", "kind": "oparl", "url": "https://ris.example.org/oparl/system", "jurisdiction": "05358016"}


def _checked(key: str, value: Any, place: str) -> Any:
    default = DEFAULTS.get(key, "")
    if isinstance(default, tuple):
        right, expected = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value), "a list of texts"
    elif isinstance(default, dict):
        right, expected = isinstance(value, Mapping), "a table"
    elif isinstance(default, str):
        right, expected = isinstance(value, str), "a text in quotes"
    else:
        right, expected = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0, "a number of 0 or more"
    if not right:
        raise Misconfigured(f"{place}: {key} = {value!r}: expected {expected}")
    return tuple(value) if isinstance(default, tuple) else value


def source(name: str, home: Path | None = None, find: Find | None = None) -> Source:
    """Return the source of a TOML file, or of its name in data/sources/ or {home}/sources/. Raises Misconfigured."""
    places = [Path(name), project_file("data", "sources", f"{name}.toml")]
    if home:
        places.insert(1, home / "sources" / f"{name}.toml")
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        known = ", ".join(sorted(file.stem for file in project_file("data", "sources").glob("*.toml")))
        raise Misconfigured(f"no source {name!r}: expected a TOML file or one of: {known or 'none'}")
    return source_of_table({"name": path.stem, **toml(path)}, str(path), find)
