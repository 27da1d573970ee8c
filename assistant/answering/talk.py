"""Small talk: greetings, thanks, "what do you know?", and questions for medical advice get a fixed, kind reply instead of a search.

Only whole utterances count, medical phrases aside; what to say stands in the language packs. It knows packs; nothing of documents.
"""

from __future__ import annotations

import re
from functools import cache

from assistant.language.lexical import fold
from assistant.language.packs import Pack, packs

_ANYWHERE = "medical"
_MARKS = re.compile(r"[^\w\s']+")


def kind_of_talk(text: str, language: str) -> tuple[str, Pack] | None:
    """The kind of small talk that a text is, and the pack that knows it: that of `language` first; None for a question."""
    said = _plain(text)
    ordered = sorted(packs(), key=lambda item: item.code != language)
    for item in ordered:
        for kind, phrases in _phrases(item.code):
            if said in phrases or (kind == _ANYWHERE and any(_within(phrase, said) for phrase in phrases)):
                return kind, item
    return None


def reply(kind: str, words: Pack, *, documents: int, languages: str, newest: str) -> str:
    """What is said to it."""
    return words.said[kind].format(documents=documents, languages=languages, newest=newest)


def _plain(text: str) -> str:
    return " ".join(_MARKS.sub(" ", fold(text)).split())


def _within(phrase: str, said: str) -> bool:
    if phrase[0].isascii():
        return f" {phrase} " in f" {said} "
    return phrase in said


@cache
def _phrases(code: str) -> tuple[tuple[str, frozenset[str]], ...]:
    item = next(item for item in packs() if item.code == code)
    return tuple((kind, frozenset(plain for phrase in phrases if (plain := _plain(phrase)))) for kind, phrases in item.talk.items())
