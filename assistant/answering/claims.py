"""Whether a sentence may stand on what it cites: its dates, numbers and names must stand there, in whatever writing, and its words must be met.

Dates, numbers and names are held against each other exactly; the rest by meaning, through the embedded encoder's table. What a model says
beyond that, a "not" that the source lacks say, this cannot see (docs/decisions/009-generated-answers.md has the measured share).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from assistant.index.embedded import EmbeddedEncoder
from assistant.language.dates import days_named
from assistant.language.lexical import fold
from assistant.language.numbers import find_numbers, with_digits
from assistant.language.scripts import script_of
from assistant.retrieval.names import Names

# How well a sentence's words must be met (idf-weighted cosine of each with the closest in the source), in its language and across languages:
# chosen on the dev half of evals/claims by `assistant eval claims`.
MET = 0.6
MET_ACROSS = 0.35
# For a passage that the model did not name: of 8 passages in another language, one in five nonsensical sentences found one at .35
# (docs/decisions/009-generated-answers.md).
MET_UNNAMED = 0.45
# A name that no alias knows may be written otherwise in another script, but hardly in the same.
_LATIN_NAME = re.compile(r"(?<![\w-])(?:[A-Z][A-Z0-9&-]+|[A-Z][a-zà-ÿ]+[A-Z]\w*)(?![\w-])")
# A name in another spelling of its script (London, Londres): how close the table must hold them.
_SAME_NAME = 0.5
_YEAR = re.compile(r"(?:19|20)\d\d")
_WORD = re.compile(r"[^\W\d_][\w'’.-]*")
_MONTH = re.compile(r"(?<!\d)(\d{1,2})\s*[月월]")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a text says that can be held against another: ISO dates, numbers, years."""

    dates: frozenset[str]
    numbers: frozenset[Decimal]
    years: frozenset[str]


@dataclass(frozen=True, slots=True)
class Check:
    """`missing` are the sentence's dates, numbers and names that the source lacks; `met` (-1 to 1) is how well its words are met there."""

    supported: bool
    missing: tuple[str, ...]
    met: float


@lru_cache(maxsize=8192)
def claims_of(text: str, language: str) -> Claims:
    """Dates with both ends of periods, numbers that are no part of a date, years. Kept, since one source is held against many sentences."""
    text = with_digits(text, language)
    dates = days_named(text)
    numbers = {n.value for n in find_numbers(text, language) if not any(d.start <= n.start < d.end for d in dates) and (text[n.start].isdigit() or n.value > 1)}
    return Claims(frozenset(d.iso for d in dates), frozenset(numbers), frozenset(_YEAR.findall(text)))


class Checker:
    """Holds sentences against sources; thread-safe, it keeps nothing."""

    def __init__(self, encoder: EmbeddedEncoder, names: Names) -> None:
        self._encoder = encoder
        self._names = names

    def check(self, sentence: str, language: str, source: str, source_language: str, context: str = "") -> Check:
        """`source` is what is cited; `context` (title, heading, date) may lend it a name or a year, no other number."""
        said, held, around = claims_of(sentence, language), claims_of(source, source_language), claims_of(context, source_language)
        years = held.years | around.years | {date[:4] for date in held.dates | around.dates if date[0] != "-"}
        months = {f"{int(month):02}" for month in _MONTH.findall(source)}
        missing = [
            date for date in sorted(said.dates)
            if not _dated(date, held.dates | around.dates, years) and not (len(date) == 7 and date[:4] in years and date[5:] in months)
        ]  # fmt: skip
        every = held.numbers | {Decimal(year) for year in years} | {Decimal(part) for date in held.dates for part in date.split("-") if part}
        missing += [f"{number.normalize():f}" for number in sorted(said.numbers) if number not in every and number not in around.numbers]
        missing += self._names_missing(sentence, language, f"{context}\n{source}")
        met = self.met(sentence, f"{context}\n{source}")
        return Check(not missing and met >= (MET if language == source_language else MET_ACROSS), tuple(missing), met)

    def _names_missing(self, sentence: str, language: str, source: str) -> list[str]:
        there = {spelling for name in self._names.find(source) for spelling in name.spellings}
        folded = fold(source)
        missing: list[str] = []
        known: list[tuple[int, int]] = []
        for name in self._names.find(sentence):
            known.append((name.start, name.end))
            if not there.intersection(name.spellings) and not any(fold(spelling) in folded for spelling in name.spellings):
                missing.append(sentence[name.start : name.end])
        for start, end in (*(m.span() for m in _LATIN_NAME.finditer(sentence)), *(_proper(sentence, language) if _is_latin(source) else ())):
            if any(a < end and start < b for a, b in known):
                continue
            word = sentence[start:end]
            if fold(word) not in folded and self.met(word, source) < _SAME_NAME:
                missing.append(word)
        return missing

    def met(self, sentence: str, source: str) -> float:
        """The idf-weighted mean, over the sentence's tokens, of the cosine with the closest token of the source."""
        asked, held = self._encoder.token_ids([sentence, source])
        if not len(asked) or not len(held):
            return 0.0
        weights = self._encoder.lengths(asked)
        return float(weights @ self._encoder.closest(asked, [held])[:, 0] / max(1e-9, float(weights.sum())))


def _dated(date: str, held: frozenset[str], years: frozenset[str] | set[str]) -> bool:
    """True when a date stands among others at least as exactly; a day without a year takes one that stands beside it."""
    for other in held:
        if other == date or other.startswith(f"{date}-") or (date.startswith("--") and other.endswith(date[1:])):
            return True
        if other.startswith("--") and date.endswith(other[1:]) and date[:4] in years:
            return True
    return date.isdigit() and date in years


def _is_latin(text: str) -> bool:
    letters = [script_of(c) for c in text if c.isalpha()]
    return letters.count("Latin") > len(letters) / 2


def _proper(sentence: str, language: str) -> list[tuple[int, int]]:
    """Words that are likely names by their capital; in German, where nouns have one too, only two that follow each other."""
    words = [match for match in _WORD.finditer(sentence) if script_of(sentence[match.start()]) == "Latin"]
    found = []
    for place, word in enumerate(words):
        capital = word.group()[0].isupper() and len(word.group()) > 2
        if not capital or not sentence[: word.start()].strip() or sentence[: word.start()].rstrip()[-1] in ".!?:":
            continue
        beside = [other for other in words[max(0, place - 1) : place + 2] if other is not word and other.group()[0].isupper() and other.start() > words[0].start() and 1 in (other.start() - word.end(), word.start() - other.end())]
        if language != "de" or beside:
            found.append(word.span())
    return found
