"""How much of a question a text holds: its terms by their rarity, its names in any spelling, the kind asked for.

It compares texts with a question; it knows nothing of passages' ranks or of answers' wording.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from assistant.language.dates import find_dates
from assistant.language.lexical import lexical_tokens
from assistant.language.numbers import find_numbers
from assistant.language.scripts import is_unspaced
from assistant.retrieval.names import Names
from assistant.retrieval.questions import Question, spelling_tokens

_STEM = 4
# Capitalised words in a row, organisations' endings, or a run of katakana: what an answer to "who" mostly holds.
_NAME_LIKE = re.compile(r"(?:\b[A-ZÄÖÜÉÀ][\w&.-]+(?:\s+(?:of|and|for|de|der|für|des|du|&|the)\s+|\s+)){1,}[A-ZÄÖÜÉÀ][\w&.-]+|\b[A-Z]{2,}\b|[\u30a1-\u30fa\u30fc]{4,}|[\u4e00-\u9fff]{2,}(?:会|委|局|府|部|院|所|司|団|室|署|社|大学|集团|集團|协会|協会)")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a question needs to be answered: weighted terms, and names as sets of token phrases with their weight."""

    question: Question
    terms: dict[str, float]
    names: tuple[tuple[tuple[tuple[str, ...], ...], float], ...]

    @property
    def total(self) -> float:
        return sum(self.terms.values()) + sum(weight for _, weight in self.names)


def needs(question: Question, frequency: Callable[[str], int], passages: int) -> Needs:
    """Weigh a question's terms by inverse document frequency (Robertson & Zaragoza 2009, eq. 3.2, floored at 0.2).

    A term that stands nowhere keeps the weight of the rarest: it is what an answer would have to hold. An unspaced
    script's bigrams overlap, so each counts half.
    """

    def weight(token: str) -> float:
        n = frequency(token)
        idf = max(0.2, math.log(1 + (passages - n + 0.5) / (n + 0.5)))
        return idf / 2 if is_unspaced(token[0]) else idf

    names = []
    for name in question.names:
        spellings = spelling_tokens(name)
        rarity = min((max(map(frequency, s)) if len(s) == 1 else min(map(frequency, s)) for s in spellings if s), default=0)
        names.append((spellings, max(0.2, math.log(1 + (passages - rarity + 0.5) / (rarity + 0.5)))))
    return Needs(question, {t: weight(t) for t in question.terms}, tuple(names))


class TokenSet:
    """A text's tokens, for membership, for phrases, and for words that share a stem."""

    def __init__(self, text: str) -> None:
        self.sequence = lexical_tokens(text)
        self._set = set(self.sequence)
        self._joined = "\0" + "\0".join(self.sequence) + "\0"
        self._words = [token for token in self._set if len(token) > _STEM + 2 and token.isalpha() and not is_unspaced(token[0])]
        self._stems = {token[:_STEM] for token in self._set if len(token) > _STEM and not is_unspaced(token[0])}

    def has_term(self, term: str) -> float:
        """1 for the token itself, 0.8 for a word of the same stem (Ziele, Zielen) or a compound (Kernziel), else 0."""
        if term in self._set:
            return 1.0
        if len(term) < _STEM or is_unspaced(term[0]) or not term.isalpha():
            return 0.0
        if term[:_STEM] in self._stems and any(_related(term, other) for other in self._set if other[:_STEM] == term[:_STEM]):
            return 0.8
        # Compounds close with the word that they are about; an inflected ending may hide it.
        endings = (term, term[:-1], term[:-2]) if len(term) > _STEM + 1 else (term, term[:-1])
        endings = tuple(e for e in endings if len(e) >= _STEM)
        return 0.8 if any(len(other) >= len(term) + 3 and other.endswith(endings) for other in self._words) else 0.0

    def has_phrase(self, tokens: tuple[str, ...]) -> bool:
        return bool(tokens) and "\0" + "\0".join(tokens) + "\0" in self._joined


def _related(a: str, b: str) -> bool:
    """Two words that share at least three quarters of the shorter, and differ by an ending of at most four letters."""
    shared = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        shared += 1
    return shared >= max(_STEM, 0.75 * min(len(a), len(b))) and max(len(a), len(b)) - shared <= 4


def coverage(wanted: Needs, tokens: TokenSet) -> float:
    """Share (0 to 1) of the question's weight that the text holds."""
    if not wanted.total:
        return 0.0
    held = sum(weight * tokens.has_term(term) for term, weight in wanted.terms.items())
    held += sum(weight for spellings, weight in wanted.names if any(map(tokens.has_phrase, spellings)))
    return held / wanted.total


def name_coverage(wanted: Needs, tokens: TokenSet) -> float:
    """Share of the weight of the question's names and numbers alone: all that crosses languages without a model."""
    numbers = {term: weight for term, weight in wanted.terms.items() if term[0].isdigit()}
    total = sum(numbers.values()) + sum(weight for _, weight in wanted.names)
    if not total:
        return 0.0
    held = sum(weight * tokens.has_term(term) for term, weight in numbers.items())
    held += sum(weight for spellings, weight in wanted.names if any(map(tokens.has_phrase, spellings)))
    return held / total


def kind_strength(kind: str, text: str, language: str, names: Names) -> float:
    """How surely (0 to 1) a text holds the kind of thing a question asks for; 1 for kinds that cannot be told."""
    if kind == "date":
        # A bare year is more often part of a name ("Forum 2024") than an answer.
        return max((0.4 if date.iso.isdigit() else 1.0 for date in find_dates(text)), default=0.0)
    if kind == "number":
        spans = [(d.start, d.end) for d in find_dates(text)]
        return float(any(not any(a <= n.start < b for a, b in spans) for n in find_numbers(text, language)))
    if kind == "who":
        return float(bool(_NAME_LIKE.search(text) or names.find(text)))
    return 1.0
