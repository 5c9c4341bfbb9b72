"""Reading the result of an agenda item: outcome, majority, amendment and votes, or nothing where that is not certain."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import NamedTuple


class Votes(NamedTuple):
    """How many voted; None where the text gives no number."""

    favor: int | None = None
    against: int | None = None
    abstention: int | None = None


class Result(NamedTuple):
    """What a text says. `read` gives slugs of the schemes "result" and "majority", Concepts.result their IRIs.

    amended: None where the text does not say. understood: False if the text says something that cannot be read for certain.
    """

    outcome: str | None = None
    majority: str | None = None
    amended: bool | None = None
    votes: Votes | None = None
    understood: bool = True


UNCLEAR = Result(understood=False)
NO_RESULT = frozenset(
    ("", "-", "–", "--", "---", "-.-", "0", "offen", "noch offen", "kein text vorhanden", "kein ergebnis", "ohne ergebnis", "keine")
    + ("keiner", "ohne", "entfällt", "siehe oben", "siehe anlage", "s. anlage", "s.o", "s. o", "k.a", "k. a", "n/a", "unbekannt")
    + ("keine angabe", "ohne, da mitteilungsvorlage")
)
"""Answers, lower case, that state no result: "(offen)" in ALLRIS, "(kein Text vorhanden)" in SD.NET, "ohne" in Hürtgenwald."""

LETTER = "a-zäöüß"
WORDS = ("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf")
NUMBERS = {word: at for at, word in enumerate(WORDS, 1)} | {"eine": 1, "einer": 1, "keine": 0, "keiner": 0, "ohne": 0, "o": 0}
KINDS = {
    "favor": r"ja[\s–-]*stimmen?(?:\(n\))?|ja|dafür",
    "against": r"nein[\s–-]*stimmen?(?:\(n\))?|gegenstimmen?(?:\(n\))?|nein|dagegen",
    # as typed in Hürtgenwald (SD.NET, 2019): Entahltungen, Enthaltugen, Enhaltungen, Enthalten
    "abstention": r"(?:stimm)?(?:enthaltung|entahltung|enthaltug|enhaltung)(?:en|\(en\))?|enthalten",
}
NUMBER = rf"\d{{1,3}}|{'|'.join(sorted(NUMBERS, key=len, reverse=True))}"
KIND = "|".join(f"(?P<{kind}>{words})" for kind, words in KINDS.items())
COUNT = re.compile(rf"(?:bei\s)?(?P<number>{NUMBER})(?![\d.,]\d)\s*+[–-]?\s*+(?:x\s?)?(?:{KIND})(?![{LETTER}])")
COUNT_AFTER = re.compile(rf"(?:{KIND})\s*+:?\s*+(?P<number>\d{{1,3}})(?!\d)")
FILLER = re.compile(
    rf"(?:der|die|das|den|dem|beschluss|beschlu(?:ss|ß)vorschlag|antrag|vorlage|vorschlag|beschlussempfehlung|ausschuss|rat|anfrage|wird|wurde|ist"
    rf"|so|und|bei|mit|gemäß|laut|zu|abstimmungsergebnis|beratungsergebnis|ergebnis|vorschlagsgemäß|antragsgemäß|entsprechend)(?![{LETTER}])"
)
GAP = re.compile(r"[\s,;:/.()!–-]+")
NOT = re.compile(rf"nicht(?![{LETTER}])")
CHANGED = r"(?:ge|ver|abge)ändert|mit änderung(?:en)?|in (?:ge|ver|abge)änderter (?:form|fassung)|modifiziert"
DEPARTS = r"abweichend vo[mn] (?:beschlussvorschlag|vorschlag|antrag|der vorlage)"
AMENDED = (
    (re.compile(rf"(?:un(?:ge|ver)ändert|ohne änderung(?:en)?|in unveränderter (?:form|fassung))(?![{LETTER}])"), False),
    (re.compile(rf"(?:{CHANGED}|{DEPARTS})(?![{LETTER}])"), True),
)
OPPOSITE = {"beschlossen": "abgelehnt", "empfohlen": "nicht-empfohlen", "behandelt": "nicht-behandelt"}
"""What "nicht" in front makes of an outcome; of any other nothing may be stated."""

ABOUT_THE_VOTE = re.compile(
    r"stimm|nein|enthalt|\bja\b|mehrheit|einmütig|\bgesamt\b|\b[a-e]\)|\b\d\.\s|beschl(?!ussfassungen)|abgelehn|abzulehn|angenommen|empf[eo]hl|vertag|verwiesen|überwiesen"
    r"|zurückge|vorbehaltlich|maßgabe|entgegen"
)
CONCLUSION = re.compile(
    r"(?:damit|somit|hiermit|(?:mit )?diesem beratungsergebnis) (?:ist|wurde|wird) (?:damit |somit )?"
    r"(?:der|die) (?:antrag|beschluss|beschlussvorschlag|vorlage|vorschlag|[a-zäöüß]*satzung)(?: nach § ?\d+ go)? "
    r"(?:(?P<majority>einstimmig|mehrheitlich|mit stimmenmehrheit) )?(?P<outcome>abgelehnt|angenommen|beschlossen|zurückgewiesen)\b"
)
NOTED = re.compile(
    r"(?:die anwesenden |der |die )?(?:ausschussmitglieder|ausschuss|rat|mitglieder|kreistag|gremium) (?:nimmt|nehmen|nahm|nahmen) "
    r"(?:(?!nicht|beschl|ablehn|zustimm)[^.]){0,200}?(?P<majority>einstimmig )?zur kenntnis(?![^.]{0,80}(?:beschl|ablehn|zustimm|empf))"
)
REFERRED = re.compile(r"(?:in|an) (?:den|die|das) (?:(?!nicht|beschl|empf|abgelehn)[^.;])*? (?:verwiesen|überwiesen|zurückverwiesen)\.?")
AGREED = re.compile(
    r"der vorschlag wird ohne gegenrede angenommen|ohne widerrede wird dem(?: vorschlag)? zugestimmt, es erfolgt keine abstimmung"
)


class _Said:
    """What the statement at the head of a text has said so far; `clear` is False once it contradicts itself."""

    def __init__(self) -> None:
        self.facts: dict[str, str | bool] = {}
        self.counts: dict[str, int] = {}
        self.negated = False
        self.clear = True

    def add(self, name: str, value: str | bool) -> None:
        if self.negated or self.facts.setdefault(name, value) != value:
            self.clear = False

    def count(self, kind: str, number: int) -> None:
        self.clear = self.clear and kind not in self.counts
        self.counts[kind] = number

    def outcome(self, slug: str) -> None:
        negated, self.negated = self.negated, False
        if negated and slug not in OPPOSITE:
            self.clear = False
        else:
            self.add("outcome", OPPOSITE[slug] if negated else slug)


def read(text: str, outcomes: Mapping[str, str], majorities: Mapping[str, str]) -> Result:
    """Return what `text` says for certain; `outcomes` and `majorities` map spellings in lower case to slugs.

    A statement is read word by word: "nicht empfohlen" is not "empfohlen", "ungeändert beschlossen" not "geändert
    beschlossen". Whatever follows it must have nothing to do with the vote, and two statements give no result at all.
    Numbers never make an outcome, for the text does not say what majority the matter needs.
    """
    said = normal(text)
    if said.strip(" .,;:()") in NO_RESULT:
        return Result()
    if whole := _sentence(said, majorities):
        return whole
    statement, rest = _statement(said, outcomes, majorities)
    concluded = list(CONCLUSION.finditer(rest))
    if len(concluded) == 1:
        statement.add("outcome", outcomes[concluded[0]["outcome"]])
        if concluded[0]["majority"]:
            statement.add("majority", majorities[concluded[0]["majority"]])
        rest = CONCLUSION.sub(" ", rest)
    return UNCLEAR if ABOUT_THE_VOTE.search(rest) or statement.negated else _result(statement)


def exhausted(text: str, outcomes: Mapping[str, str], majorities: Mapping[str, str]) -> bool:
    """Tell whether every word of `text` belongs to the statement that `read` finds at its head."""
    return not _statement(normal(text), outcomes, majorities)[1].strip(" .,;:()–-")


def normal(text: str) -> str:
    """Return `text` in lower case and NFC, one space between words, glued sentences parted, without asides in brackets."""
    parted = re.sub(r"(?<=[a-zäöüß)])(?=[A-ZÄÖÜ])", " ", unicodedata.normalize("NFC", text).replace("\u00ad", ""))
    bare = re.sub(r"\((?!n\)|en\))[^()]*\)", " ", parted) if re.search(r"\w", re.sub(r"\([^()]*\)", "", parted)) else parted
    return re.sub(r"\s+", " ", bare).strip().casefold()


def _statement(said: str, outcomes: Mapping[str, str], majorities: Mapping[str, str]) -> tuple[_Said, str]:
    """Return what the words at the head of the text say, and the text from the first unknown word on."""
    statement, at = _Said(), 0
    while at < len(said):
        end = _step(statement, said, at, outcomes, majorities)
        if end == at:
            break
        at = end
    return statement, said[at:]


def _step(statement: _Said, said: str, at: int, outcomes: Mapping[str, str], majorities: Mapping[str, str]) -> int:
    """Take the word or phrase at `at` into the statement and return where it ends; `at` itself if it is unknown."""
    if hit := GAP.match(said, at):
        return hit.end()
    if (spelling := _longest(said, at, outcomes)) and not _counts(said, at):
        statement.outcome(outcomes[spelling])
        return at + len(spelling)
    if spelling := _longest(said, at, majorities):
        statement.add("majority", majorities[spelling])
        return at + len(spelling)
    for pattern, amended in AMENDED:
        if hit := pattern.match(said, at):
            statement.add("amended", amended)
            return hit.end()
    if hit := _counts(said, at):
        statement.count(next(kind for kind in KINDS if hit[kind]), _number(hit["number"]))
        return hit.end()
    if hit := NOT.match(said, at):
        statement.clear, statement.negated = statement.clear and not statement.negated, True
        return hit.end()
    hit = FILLER.match(said, at)
    return hit.end() if hit else at


def _counts(said: str, at: int) -> re.Match[str] | None:
    return COUNT.match(said, at) or COUNT_AFTER.match(said, at)


def _longest(said: str, at: int, spellings: Mapping[str, str]) -> str | None:
    found = (word for word in _heads(spellings, said[at : at + 3]) if said.startswith(word, at))
    whole = [word for word in found if not re.match(rf"[{LETTER}]", said[at + len(word) :])]
    return max(whole, key=len, default=None)


def _heads(spellings: Mapping[str, str], head: str) -> Iterator[str]:
    return (word for word in spellings if word[:3] == head[: len(word)])


def _number(word: str) -> int:
    return NUMBERS[word] if word in NUMBERS else int(word)


def _result(statement: _Said) -> Result:
    votes = Votes(**statement.counts) if statement.counts else None
    facts, balance = statement.facts, _balance(votes)
    majority = facts.get("majority") or balance
    if not statement.clear or not (facts or votes) or (balance and majority != balance):
        return UNCLEAR
    amended = facts.get("amended")
    return Result(_text(facts.get("outcome")), _text(majority), None if amended is None else bool(amended), votes)


def _text(value: str | bool | None) -> str | None:
    return value if isinstance(value, str) else None


def _balance(votes: Votes | None) -> str | None:
    """Return the majority that two counted sides make; abstentions count for neither."""
    if votes is None or votes.favor is None or votes.against is None or not votes.favor + votes.against:
        return None
    if votes.favor == votes.against:
        return "stimmengleichheit"
    return "mehrheitlich" if votes.favor and votes.against else "einstimmig"


def _sentence(said: str, majorities: Mapping[str, str]) -> Result | None:
    """Return the result of one of the whole sentences with which minutes state it, None for any other text."""
    if noted := NOTED.match(said):
        return Result("zur-kenntnis-genommen", majorities.get((noted["majority"] or "").strip()))
    if REFERRED.fullmatch(said):
        return Result("verwiesen")
    return Result("beschlossen") if AGREED.match(said) else None
