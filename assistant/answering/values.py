"""The dates, numbers and names of a quote, and the asked-for ones in the reader's writing: 2024年11月22日 -> "22 November 2024".

It knows units and packs; nothing of scores.
"""

from __future__ import annotations

from decimal import Decimal

from assistant.answering.citations import quotes_in
from assistant.answering.evidence import NAME_LIKE
from assistant.answering.facts import facts
from assistant.answering.units import Unit
from assistant.language.dates import write_date
from assistant.language.numbers import FoundNumber
from assistant.language.packs import Pack, pack_or_english
from assistant.language.scripts import is_unspaced, script_of
from assistant.retrieval.names import Names
from assistant.retrieval.questions import Question
from assistant.schema import Answer

# Of more values than these it is not plain which one was asked for.
_MOST = {"date": 2, "number": 1, "place": 2}
_EMPHASISED = 4
# A counter and what bounds the number: 社以上.
_COUNTED = 4


def values_of(text: str, language: str) -> frozenset[str]:
    """Dates (ISO) and numbers of a text, in any writing the same."""
    found = facts(text, language)
    return frozenset((*(date.iso for date in found.dates), *(str(number.value.normalize()) for number in found.numbers)))


def asked_for(text: str, language: str, question: Question, names: Names) -> tuple[tuple[int, int], ...]:
    """Where a text holds what a question asks for: dates, numbers or names that the question does not hold itself; nothing where it
    asks for none of these, or where there are so many that it is not plain which.
    """
    found, asked = facts(text, language), facts(question.text, question.language)
    if question.kind == "date":
        isos = {date.iso for date in asked.dates} | asked.years
        spans = [(date.start, date.end) for date in found.dates if date.iso not in isos]
    elif question.kind == "number":
        values = {number.value for number in asked.numbers}
        spans = [(number.start, number.end) for number in found.numbers if number.value not in values]
    elif question.kind in ("who", "place"):
        own = {spelling for name in question.names for spelling in name.spellings}
        known = [(name.start, name.end, bool(own.intersection(name.spellings))) for name in names.find(text)]
        spans = [(start, end) for start, end, asked_about in known if not asked_about]
        if question.kind == "who":
            # Who is named need not be known: all that look like a name, or one of several would seem to be the answer.
            spans += [m.span() for m in NAME_LIKE.finditer(text) if not any(m.start() < end and start < m.end() for start, end, _ in known)]
    else:
        return ()
    spans.sort()
    return tuple(spans) if len(spans) <= _EMPHASISED else ()


def emphasised(answer: Answer, before: str, after: str) -> str:
    """The answer's text with `before` and `after` about what was asked for in each quote; neither may stand in the text."""
    text = answer.text
    for citation, end in reversed(list(quotes_in(answer))):
        at = end - len(citation.quote)
        for start, stop in sorted(citation.asked, reverse=True):
            text = f"{text[: at + start]}{before}{text[at + start : at + stop]}{after}{text[at + stop :]}"
    return text


def in_readers_words(unit: Unit, question: Question, names: Names, language: Pack) -> str:
    """What was asked for, as the reader writes it; "" where it is neither date nor number nor a known name, or too many of them."""
    found, asked = facts(unit.text, unit.chunk.language), facts(question.text, question.language)
    if question.kind == "date":
        isos = {date.iso for date in asked.dates} | asked.years
        said = [write_date(date.iso, language.code) for date in found.dates if date.iso not in isos and not date.iso.startswith("--")]
    elif question.kind == "number":
        values = {number.value for number in asked.numbers}
        said = [_bounded(number, unit, language) for number in found.numbers if number.value not in values]
    elif question.kind == "place":
        own = {spelling for name in question.names for spelling in name.spellings}
        said = [spelling for name in names.find(unit.text) if not own.intersection(name.spellings) and (spelling := readable(name.spellings, language)) and spelling not in unit.text]
    else:
        return ""
    said = list(dict.fromkeys(said))
    return " · ".join(said) if len(said) <= _MOST[question.kind] else ""


def _bounded(number: FoundNumber, unit: Unit, language: Pack) -> str:
    """The number with what its text says of its bound: 700社以上 -> "more than 700"."""
    spoken, said = pack_or_english(unit.chunk.language), write_number(number.value, language)
    before, behind = unit.text[: number.start].rstrip().casefold(), unit.text[number.end : number.end + _COUNTED].casefold()
    for key, words in (("more_than", spoken.more_than), ("about", spoken.about)):
        if before.endswith(words) or (behind and is_unspaced(behind[0]) and any(word in behind for word in words)):
            return language.answers[key].format(number=said)
    return said


def write_number(value: Decimal, language: Pack) -> str:
    """A number with the language's separators.

    >>> from assistant.language.packs import pack
    >>> write_number(Decimal("15000.5"), pack("de"))
    '15.000,5'
    """
    text = f"{value.normalize():,f}"
    return text.replace(",", "\0").replace(".", language.decimal).replace("\0", language.group)


def readable(spellings: tuple[str, ...], language: Pack) -> str:
    """The first spelling in a script of the language; "" if there is none."""
    scripts = set(language.scripts)
    return next((spelling for spelling in spellings if {script_of(c) for c in spelling if c.isalpha()} <= scripts), "")
