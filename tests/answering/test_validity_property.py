"""Whatever a model says, and whatever documents hold: no citation that does not stand, no marker without one, nothing live."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from assistant.answering import generated
from assistant.answering.calls import ModelFault
from assistant.answering.citations import is_valid
from assistant.answering.claims import Checker
from assistant.index.encoders import packaged_table
from assistant.language.packs import codes, pack
from assistant.language.sentences import sentences
from assistant.schema import Answer, Document, ScoredChunk
from assistant.web.rendering import blocks_of
from tests.answering.shelf import BY_ID, DOCUMENTS, NAMES, ask, document, ranked, wanting

QUESTIONS = [
    "When does the Lake Health Forum open?", "Wann beginnt das Seeforum?", "湖畔健康论坛何时开幕？", "レイクヘルスフォーラムはいつ開幕しますか？",
    "What is the annual budget of the Copper Cluster?", "What is the capital of Peru?",
]  # fmt: skip
SENTENCES = [item.text[start:end] for item in DOCUMENTS for start, end in sentences(item.text, item.language)]
MARKUP = [
    "![i](https://x.example/p?q=1)", "![i](/p.png)", "![i][r]", "[page](https://x.example/a)", "[page](/a)", "[[a](b)](/c)", "[r]: https://x.example", "<https://x.example>",
    "<img src=//x.example/p>", "<b>", "</b>", "<", ">", "![", "[", "]", "](", "(", ")", "//x.example/a", "https:/", "/x.example", "www.x.example", "javascript:x()", "**", "`", "# ", "\n", ". ",
]  # fmt: skip
MARKERS = st.one_of(st.integers(0, 120).map("[{}]".format), st.sampled_from(["[1, 2]", "[1][2]", "[1,99]", "[[1]2]", "[0]", "[1", "[١]", "[9999]", "[1-3]"]))
FRAGMENTS = st.builds(lambda text, start, end: text[start : start + end], st.sampled_from(SENTENCES), st.integers(0, 30), st.integers(1, 120))
WORDS = st.one_of(st.text(max_size=12), st.sampled_from(SENTENCES), FRAGMENTS, MARKERS, MARKERS, st.sampled_from(MARKUP), st.sampled_from([generated.NO_ANSWER, "NO", " ", "."]))
SAID = st.builds(lambda glue, parts: glue.join(parts), st.sampled_from(["", " "]), st.lists(WORDS, max_size=12))
NUMBER = re.compile(r"\d+")
HELD_NUMBERS = {number for item in DOCUMENTS for number in NUMBER.findall(f"{item.title} {item.text} {item.date}")}
_MARKER = re.compile(r"\[\s*\d+(?:\s*[,–-]\s*\d+)*\s*\]")


def streamed(said: str, sizes: Sequence[int], fault: str = "") -> Iterator[str]:
    """The words in pieces of these sizes, an empty one among them, and then the fault."""
    place = 0
    while place < len(said):
        for size in sizes:
            yield said[place : place + size]
            place += size
    if fault:
        raise ModelFault(fault)


@cache
def quoted_and_passages(question: str) -> tuple[Answer, list[ScoredChunk]]:
    return ask(question), ranked(wanting(question))[:8]


def written(question: str, pieces: Iterator[str], *, mark: bool = False) -> Answer:
    """The answer that is made of a model's words, which is what was said before it."""
    quoted, passages = quoted_and_passages(question)
    verifier = generated.Verifier(passages, BY_ID.__getitem__, Checker(packaged_table(), NAMES), pack(quoted.language), mark=mark)
    running = generated.answer(verifier, pieces, quoted)
    heard = []
    while True:
        try:
            heard.append(next(running))
        except StopIteration as end:
            made = end.value
            assert isinstance(made, Answer)
            assert "".join(heard) == made.text
            return made


def assert_valid(answer: Answer, shelf: dict[str, Document]) -> None:
    numbers = [citation.number for citation in answer.citations]
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(is_valid(citation, shelf[citation.document_id]) for citation in answer.citations)
    assert {number for statement in answer.statements for number in statement.citations} == set(numbers)
    for statement in answer.statements:
        assert len(set(statement.citations)) == len(statement.citations)
        assert statement.supported == bool(statement.citations)
        assert statement.text in answer.text


def assert_nothing_live(text: str) -> None:
    for token in (inline for block in MarkdownIt("commonmark").parse(text) for inline in (block, *(block.children or ()))):
        assert token.type not in ("image", "link_open", "html_inline", "html_block"), text
    assert not re.search(r"(?i)[a-z]://|(?<!\w)//\w|www\.|javascript:", text), text


@bounded(max_examples=60, deadline=None)
@given(st.sampled_from(QUESTIONS), SAID, st.lists(st.integers(0, 9), min_size=1, max_size=5).filter(any), st.booleans(), st.sampled_from(["", "", "timeout", "broke off"]))
def test_whatever_a_model_streams_what_is_shown_holds(question: str, said: str, sizes: list[int], mark: bool, fault: str) -> None:
    answer = written(question, streamed(said, sizes, fault), mark=mark)
    assert_valid(answer, BY_ID)
    assert {int(number) for marker in _MARKER.findall(answer.text) for number in NUMBER.findall(marker)} == {c.number for c in answer.citations}
    assert_nothing_live(answer.text)
    assert generated.NO_ANSWER not in answer.text
    checker = Checker(packaged_table(), NAMES)
    by_number = {citation.number: citation for citation in answer.citations}
    for statement in answer.statements if answer.mode == "generated" else ():
        for citation in (by_number[number] for number in statement.citations):
            context = f"{citation.title}\n{citation.heading}\n{citation.date}"
            assert statement.text == citation.quote or checker.check(statement.text, answer.language, citation.quote, citation.language, context).supported


@pytest.mark.parametrize(
    "said",
    [
        "[[[1]2]3]", "http:/**/x.example/p", "http:/>/x.example/p", "http:/<b>/x.example/p", "w**ww.x.example", "java**script:x()", "!**[[a](b)](/p.png)", "[[a](b)](/p)",
        "[[]]()", "NO_ANS**WER",
    ],
)  # fmt: skip
def test_what_is_left_of_a_sentence_is_not_live_either(said: str) -> None:
    left = generated.plain(said)
    assert_nothing_live(left)
    assert not _MARKER.search(left)
    assert generated.NO_ANSWER not in left


def test_half_an_emoji_is_no_fault() -> None:
    assert written(QUESTIONS[0], iter([f"{SENTENCES[0][:-1]} \ud83d [1]."])).citations


def test_a_footnote_in_a_quote_is_no_citation() -> None:
    documents = [document("note", "en", "Lake Health Forum", "The Lake Health Forum has two aims:\n- to open on 9 December 2024 [7]\n- to share data [8]")]
    answer = ask("What are the aims of the Lake Health Forum?", documents, confidence=0.0)
    assert_valid(answer, {item.id: item for item in documents})
    assert {piece.cite for block in blocks_of(answer) for line in block.lines for piece in line if piece.cite} == {1}
    assert answer.citations[0].quote in generated._renumbered(answer, 1)


@bounded(max_examples=60, deadline=None)
@given(st.sampled_from([s for s in SENTENCES if NUMBER.search(s)]), st.integers(13, 9999).map(str).filter(lambda n: n not in HELD_NUMBERS), st.randoms(use_true_random=False), st.integers(1, 5))
def test_a_number_that_no_document_holds_is_never_shown_as_supported(sentence: str, other: str, random: object, cited: int) -> None:
    place = random.choice(list(NUMBER.finditer(sentence)))  # type: ignore[attr-defined]
    said = f"{sentence[: place.start()]}{other}{sentence[place.end() :]} [{cited}]"
    answer = written(QUESTIONS[0], iter([said]), mark=True)
    assert_valid(answer, BY_ID)
    assert not [s for s in answer.statements if s.supported and other in NUMBER.findall(s.text)]


@bounded(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from((*codes(), "xx")), st.text(min_size=1, max_size=20), st.lists(st.one_of(st.sampled_from(SENTENCES), st.text(max_size=30), MARKERS, st.sampled_from(MARKUP)), min_size=1, max_size=15), st.sampled_from([" ", "\n", "\n\n", ""])),
        min_size=1, max_size=3,
    ),
    st.one_of(st.sampled_from(QUESTIONS), st.text(max_size=40), FRAGMENTS),
    st.sampled_from(("", *codes())),
)  # fmt: skip
def test_whatever_documents_hold_quotes_stand_in_them(shelf: list[tuple[str, str, list[str], str]], question: str, language: str) -> None:
    documents = [document(f"d{place}", code, title, glue.join(parts)) for place, (code, title, parts, glue) in enumerate(shelf)]
    answer = ask(question, documents, language, confidence=0.0)
    assert_valid(answer, {item.id: item for item in documents})
    assert all(statement.supported for statement in answer.statements)
    assert [s.text for s in answer.statements] == [c.quote for c in answer.citations]
