"""Passages: what holds for any document, and what readers expect of headings, lists and pages."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.ingestion.chunking import chunk
from assistant.ingestion.reading import Block, assemble
from assistant.language.lexical import token_count
from assistant.language.sentences import sentences
from assistant.schema import Chunk, Document

SENTENCES = st.sampled_from(
    [
        "The forum opens in May.", "It brings together 12 countries, e.g. Japan.", "Why now?", "Am 9. Dezember beginnt das Forum.", "Es gibt z. B. Workshops.",
        "フォーラムは5月に開催されます。", "「大きな一歩だ。」と主催者は述べた。", "论坛于2019年5月举行，共有300人参加。", "何时举行？", "포럼은 5월에 열립니다.", "참가비는 없습니다.",
        "Le forum est gratuit !", "¿Cuándo empieza?", "Форум прошёл в 2019 г. в Казани.", "يبدأ المنتدى في مايو.", "मंच मई में खुलेगा।", "การประชุมเริ่มเวลา 9.00 น.",
        "Topics are:", "- data sharing", "1. training", "目的：", "word " * 60 + "ends.", "長い文" * 60 + "。", "Short",
    ]
)  # fmt: skip
PARAGRAPHS = st.lists(SENTENCES, min_size=1, max_size=8).flatmap(lambda parts: st.sampled_from([" ".join(parts), "\n".join(parts), "".join(parts)]))
BODY = PARAGRAPHS.map(lambda text: (text, 0))
FEW = settings(max_examples=50, deadline=None)
HEADINGS = st.tuples(st.sampled_from(["Programme", "Ziele", "概要", "일정", "Цели", "الأهداف", "2. Speakers: all"]), st.integers(1, 3))


@st.composite
def documents(draw: st.DrawFn, paged: bool = True) -> Document:
    parts = draw(st.lists(st.one_of(BODY, BODY, HEADINGS), min_size=1, max_size=12))
    page = 1 if paged and draw(st.booleans()) else None
    blocks = []
    for text, level in parts:
        blocks.append(Block(text, level, page))
        if page is not None:
            page += draw(st.integers(0, 1))
    raw = assemble(blocks, {}, ())
    language = draw(st.sampled_from(["en", "de", "ja", "zh", "ko", "ru", "ar", "th"]))
    return Document("c/s/a.md", raw.text, "A title", language, sections=raw.sections, pages=raw.pages, date="2024-05", source="https://example.org/a")


def parts_of(document: Document) -> list[tuple[tuple[str, ...], int, int]]:
    """(heading path, start, end) of each section's text without its heading, worked out anew from the sections."""
    first = document.sections[0].start if document.sections else len(document.text)
    found = [((), 0, first)]
    for section in document.sections:
        assert document.text.startswith(section.path[-1], section.start)
        found.append((section.path, section.start + len(section.path[-1]), section.end))
    return found


def spans_of(document: Document) -> list[list[tuple[int, int]]]:
    return [[(start + a, start + b) for a, b in sentences(document.text[start:end], document.language)] for _, start, end in parts_of(document)]


def length(document: Document, spans: Sequence[tuple[int, int]]) -> int:
    return sum(max(1, token_count(document.text[a:b])) for a, b in spans)


def made(text: str, language: str = "en", size: int = 40, minimum: int = 0) -> list[Chunk]:
    return chunk(Document("c/s/a.md", text, "A title", language), size, minimum)


@given(documents(), st.integers(16, 120), st.integers(0, 40))
@FEW
def test_a_passage_is_its_documents_text(document: Document, size: int, minimum: int) -> None:
    chunks = chunk(document, size, minimum)
    assert chunks
    before = 0
    for ordinal, item in enumerate(chunks):
        assert document.text[item.start : item.end] == item.text == item.text.strip() != ""
        assert item.start >= before
        before = item.end
        assert item.id == f"{document.id}#{ordinal}"
        assert (item.document_id, item.title, item.language, item.date, item.source) == (document.id, document.title, document.language, document.date, document.source)


@given(documents(), st.integers(16, 120), st.integers(0, 40))
@FEW
def test_every_sentence_of_every_section_is_in_exactly_one_passage(document: Document, size: int, minimum: int) -> None:
    chunks = chunk(document, size, minimum)
    parts = [spans for spans in spans_of(document) if spans] or [sentences(document.text, document.language)]
    for a, b in (span for spans in parts for span in spans):
        holders = [c for c in chunks if c.start < b and a < c.end]
        assert len(holders) == 1, document.text[a:b]
        assert holders[0].start <= a < b <= holders[0].end
    starts = {a for spans in parts for a, _ in spans}
    ends = {b for spans in parts for _, b in spans}
    assert all(c.start in starts and c.end in ends for c in chunks)


@given(documents(), st.integers(16, 120), st.integers(0, 40))
@FEW
def test_sizes_are_bounded(document: Document, size: int, minimum: int) -> None:
    chunks = chunk(document, size, minimum)
    for spans in spans_of(document):
        mine = [c for c in chunks if spans and spans[0][0] <= c.start < spans[-1][1]]
        for item in mine:
            held = [(a, b) for a, b in spans if item.start <= a < item.end]
            if item is mine[-1]:
                # A rest under the minimum joined it: without that rest the bound holds, whichever sentences it was.
                rests = [n for n in range(1, len(held)) if length(document, held[n:]) < minimum]
                assert any(_bounded(document, held[:n], size) for n in (*rests, len(held)))
            else:
                assert _bounded(document, held, size)


def _bounded(document: Document, held: Sequence[tuple[int, int]], size: int) -> bool:
    """At most `size` tokens; one sentence may be longer, and what opens a list may draw its first item in."""
    opens = any(document.text[b - 1] in ":：" for _, b in held[:-1])
    return len(held) == 1 or length(document, held) <= (size + size // 4 if opens else size)


@given(documents(), st.integers(16, 120), st.integers(0, 40))
@FEW
def test_small_rests_join_their_neighbour(document: Document, size: int, minimum: int) -> None:
    minimum = min(minimum, size // 2)
    chunks = chunk(document, size, minimum)
    for spans in spans_of(document):
        mine = [c for c in chunks if spans and spans[0][0] <= c.start < spans[-1][1]]
        if len(mine) > 1:
            assert length(document, [(a, b) for a, b in spans if a >= mine[-1].start]) >= minimum


@given(documents(), st.integers(16, 120))
@FEW
def test_headings_are_the_sections_paths(document: Document, size: int) -> None:
    chunks = chunk(document, size, 0)
    if not any(spans_of(document)):
        assert {c.heading for c in chunks} == {""}
        return
    for item in chunks:
        [path] = [path for path, start, end in parts_of(document) if start <= item.start < end]
        assert item.heading == " › ".join(path)


@given(documents(), st.integers(16, 120))
@FEW
def test_pages_are_where_passages_begin(document: Document, size: int) -> None:
    for item in chunk(document, size, 0):
        pages = [page.number for page in document.pages if page.start <= item.start < page.end]
        assert item.page == (pages[0] if pages else None)
        assert bool(pages) == bool(document.pages)


def test_no_text_no_passages() -> None:
    assert made("") == []
    assert made(" \n ") == []


def test_a_short_text_is_one_passage() -> None:
    assert [c.text for c in made("The forum opens in May. It closes in June.")] == ["The forum opens in May. It closes in June."]


def test_a_long_sentence_stays_whole() -> None:
    sentence = "The forum " + "and the congress " * 40 + "open in May."
    assert [c.text for c in made(f"Welcome. {sentence} Goodbye to all.")] == ["Welcome.", sentence, "Goodbye to all."]


def test_what_opens_a_list_stays_with_its_first_item() -> None:
    text = "The forum has been held in six countries so far, and it has three goals:\n- data sharing\n- training of staff in hospitals of every country that takes part in it\n- help for patients"
    first = made(text, size=16)[0]
    assert first.text.endswith("- data sharing")


def test_a_paragraph_ends_a_passage_that_is_half_full() -> None:
    paragraph = "The forum brings together many people from hospitals and laboratories. It is open to all of them."
    assert [c.text for c in made(f"{paragraph}\n\n{paragraph}\n\n{paragraph}", size=30)] == [paragraph] * 3
    assert len(made(f"{paragraph}\n{paragraph}\n{paragraph}", size=40)) == 2


def test_passages_of_all_scripts_are_about_equally_long() -> None:
    english = made("The forum brings together people from hospitals. " * 60, size=80)
    chinese = made("本次论坛汇集了来自各地医院和研究机构的许多专家学者。" * 60, "zh", size=80)
    assert all(60 <= token_count(c.text) <= 80 for c in english[:-1])
    assert all(60 <= token_count(c.text) <= 80 for c in chinese[:-1])


@pytest.mark.parametrize("level", [1, 2])
def test_a_heading_is_context_and_no_passage(level: int) -> None:
    raw = assemble([Block("Before all."), Block("Programme", 1), Block("Day one", level), Block("It opens at nine."), Block("Day two", 2)], {}, ())
    chunks = chunk(Document("c/s/a.md", raw.text, "T", "en", sections=raw.sections), 40, 0)
    assert [(c.text, c.heading) for c in chunks] == [("Before all.", ""), ("It opens at nine.", "Day one" if level == 1 else "Programme › Day one")]


def test_headings_alone_are_text() -> None:
    raw = assemble([Block("Programme", 1), Block("Day one", 2)], {}, ())
    chunks = chunk(Document("c/s/a.md", raw.text, "T", "en", sections=raw.sections), 40, 0)
    assert " ".join(c.text for c in chunks).split() == ["Programme", "Day", "one"]
    assert {c.heading for c in chunks} == {""}


@pytest.mark.parametrize(
    ("title", "heading", "kept"),
    [
        ("Spring Forum 2024", "Spring Forum 2024", ""),
        ("Spring Forum 2024", "SPRING FORUM", ""),
        ("健康论坛", "健康論壇", ""),
        ("Spring Forum", "Spring Forum: speakers", "Spring Forum: speakers"),
        ("Partner forum", "Art", "Art"),
        ("", "Speakers", "Speakers"),
    ],
)
def test_a_first_heading_that_only_says_the_title_again_is_left_out(title: str, heading: str, kept: str) -> None:
    raw = assemble([Block(heading, 1), Block("It opens at nine."), Block("Day one", 2), Block("It closes at ten.")], {}, ())
    chunks = chunk(Document("c/s/a.md", raw.text, title, "en", sections=raw.sections), 40, 0)
    assert [c.heading for c in chunks] == [kept, f"{kept} › Day one".removeprefix(" › ")]
