"""The gate: what a text wants of the endpoint, decided before any engine sees it; updates and SERVICE do not pass."""

import re
from typing import NamedTuple

from publisher.errors import QueryRefused

# Possessive quantifiers throughout: a text that almost matches must not cost more than one that does.
SPACE = r"(?:[ \t\r\n]|\#[^\r\n]*+)*+"
IRIREF = r"<[^<>\"{}|^`\\\x00-\x20]*+>"
STRING = (
    r"\"\"\"(?:\"{0,2}(?:[^\"\\]|\\.))*+\"\"\""
    r"|'{3}(?:'{0,2}(?:[^'\\]|\\.))*+'{3}"
    r"|\"(?:[^\"\\\r\n]|\\.)*+\""
    r"|'(?:[^'\\\r\n]|\\.)*+'"
)
# Letters beyond ASCII, digits and marks: a superset of PN_CHARS; what it takes too much of is no keyword either.
NAME = r"(?:[A-Za-z0-9_\-.%\u00b7-\U0010ffff]|\\.)*+"
PREFIX = r"(?:[A-Za-z0-9_\-.%\u00b7-\U0010ffff]|\\.){0,200}+"
TOKEN = re.compile(
    rf"(?P<space>[ \t\r\n]+|\#[^\r\n]*)"
    rf"|(?P<string>{STRING})"
    rf"|(?P<iri>{IRIREF})"
    rf"|(?P<name>(?:[A-Za-z\u00c0-\U0010ffff]{PREFIX})?:(?:{NAME}:?)*+|_:{NAME})"
    rf"|(?P<variable>[?$][A-Za-z0-9_\u00b7-\U0010ffff]+)"
    rf"|(?P<tag>@[A-Za-z\-0-9]+)"
    rf"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    rf"|(?P<word>[A-Za-z_\u00c0-\U0010ffff][A-Za-z0-9_\u00b7-\U0010ffff]*)"
    rf"|(?P<mark>.)",
    re.DOTALL,
)
PROLOGUE = re.compile(
    rf"{SPACE}(?:(?:BASE{SPACE}{IRIREF}|PREFIX{SPACE}(?:[A-Za-z\u00c0-\U0010ffff]{NAME})?:{SPACE}{IRIREF}|VERSION{SPACE}(?:{STRING})){SPACE})*+",
    re.IGNORECASE | re.DOTALL,
)
WORD = re.compile(r"[A-Za-z]+")
SERVICE = re.compile(
    rf"SERVICE{SPACE}(?:SILENT{SPACE})?(?:{IRIREF}|[?$][A-Za-z0-9_\u00b7-\U0010ffff]++|[^\s<>(){{}}?$\"':]*+:"
    rf"(?:[^\s<>(){{}}]*+|[^\s<>(){{}}#]*+\#[^\r\n]*+)){SPACE}\{{",
    re.IGNORECASE,
)
AFTER_GRAPH = re.compile(r"(?:^|[\s{}])(?:GRAPH|FROM|NAMED)[ \t]+$", re.IGNORECASE)
LONGEST_SERVICE, MOST_SERVICES = 20_000, 200
ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U(00(?:0[0-9A-Fa-f]|10)[0-9A-Fa-f]{4})")
CHANGING = ("now", "rand", "uuid")
UNSTABLE = re.compile(r"\b(?:NOW|RAND|UUID|STRUUID)\s*\(", re.IGNORECASE)

FORMS = {"SELECT": "solutions", "ASK": "solutions", "CONSTRUCT": "graph", "DESCRIBE": "graph"}
UPDATES = ("INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "WITH")

NO_QUERY = (
    "Hier fehlt eine SPARQL-Abfrage: sie beginnt nach PREFIX und BASE mit SELECT, ASK, CONSTRUCT oder DESCRIBE. / "
    "A SPARQL query is missing: after PREFIX and BASE it begins with SELECT, ASK, CONSTRUCT or DESCRIBE."
)
NO_UPDATE = (
    "Dieser Endpunkt liest nur: {word} ändert Daten und wird nie ausgeführt. Für eigene Änderungen laden Sie bitte einen Datenabzug "
    "in Ihre eigene Datenbank. / This endpoint only reads: {word} changes data and is never run. "
    "To work on the data, load a dump into a store of your own."
)
NO_SERVICE = (
    "SERVICE ist hier abgeschaltet, denn der Server fragt keine fremden Adressen ab. Verbinden Sie die Endpunkte in Ihrem Programm, "
    "zum Beispiel mit Comunica: comunica-dynamic-sparql sparql@<dieser Endpunkt> sparql@<anderer Endpunkt> '<Abfrage ohne SERVICE>'. / "
    "SERVICE is switched off: this server calls no other address. Join the endpoints in your client, e.g. with Comunica as above."
)


class Query(NamedTuple):
    """A query that may run: its text, its form (SELECT, ASK, CONSTRUCT, DESCRIBE), and what its text says about the answer.

    dataset: it has FROM or FROM NAMED clauses. stable: two runs on the same data give the same answer.
    """

    text: str
    form: str
    dataset: bool
    stable: bool

    @property
    def kind(self) -> str:
        """`solutions` (a table or a boolean) or `graph` (triples)."""
        return FORMS[self.form]


def checked(text: str) -> Query:
    """Return the query if it may run. Raises QueryRefused: 400 for what is no query, 403 for updates and SERVICE.

    Only the outer shape is judged; whether the query is well formed is for the engine's parser to say.
    """
    plain = ESCAPE.sub(_character, text) if "\\" in text else text
    prologue = PROLOGUE.match(plain)
    word = WORD.match(plain, prologue.end() if prologue else 0)
    form = word.group().upper() if word else ""
    if form in UPDATES:
        raise QueryRefused(NO_UPDATE.format(word=form), 403)
    if form not in FORMS:
        raise QueryRefused(NO_QUERY)
    lower = plain.lower()
    if "service" in lower and has_service(plain):
        raise QueryRefused(NO_SERVICE, 403)
    # A plain search first: the pattern looks at each character, which for a list of a hundred IRIs costs more than all else here.
    unstable = any(name in lower for name in CHANGING) and UNSTABLE.search(plain)
    return Query(text, form, "from" in lower and has_dataset(plain), not unstable)


def searchable(text: str) -> bool:
    """Tell whether `checked` only has to search a text, in time linear in its length: it has no words that may be clauses."""
    lower = text.lower()
    return not ("service" in lower or "from" in lower or "\\" in lower)


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1] or escape[2], 16))


def has_service(text: str) -> bool:
    """Tell whether SERVICE is a clause of the query under any reading of its tokens.

    `1<2#>` and a quote are an IRI and a string for one lexer, a comparison and a comment for the next, and a clause can hide
    from either. Therefore each `<` is read both ways, each position once, and a clause found under any reading counts.
    A clause glued to the word before it (`trueSERVICE`) or to an empty prefix (`SERVICE:x{`) counts too: parsers take them.
    """
    if text.lower().count("service") > MOST_SERVICES:
        return True  # each is looked at to the end of its line
    clauses = {found.start() for found in SERVICE.finditer(text)}
    if not clauses or len(text) > LONGEST_SERVICE:
        return bool(clauses)
    seen, todo = set(), [0]
    while todo:
        at = todo.pop()
        while at < len(text) and at not in seen:
            seen.add(at)
            token = TOKEN.match(text, at)
            assert token is not None  # its last branch takes any character
            if _begins_clause(text, token, clauses):
                return True
            if token.lastgroup == "iri":
                todo.append(at + 1)
            elif token.lastgroup == "name":
                todo += [at + 1 + place for place, letter in enumerate(token.group()) if letter in ".\\"]
            at = token.end()
    return False


def _begins_clause(text: str, token: re.Match[str], clauses: set[int]) -> bool:
    if token.lastgroup not in ("word", "name"):
        return False
    glued = {"true": 4, "fals": 5}.get(token.group()[:4].lower(), 0)
    if token.lastgroup == "name" and AFTER_GRAPH.search(text, max(0, token.start() - 200), token.start()):
        return False
    return token.start() in clauses or token.start() + glued in clauses


def has_dataset(text: str) -> bool:
    """Tell whether the query has a FROM clause: the word FROM outside braces and parentheses."""
    at, depth, operand = 0, 0, False
    while at < len(text):
        token = TOKEN.match(text, at)
        assert token is not None
        kind, word = token.lastgroup, token.group()
        if kind == "iri" and depth and operand:
            # In an expression, after an operand, "<" compares: SELECT (?a<?b AS ?c).
            at, operand = at + 1, False
            continue
        if kind == "word" and not depth and word.upper() == "FROM":
            return True
        if kind == "word" and not depth and word.upper() == "WHERE" or word in ("'", '"'):
            return False
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(word, 0)
        if kind != "space":
            operand = kind in ("string", "variable", "number", "name", "iri") or word == ")"
        at = token.end()
    return False
