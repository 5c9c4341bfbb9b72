"""Writes the quads of a record straight as N-Quads text, by a table compiled from the context."""

from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import Any

import orjson

from publisher.ontology import RDF_TYPE, XSD, Use, ontology

RDF_JSON = "http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON"
ESCAPES = str.maketrans(
    {
        "\\": "\\\\",
        '"': '\\"',
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\b": "\\b",
        "\f": "\\f",
        "\x7f": "\\u007F",
        **{chr(code): f"\\u{code:04X}" for code in range(32) if code not in (8, 9, 10, 12, 13)},
    }
)
Emit = Callable[[str, Any, str, list[str]], None]
Terms = dict[str, Emit]


def quads(obj: dict[str, Any], without: Collection[str] = ()) -> str:
    """Return the record's N-Quads, all in the graph named by its id: exactly what its JSON-LD document says.

    Keys without a term, and what JSON-LD would not read, are passed over: the source's door has reported them.
    without: IRIs of embedded objects that are not described here, only referred to.
    """
    lines: list[str] = []
    _walk(obj, f"<{obj['id']}> .\n", lines, _terms(False), without)
    return "".join(lines)


def implied(obj: dict[str, Any], without: Collection[str] = ()) -> str:
    """Return what the ontology's superclasses and superproperties add to the record, in the graph `{id}/eli`."""
    lines: list[str] = []
    _walk(obj, f"<{obj['id']}/eli> .\n", lines, _terms(True), without)
    return "".join(lines)


@cache
def _terms(implying: bool) -> dict[str, tuple[str, Terms]]:
    """Return class IRI -> (its type quad's text from predicate on, key -> emitter)."""
    known = ontology()
    table = {}
    for cls, uses in known.uses.items():
        types = known.supers.get(cls, ()) if implying else (cls,)
        head = "".join(f"\0<{RDF_TYPE}> <{name}> \1" for name in types)
        emitters = {
            key: _several([_emitter(use._replace(predicate=name, reverse=use.reverse)) for name in use.implies])
            if implying
            else _emitter(use)
            for key, use in uses.items()
            if use.implies or not implying
        }
        table[cls] = (head, emitters)
    return table


def _walk(obj: dict[str, Any], graph: str, lines: list[str], table: dict[str, tuple[str, Terms]], without: Collection[str]) -> None:
    found = table.get(obj.get("type", ""))
    if found is None:
        return
    subject = f"<{obj['id']}> "
    head, terms = found
    if head:
        lines.append(head.replace("\0", subject).replace("\1", graph))
    for key, value in obj.items():
        emit = terms.get(key)
        if emit is not None:
            emit(subject, value, graph, lines)
        if type(value) is dict or (type(value) is list and value and type(value[0]) is dict):
            for item in (value,) if type(value) is dict else value:
                if type(item) is dict and "type" in item and "id" in item and item["id"] not in without:
                    _walk(item, graph, lines, table, without)


def _several(emitters: list[Emit]) -> Emit:
    if len(emitters) == 1:
        return emitters[0]

    def emit(subject: str, value: Any, graph: str, lines: list[str]) -> None:
        for one in emitters:
            one(subject, value, graph, lines)

    return emit


def _emitter(use: Use) -> Emit:
    predicate = f"<{use.predicate}> "
    if use.kind == "id":
        return _backward(predicate) if use.reverse else _forward(predicate)
    if use.kind == "json":
        return lambda subject, value, graph, lines: lines.append(f'{subject}{predicate}"{escaped(canonical(value))}"^^<{RDF_JSON}> {graph}')
    write = {"lang": _text("@de "), "plain": _text(" ")}.get(use.kind) or _typed(use.datatype)

    def emit(subject: str, value: Any, graph: str, lines: list[str]) -> None:
        if type(value) is list:
            for item in value:
                lines.append(f"{subject}{predicate}{write(item)}{graph}")
        else:
            lines.append(f"{subject}{predicate}{write(value)}{graph}")

    return emit


def _forward(predicate: str) -> Emit:
    def emit(subject: str, value: Any, graph: str, lines: list[str]) -> None:
        for item in value if type(value) is list else (value,):
            lines.append(f"{subject}{predicate}<{item['id'] if type(item) is dict else item}> {graph}")

    return emit


def _backward(predicate: str) -> Emit:
    def emit(subject: str, value: Any, graph: str, lines: list[str]) -> None:
        for item in value if type(value) is list else (value,):
            lines.append(f"<{item['id'] if type(item) is dict else item}> {predicate}{subject}{graph}")

    return emit


def _text(suffix: str) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        return f'"{escaped(value)}"{suffix}' if type(value) is str else native(value)

    return write


def _typed(datatype: str) -> Callable[[Any], str]:
    suffix = f"^^<{datatype}> " if datatype != XSD + "string" else " "

    def write(value: Any) -> str:
        if value is True or value is False:
            return f'"{"true" if value else "false"}"{suffix}'
        return f'"{escaped(value if type(value) is str else orjson.dumps(value).decode())}"{suffix}'

    return write


def native(value: Any) -> str:
    """Return the literal that JSON-LD makes of a bare JSON number or boolean (JSON-LD 1.1 API, 8.2.2)."""
    if value is True or value is False:
        return f'"{"true" if value else "false"}"^^<{XSD}boolean> '
    if isinstance(value, int):
        return f'"{value}"^^<{XSD}integer> '
    mantissa, _, exponent = f"{value:.15E}".partition("E")
    digits = mantissa.rstrip("0")
    return f'"{digits}{"0" if digits.endswith(".") else ""}E{int(exponent)}"^^<{XSD}double> '


def escaped(text: str) -> str:
    """Return `text` as it stands between the quotes of a canonical N-Quads literal (RDF Dataset Canonicalization, 5)."""
    return text if text.isprintable() and '"' not in text and "\\" not in text else text.translate(ESCAPES)


def canonical(value: Any) -> str:
    """Return JSON in its canonical form (RFC 8785), the lexical form of rdf:JSON."""
    return orjson.dumps(_whole(value), option=orjson.OPT_SORT_KEYS).decode()


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def subjects(obj: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (IRI, class IRI) of the record and of each typed object inside it."""
    if "id" in obj and "type" in obj:
        yield obj["id"], obj["type"]
    for value in obj.values():
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, dict):
                yield from subjects(item)
