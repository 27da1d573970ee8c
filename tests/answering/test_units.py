"""What may be quoted: sentences, lists with what opens them, rows of tables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.answering.units import spans

TABLE = "Year | City\n2023 | Basel\n2024 | Ulm"


def texts(text: str, language: str = "en") -> list[tuple[str, str]]:
    return [(text[s.start : s.end], text[s.first : s.last]) for s in spans(text, language)]


def test_a_list_stays_with_what_opens_it() -> None:
    text = "Goals:\n- share data\n- train nurses\n\nIt opens in May."
    assert texts(text) == [("Goals:\n- share data\n- train nurses",) * 2, ("It opens in May.",) * 2]


def test_a_row_is_weighed_alone_and_quoted_with_its_small_table() -> None:
    found = texts(f"Editions follow.\n\n{TABLE}")
    assert found[1:] == [("2023 | Basel", TABLE), ("2024 | Ulm", TABLE)]
    assert [s.header for s in spans(TABLE, "en")] == ["Year | City"] * 2


def test_a_row_of_a_large_table_is_quoted_alone() -> None:
    table = "Year | City\n" + "\n".join(f"{year} | a city with a name that is long enough {year}" for year in range(2000, 2020))
    assert all(weighed == quoted for weighed, quoted in texts(table))
    assert len(texts(table)) == 20


@given(st.text(alphabet="ab .|\n-:。1", max_size=200))
def test_units_lie_in_their_text_in_order(text: str) -> None:
    end = 0
    for span in spans(text, "en"):
        assert end <= span.start < span.end <= len(text)
        assert span.first <= span.start
        assert span.end <= span.last <= len(text)
        end = span.end
