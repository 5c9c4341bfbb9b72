"""What a page of the quality report shows: rules with counts and their course over releases, plots, single cases, the vendor's mail."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
from markupsafe import Markup

from publisher.errors import Malformed
from publisher.journal.reader import Found
from publisher.ontology import OPARLX, ontology
from publisher.record import SCHEMA
from publisher.release import Release
from publisher.views import words
from publisher.views.pages.frame import at, name_of, place_of, reader, remembered
from publisher.views.pages.plots import columns
from publisher.views.report_record import Fault, text_of
from publisher.views.report_words import LETTER, SEVERITIES

A_PAGE, KEPT, RELEASES = 100, 200, 40
KINDS = ("normalised", "damage", "withheld", "ignored", "unmapped")
WIDE, ROW = 720, 44


class Row(NamedTuple):
    """One rule in the objects of one class. course: its count in each retained release, oldest first, this one last."""

    rule: str
    severity: str
    cls: str
    sources: tuple[str, ...]
    message: str
    times: int
    objects: int
    checked: int
    course: tuple[int, ...]
    link: str

    @property
    def share(self) -> float | None:
        """The share of the objects checked that are concerned, 0 to 1."""
        return self.objects / self.checked if self.checked else None

    @property
    def change(self) -> int:
        """By how much the count changed since the release before; 0 where there is none."""
        return self.course[-1] - self.course[-2] if len(self.course) > 1 else 0


class Case(NamedTuple):
    """One result as a row for people: the object concerned, its record, the field, the value, the page it came from."""

    record: str
    focus: str
    name: str
    field: str
    value: str
    original: str


def told(one: Release, source: str = "") -> dict[str, Any]:
    """Return a release's report, or one source's part. Raises Malformed where it has none."""
    path = one.path / "report" / f"{quote(source, safe='')}.json" if source else one.path / "report.json"

    def read() -> dict[str, Any]:
        try:
            found: dict[str, Any] = orjson.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise Malformed(str(path), f"expected a report: {error}; publisher build --full makes it anew") from error
        return found if "rules" in found else found | {"rules": []}

    made: dict[str, Any] = remembered(("quality", one.number, source), read)
    return made


def rules(one: Release) -> dict[str, dict[str, Any]]:
    """Return each broken rule's name -> a line of the report that describes it."""
    return {line["rule"]: line for line in told(one)["rules"]}


def earlier(one: Release, kept: Iterable[Release], source: str) -> list[tuple[int, dict[str, Any]]]:
    """Return (number, report) of the releases before this one that are still there, oldest first."""
    found = []
    for before in kept:
        if before.number < one.number:
            try:
                found.append((before.number, told(before, source)))
            except Malformed:
                continue  # made before there were reports, or before this source
    return found


def counted(report: dict[str, Any]) -> Counter[tuple[str, str]]:
    """Return (rule, class) -> results."""
    counts: Counter[tuple[str, str]] = Counter()
    for line in report["rules"]:
        counts[line["rule"], line["class"]] += line["count"]
    return counts


def rows(report: dict[str, Any], before: Sequence[dict[str, Any]], lang: str, place: str) -> list[Row]:
    """Return the broken rules, the gravest and most frequent first; those of several sources together."""
    past = [counted(one) for one in before]
    checked: Counter[str] = Counter()
    for one in report["checked"]:
        checked[one["class"]] += one["objects"]
    lines: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in report["rules"]:
        lines.setdefault((line["rule"], line["class"]), []).append(line)
    made = []
    for (rule, cls), several in lines.items():
        count, sources = sum(line["count"] for line in several), tuple(line["source"] for line in several)
        link = at(f"/report/{quote(sources[0], safe='')}" if len(sources) == 1 and sources[0] else place, rule=rule)
        told_of, objects = several[0], sum(line["objects"] for line in several)
        course = (*(one[rule, cls] for one in past), count)
        made.append(Row(rule, told_of["severity"], cls, sources, told_of["message"][lang], count, objects, checked[cls], course, link))
    return sorted(made, key=lambda row: (SEVERITIES.index(row.severity), -row.times, row.rule, row.cls))


def vanished(report: dict[str, Any], before: Sequence[dict[str, Any]], lang: str) -> list[tuple[str, str, int]]:
    """Return (message, class, count in the newest release that had it) of rules that are broken no more."""
    now, found = counted(report), dict[tuple[str, str], tuple[str, str, int]]()
    for one in before:
        for line in one["rules"]:
            key = (line["rule"], line["class"])
            if key not in now:
                found[key] = (line["message"][lang], line["class"], counted(one)[key])
    return [found[key] for key in sorted(found)]


def repairs(report: dict[str, Any], lang: str) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return each kind of note with its rules, in words, and how often each was applied."""
    counts: dict[str, Counter[str]] = {}
    for note in report["notes"]:
        counts.setdefault(note["kind"], Counter())[note[lang]] += note["count"]
    known = [*KINDS, *sorted(set(counts) - set(KINDS))]
    return [
        (words.text(f"kind_{kind}", lang) if kind in KINDS else kind, sorted(counts[kind].items(), key=lambda pair: (-pair[1], pair[0])))
        for kind in known
        if kind in counts
    ]


def class_name(cls: str, lang: str) -> str:
    """Return a class's label by its bare name: "Paper" -> "Drucksache"."""
    labels = ontology().labels
    return next((ontology().label(space + cls, lang) for space in (SCHEMA, OPARLX) if space + cls in labels), cls or "–")


def field_name(path: str, lang: str) -> str:
    """Return the label of a path: of its property, or of the last one of a SPARQL path."""
    return ontology().label(path.strip("<>()*+?^ ").rsplit("<", 1)[-1].rstrip(">"), lang) if path else ""


# --- plots


def over_time(one: Release, source: str, lang: str) -> tuple[list[str], list[list[Any]], Markup]:
    """Return head, rows and plot of how many results each release had, by severity."""
    path = one.path / "history.json"
    history = orjson.loads(path.read_bytes()) if path.is_file() else []
    table = []
    for row in history[-RELEASES:]:
        chosen = [counts for name, counts in row["sources"].items() if not source or name == source]
        table.append([str(row["release"]), *(sum(counts[key] for counts in chosen) for key in (*SEVERITIES, "objects"))])
    head = [words.text(f"report_{key}", lang) for key in ("release", *SEVERITIES)]
    picture = columns((head, [row[:-1] for row in table]), words.text("report_over_time", lang), lang) if table else Markup("")
    return [*head, words.text("report_objects", lang)], table, picture


def compared(report: dict[str, Any], titles: dict[str, str], lang: str) -> tuple[list[list[Any]], Markup]:
    """Return rows (source's name, its title, objects, violations, warnings, infos, results per 100 objects) and their plot."""
    objects, counts = Counter[str](), Counter[tuple[str, str]]()
    for one in report["checked"]:
        objects[one["source"]] += one["objects"]
    for line in report["rules"]:
        counts[line["source"], line["severity"]] += line["count"]
    made = []
    for name in sorted({*objects, *(source for source, _ in counts)} - {""}):
        several = [counts[name, severity] for severity in SEVERITIES]
        made.append([name, titles.get(name, name), objects[name], *several, round(100 * sum(several) / max(objects[name], 1), 1)])
    return made, _bars(sorted(made, key=lambda row: (row[-1], row[1])), lang)


def _bars(found: Sequence[Sequence[Any]], lang: str) -> Markup:
    top = max((row[-1] for row in found), default=0) or 1
    made = Markup("")
    for number, (_, title, objects, *counts, rate) in enumerate(found):
        y, x = number * ROW, 0.0
        made += Markup('<text x="0" y="{}">{}</text>').format(y + 16, title[:80])
        for shade, count in enumerate(counts, start=1):
            wide = 100 * count / max(objects, 1) / top * (WIDE - 90)
            made += Markup('<rect class="s{}" x="{:.1f}" y="{}" width="{:.1f}" height="12"/>').format(shade, x, y + 22, wide)
            x += wide
        made += Markup('<text class="tick" x="{:.1f}" y="{}">{}</text>').format(x + 8, y + 33, words.number(float(rate), lang))
    legend, high = Markup(""), len(found) * ROW + 12
    for shade, severity in enumerate(SEVERITIES, start=1):
        legend += Markup('<rect class="s{}" x="{}" y="{}" width="12" height="12"/><text x="{}" y="{}">{}</text>').format(
            shade, (shade - 1) * 180, high, (shade - 1) * 180 + 18, high + 11, words.text(f"report_{severity}", lang)
        )
    said = f"{words.text('report_compared', lang)}: " + "; ".join(f"{row[1]} {words.number(float(row[-1]), lang)}" for row in found[:60])
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(WIDE, high + 20, said, made + legend)


# --- single cases


def cases(path: Path, rule: str, first: int, lang: str) -> Iterator[Case]:
    """Yield a page of the results of a rule, from the CSV of a report, beginning with number `first` (0-based)."""
    if not path.is_file():
        return
    csv.field_size_limit(1 << 24)  # a value may be the whole text of a paper
    with path.open(encoding="utf-8", newline="") as file:
        matching = (row for row in csv.DictReader(file) if row["rule"] == rule)
        for number, row in enumerate(matching):
            if number >= first + A_PAGE:
                return
            if number >= first:
                yield case(row["record"], row["focus"], row["path"], row["value"], lang)


def case(record: str, focus: str, path: str, value: str, lang: str) -> Case:
    """Return one result as people read it, with the object's name and the address it came from."""
    found = reader().get(focus) or reader().get(record)
    obj = object_of(found) if found else {"id": focus}
    name = name_of(obj) if found else focus
    return Case(
        record, focus, name, field_name(path, lang), text_of(value)[:300], place_of(original(obj, found.source_url if found else ""))
    )


def object_of(found: Found) -> dict[str, Any]:
    """Return the object of a record or part."""
    obj: dict[str, Any] = orjson.loads(found.json)
    return obj


def original(obj: dict[str, Any], fallback: str) -> str:
    """Return where an object can be seen at its source: its page, else what it was read from."""
    for key in ("web", "prov:wasDerivedFrom", "owl:sameAs"):
        value = obj.get(key)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, str) and first.startswith(("http://", "https://")):
            return first
    return fallback if fallback.startswith(("http://", "https://")) else ""


def faults_as_cases(found: Iterable[Fault], lang: str) -> list[tuple[Fault, Case]]:
    """Return the results of a record, the gravest first, each with what people read of it."""
    ranked = sorted(found, key=lambda fault: (SEVERITIES.index(fault.rule["severity"]), fault.focus, fault.rule["rule"]))
    return [(fault, case(fault.record, fault.focus, fault.rule["path"], fault.value, lang)) for fault in ranked]


# --- the mail


def letter(one: Release, source: dict[str, Any], base: str) -> str:
    """Return a source's findings as a German mail to its vendor: each rule with its count and the addresses of examples."""
    name, report = source["name"], told(one, source["name"])
    values = {
        "title": source.get("title") or name,
        "release": one.number,
        "day": words.long_day(report["made"], "de"),
        "url": source.get("url", ""),
        "objects": words.number(sum(row["objects"] for row in report["checked"]), "de"),
        "base": base,
        "stem": quote(name, safe=""),
    }
    parts = [LETTER["head"].format(**values)]
    for number, row in enumerate(rows(report, (), "de", "/report"), start=1):
        share = f" ({row.objects} von {row.checked} Objekten)" if row.checked else ""
        severity, cls, examples = words.text("severity_" + row.severity, "de"), class_name(row.cls, "de"), _addresses(report, row)
        lines = [f"{number}. {severity}, {cls}: {row.message}", f"   {row.times} Mal{share}", *(f"   {one}" for one in examples)]
        parts.append(_block([*lines, *([LETTER["rest"].format(count=row.times - len(examples))] if row.times > len(examples) else [])]))
    for title, notes in repairs(report, "de"):
        parts.append(_block([f"{title}:", *(f"   {text}: {count} Mal" for text, count in notes)]))
    if report["refused"]:
        parts.append(
            _block([f"{words.text('report_kept_out', 'de')}:", *(f"   {kept['iri']}: {kept['reason']}" for kept in report["refused"])])
        )
    return "\n".join([*parts, LETTER["foot"].format(**values)])


def _block(lines: list[str]) -> str:
    return "\n".join([*lines, ""])


def _addresses(report: dict[str, Any], row: Row) -> list[str]:
    """Return the source's own addresses of a line's examples, each once."""
    found = dict[str, None]()
    for line in report["rules"]:
        if (line["rule"], line["class"]) == (row.rule, row.cls):
            for example in line["examples"]:
                thing = reader().get(example["focus"]) or reader().get(example["record"])
                obj = object_of(thing) if thing else {}
                address = original({"owl:sameAs": obj.get("owl:sameAs")}, "") or original(obj, thing.source_url if thing else "")
                found[address or example["focus"]] = None
    return list(found)
