"""Answers that a language model writes: each sentence is held against what it cites as soon as it is complete, and only then shown.

A sentence keeps the passages that bear it out; one that none bears out is marked or left out. Of a passage the sentences that say it are
quoted. It knows passages, packs and the model's words; how a model is called, and what becomes of its faults, is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

from assistant.answering.calls import NOT_RECORDED, ModelFault
from assistant.answering.citations import cite, quotes_in
from assistant.answering.claims import MET_UNNAMED, Checker
from assistant.answering.units import units_of
from assistant.language.packs import Pack
from assistant.language.sentences import sentences
from assistant.schema import Answer, Citation, Document, ScoredChunk, Statement

NO_ANSWER = "NO_ANSWER"
_MARKERS = re.compile(r"\s*(?:\[\d{1,3}(?:\s*,\s*\d{1,3})*\])+")
_NUMBER = re.compile(r"\d{1,3}")
# Whatever could become an image, a link or markup: what a sentence keeps of it is its words.
_IMAGE = re.compile(r"!\[[^\]]*\](?:\([^)]*\)?|\[[^\]]*\])?")
_LINK = re.compile(r"\[([^\]]*)\](?:\([^)]*\)?|\[[^\]]*\])")
_NESTED = re.compile(r"\](?=[(\[])")
_OTHER_MARKER = re.compile(r"\[\d[^\]]*\]")
_REFERENCE = re.compile(r"^\s*\[[^\]]+\]:\s*\S+.*$", re.MULTILINE)
_ADDRESS = re.compile(r"<?(?<!\w)(?:[a-z][a-z0-9+.-]{1,12}://|//(?=\w)|www\.|mailto:|javascript:|data:)[^\s<>\])）」』，。、]*>?", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>?")
_DECORATION = re.compile(r"(?:^|(?<=\s))(?:#{1,6}|[-*•>])\s+|\*\*|__|`+")
_WINDOW = 3  # most sentences of a passage that are quoted together


@dataclass(slots=True)
class Draft:
    """An answer in the making: what was said so far. `left_out` counts sentences that nothing bears out."""

    statements: list[Statement] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    left_out: int = 0
    declined: bool = False

    @property
    def supported(self) -> bool:
        """True once a sentence stands on a quote."""
        return bool(self.citations)


class Verifier:
    """Makes a Draft of a model's words, sentence by sentence. For one answer, in one thread."""

    def __init__(self, passages: Sequence[ScoredChunk], documents: Callable[[str], Document], checker: Checker, words: Pack, *, mark: bool) -> None:
        self.passages, self.words, self.mark = passages, words, mark
        self._documents, self._checker = documents, checker
        self.draft = Draft()

    def read(self, pieces: Iterator[str]) -> Iterator[str]:
        """The answer's text in pieces, each a whole sentence with the numbers of its citations."""
        text = ""
        for piece in pieces:
            if not piece:
                yield ""
                continue
            text += piece
            if NO_ANSWER in text:
                self.draft.declined = True
                return
            if NO_ANSWER.startswith(text.strip()):
                continue
            *whole, text = split(text, self.words.code)
            for sentence in whole:
                yield from self._say(sentence)
        for sentence in split(text, self.words.code):
            yield from self._say(sentence)

    def _say(self, sentence: str) -> Iterator[str]:
        # Half a character, of which the other half never came, is none.
        sentence = sentence.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        cited = [int(number) for marker in _MARKERS.findall(sentence) for number in _NUMBER.findall(marker)]
        said = plain(_MARKERS.sub("", sentence))
        if not any(character.isalnum() for character in said):
            return
        numbers = self._borne_out(said, cited)
        if not numbers:
            self.draft.left_out += 1
            if not self.mark:
                return
        self.draft.statements.append(Statement(said, tuple(numbers), bool(numbers)))
        markers = "".join(f" [{number}]" for number in numbers) if numbers else f" ({self.words.answers['unsupported']})"
        yield ("" if len(self.draft.statements) == 1 else "\n") + said + markers

    def _borne_out(self, said: str, cited: Sequence[int]) -> list[int]:
        """Numbers of citations that bear the sentence out: of the passages it names, else of the first of the others that does."""
        named = [self.passages[number - 1] for number in dict.fromkeys(cited) if 0 < number <= len(self.passages)]
        found = [quote for passage in named if (quote := self._quote(said, passage))]
        if not found:
            found = [quote for passage in self.passages if passage not in named and (quote := self._quote(said, passage, MET_UNNAMED))][:1]
        return [self._number(quote) for quote in found]

    def _quote(self, said: str, passage: ScoredChunk, least: float = 0.0) -> Citation | None:
        """The fewest sentences of the passage that bear it out, the closest of as many; None when not even the whole passage does, or its
        words are met there by less than `least`.
        """
        chunk = passage.chunk
        context = f"{chunk.title}\n{chunk.heading}\n{chunk.date}"
        whole = self._checker.check(said, self.words.code, chunk.text, chunk.language, context)
        if whole.missing or whole.met < least:
            return None
        spans = [(unit.span.first, unit.span.last) for unit in units_of([passage])]
        for size in range(1, min(_WINDOW, len(spans)) + 1):
            best: tuple[float, int, int] | None = None
            for place in range(len(spans) - size + 1):
                start, end = spans[place][0], spans[place + size - 1][1]
                check = self._checker.check(said, self.words.code, chunk.text[start:end], chunk.language, context)
                if check.supported and (best is None or check.met > best[0]):
                    best = (check.met, start, end)
            if best:
                return cite(0, chunk, best[1], best[2], self._documents(chunk.document_id))
        return cite(0, chunk, 0, len(chunk.text), self._documents(chunk.document_id)) if whole.supported and chunk.text else None

    def _number(self, quote: Citation) -> int:
        for held in self.draft.citations:
            if (held.document_id, held.start, held.end) == (quote.document_id, quote.start, quote.end):
                return held.number
        number = len(self.draft.citations) + 1
        self.draft.citations.append(replace(quote, number=number))
        return number


def answer(verifier: Verifier, pieces: Iterator[str], quoted: Answer) -> Generator[str, None, Answer]:
    """The model's answer, verified sentence by sentence; `quoted`, with a note, where the model fails or says nothing that holds.

    Raises ModelFault where a replay lacks the model's words.
    """
    words, draft = verifier.words, verifier.draft
    said, notes, whole = "", [], True
    try:
        for piece in verifier.read(pieces):
            said += piece
            yield piece
    except ModelFault as fault:
        if fault.reason == NOT_RECORDED:
            raise
        whole = False
        notes.append(words.answers["cut_short" if said else "model_failed"])
    if draft.left_out and not verifier.mark:
        notes.append(words.answers["left_out"].format(count=draft.left_out))
    if draft.declined and not said:
        # The model read the passages and found no answer; quotes that the rules found more likely than not stay.
        yield from quoted.text.splitlines(keepends=True)
        return quoted
    if draft.supported and whole:
        tail = "\n\n" + "\n".join(notes) if notes else ""
        if tail:
            yield tail
        return _composed(verifier, said + tail, notes, replace(quoted, citations=(), statements=()))
    # Nothing that holds, or not all of it: what was said stays, and the quotes follow.
    rest = ("\n\n" if said else "") + "\n".join(notes) + ("\n\n" if notes else "") + _renumbered(quoted, len(draft.citations))
    yield from rest.splitlines(keepends=True)
    if not said:
        return replace(quoted, text=rest, notes=(*notes, *quoted.notes))
    return _composed(verifier, said + rest, notes, quoted)


def _renumbered(quoted: Answer, before: int) -> str:
    """The extractive answer's text with its citations numbered after others; what its quotes hold in brackets stays."""
    text = quoted.text
    for citation, end in reversed(list(quotes_in(quoted))):
        marker = f" [{citation.number}]"
        text = f"{text[:end]} [{citation.number + before}]{text[end + len(marker) :]}"
    return text


def _composed(verifier: Verifier, text: str, notes: Sequence[str], quoted: Answer) -> Answer:
    """The model's answer, and behind it what `quoted` cites."""
    draft = verifier.draft
    before = len(draft.citations)
    citations = [*draft.citations, *(replace(c, number=c.number + before) for c in quoted.citations)]
    statements = [*draft.statements, *(replace(s, citations=tuple(n + before for n in s.citations)) for s in quoted.statements)]
    return replace(
        quoted, text=text, mode="generated" if citations else quoted.mode, abstained=not citations, statements=tuple(statements), citations=tuple(citations), passages=tuple(verifier.passages), notes=tuple(notes),
    )  # fmt: skip


def split(text: str, language: str) -> list[str]:
    """A text's sentences, each with the markers that follow it; the last, to its very end, may go on. At least one, which may be empty.

    >>> split("It opens today. [1] It ends ", "en")
    ['It opens today. [1]', 'It ends ']
    """
    found = sentences(text, language)
    joined: list[str] = []
    for place, (start, end) in enumerate(found):
        sentence = text[start : end if place < len(found) - 1 else len(text)]
        marker = _MARKERS.match(sentence)
        if joined and marker:
            joined[-1] += f" {marker.group().strip()}"
            sentence = sentence[marker.end() :]
        if sentence.strip():
            joined.append(sentence.lstrip())
    if text.endswith("\n") and joined:
        joined.append("")
    return joined or [text]


def plain(text: str) -> str:
    """The words of a sentence without images, links, addresses, tags and marks of Markdown.

    >>> plain("See **this** [page](https://x.example/a) ![i](https://x.example/p?q=1)<script>")
    'See this page'
    """
    while True:
        before = text
        for pattern, instead in ((_IMAGE, ""), (_REFERENCE, ""), (_LINK, r"\1"), (_NESTED, ""), (_OTHER_MARKER, ""), (_ADDRESS, ""), (_TAG, ""), (_DECORATION, "")):
            text = pattern.sub(instead, text)
        text = " ".join(text.replace("<", "").replace(">", "").replace(NO_ANSWER, "").split())
        # What is taken out may bring together what was apart.
        if text == before:
            return text
