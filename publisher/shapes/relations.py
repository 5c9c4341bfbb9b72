"""Rules across records as SPARQL that answers for a whole release at once, and its answers as results."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from publisher.shapes.files import Rule, Shapes, shapes
from publisher.shapes.judge import Result

LAYERS = ("ranges", "relations")


def relation_queries(layers: Sequence[str] = LAYERS, *, focus: Iterable[str] = ()) -> list[Rule]:
    """Return the rules of the layers, ordered by IRI, each with a `select` of ?this and ?value for a union of all graphs.

    focus: IRIs to ask about instead of the whole release, for an update: what changed and what it refers to. Raises
    Misconfigured as `shapes` does.
    """
    only = sorted(set(focus))
    return [_asked(rule, only) for rule in _rules(tuple(layers))]


def _rules(layers: tuple[str, ...]) -> list[Rule]:
    known = shapes(layers)
    return [rule if rule.select else rule._replace(select=select) for rule, select in _with_class(known)]


def _with_class(known: Shapes) -> Iterator[tuple[Rule, str]]:
    """Yield each rule with the query that says what its sh:class says, "" where the rule brings its own."""
    for rule in sorted(known.rules.values()):
        yield (
            rule,
            ""
            if rule.select
            else f"""SELECT DISTINCT ?this ?value WHERE {{
  ?this a <{rule.target}> ; <{rule.path}> ?value .
  FILTER NOT EXISTS {{ ?value a <{rule.value_class}> }}
}}""",
        )


def _asked(rule: Rule, focus: Sequence[str]) -> Rule:
    if not focus:
        return rule
    values = " ".join(f"<{iri}>" for iri in focus)
    return rule._replace(select=re.sub(r"WHERE \{", lambda hit: f"{hit[0]} VALUES ?this {{ {values} }}", rule.select, count=1))


def results_of(rule: Rule, rows: Iterable[Mapping[str, str]]) -> list[Result]:
    """Return the rows (name -> lexical value, as `store.rows` gives them) of a rule's query as results, ordered and each once.

    `record` is the focus: who owns it, the caller knows.
    """
    component = "Class" if rule.value_class else "SPARQL"
    found = {(row["this"], row.get("value", "")) for row in rows}
    return [Result(this, rule.path, _term(value), rule.iri, rule.severity, component, rule.messages, this) for this, value in sorted(found)]


def _term(value: str) -> str:
    """Return the N-Triples form of a lexical value of which only the text is known."""
    if re.fullmatch(r"https?://[^\s<>\"{}|\\^`]+", value):
        return f"<{value}>"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"' if value else ""
