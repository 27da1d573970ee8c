"""Dates in running text, and dates written for readers."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.language.dates import find_dates, write_date
from assistant.language.packs import codes, packs

LANGUAGES = pytest.mark.parametrize("language", codes())


def isos(text: str) -> list[str]:
    return [found.iso for found in find_dates(text)]


@LANGUAGES
@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("day", ["", "-01", "-09", "-28"])
def test_what_is_written_is_found_again(language: str, month: int, day: str) -> None:
    iso = f"2024-{month:02}{day}"
    written = write_date(iso, language)
    assert isos(written) == [iso], written
    assert isos(f"({written}), {written}.") == [iso, iso]


@given(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)), st.sampled_from(codes()))
def test_any_day_goes_there_and_back(day: dt.date, language: str) -> None:
    written = write_date(day.isoformat(), language)
    [found] = find_dates(f"… {written} …")
    assert found.iso == day.isoformat()
    assert f"… {written} …"[found.start : found.end] in written


@pytest.mark.parametrize("item", packs(), ids=codes())
def test_every_form_of_every_month_is_read(item: object) -> None:
    for number, forms in enumerate(item.months, 1):  # type: ignore[attr-defined]
        for form in forms:
            if form[0].isdigit() or form in [f"{n}月" for n in "一二三四五六七八九十"] + ["十一月", "十二月"]:
                continue
            assert isos(f"– {form} 2023 –") == [f"2023-{number:02}"], form
            assert isos(f"– 7 {form} 2023 –") == [f"2023-{number:02}-07"], form
            assert isos(f"– 7 {form.upper()} 2023 –") == [f"2023-{number:02}-07"], form


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("The forum was held on 22 November 2024.", ["2024-11-22"]),
        ("It opens on November 22nd, 2024, at nine.", ["2024-11-22"]),
        ("It opens on Nov. 3, 2024", ["2024-11-03"]),
        ("from May 2023 to June 2024", ["2023-05", "2024-06"]),
        ("the 1st of March 2025", ["2025-03-01"]),
        ("every year on 9 December", ["--12-09"]),
        ("Am 9. Dezember 2024 beginnt es.", ["2024-12-09"]),
        ("Am 9. Dezember beginnt es, im März 2025 endet es.", ["--12-09", "2025-03"]),
        ("vom 9. bis 11. Dezember 2024", ["2024-12-11"]),
        ("am 22.11.2024", ["2024-11-22"]),
        ("am 22. 11. 2024", ["2024-11-22"]),
        ("Le 1er janvier 2024", ["2024-01-01"]),
        ("le 14 juillet 2024 et en août 2025", ["2024-07-14", "2025-08"]),
        ("el 9 de mayo de 2024", ["2024-05-09"]),
        ("el 1º de mayo de 2024", ["2024-05-01"]),
        ("il 3 giugno 2024", ["2024-06-03"]),
        ("em 7 de setembro de 2024", ["2024-09-07"]),
        ("22 ноября 2024 г. и в мае 2025", ["2024-11-22", "2025-05"]),
        ("05.2024", ["2024-05"]),
        ("9-го мая 2024 года", ["2024-05-09"]),
        ("في 22 نوفمبر 2024", ["2024-11-22"]),
        ("22 تشرين الثاني 2024", ["2024-11-22"]),
        ("2024年11月22日に開催", ["2024-11-22"]),
        ("论坛于2024 年 11 月 22 号举行，2025年闭幕", ["2024-11-22", "2025"]),
        ("11月22日开幕", ["--11-22"]),
        ("2024年11月", ["2024-11"]),
        ("2024년 11월 22일에 열린다", ["2024-11-22"]),
        ("2024. 5. 9. 서울", ["2024-05-09"]),
        ("2024-11-22, 2024/11/22 and 2024.11.22", ["2024-11-22"] * 3),
        ("２０２４年１１月２２日", ["2024-11-22"]),
        ("Forum 2024", ["2024"]),
        ("between 1998 and 2001", ["1998", "2001"]),
    ],
)
def test_dates_as_they_are_written(text: str, dates: list[str]) -> None:
    assert isos(text) == dates


@pytest.mark.parametrize("text", ["", "no date", "12 panels in 4 halls", "99. Dezember", "31 February", "version 2.10.3", "3000 guests", "1,999 euros", "2,024.5 kg", "doi 10.2024/abc", "a 5 5 5", "20240", "Marching on", "12.50 €"])
def test_what_is_no_date(text: str) -> None:
    assert isos(text) == []


@pytest.mark.parametrize(("text", "iso"), [("31.02.2024", "2024"), ("2024-13-40", "2024")])
def test_an_impossible_date_is_no_date(text: str, iso: str) -> None:
    """At most the year is believed."""
    assert set(isos(text)) <= {iso}


@given(st.one_of(st.text(max_size=60), st.text("0123456789./-年月日 MayDezember,", max_size=40)))
def test_found_dates_are_in_order_apart_and_possible(text: str) -> None:
    before = 0
    for found in find_dates(text):
        assert before <= found.start < found.end <= len(text)
        before = found.end
        parts = found.iso.removeprefix("--").split("-")
        if len(parts) == 3:
            dt.date.fromisoformat(found.iso)
        assert all(part.isascii() and part.isdigit() for part in parts)


@pytest.mark.parametrize(
    ("iso", "language", "written"),
    [
        ("2024-11-22", "en", "22 November 2024"),
        ("2024-11-02", "de", "2. November 2024"),
        ("2024-11-22", "zh", "2024年11月22日"),
        ("2024-05", "es", "mayo de 2024"),
        ("2024-05", "ru", "05.2024"),
        ("2024", "fr", "2024"),
        ("", "fr", ""),
        ("soon", "en", "soon"),
        ("--11-22", "en", "--11-22"),
        ("2024-11-22", "xx", "22 November 2024"),
    ],
)
def test_dates_for_readers(iso: str, language: str, written: str) -> None:
    assert write_date(iso, language) == written
