"""Dates, datelines, embargo openings and metadata."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import ReadError
from assistant.ingestion.headers import (
    completed,
    dateline,
    embargo,
    front_matter,
    iso_date,
    iso_moment,
    language_code,
    load_yaml,
    normalised,
)
from assistant.language.packs import codes

ALL = {"en", "de", "ja", "zh", "fr", "es", "ko", "pt", "it", "ru", "ar"}
needs_packs = pytest.mark.skipif(not set(codes()) >= ALL, reason="a language pack is not there yet")


@pytest.mark.parametrize(
    ("value", "date"),
    [
        (dt.date(2024, 11, 15), "2024-11-15"),
        (dt.datetime(2024, 11, 15, 23, tzinfo=dt.UTC), "2024-11-15"),
        (2024, "2024"),
        ("2024", "2024"),
        ("2024-11", "2024-11"),
        ("2024年11月", "2024-11"),
        ("2024-11-15", "2024-11-15"),
        ("2024-11-15T10:00:00+08:00", "2024-11-15"),
        ("2024/11/5", "2024-11-05"),
        ("2024年11月15日", "2024-11-15"),
        ("D:20241115103000+01'00'", "2024-11-15"),
        ("D:2024", "2024"),
        ("20241115", "2024-11-15"),
        ("Fri, 15 Nov 2024 10:00:00 +0800", "2024-11-15"),
        ("November 15, 2024", "2024-11-15"),
        ("15.11.2024", "2024-11-15"),
        ("2024-13-01", ""),
        ("2024-02-30", ""),
        ("D:20240000", ""),
        ("soon", ""),
        ("", ""),
        (None, ""),
        (True, ""),
        ([2024], ""),
    ],
)
def test_dates_of_any_form_become_iso(value: object, date: str) -> None:
    assert iso_date(value) == date


@given(st.one_of(st.text(max_size=40), st.integers(), st.from_regex(r"D?:?\d{4,8}[-/.]?\d*", fullmatch=True)))
def test_iso_date_is_total_and_idempotent(value: str | int) -> None:
    date = iso_date(value)
    assert iso_date(date) == date


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2024-11-15 10:00 +08:00", "2024-11-15T10:00+08:00"),
        ("2024-11-15T10:00:00Z", "2024-11-15T10:00+00:00"),
        (dt.datetime(2024, 11, 15, 10, 0), "2024-11-15T10:00"),
        ("15 November 2024", "2024-11-15"),
        ("15 November 2024, 00:01 GMT", "2024-11-15T00:01+00:00"),
        ("10 am EST, Nov. 15, 2024", "2024-11-15T10:00-05:00"),
        ("Nov. 15, 2024, 3:30 p.m.", "2024-11-15T15:30"),
        ("2024年11月15日下午3点 北京时间", "2024-11-15T15:00+08:00"),
        ("2024年11月15日(金)午後2時30分", "2024-11-15T14:30"),
        ("November 2024", ""),
    ],
)
def test_moments_keep_time_and_zone_when_stated(value: object, moment: str) -> None:
    assert iso_moment(value) == moment


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Titel\n\n【北京2024年11月15日新華社=共同通信JBN】フォーラムが", "2024-11-15"),
        ("（新华社北京11月15日电）论坛", ""),
        ("新华社北京2024年11月15日电（记者 王）", "2024-11-15"),
        ("北京，2024年11月15日 /美通社/ -- 论坛", "2024-11-15"),
        ("BEIJING, Nov. 15, 2024 /PRNewswire/ -- The forum", "2024-11-15"),
        ("WASHINGTON, D.C., November 15, 2024 — The forum", "2024-11-15"),
        ("SHANGHAI (December 9, 2025) – The conference", "2025-12-09"),
        ("15 November 2024", "2024-11-15"),
        ("15 November 2024 | News", "2024-11-15"),
        ("The forum was opened in Beijing on 22 November 2024 – it was", ""),
        ("Dates: 22 November 2024 – 24 November 2024", ""),
        ("22 November 2024 – 24 November 2024", ""),
        ("Summit, 9–11 December 2025 – Shanghai", ""),
        ("2025年12月9日，大会在上海举行。", ""),
        ("大会于2024年11月15日", ""),
        (f"{'x' * 1600}\n15 November 2024", ""),
    ],
)
def test_datelines(text: str, date: str) -> None:
    assert dateline(text) == date


@needs_packs
@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Shanghai, 9. Dezember 2025 – Die Konferenz", "2025-12-09"),
        ("Berlin, 9. Dezember 2025. Die Konferenz", "2025-12-09"),
        ("Am 9. Dezember 2025 fand in Shanghai die Konferenz statt.", ""),
        ("PARIS, le 3 mars 2024", "2024-03-03"),
        ("PARIS, le 1er mars 2024 – Le forum", "2024-03-01"),
        ("Madrid, 5 de marzo de 2024.- El foro", "2024-03-05"),
        ("Lisboa, 5 de março de 2024 – O fórum", "2024-03-05"),
        ("Milano, 1° marzo 2024 – Il forum", "2024-03-01"),
        ("서울, 2024년 3월 5일", "2024-03-05"),
        ("Москва, 5 марта 2024 г.", "2024-03-05"),
        ("الرياض، 5 مارس 2024 – افتتح", "2024-03-05"),
    ],
)
def test_datelines_in_other_languages(text: str, date: str) -> None:
    assert dateline(text) == date


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("EMBARGOED UNTIL 15 November 2024, 10:00 CET\n\nThe forum", "2024-11-15T10:00+01:00"),
        ("*** Embargo: 15 November 2024 ***\nThe forum", "2024-11-15"),
        ("News\n\nUnder embargo\n\nThe forum", ""),
    ],
)
def test_an_embargo_opening_is_found(text: str, until: str) -> None:
    line, found = embargo(text)
    assert line in text
    assert line
    assert found == until


@needs_packs
@pytest.mark.parametrize(
    ("line", "until"),
    [
        ("Sperrfrist: 9. Dezember 2025, 10 Uhr (MEZ)", "2025-12-09T10:00+01:00"),
        ("Sperrfrist 9.12.2025, 10.30 Uhr", "2025-12-09T10:30"),
        ("【解禁日時】2024年11月15日(金)午後2時 日本時間", "2024-11-15T14:00+09:00"),
        ("解禁：11月15日", ""),
        ("禁发：2024年11月15日10:00", "2024-11-15T10:00"),
        ("SOUS EMBARGO JUSQU’AU 3 mars 2024 à 10h00", "2024-03-03T10:00"),
        ("엠바고: 2024년 3월 5일 오전 9시", "2024-03-05T09:00"),
    ],
)
def test_embargo_openings_in_other_languages(line: str, until: str) -> None:
    assert embargo(f"Titel\n\n{line}\n\nText") == (line, until)


@pytest.mark.parametrize(
    "text",
    [
        "FOR IMMEDIATE RELEASE\n\nThe forum",
        "Embargoes were discussed at the forum.",
        "The embargo ends on 15 November 2024.",
        f"{'The forum was opened. ' * 30}\nEmbargo: 15 November 2024",
    ],
)
def test_other_openings_hold_nothing_back(text: str) -> None:
    assert embargo(text) == ("", "")


@needs_packs
def test_a_lifted_embargo_holds_nothing_back() -> None:
    assert embargo("Sperrfrist: keine\n\nText") == ("", "")


def test_a_dateline_yields_to_metadata_and_beats_a_file_property() -> None:
    text = "BEIJING, Nov. 15, 2024 -- The forum"
    assert completed(text, {"date": "2024-01-01"})[0]["date"] == "2024-01-01"
    assert completed(text, {"date": "2023", "date_from": "pdf-info"})[0] == {"date": "2024-11-15"}
    assert completed("The forum", {"date": "2023", "date_from": "pdf-info"})[0]["date_from"] == "pdf-info"
    assert completed("Embargo: 15 November 2024", {"embargo_until": "2024-12-01"})[0]["embargo_until"] == "2024-12-01"


def test_metadata_is_normalised() -> None:
    data = normalised(
        {
            "title": " A \u202e forum\n",
            "lang": "zh-Hans-CN",
            "url": "https://example.org/a",
            "date": dt.date(2024, 11, 15),
            "expires": dt.date(2025, 1, 1),
            "aliases": {"Changping": ["昌平", "チャンピン"], "Beijing": "北京"},
            "nested": {1: (dt.date(2024, 1, 1), None)},
            "publisher": None,
        }
    )
    assert data == {
        "title": "A forum",
        "language": "zh",
        "source": "https://example.org/a",
        "date": "2024-11-15",
        "expires": "2025-01-01",
        "aliases": [["Changping", "昌平", "チャンピン"], ["Beijing", "北京"]],
        "nested": {"1": ["2024-01-01", None]},
    }
    assert normalised(data) == data


def test_what_is_no_date_or_link_is_kept_aside() -> None:
    data = normalised({"date": "next spring", "source": "javascript:alert(1)", "language": "Klingon"})
    assert data == {"date_as_given": "next spring", "source_as_given": "javascript:alert(1)"}


@pytest.mark.parametrize(
    ("given", "groups"),
    [([["a", "b"], ["c"]], [["a", "b"], ["c"]]), (["a", "b"], [["a", "b"]]), ("a", None), ([], None), ([[]], None)],
)
def test_aliases_become_groups(given: object, groups: object) -> None:
    assert normalised({"aliases": given}).get("aliases") == groups


@pytest.mark.parametrize(("value", "code"), [("de-DE", "de"), ("zh_Hant", "zh"), ("JP", "ja"), ("eng", ""), (None, "")])
def test_language_codes(value: object, code: str) -> None:
    assert language_code(value) == code


def test_yaml_scalars_stay_as_they_are_written() -> None:
    data, body = front_matter("---\nlanguage: no\ndate: 2024-11-15\ntime: 15:43\nn: 3\nok: true\nnone:\n---\nBody")
    assert data == {"language": "no", "date": "2024-11-15", "time": "15:43", "n": 3, "ok": True}
    assert body == "Body"


@pytest.mark.parametrize("text", ["No front matter", "---\nonly a break\n---\nText", "---\nnever closed, but no key"])
def test_text_without_front_matter_is_left_alone(text: str) -> None:
    assert front_matter(text) == ({}, text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("---\ntitle: A\nplace: in: Berlin\n---\n", "line 3"),
        ("---\ntitle: [a\n---\n", "front matter is broken"),
        ("---\ntitle: never closed\n", "never closed"),
        (f"---\ntitle: {'x' * 70_000}\n---\n", "64 KB"),
        ("---\na: &a [*a]\n---\n", "broken"),
        ("---\na: !!python/object/apply:os.getcwd []\n---\n", "line 2"),
        ("---\n" + "[" * 5000 + "\n---\n", "broken"),
        ("---\na: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\n"
         "d: &d [*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d]\n---\n", "too large"),
    ],
)  # fmt: skip
def test_broken_front_matter_is_an_error_that_says_where(text: str, says: str) -> None:
    with pytest.raises(ReadError, match=says) as caught:
        front_matter(text)
    assert caught.value.reason == "front-matter"
    assert caught.value.fix


def test_a_sidecar_error_names_the_sidecar() -> None:
    with pytest.raises(ReadError, match=r"sidecar a\.meta\.yaml is broken in line 1"):
        load_yaml("a: b: c", what="sidecar a.meta.yaml", reason="sidecar")
