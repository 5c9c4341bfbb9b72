"""What a clerk is told: counts by rule, source and class, repairs and refusals, as JSON, CSV and text."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, NamedTuple

import orjson

from publisher.config import project_file
from publisher.iris import CLASS_AT
from publisher.shapes.files import BASE, Rule, shapes
from publisher.shapes.judge import Result

SEVERITY = {"Violation": ("Verstoß", "Violation"), "Warning": ("Warnung", "Warning"), "Info": ("Hinweis", "Info")}
PLURAL = {"Violation": ("Verstöße", "violations"), "Warning": ("Warnungen", "warnings"), "Info": ("Hinweise", "infos")}
KINDS = {
    "normalised": ("Auf dem Weg berichtigt", "Repaired on the way"),
    "damage": ("An der Quelle beschädigt", "Damaged at the source"),
    "withheld": ("Zurückgehalten", "Withheld"),
    "unmapped": ("Ohne Platz im Modell", "Without a place in the model"),
}
PUBLISHED = ("core", "ranges", "relations", "eli", "dcat")
EXAMPLES = 10
PLACE = re.compile(r"/(eli/dl|id)/\d+(?:/[^/]+)?/([a-z]+)/[^/]+$")
INNER = re.compile(r"/vorlage/[^/]+/(abschnitt|vorschlag)/[^/]+$")


class Line(NamedTuple):
    """How often a rule is broken in the objects of one class of one source.

    times: results. objects: how many different objects are concerned. checked: how many objects were judged.
    """

    source: str
    cls: str
    rule: Rule
    times: int
    objects: int
    checked: int

    @property
    def share(self) -> float | None:
        """The share of the objects judged that are concerned, 0 to 1; None where nobody counted them."""
        return self.objects / self.checked if self.checked else None


class Kept(NamedTuple):
    """A record kept out of the release, or refused at the door: which, and why."""

    source: str
    iri: str
    reason: str


@dataclass
class Tally:
    """Counts while a build goes on; keeps at most `examples` results for each line, whatever the size of the town."""

    examples: int = 1_000
    checked: Counter[tuple[str, str]] = field(default_factory=Counter)
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    objects: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    results: dict[tuple[str, str, str], list[Result]] = field(default_factory=dict)
    notes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    refused: list[Kept] = field(default_factory=list)
    _last: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)

    def judged(self, source: str, cls: str, objects: int = 1) -> None:
        """Count objects of a class (bare name) that were judged."""
        self.checked[source, cls] += objects

    def found(self, source: str, results: Iterable[Result]) -> None:
        """Count results; those of one focus must come together, as `judged` and `results_of` yield them."""
        for result in results:
            key = source, class_of(result.focus), result.shape
            self.counts[key] += 1
            if self._last.get(key) != (result.record, result.focus):
                self._last[key] = result.record, result.focus
                self.objects[key] += 1
            if len(kept := self.results.setdefault(key, [])) < self.examples:
                kept.append(result)

    def noted(self, source: str, kind: str, rule: str, count: int = 1) -> None:
        """Count what was done to values on their way in, by the kind and rule of their notes."""
        self.notes[source, kind, rule] += count

    def refuse(self, source: str, iri: str, reason: str) -> None:
        """List a record that is kept out or was refused at the door."""
        self.refused.append(Kept(source, iri, reason))

    def report(self, release: int, base: str, made: str) -> "Report":
        """Return the report on release number `release` of the instance at `base`, made at an ISO date-time."""
        rules = shapes(PUBLISHED).rules
        lines = [
            Line(
                source,
                cls,
                rules.get(iri) or self._bygone(source, cls, iri),
                count,
                self.objects[source, cls, iri],
                self.checked[source, cls],
            )
            for (source, cls, iri), count in self.counts.items()
        ]
        return Report(
            release,
            base,
            made,
            tuple(sorted(lines, key=_weight)),
            {key: tuple(results) for key, results in sorted(self.results.items())},
            dict(sorted(self.notes.items())),
            dict(sorted(self.checked.items())),
            tuple(sorted(self.refused)),
        )

    def _bygone(self, source: str, cls: str, iri: str) -> Rule:
        """Return a rule that the shapes no longer hold as its results tell it: what was judged before an update stays on record."""
        result = self.results[source, cls, iri][0]
        return Rule(iri, "", result.severity, result.messages, {}, result.path)


def _weight(line: Line) -> tuple[Any, ...]:
    return (list(SEVERITY).index(line.rule.severity), -line.times, line.rule.iri, line.source, line.cls)


@lru_cache(1000)  # the results of one focus come together
def class_of(iri: str) -> str:
    """Return the class that an IRI of ours names: ".../vorlage/60" -> "Paper"; "" for any other."""
    if inner := INNER.search(iri):
        return "PaperSection" if inner[1] == "abschnitt" else "ResolutionProposal"
    if found := PLACE.search(iri):
        return CLASS_AT.get((found[1], found[2]), "")
    return "Body" if re.search(r"/id/\d+(/[^/]+)?$", iri) else ""


@cache
def sentences() -> dict[str, tuple[str, str]]:
    """Return the German and English sentence of each rule by which values are changed on their way in (shapes/notes.csv)."""
    rows = csv.reader(project_file("shapes", "notes.csv").read_text("utf-8").splitlines())
    return {rule: (german, english) for rule, german, english in rows}


def sentence(rule: str, lang: str) -> str:
    """Return the sentence of a rule of repair in German ("de") or English; the rule's own name where nobody wrote one."""
    german, english = sentences().get(rule, (rule.replace("_", " "),) * 2)
    return german if lang == "de" else english


@dataclass(frozen=True)
class Report:
    """The report on one release.

    by_line: (source, class, rule IRI) -> the results kept. notes: (source, kind, rule) -> count. checked: (source, class) -> objects.
    """

    release: int
    base: str
    made: str
    lines: tuple[Line, ...]
    by_line: Mapping[tuple[str, str, str], tuple[Result, ...]]
    notes: Mapping[tuple[str, str, str], int]
    checked: Mapping[tuple[str, str], int]
    refused: tuple[Kept, ...]

    @property
    def results(self) -> tuple[Result, ...]:
        """The results that the report keeps, by source, class and rule."""
        return tuple(result for results in self.by_line.values() for result in results)

    def total(self, severity: str) -> int:
        """Return how many results have a severity."""
        return sum(line.times for line in self.lines if line.rule.severity == severity)

    @property
    def conforms(self) -> bool:
        """Whether nothing at all was found, as SHACL defines it (https://www.w3.org/TR/shacl/#conforms)."""
        return not self.lines

    @property
    def code(self) -> int:
        """The exit code for scripts: 2 for a Violation or a record kept out, 1 for a Warning, else 0."""
        return 2 if self.total("Violation") or self.refused else 1 if self.total("Warning") else 0

    def json(self) -> bytes:
        """Return the report as JSON: totals, lines (by rule, source, class; each with some examples), repairs, what was kept out."""
        told = {
            "release": self.release,
            "base": self.base,
            "made": self.made,
            "conforms": self.conforms,
            "totals": {severity: self.total(severity) for severity in SEVERITY},
            "checked": [{"source": source, "class": cls, "objects": count} for (source, cls), count in self.checked.items()],
            "rules": [_told(line) | {"examples": [_shown(result) for result in self._shown(line)]} for line in self.lines],
            "notes": [
                {"source": source, "kind": kind, "rule": rule, "count": count, "de": sentence(rule, "de"), "en": sentence(rule, "en")}
                for (source, kind, rule), count in self.notes.items()
            ],
            "refused": [kept._asdict() for kept in self.refused],
        }
        return orjson.dumps(told, option=orjson.OPT_INDENT_2)

    def csv(self) -> str:
        """Return the lines as a table: one row a rule, source and class, RFC 4180, header first."""
        header = ("rule", "severity", "source", "class", "count", "objects", "checked", "share", "message_de", "message_en")
        return _csv(header, ((*_row(line), line.rule.messages["de"], line.rule.messages["en"]) for line in self.lines))

    def results_csv(self) -> str:
        """Return the results kept as a table: one row a broken rule, with the record to look at."""
        header = ("rule", "severity", "record", "focus", "path", "value", "message_de", "message_en")
        return _csv(header, ((_local(r.shape), r.severity, r.record, r.focus, r.path, r.value, *_words(r.messages)) for r in self.results))

    def text(self, lang: str = "de") -> str:
        """Return the report as a table for a terminal of 100 columns, in German ("de") or English ("en")."""
        german = lang == "de"
        objects = sum(self.checked.values())
        totals = ", ".join(_counted(self.total(name), name, lang) for name in SEVERITY)
        head = (
            f"Prüfbericht, Stand {self.release}: {objects} Objekte geprüft"
            if german
            else f"Report, release {self.release}: {objects} objects judged"
        )
        parts = [f"{head}; {totals}.", *_part("Befunde" if german else "Findings", [_text_line(line, lang) for line in self.lines])]
        for kind, titles in KINDS.items():
            parts += _part(titles[0 if german else 1], self._repaired(kind, lang))
        kept = [f"  {one.iri}: {one.reason}" for one in self.refused]
        return "\n".join([*parts, *_part("Nicht aufgenommen" if german else "Kept out", kept)]) + "\n"

    def _repaired(self, kind: str, lang: str) -> list[str]:
        counts: Counter[str] = Counter()
        for (_, of, rule), count in self.notes.items():
            counts[rule] += count if of == kind else 0
        return [
            f"  {sentence(rule, lang)}: {count}" for rule, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])) if count
        ]

    def _shown(self, line: Line) -> tuple[Result, ...]:
        """Return the first results of a line, of those that the report keeps."""
        return self.by_line.get((line.source, line.cls, line.rule.iri), ())[:EXAMPLES]

    def against(self, before: Mapping[str, Any]) -> dict[tuple[str, str, str], int]:
        """Return (rule, source, class) -> by how much its count changed since an earlier report's JSON, for what changed."""
        then = {(line["rule"], line["source"], line["class"]): line["count"] for line in before["rules"]}
        now = {(_local(line.rule.iri), line.source, line.cls): line.times for line in self.lines}
        changes = {key: now.get(key, 0) - then.get(key, 0) for key in sorted({*then, *now})}
        return {key: change for key, change in changes.items() if change}


def _counted(number: int, severity: str, lang: str) -> str:
    word = (SEVERITY if number == 1 else PLURAL)[severity][0 if lang == "de" else 1]
    return f"{number} {word}"


def _told(line: Line) -> dict[str, Any]:
    names = ("rule", "severity", "source", "class", "count", "objects", "checked", "share")
    about = {"iri": line.rule.iri, "layer": line.rule.layer, "name": line.rule.names, "message": line.rule.messages, "path": line.rule.path}
    return dict(zip(names, (*_row(line)[:-1], line.share), strict=True)) | about


def _shown(result: Result) -> dict[str, str]:
    return {"record": result.record, "focus": result.focus, "path": result.path, "value": result.value}


def _row(line: Line) -> tuple[Any, ...]:
    share = "" if line.share is None else f"{line.share:.6f}"
    return (_local(line.rule.iri), line.rule.severity, line.source, line.cls, line.times, line.objects, line.checked, share)


def _words(messages: Mapping[str, str]) -> tuple[str, str]:
    return messages["de"], messages["en"]


def _local(iri: str) -> str:
    return iri.removeprefix(BASE)


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def _harmless(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: values come from foreign servers."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _part(title: str, lines: list[str]) -> list[str]:
    return ["", f"{title}:", *lines] if lines else []


def _text_line(line: Line, lang: str) -> str:
    word = SEVERITY[line.rule.severity][0 if lang == "de" else 1]
    share = "" if line.share is None else f"{line.share:.0%}"
    message = line.rule.messages[lang]
    return f"  {word:<9} {line.times:>7} {share:>5}  {line.source} {line.cls}: {message}"


def tally_of(judgements: Iterable[tuple[str, str, Sequence[Mapping[str, Any]]]], examples: int = 1_000) -> Tally:
    """Return the tally of (source, record, its results as dicts), as a build keeps them."""
    tally = Tally(examples)
    for source, _, results in judgements:
        tally.found(source, (Result(**result) for result in results))
    return tally
