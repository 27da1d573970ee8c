"""How well each unit of the passages fits a question: a row of numbers a unit, by meaning, by words, by the kind of thing asked for.

Meaning comes from the embedded encoder's table, whatever encoder the index has: it compares single tokens, in any two languages. Which
numbers matter how much is what `selection` has learnt; nothing here is tuned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assistant.answering.evidence import Held, Needs, held_by, kind_strength, tokens_of
from assistant.answering.facts import facts
from assistant.answering.units import ROW, Unit
from assistant.index.embedded import EmbeddedEncoder, Places, TokenIds, max_sim, places_of
from assistant.language.lexical import fold
from assistant.language.scripts import is_unspaced
from assistant.retrieval.names import Names
from assistant.retrieval.questions import Question, kind_of

Matrix = NDArray[np.float32]
Columns = dict[str, NDArray[np.float64]]
Groups = list[NDArray[np.intp]]
KINDS = ("date", "number", "who", "place", "list", "definition", "reason", "")
_NEAR, _NEAR_UNSPACED = 32, 14  # characters on both sides of a value
_VALUES = 12
_WELL = 0.6  # a word is met by one that is as close (cosine)
_KEPT = 16_384  # texts' vectors, 2 kB each
_ALIKE = 0.45  # units of two languages that may say the same (cosine)
# By meaning: compared over all units, within each document, and with the best.
RELATIVE = (
    "unit", "context", "passage", "bare unit", "bare context", "core unit", "core context", "core around", "core before", "heading", "core heading", "dense unit",
    "dense context", "own context", "own bare context", "own core context", "own core unit", "own core around", "version", "core version",
)  # fmt: skip
_PLAIN = (
    "held", "held words", "held names", "held literally", "held with heading", "words with heading", "names with heading", "held by passage", "words by passage", "names by passage",
    "new date", "new full date", "new numbers", "other names", "kind", "foreign", "length", "first", "row", "lines", "years", "years with heading", "years by passage", "asks year",
    "another year", "unseen", "anchored", "named", "place in passage", "item", "value near core", "value near bare", "has value", "has version", "likeness", "separators",
    "asks", "begins with name", "first of document", "begins with name, first of document", "weakest word", "weakest word with heading", "weakest word by passage", "weakest word by document", "second weakest word by document", "words well met", "words met by document",
    "best of document", "place in document", "rank", "document's rank", "first document", "size of document",
)  # fmt: skip
_BY_KIND = ("new date", "new full date", "new numbers", "other names", "kind", "length", "first", "value near core", "has value", "separators", "core context", "row", "held", "held names", "unit", "core unit", "years", "begins with name", "begins with name, first of document")
FEATURES = (
    *RELATIVE, *_PLAIN, *(f"{name}, over all" for name in RELATIVE), *(f"{name}, from the best" for name in RELATIVE), *(f"{name}, in its document" for name in RELATIVE),
    *(f"{kind or 'other'}: {name}" for kind in KINDS for name in _BY_KIND),
)  # fmt: skip


@lru_cache(maxsize=16384)
def _tokens(encoder: EmbeddedEncoder, text: str) -> TokenIds:
    return encoder.token_ids([text])[0]


_Vector = NDArray[np.float32]
_read: dict[tuple[EmbeddedEncoder, str], _Vector] = {}


def _vectors(encoder: EmbeddedEncoder, texts: Sequence[str]) -> Matrix:
    """The texts' vectors; kept, since the same passages answer many questions."""
    found = {text: _read.get((encoder, text)) for text in texts}
    lacking = [text for text, vector in found.items() if vector is None]
    if lacking:
        if len(_read) + len(lacking) > _KEPT:
            _read.clear()
        for text, vector in zip(lacking, encoder.encode_tokens([_tokens(encoder, text) for text in lacking]), strict=True):
            found[text] = _read[encoder, text] = vector
    return np.stack([vector for text in texts if (vector := found[text]) is not None])


@lru_cache(maxsize=16384)
def _names_in(names: Names, text: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(name.spellings) for name in names.find(text))


@dataclass(frozen=True, slots=True)
class Match:
    """float32 `features` [units, FEATURES], and what each unit means: `vectors` [units, dimensions], rows of length one."""

    features: Matrix
    vectors: Matrix


class Matcher:
    """Compares questions with units; thread-safe, it keeps nothing but what it read of texts."""

    def __init__(self, encoder: EmbeddedEncoder) -> None:
        self._encoder = encoder

    def match(self, wanted: Needs, units: Sequence[Unit], names: Names) -> Match:
        """What is said of each unit."""
        if not units:
            return Match(np.zeros((0, len(FEATURES)), dtype=np.float32), np.zeros((0, self._encoder.dimensions), dtype=np.float32))
        vectors = _vectors(self._encoder, [unit.text for unit in units])
        documents = _places(unit.chunk.document_id for unit in units)
        relative, plain = self._columns(wanted, units, names, vectors, documents)
        columns = [*(relative[name] for name in RELATIVE), *(plain[name] for name in _PLAIN)]
        stack = np.stack([relative[name] for name in RELATIVE], axis=1)
        own = np.zeros_like(stack)
        for rows in documents:
            own[rows] = _standardised(stack[rows])
        blocks = [np.stack(columns, axis=1), _standardised(stack), stack - stack.max(axis=0), own]
        by_kind = np.stack([(relative | plain)[name] for name in _BY_KIND], axis=1)
        blocks += [by_kind if kind == wanted.question.kind else np.zeros_like(by_kind) for kind in KINDS]
        return Match(np.nan_to_num(np.concatenate(blocks, axis=1).astype(np.float32)), vectors)

    def _columns(self, wanted: Needs, units: Sequence[Unit], names: Names, vectors: Matrix, documents: Groups) -> tuple[Columns, Columns]:
        relative, weakest = self._meaning(wanted.question, units, vectors, documents)
        plain = _words(wanted, units, names) | weakest
        plain |= self._values(wanted.question, units)
        languages = np.array([unit.chunk.language for unit in units])
        alike = vectors @ vectors.T
        alike[languages[:, None] == languages[None, :]] = 0
        for rows in documents:
            alike[np.ix_(rows, rows)] = 0
        best = alike.argmax(axis=1)
        likeness = alike[np.arange(len(units)), best]
        has = likeness > _ALIKE
        relative["version"] = np.where(has, relative["context"][best], relative["context"])
        relative["core version"] = np.where(has, relative["core context"][best], relative["core context"])
        plain |= {"has version": has.astype(float), "likeness": likeness}
        rank = np.array([float(unit.rank) for unit in units])
        for name in ("best of document", "place in document", "document's rank", "first document", "size of document"):
            plain[name] = np.zeros(len(units))
        for rows in documents:
            plain["best of document"][rows] = relative["context"][rows].max()
            plain["place in document"][rows] = np.arange(len(rows)) / len(rows)
            plain["document's rank"][rows] = 1 / rank[rows].min()
            plain["first document"][rows] = float(rank[rows].min() == 1)
            plain["size of document"][rows] = len(rows)
        plain["rank"] = 1 / rank
        return relative, plain

    def _meaning(self, question: Question, units: Sequence[Unit], vectors: Matrix, documents: Groups) -> tuple[Columns, Columns]:
        """Late interaction of the question, of what it says beside its names, and of its telling words, with each unit in its context."""
        encoder = self._encoder
        asking = kind_of(question.text, question.language)[1]
        bare = _without(question.bare, asking)
        core = " ".join(question.telling) or bare
        parts = [[_tokens(encoder, question.bare)], *([_tokens(encoder, spelling) for spelling in name.spellings] for name in question.names), [_tokens(encoder, bare)], [_tokens(encoder, core)]]
        first = len(parts)
        parts += [[tokens] for word in question.telling if len(tokens := _tokens(encoder, word))]
        parts = [[tokens for tokens in part if len(tokens)] for part in parts]
        asked, places = places_of(parts)
        whole, only_bare, only_core, each = places[: first - 2], places[first - 2 : first - 1], places[first - 1 : first], [part[0] for part in places[first:]]
        lengths = encoder.lengths(asked)
        # Each text once, however many units it belongs to; a longer context is the maximum of its parts.
        texts = list(dict.fromkeys(t for u in units for t in (u.text, u.chunk.heading, u.chunk.title, u.span.header) if t))
        ids = [_tokens(encoder, text) for text in texts]
        filled = [place for place, tokens in enumerate(ids) if len(tokens)]
        column = {texts[place]: number for number, place in enumerate(filled)}
        if len(asked) and filled:
            closest = encoder.closest(asked, [ids[place] for place in filled])
        else:
            closest = np.zeros((len(asked), len(filled)), dtype=np.float32)
        closest = np.concatenate([closest, np.zeros((len(asked), 1), dtype=np.float32)], axis=1)

        def of(chosen: Sequence[str]) -> Matrix:
            return closest[:, [column.get(text, -1) for text in chosen]]

        own = of([unit.text for unit in units])
        heading = np.maximum(of([unit.chunk.heading for unit in units]), of([unit.span.header for unit in units]))
        title = of([unit.chunk.title for unit in units])
        with_heading = np.maximum(own, heading)
        context = np.maximum(with_heading, title)
        before, around, passage = own.copy(), own.copy(), own.copy()
        for rows in _places(unit.chunk.id for unit in units):
            before[:, rows[1:]] = np.maximum(before[:, rows[1:]], own[:, rows[:-1]])
            around[:, rows[1:]] = np.maximum(around[:, rows[1:]], own[:, rows[:-1]])
            around[:, rows[:-1]] = np.maximum(around[:, rows[:-1]], own[:, rows[1:]])
            passage[:, rows] = own[:, rows].max(axis=1, keepdims=True)

        def score(which: Places, best: Matrix) -> NDArray[np.float64]:
            return max_sim(which, lengths, best).astype(np.float64) if len(asked) else np.zeros(best.shape[1])

        def per_document(which: Places, best: Matrix) -> NDArray[np.float64]:
            out = np.zeros(len(units))
            for rows in documents:
                out[rows] = score(which, best[:, rows])
            return out

        vector = encoder.encode_questions([question.text])[0]
        found = {
            "unit": score(whole, own), "context": score(whole, context), "passage": score(whole, passage), "bare unit": score(only_bare, own),
            "bare context": score(only_bare, with_heading), "core unit": score(only_core, own), "core context": score(only_core, with_heading),
            "core around": score(only_core, around), "core before": score(only_core, before), "heading": score(whole, heading), "core heading": score(only_core, heading),
            "dense unit": (vectors @ vector).astype(np.float64),
            "dense context": (_vectors(encoder, [f"{u.chunk.title} {u.chunk.heading} {u.text}" for u in units]) @ vector).astype(np.float64),
            "own context": per_document(whole, with_heading), "own bare context": per_document(only_bare, with_heading),
            "own core context": per_document(only_core, with_heading), "own core unit": per_document(only_core, own), "own core around": per_document(only_core, around),
        }  # fmt: skip
        document = np.zeros_like(context)
        for rows in documents:
            document[:, rows] = context[:, rows].max(axis=1, keepdims=True)
        return found, _weakest(each, lengths, own, context, np.maximum(passage, context), document)

    def _values(self, question: Question, units: Sequence[Unit]) -> Columns:
        """Whether a date or number stands near the question's telling words."""
        encoder = self._encoder
        near: list[TokenIds] = []
        owner: list[int] = []
        has = np.zeros(len(units))
        for place, unit in enumerate(units):
            text, held = unit.text, facts(unit.text, unit.chunk.language)
            reach = _NEAR_UNSPACED if text and is_unspaced(text[0]) else _NEAR
            values = held.dates if question.kind == "date" else held.numbers
            has[place] = float(bool(values))
            for value in values[:_VALUES]:
                window = _tokens(encoder, text[max(0, value.start - reach) : value.end + reach])
                if len(window):
                    near.append(window)
                    owner.append(place)
        found = {"value near core": np.zeros(len(units)), "value near bare": np.zeros(len(units)), "has value": has}
        if near:
            core = " ".join(question.telling) or question.bare
            asked, places = places_of([[tokens for tokens in [_tokens(encoder, text)] if len(tokens)] for text in (core, question.bare)])
            if len(asked):
                lengths, closest = encoder.lengths(asked), encoder.closest(asked, near)
                for name, part in zip(("value near core", "value near bare"), places, strict=True):
                    np.maximum.at(found[name], owner, max_sim([part], lengths, closest))
        return found


def _weakest(words: Sequence[NDArray[np.intp]], lengths: Matrix, own: Matrix, context: Matrix, passage: Matrix, document: Matrix) -> Columns:
    """How well the question's worst met telling word is met: an average over all words hides that the one asked about is missing."""

    def met(best: Matrix) -> NDArray[np.float64]:
        if not words:
            return np.ones((1, best.shape[1]))
        return np.sort(np.stack([lengths[tokens] @ best[tokens] / max(1e-9, float(lengths[tokens].sum())) for tokens in words]).astype(np.float64), axis=0)

    by_document, by_context = met(document), met(context)
    return {
        "weakest word": met(own)[0], "weakest word with heading": by_context[0], "weakest word by passage": met(passage)[0], "weakest word by document": by_document[0],
        "second weakest word by document": by_document[min(1, len(by_document) - 1)], "words well met": (by_context > _WELL).mean(axis=0),
        "words met by document": (by_document > _WELL).mean(axis=0),
    }  # fmt: skip


def _words(wanted: Needs, units: Sequence[Unit], names: Names) -> Columns:
    """What can be counted: words held, values that the question does not name, years, places."""
    question = wanted.question
    asked = facts(question.text, question.language)
    dates, numbers = {d.iso for d in asked.dates}, {n.value for n in asked.numbers}
    own = frozenset(spelling for name in question.names for spelling in name.spellings)
    rows = []
    begins: dict[str, int] = {}
    for unit in units:
        begins[unit.chunk.document_id] = min(unit.chunk.start, begins.get(unit.chunk.document_id, unit.chunk.start))
    passages: dict[str, Held] = {}
    for unit in units:
        chunk, text, held = unit.chunk, unit.text, facts(unit.text, unit.chunk.language)
        here, heading, title = tokens_of(text), tokens_of(f"{chunk.heading} {unit.span.header}"), tokens_of(chunk.title)
        alone = held_by(wanted, ((here, 1.0),))
        context = held_by(wanted, ((here, 1.0), (heading, 0.85), (title, 0.7)))
        if chunk.id not in passages:
            passages[chunk.id] = held_by(wanted, ((tokens_of(chunk.text), 1.0), (tokens_of(chunk.heading), 1.0), (title, 1.0)))
        whole = passages[chunk.id]
        new = [d.iso for d in held.dates if d.iso not in dates and d.iso not in asked.years]
        above = f"{chunk.heading} {chunk.title}"
        years = [sum(year in where for year in asked.years) / len(asked.years) if asked.years else 1.0 for where in (text, f"{text} {above}", f"{chunk.text} {above}")]
        first = unit.span.start == 0 and chunk.start == begins[chunk.document_id]
        defines = any(here.starts_with(spelling) for spellings, _ in wanted.names for spelling in spellings)
        rows.append((
            alone.all, alone.words, alone.names, alone.literal, context.all, context.words, context.names, whole.all, whole.words, whole.names, bool(new),
            any(len(iso) > 7 for iso in new), min(3, sum(n.value not in numbers for n in held.numbers)), min(3, sum(not own & spellings for spellings in _names_in(names, text))),
            kind_strength(question.kind, text, chunk.language, names, question.names), chunk.language != question.language, np.log1p(len(here.sequence)), unit.span.start == 0,
            ROW in text, min(12, text.count("\n")), *years, bool(asked.years), bool(asked.years) and bool(held.years - asked.years) and years[0] < 1, wanted.unseen, wanted.anchored,
            bool(question.names), unit.span.start / max(1, len(chunk.text)), text.lstrip()[:1] in ("-", "•", "*"), held.separators, text.rstrip().endswith(("?", "？", "؟")), defines, first, defines and first,
        ))  # fmt: skip
    columns = (*_PLAIN[:30], "separators", "asks", "begins with name", "first of document", "begins with name, first of document")
    return {name: np.array(values, dtype=np.float64) for name, values in zip(columns, zip(*rows, strict=True), strict=True)}


def _places(owners: Iterable[str]) -> Groups:
    """The places of each owner's units, in order."""
    places: dict[str, list[int]] = {}
    for place, owner in enumerate(owners):
        places.setdefault(owner, []).append(place)
    return [np.array(rows) for rows in places.values()]


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6))


def _without(text: str, phrase: str) -> str:
    folded = fold(text)
    at = folded.find(phrase) if phrase and len(folded) == len(text) else -1
    return text if at < 0 else f"{text[:at]} {text[at + len(phrase) :]}"
