"""What a question says: its language, its telling terms, the names in it, and the kind of thing it asks for.

It knows language packs and names, not passages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from assistant.language.detection import detect
from assistant.language.lexical import fold, fold_word, lexical_tokens, tokens_with_offsets
from assistant.language.packs import QUESTION_KINDS, codes, pack, pack_or_english
from assistant.language.phrases import folded, spans_of
from assistant.language.scripts import HANGUL, is_unspaced, script_of
from assistant.retrieval.names import FoundName, Names


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is searched for. `bare` is its text without the names in it.

    `words` are its telling words, each as its lexical tokens (one, or a run's bigrams), without function words and
    names; `telling` are the same as the question writes them, `keywords` its own names and then these; `asking` are the tokens of the phrase
    that tells the kind ("which companies", 主催者), which an answer need not repeat.
    """

    text: str
    language: str
    kind: str
    words: tuple[tuple[str, ...], ...]
    names: tuple[FoundName, ...]
    keywords: tuple[str, ...] = ()
    asking: frozenset[str] = frozenset()
    bare: str = ""
    telling: tuple[str, ...] = ()

    @property
    def terms(self) -> tuple[str, ...]:
        """The lexical tokens of all words, each once."""
        return tuple(dict.fromkeys(token for word in self.words for token in word))


def understand(text: str, names: Names, *, language: str = "") -> Question:
    """Read a question; `language` is the one it is in, found out where it is not given."""
    language = language if language else detect(text)
    found = names.find(text)
    kind, asking = kind_of(text, language)
    bare = _without(text, found)
    telling = tuple(dict.fromkeys(_keywords(bare, language)))
    keywords = tuple(dict.fromkeys((*(text[n.start : n.end] for n in found), *telling)))
    words = tuple(dict.fromkeys(_words(bare, language)))
    return Question(text, language, kind, words, tuple(found), keywords, frozenset(lexical_tokens(asking)), bare, telling)


def _without(text: str, found: list[FoundName]) -> str:
    parts, position = [], 0
    for name in found:
        parts.append(text[position : name.start])
        position = name.end
    return " ".join((*parts, text[position:]))


@cache
def stopwords(language: str) -> tuple[frozenset[str], re.Pattern[str] | None]:
    """Folded stop words: those of spaced scripts as a set, those of unspaced ones as a pattern, longest first."""
    item = pack_or_english(language)
    words = {fold(word) for word in item.stopwords}
    words |= {fold(p) for kind in ("date", "number", "who", "place", "list") for p in item.questions[kind] if " " not in p and not is_unspaced(p[0])}
    runs = sorted((w for w in words if w and is_unspaced(w[0])), key=len, reverse=True)
    spaced = frozenset(fold_word(w) for w in words if w and not is_unspaced(w[0]))
    return spaced, re.compile("|".join(map(_run, runs))) if runs else None


def _run(word: str) -> str:
    """A stop word of an unspaced script as a pattern: Korean particles only at a word's end, other words anywhere."""
    if script_of(word[0]) == "Hangul":
        return rf"{re.escape(word)}(?![{HANGUL}])" if len(word) < 3 else re.escape(word)
    return re.escape(word)


@cache
def light_tokens(language: str) -> frozenset[str]:
    """Lexical tokens of the words that an answer need not say again."""
    item = pack_or_english(language)
    return frozenset(token for word in item.light for token in lexical_tokens(word))


def _keywords(text: str, language: str) -> list[str]:
    spaced, runs = stopwords(language)
    found: list[str] = []
    for word in re.findall(r"[^\W_]+(?:[-.'’][^\W_]+)*", text):
        parts = [word] if runs is None or not is_unspaced(word[0]) else runs.sub(" ", word).split()
        found.extend(p for p in parts if len(p) > 1 and fold_word(fold(p)) not in spaced)
    return found


def _words(text: str, language: str) -> list[tuple[str, ...]]:
    """Words without stop words, as lexical tokens; what is left of an inflection (a single kana) is none."""
    spaced, runs = stopwords(language)
    folded = fold(text)
    if runs is not None:
        # A stop word becomes a gap, so that no bigram is made across it.
        folded = runs.sub(" ", folded)
    words: list[list[str]] = []
    last = -1
    for token, start, _ in tokens_with_offsets(folded):
        if token in spaced or (len(token) == 1 and not token.isdigit() and script_of(token) not in ("Han", "Hangul")):
            continue
        if is_unspaced(token[0]) and start == last + 1 and words:
            words[-1].append(token)
        else:
            words.append([token])
        last = start if is_unspaced(token[0]) else -1
    return [tuple(word) for word in words]


def kind_of(text: str, language: str) -> tuple[str, str]:
    """The kind of thing asked for and the folded phrase that says so: the longest of the language's pack; "" if none.

    >>> kind_of("When does the forum open?", "en")
    ('date', 'when')
    """
    kind, asking, _ = max(_asked(text, language), key=lambda found: len(found[1]), default=("", "", 0))
    return kind, asking


def kinds_of(text: str, language: str) -> tuple[str, ...]:
    """Every kind of value that a question asks for, in the order of QUESTION_KINDS: "when and where" asks for two.

    >>> kinds_of("When and where does the forum open?", "en")
    ('date', 'place')
    """
    found = [(start, start + len(phrase), kind) for kind, phrase, start in _asked(text, language)]
    # A phrase within a longer one ("how" in "how many", 何 in 何社) asks for nothing of its own.
    asked = {kind for start, end, kind in found if not any(a <= start and end <= b and b - a > end - start for a, b, _ in found)}
    return tuple(kind for kind in ("date", "number", "who", "place") if kind in asked)


def _asked(text: str, language: str) -> Iterator[tuple[str, str, int]]:
    """The pack's asking phrases that stand whole in the text: kind, folded phrase, where it stands first in the folded text."""
    said = folded(text)
    for kind, phrases in _phrases(language):
        for phrase in phrases:
            if found := next(spans_of(said, phrase), None):
                yield kind, phrase, found[0]


@cache
def _phrases(language: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if language not in codes():
        return ()
    return tuple((kind, tuple(fold(p) for p in pack(language).questions[kind])) for kind in QUESTION_KINDS)


def spelling_tokens(name: FoundName) -> tuple[tuple[str, ...], ...]:
    """The name's spellings as token phrases, each once."""
    return tuple(dict.fromkeys(tuple(lexical_tokens(spelling)) for spelling in name.spellings))
