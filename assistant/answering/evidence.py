"""How much of a question a text holds: its terms by their rarity, its names in any spelling, the kind asked for.

It compares texts with a question; it knows nothing of passages' ranks or of answers' wording.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from assistant.answering.facts import facts
from assistant.language.lexical import lexical_tokens
from assistant.language.scripts import is_unspaced
from assistant.retrieval.names import FoundName, Names
from assistant.retrieval.questions import Question, light_tokens, spelling_tokens

_STEM = 4
_REMEMBERED = 64
# Capitalised words in a row, organisations' endings, or a run of katakana: what an answer to "who" mostly holds.
NAME_LIKE = re.compile(r"(?:\b[A-ZÄÖÜÉÀ][\w&.-]+(?:\s+(?:of|and|for|de|der|für|des|du|&|the)\s+|\s+)){1,}[A-ZÄÖÜÉÀ][\w&.-]+|\b[A-Z]{2,}\b|[\u30a1-\u30fa\u30fc]{4,}|[\u4e00-\u9fff]{2,}(?:会|委|局|府|部|院|所|司|団|室|署|社|大学|集团|集團|协会|協会)")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a question needs to be answered: weighted terms, and names as sets of token phrases with their weight.

    `unseen` is true when a telling word of the question stands in no document at all.
    """

    question: Question
    terms: dict[str, float]
    names: tuple[tuple[tuple[tuple[str, ...], ...], float], ...]
    unseen: bool = False

    @property
    def anchored(self) -> bool:
        """True when the question holds a name, or a number that is no year: all that shows, without a model, what a text
        in another language is about.
        """
        return bool(self.names) or any(term[0].isdigit() and len(term) != 4 for term in self.terms)


# Kinds whose asking phrase names what is asked for, not what it is about: "which companies", 主催者.
_ASKS_BY_NOUN = ("date", "number", "who", "place")
# What an answer need not say again ("take place", "stattfinden") counts this much of its weight.
_LIGHT = 0.25


def needs(question: Question, frequency: Callable[[str], int], passages: int) -> Needs:
    """Weigh a question's terms by the root of their inverse document frequency (Robertson & Zaragoza 2009, eq. 3.2).

    The root, because a word that stands nowhere would else outweigh all others in a small corpus. The bigrams of a run
    share one word's weight.
    """

    def weight(held_by: int) -> float:
        return math.sqrt(max(0.04, math.log(1 + (passages - held_by + 0.5) / (held_by + 0.5))))

    light = light_tokens(question.language)
    if question.kind in _ASKS_BY_NOUN:
        light |= question.asking
    names = []
    for name in question.names:
        spellings = tuple(s for s in spelling_tokens(name) if s)
        # As frequent as its most frequent spelling, and a spelling as its rarest token.
        names.append((spellings, weight(max((min(map(frequency, s)) for s in spellings), default=0))))
    terms: dict[str, float] = {}
    unseen = False
    for word in question.words:
        held = {token: frequency(token) for token in word}
        unseen = unseen or not (any(held.values()) or light.issuperset(word))
        for token, n in held.items():
            terms[token] = terms.get(token, 0.0) + weight(n) * (_LIGHT if token in light else 1.0) / len(word)
    return Needs(question, terms, tuple(names), unseen)


@dataclass(frozen=True, slots=True)
class Held:
    """Shares (0 to 1) of a question's weight that a text holds: of all of it, of its words (numbers aside), and of its
    names and numbers. A share of nothing is 1. `literal` is the share of the words that stand there letter for letter.
    """

    all: float
    words: float
    names: float
    literal: float


class TokenSet:
    """A text's tokens, for membership, for phrases, and for words that share a stem."""

    def __init__(self, text: str) -> None:
        self.sequence = lexical_tokens(text)
        self._set = set(self.sequence)
        self._known: dict[str, float] = {}

    @cached_property
    def _joined(self) -> str:
        return "\0" + "\0".join(self.sequence) + "\0"

    @cached_property
    def _words(self) -> list[str]:
        """Words that may be compounds or share a stem: letters only, of a spaced script."""
        return [token for token in self._set if len(token) >= _STEM and token.isalpha() and not is_unspaced(token[0])]

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = {}
        for word in self._words:
            stems.setdefault(word[:_STEM], []).append(word)
        return stems

    def __contains__(self, term: str) -> bool:
        return term in self._set

    def has_term(self, term: str) -> float:
        """1 for the token itself, 0.8 for a word of the same stem (Ziele, Zielen) or a compound (Kernziel), else 0."""
        if term in self._set:
            return 1.0
        found = self._known.get(term)
        if found is None:
            # One question asks the same of a heading many times; what older questions asked is let go.
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            found = self._known[term] = self._related(term)
        return found

    def _related(self, term: str) -> float:
        if len(term) < _STEM or is_unspaced(term[0]) or not term.isalpha():
            return 0.0
        same = self._stems.get(term[:_STEM])
        if same and any(_related(term, other) for other in same):
            return 0.8
        # Compounds close with the word that they are about; an inflected ending may hide it.
        endings = tuple(term[: len(term) - cut] for cut in (0, 1, 2) if len(term) - cut >= _STEM)
        # Most texts hold none, which one look at the whole text tells.
        if not any(f"{ending}\0" in self._joined for ending in endings):
            return 0.0
        return 0.8 if any(len(other) >= len(term) + 3 and other.endswith(endings) for other in self._words) else 0.0

    def starts_with(self, tokens: tuple[str, ...]) -> bool:
        """True when the text begins with the phrase, after an article at most."""
        return bool(tokens) and any(tuple(self.sequence[skip : skip + len(tokens)]) == tokens for skip in (0, 1))

    def has_any(self, phrases: Collection[tuple[str, ...]]) -> bool:
        """True when one of the phrases stands in the text."""
        for phrase in phrases:
            # Most phrases fall at their first word.
            if phrase and phrase[0] in self._set and "\0" + "\0".join(phrase) + "\0" in self._joined:
                return True
        return False


@lru_cache(maxsize=4096)
def tokens_of(text: str) -> TokenSet:
    """The text's tokens; kept, since the same passages answer many questions."""
    return TokenSet(text)


def _related(a: str, b: str) -> bool:
    """Two words of one stem: they share three quarters of the shorter and differ by an ending of up to four letters
    (Ziele, Zielen), or share six letters and differ by up to five (organisierte, Organisation).
    """
    shared = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        shared += 1
    ending = max(len(a), len(b)) - shared
    return (shared >= max(_STEM, 0.75 * min(len(a), len(b))) and ending <= 4) or (shared >= 6 and ending <= 5)


def held_by(wanted: Needs, parts: Sequence[tuple[TokenSet, float]]) -> Held:
    """How much of the question the parts hold together; each part's credit (0 to 1) is what a find in it counts.

    A sentence has its own words at full credit and those of its heading, title and passage at less.
    """
    words = names = literal = word_total = name_total = 0.0
    # Plain loops: a question asks this of hundreds of texts, and generators cost more than what they would run.
    for term, weight in wanted.terms.items():
        best, there = 0.0, False
        for tokens, credit in parts:
            strength = tokens.has_term(term)
            there = there or strength == 1.0
            if credit * strength > best:
                best = credit * strength
        if term[0].isdigit():
            names, name_total = names + weight * best, name_total + weight
        else:
            words, word_total = words + weight * best, word_total + weight
            literal += weight * there
    for spellings, weight in wanted.names:
        name_total += weight
        best = 0.0
        for tokens, credit in parts:
            # What a document is about need not be named in every sentence: a name elsewhere counts more than a word elsewhere.
            if (1 + credit) / 2 > best and tokens.has_any(spellings):
                best = (1 + credit) / 2
        names += weight * best
    total = word_total + name_total
    return Held(
        (words + names) / total if total else 0.0,
        words / word_total if word_total else 1.0,
        names / name_total if name_total else 1.0,
        literal / word_total if word_total else 0.0,
    )


def kind_strength(kind: str, text: str, language: str, names: Names, asked: Sequence[FoundName] = ()) -> float:
    """How surely (0 to 1) a text holds the kind of thing a question asks for; 1 for kinds that cannot be told.

    `asked` are the question's own names, which answer neither who nor where.
    """
    if kind == "date":
        # A bare year is more often part of a name ("Forum 2024") than an answer.
        return max((0.4 if date.iso.isdigit() else 1.0 for date in facts(text, language).dates), default=0.0)
    if kind == "number":
        return float(bool(facts(text, language).numbers))
    if kind in ("who", "place"):
        own = {spelling for name in asked for spelling in name.spellings}
        other = any(not own.intersection(name.spellings) for name in names.find(text))
        if kind == "place":
            return 1.0 if other else 0.5
        return float(other or bool(NAME_LIKE.search(text)))
    return 1.0
