"""Spreadsheets go out and come back; what was said holds for what was read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from assistant.errors import EvaluationError
from assistant.evaluation import reviews
from assistant.evaluation.reviews import Review, agreement, digest
from assistant.evaluation.sets import load
from tests.evaluation.test_metrics import result
from tests.evaluation.test_sets import FORUM, written

ASKED = [
    replace(result("forums/harbour-opening/ja"), language="ja", question="いつ開幕しますか？", text='=HYPERLINK("x")\x07 2025年5月12日', citations=({"number": 1, "document": "d.ja.md", "quote": "五月"},)),
    replace(result("forums/harbour-opening/de"), language="de", question="Wann öffnet es?", text="Am 12. Mai 2025."),
]  # fmt: skip


def fill(path: Path, **cells: str) -> None:
    book = load_workbook(path)
    sheet = book.active
    names = [cell.value for cell in sheet[1]]
    for name, value in cells.items():
        sheet.cell(2, names.index(name.replace("_", " ")) + 1).value = value
    book.save(path)


def test_a_workbook_goes_out_and_comes_back(tmp_path: Path) -> None:
    german, japanese = reviews.export(ASKED, tmp_path / "out", {})
    assert (german.name, japanese.name) == ("de.xlsx", "ja.xlsx")
    sheet = load_workbook(japanese).active
    assert sheet["B2"].value == "いつ開幕しますか？"
    # Text stays text, and what no workbook can hold is left out.
    assert (sheet["D2"].data_type, sheet["D2"].value) == ("s", '=HYPERLINK("x")  2025年5月12日')
    assert "五月" in sheet["E2"].value
    assert reviews.read_sheet(german) == []
    fill(japanese, natural="Yes", verdict="partly right", comment="敬語", reviewer="R1")
    (said,) = reviews.read_sheet(japanese)
    assert said == Review("forums/harbour-opening/ja", digest(ASKED[0].question), digest(ASKED[0].text), "yes", "partly right", "敬語", "R1")
    kept = tmp_path / reviews.FILE
    assert reviews.keep(kept, [said]) == 1
    assert reviews.keep(kept, [said]) == 0
    assert reviews.read(kept) == {said.key: said}
    # What was said is filled in when the same answer goes out again.
    (again,) = reviews.export(ASKED[:1], tmp_path / "again", reviews.read(kept))
    assert load_workbook(again).active["F2"].value == "partly right"
    (changed,) = reviews.export([replace(ASKED[0], text="another answer")], tmp_path / "changed", reviews.read(kept))
    assert load_workbook(changed).active["F2"].value in (None, "")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    reviews.export(ASKED, tmp_path, {})
    with pytest.raises(EvaluationError, match="there already"):
        reviews.export(ASKED, tmp_path, {})


@pytest.mark.parametrize(("cells", "message"), [({"verdict": "fine"}, "row 2: verdict is 'fine'"), ({"natural": "maybe"}, "natural"), ({"verdict": "right", "do_not_change": "x"}, "last column")])
def test_a_wrong_cell_is_named(tmp_path: Path, cells: dict[str, str], message: str) -> None:
    path = reviews.export(ASKED[:1], tmp_path, {})[0]
    fill(path, **cells)
    with pytest.raises(EvaluationError, match=message):
        reviews.read_sheet(path)


def test_another_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"no workbook")
    with pytest.raises(EvaluationError, match="cannot be read"):
        reviews.read_sheet(tmp_path / "x.xlsx")
    (tmp_path / reviews.FILE).write_text('{"key": "a", "odd": 1}\n', "utf-8")
    with pytest.raises(EvaluationError, match="unknown fields"):
        reviews.read(tmp_path / reviews.FILE)


def test_a_question_counts_as_reviewed_as_long_as_its_words_stay(tmp_path: Path) -> None:
    folder = written(tmp_path, FORUM)
    (item,) = load(folder)
    said = [Review(f"{folder.name}/{item.id}/{language}", digest(item.ask[language]), "", natural) for language, natural in (("de", "yes"), ("fr", "no"))]
    reviews.keep(folder.parent / reviews.FILE, said)
    assert load(folder)[0].reviewed == ("de",)
    reviews.keep(folder.parent / reviews.FILE, [replace(said[0], question=digest("another wording"))])
    assert load(folder)[0].reviewed == ()


def test_people_are_held_against_the_measured_verdicts() -> None:
    right, wrong = ASKED[1], replace(ASKED[1], key="b", score=replace(ASKED[1].score, wrong=("abstained",)))
    said = {key: Review(key, "", digest(ASKED[1].text), verdict="right") for key in (right.key, "b")}
    (found,) = reviews.people([right, wrong], said)
    assert (found.who, found.measured, found.agreement) == ("reviewers, de", 2, 0.5)
    assert reviews.people([replace(right, text="changed since")], said) == []


@given(st.lists(st.tuples(st.sampled_from([True, False, None]), st.booleans()), min_size=1, max_size=40))
def test_agreement_lies_between_none_and_full(pairs: list[tuple[bool | None, bool]]) -> None:
    found = agreement("x", pairs)
    assert found.measured + found.unmeasured == len(pairs)
    assert found.agreement is None or 0 <= found.agreement <= 1
    assert found.kappa is None or -1 <= found.kappa <= 1
    perfect = agreement("x", [(measured, measured) for _, measured in pairs])
    assert perfect.agreement == 1
    assert perfect.kappa in (None, 1)
