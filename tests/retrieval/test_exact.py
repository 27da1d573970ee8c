"""Rare exact tokens stay near the top, whatever the vectors say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.pipeline import Assistant
from assistant.retrieval.exact import RARE, kept_near_the_top
from assistant.settings import Settings

KEYS = st.lists(st.integers(0, 50), unique=True, max_size=30)


@given(KEYS, st.lists(st.integers(0, 60), unique=True, max_size=RARE), st.integers(RARE, 10))
def test_exact_passages_come_forward_and_nothing_else_changes(ranked: list[int], exact: list[int], places: int) -> None:
    after = kept_near_the_top(list(ranked), exact, places)
    assert sorted(after) == sorted(ranked)
    assert all(key in after[:places] for key in exact if key in ranked)
    others = [key for key in ranked if key not in exact]
    assert [key for key in after if key not in exact] == others


SUBJECTS = ["dialysis", "vaccination", "cardiology", "imaging", "genetics", "nursing", "pharmacy", "oncology"]


@pytest.fixture(scope="module", params=["embedded", "hashed"])
def shelf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """160 documents about devices and prices; one says BX-4471, one Quellmoor, one 73915, each among words of no other use."""
    folder = tmp_path_factory.mktemp(f"shelf-{request.param}")
    special = {17: "Lagerplatz mit der Kennung BX-4471 im Nebengebäude.", 58: "倉庫の備考: Quellmoor。", 93: "棚卸しの番号は73915。"}
    (folder / "corpus").mkdir()
    for number in range(160):
        subject = SUBJECTS[number % 8]
        text = special.get(number, f"The {subject} device number {number % 9} costs {100 + number % 50} euros, as the price list of the {subject} fair says.")
        (folder / "corpus" / f"{number}.md").write_text(f"---\ntitle: Sheet\n---\n{text}\n", "utf-8")
    settings = Settings(corpus={"paths": [folder / "corpus"]}, index={"path": folder / "index"}, embedding={"model": request.param})
    with Assistant.open(settings) as assistant:
        assistant.ingest()
        yield assistant


@pytest.mark.parametrize(
    ("question", "number"),
    [
        ("What does the imaging device BX-4471 cost at the price fair?", 17),
        ("医疗展会上编号为BX-4471的设备价格是多少？", 17),
        ("How much does the Quellmoor dialysis device cost?", 58),
        ("Quanto custa o aparelho de cardiologia 73915 na feira?", 93),
    ],
)
def test_whoever_asks_for_a_code_gets_its_passage(shelf: Assistant, question: str, number: int) -> None:
    found = [hit.chunk.document_id for hit in shelf.search(question, top_k=5)]
    assert any(name.endswith(f"/{number}.md") for name in found), found


def test_a_common_number_moves_nothing(shelf: Assistant) -> None:
    hits = shelf.search("Which genetics device has number 4?", top_k=5)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all("genetics" in hit.chunk.text for hit in hits[:3])
