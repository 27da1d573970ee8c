"""A follow-up without a language model: the names that a conversation is about, put to a question that names nothing itself.

It knows names and packs; which reading of the question finds an answer is the pipeline's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.language.packs import pack_or_english
from assistant.language.phrases import all_phrases, folded
from assistant.retrieval.names import Names


@dataclass(frozen=True, slots=True)
class Reading:
    """A question as it may be meant: with the names `carried` from before, if any, behind it."""

    text: str
    carried: tuple[str, ...] = ()


def carried(question: str, asked: Sequence[str], names: Names) -> tuple[str, ...]:
    """The names, as written, of the newest question asked before that has any; none where the question has its own."""
    if names.find(question):
        return ()
    found = (tuple(before[name.start : name.end] for name in names.find(before)) for before in reversed(asked))
    return next((tuple(dict.fromkeys(said)) for said in found if said), ())


def refers(question: str, language: str) -> bool:
    """True when a question says that it goes on from the one before: "and …", "who organised it?"

    >>> refers("And who organised it?", "en"), refers("Which clusters are there in Japan?", "en")
    (True, False)
    """
    words, said = pack_or_english(language).follow_up, folded(question)
    begins = all_phrases(said, words.get("begins", ()))
    first = next((place for place, character in enumerate(said) if character.isalnum()), 0)
    return bool((begins and begins[0][0] == first) or all_phrases(said, words.get("refers", ())))
