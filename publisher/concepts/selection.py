"""Reading which of several proposals a result took: its mark, or nothing where that is not certain."""

import re
from collections.abc import Mapping

from publisher.concepts.results import exhausted, read

NAMED = r"(?:beschluss-?|beschluß-?)?(?:vorschl(?:ag|ages)|varianten?|alternativen?)|fassung|antrag"
MENTION = re.compile(
    rf"(?<![\wäöüß])(?:(?:{NAMED}|option|punkt|buchstabe|ziffer|nr\.?|zu)\s+(?:zu\s+)?(?:nr\.?\s*)?\(?(?P<named>[a-h]|[1-9])(?![\w.,]*\d)\)?"
    r"|\(?(?P<bare>[a-h])\))(?![\wäöüß])",
)
TAKEN, REFUSED = ("beschlossen",), ("abgelehnt", "nicht-empfohlen")
DEPARTING = re.compile(
    r"abweichend|anstelle|anstatt|statt|entgegen|ohne|au(?:ß|ss)er|ausgenommen|gegen|mit ausnahme"
    r"|kombin|ergänz|vorbehaltlich|maßgabe|teilweise"
)
LEADING = re.compile(
    r"(?:^|[\s,;:–-])(?:gemä(?:ß|ss)|nach|laut|entsprechend|in|im sinne|sinne|der|des|dem|von|zu|mit|und|wird|wurde|ist)(?=[\s,;:]|$)"
)


def mark_of(number: str) -> str:
    """Return a proposal's mark as it is compared: "a)", "(A)" and "a." are "a"."""
    return re.sub(r"[^a-z0-9]", "", number.casefold())


def selected(text: str, outcomes: Mapping[str, str], majorities: Mapping[str, str]) -> str:
    """Return the mark of the one proposal that a result says was adopted, "Variante b) beschlossen" -> "b"; "" in all other cases.

    Either the text names one proposal only and reads as adopted without change once its name is left out; or it gives each
    proposal a result of its own, and exactly one was adopted while all others were rejected.
    """
    said = re.sub(r"\s+", " ", text).strip().lower()
    mentions = list(MENTION.finditer(said))
    marks = [hit["named"] or hit["bare"] for hit in mentions]
    if not mentions or DEPARTING.search(said):
        return ""
    if len(set(marks)) == 1:
        return marks[0] if len(marks) == 1 and _outcome(MENTION.sub(" ", said), outcomes, majorities) in TAKEN else ""
    if len(set(marks)) < len(marks) or LEADING.sub(" ", said[: mentions[0].start()]).strip(" ,;:–-"):
        return ""
    ends = [*(hit.start() for hit in mentions[1:]), len(said)]
    found = [_outcome(said[hit.end() : end], outcomes, majorities) for hit, end in zip(mentions, ends, strict=True)]
    taken = [mark for mark, outcome in zip(marks, found, strict=True) if outcome in TAKEN]
    return taken[0] if len(taken) == 1 and all(outcome in (*TAKEN, *REFUSED) for outcome in found) else ""


def _outcome(text: str, outcomes: Mapping[str, str], majorities: Mapping[str, str]) -> str:
    """Return the outcome that the words left over state, "" if none is certain or the proposal was changed."""
    left = LEADING.sub(" ", text)
    found = read(left, outcomes, majorities)
    certain = found.understood and found.amended is not True and exhausted(left, outcomes, majorities)
    return found.outcome or "" if certain else ""
