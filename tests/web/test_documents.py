"""The parts of a document's page: every character once, the quote marked and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.schema import Chunk, Document, Page, Section
from assistant.web.documents import address_of, facts_of, parts_of, shown_of

TEXT = "Lake Forum\n\nIt opened on 1 May.\nGuests came.\n\nPlaces\n\n- Bonn\n- Basel"


def document(text: str = TEXT, sections: tuple[Section, ...] = (), pages: tuple[Page, ...] = (), **metadata: object) -> Document:
    return Document("press/a/b.md", text, "Lake Forum", "en", date="2024-05-01", sections=sections, pages=pages, metadata=metadata)


@st.composite
def documents(draw: st.DrawFn) -> tuple[Document, int, int]:
    paragraphs = draw(st.lists(st.text("ab é\n会", min_size=1, max_size=12).map(lambda t: t.strip("\n") or "a"), min_size=1, max_size=6))
    text = "\n\n".join(paragraphs)
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=4)))
    sections = tuple(Section((text[at : at + 3].split("\n")[0] or "x",), at, len(text)) for at in places)
    pages = tuple(Page(number, at, len(text)) for number, at in enumerate(sorted(draw(st.sets(st.integers(0, len(text)), max_size=3))), 1))
    start = draw(st.integers(0, len(text)))
    return document(text, sections, pages), start, draw(st.integers(start, len(text)))


@given(documents())
def test_every_character_is_shown_once_and_the_quote_is_marked(drawn: tuple[Document, int, int]) -> None:
    made, start, end = drawn
    parts = list(parts_of(made, made.text, 0, start, end))
    shown = "".join(run.text for part in parts for run in part.runs)
    # What stands between the parts is blank lines; nothing else is left out.
    assert "".join(shown.split()) == "".join(made.text.split())
    marked = "".join(run.text for part in parts for run in part.runs if run.marked)
    assert "".join(marked.split()) == "".join(made.text[start:end].split())
    assert sum(run.first for part in parts for run in part.runs) <= 1
    if made.text[start:end].strip() and not made.text[start].isspace():
        assert sum(run.first for part in parts for run in part.runs) == 1


def test_headings_and_pages_are_told_apart() -> None:
    made = document(sections=(Section(("Lake Forum",), 0, 44), Section(("Lake Forum", "Places"), 46, 67)), pages=(Page(1, 0, 44), Page(2, 45, 67)))
    parts = list(parts_of(made, made.text, 0, 12, 30))
    assert [(part.level, part.page) for part in parts] == [(0, 1), (2, 0), (0, 0), (0, 2), (3, 0), (0, 0)]
    assert [run.text for part in parts for run in part.runs if run.marked] == ["It opened on 1 May"]


def test_of_an_excerpt_the_quoted_passage_is_shown_and_of_a_link_nothing() -> None:
    passages = [Chunk("a#0", "a", "Lake Forum", 0, 10), Chunk("a#1", "a", "It opened on 1 May.", 12, 31)]
    excerpt = document("", display="excerpt")
    assert ["".join(run.text for run in part.runs) for part in shown_of(excerpt, passages, 12, 21)] == ["It opened on 1 May."]
    assert ["".join(run.text for run in part.runs) for part in shown_of(excerpt, passages, 0, 0)] == ["Lake Forum"]
    assert shown_of(document("", display="link"), [Chunk("a#0", "a", "", 0, 0)], 0, 5) == []


def test_what_is_known_is_said_in_the_readers_language() -> None:
    facts = dict(facts_of(document(publisher="Hafenbehörde", place="Bonn", country="Germany", event_dates=["2024-05-01/2024-05-03"], organisers=["A", "B"]), "de"))
    assert facts == {"Veröffentlicht": "1. Mai 2024", "Herausgeber": "Hafenbehörde", "Sprache": "Englisch", "Ort": "Bonn, Germany", "Termine": "2024-05-01 – 2024-05-03", "Veranstaltet von": "A; B"}


def test_an_address_survives_any_id() -> None:
    assert address_of("press/a b/ü?#.md", portal="city", start=3, end=9) == "documents/press/a%20b/%C3%BC%3F%23.md?portal=city&start=3&end=9#quote"
    assert address_of("a") == "documents/a"
