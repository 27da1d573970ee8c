"""What the encoder is chosen by: sentences, passages and mixed pools that no training has seen.

Sentences and passages are NTREX news (eleven languages, parallel line by line); the questions were written for this project from
its English side and lie beside this module. Never for training.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.index.embedded import EmbeddedEncoder
from assistant.training.corpus import held_out
from assistant.training.sources import LANGUAGES, Source, lines, sides

_SENTENCES = 1000
_LINES = 5  # of a passage
_POOL = 240
_DENSE = 0.5  # z-scored dense beside z-scored late interaction

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Question:
    """A question in several languages and the number of its passage."""

    passage: int
    texts: dict[str, str]


def news(data: Path) -> list[dict[str, str]]:
    """NTREX's lines, each in up to eleven languages."""
    return list(lines(data / "heldout" / "ntrex.pairs.jsonl.zst"))


def passages(rows: Sequence[dict[str, str]], language: str) -> dict[int, str]:
    """Five lines each, by number; those that have a line missing in the language are left out."""
    found = {}
    for number in range(len(rows) // _LINES):
        part = [row.get(language, "") for row in rows[number * _LINES : (number + 1) * _LINES]]
        if all(part):
            found[number] = ("" if language in {"ja", "zh"} else " ").join(part)
    return found


def questions() -> list[Question]:
    """The questions on NTREX passages."""
    text = (Path(__file__).parent / "heldout_questions.jsonl").read_text("utf-8")
    return [Question(entry["passage"], entry["question"]) for entry in map(json.loads, text.splitlines())]


def sentence_retrieval(encoder: EmbeddedEncoder, rows: Sequence[dict[str, str]]) -> dict[str, float]:
    """By language: how often, of 1,000 sentences, an English one finds its translation first and the reverse (mean of both)."""
    found = {}
    for language in LANGUAGES[1:]:
        pairs = [row for row in rows if "en" in row and language in row][:_SENTENCES]
        if not pairs:
            continue
        left, right = (encoder.encode_questions([row[side] for row in pairs]) for side in ("en", language))
        scores = left @ right.T
        correct = np.arange(len(pairs))
        found[language] = float(((scores.argmax(0) == correct).mean() + (scores.argmax(1) == correct).mean()) / 2)
    return found


def ranked(encoder: EmbeddedEncoder, asked: Sequence[str], pool: Sequence[str], *, late: bool) -> Scores:
    """Scores [questions, passages]: dense, or dense and late interaction, both z-scored over the pool."""
    ids = encoder.token_ids(pool)
    dense = encoder.encode_questions(asked) @ encoder.encode_tokens(ids).T
    if not late:
        return dense
    close = np.stack([encoder.late_interaction([[question]], ids) for question in encoder.token_ids(asked)])
    return _DENSE * _standardised(dense) + (1 - _DENSE) * _standardised(close)


def passage_retrieval(
    encoder: EmbeddedEncoder, rows: Sequence[dict[str, str]], asked: Sequence[Question], languages: Sequence[str], *, late: bool = True
) -> dict[tuple[str, str], tuple[float, float]]:
    """By (question language, passage language): R@1 and R@5 in a pool of 240 passages."""
    wanted = {question.passage for question in asked}
    found = {}
    for target in languages:
        there = passages(rows, target)
        numbers = pool_of(there, wanted)
        for language in languages:
            chosen = [q for q in asked if language in q.texts and q.passage in there]
            scores = ranked(encoder, [q.texts[language] for q in chosen], [there[n] for n in numbers], late=late)
            places = _places(scores, [numbers.index(q.passage) for q in chosen])
            found[language, target] = (float((places < 1).mean()), float((places < 5).mean()))
    return found


def mixed_pool(
    encoder: EmbeddedEncoder, rows: Sequence[dict[str, str]], asked: Sequence[Question], languages: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """By question language, over one pool with all passages in all languages: any version of the passage in the top 5,
    and a version in another language than the question's in the top 10."""
    wanted = {question.passage for question in asked}
    pool = []
    for target in languages:
        there = passages(rows, target)
        pool += [(n, target, there[n]) for n in pool_of(there, wanted)]
    numbers = np.array([n for n, _, _ in pool])
    written = np.array([target for _, target, _ in pool])
    found = {}
    for language in languages:
        chosen = [q for q in asked if language in q.texts]
        scores = ranked(encoder, [q.texts[language] for q in chosen], [text for _, _, text in pool], late=True)
        order = np.argsort(-scores, axis=1, kind="stable")
        any_version = other = 0
        for row, question in zip(order, chosen, strict=True):
            any_version += bool((numbers[row[:5]] == question.passage).any())
            top = row[:10]
            other += bool(((numbers[top] == question.passage) & (written[top] != language)).any())
        found[language] = (any_version / len(chosen), other / len(chosen))
    return found


def clauses(rows: Sequence[dict[str, str]], languages: Sequence[str]) -> list[Question]:
    """Stand-ins for questions where none are written: the longest clause of a passage's third line, in each language."""
    made = []
    for number in range(len(rows) // _LINES):
        row = rows[number * _LINES + 2]
        texts = {language: _clause(row[language]) for language in languages if language in row}
        if len(texts) == len(languages):
            made.append(Question(number, texts))
    return made


def own_language(encoder: EmbeddedEncoder, sources: Sequence[Source], data: Path, *, late: bool = True) -> dict[str, tuple[float, float]]:
    """By question source: R@1 and R@5 of held-out questions among 240 held-out passages of the source."""
    found = {}
    for source in sources:
        if source.kind != "qa":
            continue
        texts = list(_held_questions(source, data))
        pool = sorted({passage for _, passage in texts})[:_POOL]
        kept = [(question, pool.index(passage)) for question, passage in texts if passage in set(pool)][:500]
        if len(pool) < 40:
            continue
        places = _places(ranked(encoder, [q for q, _ in kept], pool, late=late), [p for _, p in kept])
        found[source.name] = (float((places < 1).mean()), float((places < 5).mean()))
    return found


def _held_questions(source: Source, data: Path) -> Iterator[tuple[str, str]]:
    for asked, found in sides(source, data):
        (passage,) = found.values()
        if held_out(passage):
            yield next(iter(asked.values())), passage


def pool_of(there: dict[int, str], wanted: set[int]) -> list[int]:
    """The numbers of 240 passages: those asked about, then others."""
    return sorted(sorted(there, key=lambda n: (n not in wanted, n))[:_POOL])


def _places(scores: Scores, gold: Sequence[int]) -> NDArray[np.int64]:
    own = scores[np.arange(len(gold)), gold]
    return np.asarray((scores > own[:, np.newaxis]).sum(axis=1), dtype=np.int64)


def _standardised(scores: Scores) -> Scores:
    spread = scores.std(axis=1, keepdims=True)
    return np.asarray((scores - scores.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-6), dtype=np.float32)


def _clause(text: str) -> str:
    parts = [text]
    for mark in (",", "，", "、", ";", ":", "–"):
        parts = [piece.strip() for part in parts for piece in part.split(mark)]
    return max(parts, key=len)
