"""Rare exact tokens: a number, code or name that stands in hardly any passage. Those passages stay near the top.

A vector may not know what a code means, and a score that weighs many words may drown it; whoever asks for "BX-4471" wants the passage
that holds it. It knows a question and the lexical index.
"""

from __future__ import annotations

from collections.abc import Callable

from assistant.index.lexical import LexicalQuery
from assistant.language.lexical import fold_aligned, tokens_with_offsets
from assistant.language.scripts import script_of
from assistant.retrieval.questions import Question, spelling_tokens

RARE = 3  # passages, at most
# Below this many passages most words are rare, and a capital letter says nothing.
_MEANINGFUL = 100

Search = Callable[[LexicalQuery, int], list[tuple[int, float]]]


def exact_passages(question: Question, passages: int, frequency: Callable[[str], int], search: Search) -> list[int]:
    """Keys of at most `RARE` passages that hold the question's rare exact tokens, those that hold most first."""
    queries = [LexicalQuery((token,)) for token in _exact_tokens(question, passages) if 1 <= frequency(token) <= RARE]
    queries += [LexicalQuery((), (spellings,)) for name in question.names if (spellings := spelling_tokens(name))]
    weights: dict[int, float] = {}
    for query in queries:
        hits = search(query, RARE + 1)
        if len(hits) <= RARE:
            for key, _ in hits:
                weights[key] = weights.get(key, 0.0) + 1 / len(hits)
    return sorted(weights, key=lambda key: (-weights[key], key))[:RARE]


def _exact_tokens(question: Question, passages: int) -> list[str]:
    """Numbers of two digits and more, and words of an alphabet that begin with a capital letter."""
    folded, origin = fold_aligned(question.text)
    found: dict[str, None] = {}
    for token, start, end in tokens_with_offsets(folded):
        written = question.text[origin[start] : origin[end]]
        if any(c.isdigit() for c in token):
            if len(token) > 1:
                found[token] = None
        elif passages >= _MEANINGFUL and len(token) > 1 and written[:1].isupper() and script_of(written[0]):
            found[token] = None
    return list(found)


def kept_near_the_top(ranked: list[int], exact: list[int], places: int) -> list[int]:
    """The ranking with the exact passages among the first `places`; the others keep their order."""
    head = ranked[:places]
    missing = [key for key in exact if key in ranked and key not in head]
    if not missing:
        return ranked
    room = [key for key in head if key not in exact]
    dropped = set(room[max(0, len(room) - len(missing)) :])
    head = [key for key in head if key not in dropped] + missing
    return head + [key for key in ranked if key not in set(head)]
