"""Times that depend on today, in the languages of the packs."""

from __future__ import annotations

import datetime as dt

import pytest

from assistant.language.dates import find_dates
from assistant.language.times import timed

TODAY = dt.date(2025, 6, 1)


@pytest.mark.parametrize(
    ("language", "text", "year"),
    [
        ("en", "Which forums took place last year?", "2024"),
        ("de", "Welche Foren finden dieses Jahr statt?", "2025"),
        ("de", "Welche Kongresse gibt es im nächsten Jahr?", "2026"),
        ("fr", "Quels congrès ont eu lieu l'année dernière ?", "2024"),
        ("es", "¿Qué congresos se celebran este año?", "2025"),
        ("it", "Quali congressi si sono svolti l'anno scorso?", "2024"),
        ("pt", "Que congressos se realizam este ano?", "2025"),
        ("ja", "去年開かれたフォーラムは？", "2024"),
        ("zh", "明年有哪些论坛？", "2026"),
        ("ko", "작년에 열린 포럼은 무엇인가요?", "2024"),
        ("en", "Which forums are there next month?", "2025-07"),
        ("zh", "上个月有哪些论坛？", "2025-05"),
    ],
)
def test_a_relative_year_is_written_out(language: str, text: str, year: str) -> None:
    said = timed(text, language, TODAY)
    assert said.when == year
    assert [date.iso for date in find_dates(said.text)] == [year]
    assert not said.which


@pytest.mark.parametrize(
    ("language", "text", "which"),
    [
        ("en", "When is the next BioJapan?", "next"),
        ("de", "Wann war die letzte MEDICA?", "latest"),
        ("fr", "Quand a lieu le prochain salon ?", "next"),
        ("es", "¿Cuándo fue la última feria?", "latest"),
        ("ja", "次回のMEDICAはいつですか", "next"),
        ("zh", "最近一届是什么时候？", "latest"),
        ("ko", "다음 행사는 언제인가요?", "next"),
        ("en", "When does the forum open?", ""),
    ],
)
def test_next_and_latest_are_told_apart(language: str, text: str, which: str) -> None:
    said = timed(text, language, TODAY)
    assert said.which == which
    assert said.text == text
    assert len(said.without) < len(text) or not which


@pytest.mark.parametrize(("language", "text"), [("en", "Which forums took place last year, in 2019?"), ("ja", "来年の予定ですが、BIO KOREA 2026の会期は"), ("fr", "Quelle surface occupait-elle cette année-là ?")])
def test_a_named_year_and_one_spoken_of_are_left(language: str, text: str) -> None:
    assert timed(text, language, TODAY).text == text
