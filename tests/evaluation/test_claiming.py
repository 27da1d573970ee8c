"""Labelled sentences: read, judged, and the check itself in the writings that differ between languages."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from assistant.answering.claims import Checker, claims_of
from assistant.errors import EvaluationError
from assistant.evaluation.claiming import judge, read
from assistant.index.encoders import packaged_table
from assistant.language.dates import days_named
from tests.answering.shelf import BY_ID, NAMES

CHECKER = Checker(packaged_table(), NAMES)
SEE = "default/shelf/see.md"


@pytest.mark.parametrize(
    ("sentence", "language", "source", "source_language"),
    [
        ("Das Forum beginnt am 9. Dezember 2025.", "de", "论坛将于2025年12月9日开幕。", "zh"),
        ("Over 700 companies took part.", "en", "700社以上の企業が参加した。", "ja"),
        ("20 Länder waren vertreten.", "de", "Zwanzig Länder waren vertreten.", "de"),
        ("３か国が参加した。", "ja", "Three countries took part.", "en"),
        ("The fair ran from 12 to 14 October 2016.", "en", "展会于2016年10月12日至14日举行。", "zh"),
        ("The park has seventy thousand members.", "en", "El parque tiene 70.000 miembros.", "es"),
        ("The Lake Health Forum opens in the hall.", "en", "湖畔健康论坛在会议中心大厅开幕。", "zh"),
        ("参展企业达二十家。", "zh", "20 Unternehmen stellten aus.", "de"),
    ],
)
def test_writings_of_the_same_are_the_same(sentence: str, language: str, source: str, source_language: str) -> None:
    assert CHECKER.check(sentence, language, source, source_language).missing == ()


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("The forum opens on 10 December 2025.", "论坛将于2025年12月9日开幕。"),
        ("Over 800 companies took part.", "700社以上の企業が参加した。"),
        ("The Copper Cluster opens in the hall.", "湖畔健康论坛在会议中心大厅开幕。"),
        ("Quantum soup was served to pilots in space.", "湖畔健康论坛在会议中心大厅开幕。"),
    ],
)
def test_what_differs_is_not_borne_out(sentence: str, source: str) -> None:
    assert not CHECKER.check(sentence, "en", source, "zh").supported


def test_periods_name_both_their_ends() -> None:
    for text in ("12–14 October 2016", "vom 12. bis 14. Oktober 2016", "October 12-14, 2016", "2016年10月12日至14日", "2016년 10월 12일부터 14일까지"):
        assert {"2016-10-12", "2016-10-14"} <= {d.iso for d in days_named(text)}, text


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [("two million euros", "en", 2000000), ("cuatro mil personas", "es", 4000), ("trinta e quatro membros", "pt", 34), ("6만 9천㎡", "ko", 69000), ("第五十届展会", "zh", 50), ("9,4 mil pessoas", "pt", 9400)],
)
def test_numbers_of_several_words_are_one(text: str, language: str, value: int) -> None:
    assert Decimal(value) in claims_of(text, language).numbers


def test_sets_are_judged_by_language_and_fault(tmp_path: Path) -> None:
    quote = "Das Seeforum beginnt am 9. Dezember 2024 in der Kongresshalle."
    rows = [
        {"id": "en-01", "language": "en", "sentence": "The Seeforum begins on 9 December 2024.", "document": SEE, "quote": quote, "supported": True, "fault": ""},
        {"id": "en-02", "language": "en", "sentence": "The Seeforum begins on 8 December 2024.", "document": SEE, "quote": quote, "supported": False, "fault": "date"},
    ]
    (tmp_path / "en.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    found = {one.name: one for one in judge(read(tmp_path), CHECKER, BY_ID.__getitem__)}
    assert found["all"].balanced == 1
    assert (found["dev"].sentences, found["test"].sentences, found["date"].caught) == (1, 1, 1)
    (tmp_path / "en.jsonl").write_text(json.dumps(rows[0] | {"quote": "nowhere"}) + "\n", "utf-8")
    with pytest.raises(EvaluationError, match="does not stand"):
        judge(read(tmp_path), CHECKER, BY_ID.__getitem__)
    with pytest.raises(EvaluationError, match="no labelled sentences"):
        read(tmp_path / "none")


def test_the_committed_set_is_what_it_says() -> None:
    claims = read(Path(__file__).parents[2] / "evals" / "claims")
    assert len(claims) == len({c.id for c in claims}) == 360
    assert len({c.language for c in claims}) == 10
    assert sum(c.supported for c in claims) == 180
