"""The operator's name, colours, contact and legal pages, from {home}/site.toml."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from publisher.config import toml
from publisher.errors import Misconfigured

KEYS = ("name", "tagline", "logo", "contact", "colours", "imprint", "privacy", "map")
COLOURS = ("accent", "ink", "paper")
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3


class Site(NamedTuple):
    """What the council that runs this instance says of itself. Texts by language; colours as "#rrggbb"."""

    name: Mapping[str, str]
    tagline: Mapping[str, str]
    contact: str = ""
    logo: Path | None = None
    colours: Mapping[str, str] = {}
    imprint: Mapping[str, str] = {}
    privacy: Mapping[str, str] = {}
    tiles: str = ""
    tiles_by: str = ""


DEFAULT = Site(
    {"de": "Ratsinformationen offen", "en": "Council records, open"},
    {"de": "Vorlagen, Sitzungen und Beschlüsse: zum Lesen und als Daten", "en": "Papers, meetings and decisions: to read and as data"},
)


def site_of(home: Path) -> Site:
    """Return the site of an instance, ours where there is no site.toml. Raises Misconfigured naming the key and what was expected."""
    path = home / "site.toml"
    table = toml(path)
    for key in table:
        if key not in KEYS:
            raise Misconfigured(f"{path}: unknown key {key!r}; known: {', '.join(KEYS)}")
    texts = {key: _texts(table[key], f"{path}: {key}") for key in ("name", "tagline", "imprint", "privacy") if key in table}
    tiles, by = _tiles(table.get("map", {}), str(path))
    return DEFAULT._replace(
        **texts,
        contact=str(table.get("contact", "")),
        logo=_logo(home, table, path),
        colours=_colours(table.get("colours", {}), str(path)),
        tiles=tiles,
        tiles_by=by,
    )


def _texts(value: Any, place: str) -> dict[str, str]:
    if isinstance(value, str):
        return {"de": value, "en": value}
    if isinstance(value, dict) and isinstance(value.get("de"), str):
        return {"de": value["de"], "en": str(value.get("en", value["de"]))}
    raise Misconfigured(f'{place}: expected a text, or {{ de = "...", en = "..." }}')


def _logo(home: Path, table: Mapping[str, Any], path: Path) -> Path | None:
    if "logo" not in table:
        return None
    logo = home / str(table["logo"])
    if logo.suffix not in (".svg", ".png", ".webp", ".jpg") or not logo.is_file():
        raise Misconfigured(f"{path}: logo {table['logo']!r}: expected the name of an .svg, .png, .webp or .jpg file in {home}")
    return logo


def _colours(table: Any, path: str) -> dict[str, str]:
    if not isinstance(table, dict) or any(name not in COLOURS for name in table):
        raise Misconfigured(f"{path}: colours: expected a table with {', '.join(COLOURS)}")
    for name, value in table.items():
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", str(value)):
            raise Misconfigured(f'{path}: colours.{name} = {value!r}: expected a colour such as "#0b5a6f"')
    paper = table.get("paper", "#fbfaf7")
    for name in ("accent", "ink"):
        if name in table and (found := contrast(table[name], paper)) < LEAST_CONTRAST:
            raise Misconfigured(f"{path}: colours.{name} {table[name]} on {paper}: contrast {found:.1f}; expected {LEAST_CONTRAST} or more")
    return {name: str(value) for name, value in table.items()}


def _tiles(table: Any, path: str) -> tuple[str, str]:
    tiles = str(table.get("tiles", "")) if isinstance(table, dict) else ""
    if tiles and not re.match(r"https://[a-z0-9.-]+/[^{}]*\{z\}[^{}]*\{x\}[^{}]*\{y\}", tiles):
        raise Misconfigured(f'{path}: map.tiles {tiles!r}: expected such as "https://tiles.example.org/{{z}}/{{x}}/{{y}}.png"')
    return tiles, str(table.get("attribution", "")) if isinstance(table, dict) else ""


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours "#rrggbb", 1 to 21 (WCAG 2.2, contrast ratio)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
