"""The parts of a document's page: every character once, the quote marked and nothing else."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import httpx
from hypothesis import given
from hypothesis import strategies as st

from assistant.schema import Chunk, Document, Page, Section
from assistant.web.documents import address_of, facts_of, parts_of, shown_of
from tests.web.inside import PORTAL, serving, settings_of

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


def test_a_quote_that_ends_before_it_begins_is_none() -> None:
    parts = list(parts_of(document(), TEXT, 0, 20, 14))
    assert "".join("".join(run.text for part in parts for run in part.runs).split()) == "".join(TEXT.split())


@given(documents(), st.integers(0, 40), st.integers(0, 40))
def test_a_passage_is_marked_as_it_is_in_the_whole(drawn: tuple[Document, int, int], begin: int, length: int) -> None:
    made, start, end = drawn
    passage = made.text[begin : begin + length]
    parts = list(parts_of(made, passage, min(begin, len(made.text)), start, end))
    assert "".join("".join(run.text for part in parts for run in part.runs).split()) == "".join(passage.split())
    within = made.text[max(start, begin) : min(end, begin + length)]
    assert "".join("".join(run.text for part in parts for run in part.runs if run.marked).split()) == "".join(within.split())


@given(documents())
def test_pages_are_told_in_order_and_once(drawn: tuple[Document, int, int]) -> None:
    made = drawn[0]
    told = [part.page for part in parts_of(made, made.text, 0, 0, 0) if part.page]
    assert told == sorted(set(told))
    assert len(made.pages) > 1 or told == []


def test_originals_are_saved_or_shown_as_what_cannot_run(tmp_path: Path) -> None:
    evil = "<!doctype html><title>Evil Forum</title><script>window.attacked = 1</script><h1>Evil Forum</h1><p>The Evil Forum opened on 1 May 2024 with &lt;b&gt;markup&lt;/b&gt;.</p>"
    documents = {"press/evil.html": evil, "press/ノート “x”.md": "# Note Forum\n\nThe Note Forum opened <b>in May</b>.\n", "press/list.csv": "name,place\nLake Forum,Lakeside\n"}
    with serving(settings_of(tmp_path, documents, portals=[PORTAL])) as server, httpx.Client(base_url=server) as client:
        for name, kind, shown in (("evil.html", "application/octet-stream", "attachment"), ("ノート “x”.md", "text/plain; charset=utf-8", "inline"), ("list.csv", "text/plain; charset=utf-8", "inline")):
            identity = f"press/press/{quote(name)}"
            original = client.get(f"/originals/{identity}?portal=city")
            assert original.content == (tmp_path / "press" / name).read_bytes()
            assert original.headers["content-type"] == kind
            assert original.headers["content-disposition"].startswith(shown)
            policy = original.headers["content-security-policy"]
            assert policy.startswith("sandbox;")
            assert "allow" not in policy
            assert original.headers["x-content-type-options"] == "nosniff"
            page = client.get(f"/documents/{identity}?portal=city&start=0&end=5")
            assert f"../../../originals/{identity}?portal=city" in page.text
            assert page.text.count('id="quote"') == 1
            assert "<script" not in page.text
            assert "<b>" not in page.text
        for swapped in ("start=9&end=3", "start=99999&end=999999", "start=5&end=5"):
            page = client.get(f"/documents/press/press/evil.html?portal=city&{swapped}")
            assert page.status_code == 200
            assert page.text.count("opened on 1 May 2024") == 1
            assert "<mark" not in page.text
