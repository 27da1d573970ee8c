"""Lists and editions: questions that no passage answers, answered from what all documents are about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from assistant import Answer, Assistant, Settings
from assistant.answering.citations import is_valid
from assistant.answering.overviews import write_period
from assistant.index.encoders import HashedEncoder
from assistant.language.packs import codes
from assistant.retrieval.catalogue import Period
from assistant.schema import Filters, Message

CLOCK = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
NAMES = "  - [Lake Forum, Seeforum, 湖畔フォーラム, 湖畔论坛]\n  - [Kyoto, 京都, Kioto, 교토]\n  - [Bonn, ボン, 波恩]\n"
DOCUMENTS = {
    "lake.en.md": (
        "---\ntitle: The Lake Forum through the years\nlanguage: en\ndate: 2024-12-01\nkind: forum\nplace: Bonn\ncountry: Germany\n"
        f"event_dates: ['2023-05-09', '2025-10-12/2025-10-14']\norganisers: [Water Guild]\naliases:\n{NAMES}---\n"
        "The Lake Forum met in Bonn on 9 May 2023. It returns on 12–14 October 2025 with a hall for posters. About 300 guests came.\n"
    ),
    "lake.ja.md": (
        "---\ntitle: 湖畔フォーラムの歩み\nlanguage: ja\ndate: 2024-12-01\nkind: forum\nplace: Bonn\ncountry: Germany\n"
        f"event_dates: ['2023-05-09', '2025-10-12/2025-10-14']\naliases:\n{NAMES}---\n湖畔フォーラムは2023年5月9日にボンで開かれた。次は2025年10月12日から14日まで開かれる。\n"
    ),
    "kiri.ja.md": "---\ntitle: 桐プラットフォームの案内\nlanguage: ja\ndate: 2024-01-01\nkind: platform\nplace: Kyoto\ncountry: Japan\naliases:\n  - [Kiri Platform, 桐プラットフォーム]\n---\n桐プラットフォームは京都にある。\n",
    "quiet.en.md": "---\ntitle: Quiet Forum\nlanguage: en\nkind: forum\nplace: Bonn\ncountry: Germany\naliases:\n  - [Quiet Forum]\n---\nThe Quiet Forum gathers nurses in Bonn.\n",
    "sealed.en.md": "---\ntitle: Sealed Forum\nlanguage: en\nkind: forum\nplace: Bonn\ncountry: Germany\nembargo_until: 2030-01-01\nevent_dates: ['2023-07-01']\naliases:\n  - [Sealed Forum]\n---\nThe Sealed Forum met on 1 July 2023.\n",
    "plain.de.md": "---\ntitle: 'Hügelkongress: ein Bericht'\nlanguage: de\ndate: 2023-09-30\n---\nBonn, 30. September 2023. Der Hügelkongress tagte vom 21. bis 23. September 2023 in Bonn. Es kamen 80 Gäste.\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    folder = tmp_path_factory.mktemp("overviews")
    (folder / "corpus").mkdir()
    for name, text in DOCUMENTS.items():
        (folder / "corpus" / name).write_text(text, "utf-8")
    settings = Settings(corpus={"paths": [folder / "corpus"]}, index={"path": folder / "index"}, feedback={"path": folder / "feedback.sqlite"}, answering={"clock": CLOCK})
    with Assistant.open(settings, encoder=HashedEncoder()) as assistant:
        assistant.ingest()
        yield assistant


def cited(library: Assistant, answer: Answer) -> list[str]:
    """The names of the documents cited; every citation is valid, and every row has one."""
    assert all(is_valid(c, library.document(c.document_id)) for c in answer.citations)
    assert [s.citations for s in answer.statements] == [(c.number,) for c in answer.citations]
    assert all(f"[{c.number}]" in answer.text for c in answer.citations)
    return [c.document_id.rsplit("/", 1)[-1] for c in answer.citations]


@pytest.mark.parametrize(
    ("question", "documents"),
    [
        ("Which forums took place in Bonn in 2023?", ["lake.en.md"]),
        ("Welche Foren fanden 2023 in Bonn statt?", ["lake.en.md"]),
        ("2023年にボンで開かれたフォーラムを教えてください", ["lake.ja.md"]),
        ("2023年波恩举办了哪些论坛？", ["lake.en.md"]),
        ("Which platforms are there in Japan?", ["kiri.ja.md"]),
        ("日本にはどんなプラットフォームがありますか", ["kiri.ja.md"]),
        ("일본에는 어떤 플랫폼이 있나요?", ["kiri.ja.md"]),
        ("¿Qué plataformas hay en Japón?", ["kiri.ja.md"]),
        ("Welche Kongresse gab es im September 2023?", ["plain.de.md"]),
        ("Welche Veranstaltungen fanden vor zwei Jahren, 2023, in Deutschland statt?", None),
        ("Which forums take place this year?", ["lake.en.md"]),
        ("Which forums does the Water Guild organise?", None),
    ],
)
def test_a_list_holds_what_fits_and_nothing_else(library: Assistant, question: str, documents: list[str] | None) -> None:
    answer = library.ask(question)
    if documents is None:
        # Something in the question is not understood: it is not answered as if that were not there.
        assert "|" not in answer.text
        return
    assert cited(library, answer) == documents
    assert answer.text.count("\n| ") == 2 + len(documents)


def test_what_has_no_date_is_counted_and_what_is_under_embargo_is_not(library: Assistant) -> None:
    answer = library.ask("Which forums took place in Bonn in 2023?")
    assert any(note.startswith("1 more fit otherwise") for note in answer.notes)
    assert "9 May 2023" in answer.text
    assert "October" not in answer.text
    assert "Water Guild" in answer.text
    assert set(cited(library, library.ask("List all forums"))) == {"lake.en.md", "quiet.en.md"}


def test_filters_hold_for_lists(library: Assistant) -> None:
    assert cited(library, library.ask("List all forums", filters=Filters(languages=("ja",)))) == ["lake.ja.md"]


@pytest.mark.parametrize(
    ("question", "shown", "hidden"),
    [
        ("When does the Lake Forum take place?", ["9 May 2023 (past)", "12–14 October 2025 (upcoming)"], []),
        ("When is the next Lake Forum?", ["12–14 October 2025 (upcoming)"], ["2023"]),
        ("When was the last Lake Forum?", ["9 May 2023 (past)"], ["October"]),
        ("Wann ist das nächste Seeforum?", ["12.–14. Oktober 2025 (bevorstehend)"], ["2023"]),
        ("湖畔フォーラムは今年いつ開かれますか", ["2025年10月12日–14日"], ["2023年"]),
    ],
)
def test_editions_are_told_apart(library: Assistant, question: str, shown: list[str], hidden: list[str]) -> None:
    answer = library.ask(question)
    cited(library, answer)
    said = answer.text
    for citation in answer.citations:
        said = said.replace(citation.quote, "")
    assert all(text in said for text in shown), said
    assert not any(text in said for text in hidden), said


def test_when_none_is_ahead_the_latest_is_named_as_such(library: Assistant) -> None:
    later = library.settings.model_copy(update={"answering": library.settings.answering.model_copy(update={"clock": dt.datetime(2026, 6, 1, tzinfo=dt.UTC)})})
    with Assistant.open(later, encoder=HashedEncoder()) as assistant:
        answer = assistant.ask("When is the next Lake Forum?")
    assert answer.text.startswith("No upcoming edition")
    assert "12–14 October 2025 (past)" in answer.text


def test_a_follow_up_may_ask_for_the_next(library: Assistant) -> None:
    answer = library.ask("And when is the next one?", [Message("user", "Who came to the Lake Forum?")])
    assert "12–14 October 2025 (upcoming)" in answer.text


def test_a_list_goes_on_with_another_place_or_kind(library: Assistant) -> None:
    history = [Message("user", "Which platforms are there in Germany?"), Message("assistant", "…"), Message("user", "And in Japan?")]
    assert cited(library, library.ask("And in Japan?", history[:1])) == ["kiri.ja.md"]
    assert set(cited(library, library.ask("And which forums in Germany?", history))) == {"lake.en.md", "quiet.en.md"}
    assert cited(library, library.ask("2023?", [*history, Message("user", "Forums in Bonn? List all forums in Bonn.")])) == ["lake.en.md"]
    assert library.ask("And who came?", history).mode != "catalogue"


@pytest.mark.parametrize("question", ["Which topics did the Lake Forum discuss?", "What is the goal of the forum?", "Which guests came to the forum in Bonn?", "论坛有哪些主题？", "Who organised the forum in Bonn in 2023?", "When does registration for the Lake Forum open?"])
def test_what_asks_for_something_else_is_no_list(library: Assistant, question: str) -> None:
    answer = library.ask(question)
    assert "\n| " not in answer.text
    assert "(upcoming)" not in answer.text


@pytest.mark.parametrize("language", codes())
def test_periods_are_written_in_every_language(language: str) -> None:
    day, days = write_period(Period("2025-10-12", "2025-10-12"), language), write_period(Period("2025-10-12", "2025-10-14"), language)
    assert "12" in day
    assert "14" not in day
    assert {"12", "14", "2025"} <= {part.strip("年月日년월일.,") for part in days.replace("–", " ").replace("年", " ").replace("月", " ").replace("년", " ").replace("월", " ").split()}
    assert write_period(Period("2025-09-30", "2025-10-02"), language).count("2025") == 2


def test_a_period_meets_the_days_months_and_years_it_holds() -> None:
    period = Period("2025-10-12", "2025-11-02")
    assert all(period.meets(iso) for iso in ("2025", "2025-10", "2025-11", "2025-10-12", "2025-10-31"))
    assert not any(period.meets(iso) for iso in ("2024", "2025-09", "2025-10-11", "2025-11-03"))
    assert period.standing(dt.date(2025, 10, 11)) == "upcoming"
    assert period.standing(dt.date(2025, 10, 20)) == "ongoing"
    assert period.standing(dt.date(2025, 11, 3)) == "past"
    assert Period("2022-11", "2022-11").standing(dt.date(2022, 11, 30)) == "ongoing"
