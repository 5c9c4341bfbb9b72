"""Free words of council systems to concepts: SKOS schemes, results with votes, amounts of money, legal references."""

from publisher.concepts.amounts import Budget, Money, budget, legal_references, money
from publisher.concepts.results import NO_RESULT, Result, Votes, read
from publisher.concepts.schemes import SCHEMES, Concept, Concepts, concepts, plain, schemes
from publisher.concepts.selection import mark_of

__all__ = [
    "NO_RESULT",
    "SCHEMES",
    "Budget",
    "Concept",
    "Concepts",
    "Money",
    "Result",
    "Votes",
    "budget",
    "concepts",
    "legal_references",
    "mark_of",
    "money",
    "plain",
    "read",
    "schemes",
]
