"""Question sets are read and proven; those of the project hold what they promise."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from assistant.errors import EvaluationError
from assistant.evaluation import sets
from assistant.evaluation.sets import LANGUAGES, Item, load
from assistant.ingestion.reading import Limits, read_file

ROOT = Path(__file__).parents[2]


@cache
def text_of(document: str) -> str | None:
    file = ROOT / "corpus" / document
    return read_file(file, Limits()).text if file.is_file() else None


@pytest.mark.slow
@pytest.mark.parametrize("name", [*sets.FORMS, "practice"])
def test_every_span_and_nugget_of_the_projects_sets_is_proven(name: str) -> None:
    items = load(ROOT / "evals" / name)
    assert sets.problems(items, text_of, [file.relative_to(ROOT / "corpus").as_posix() for file in (ROOT / "corpus").rglob("*") if file.is_file() and "originals" not in file.parts]) == []


def test_the_sets_are_large_enough_to_gate() -> None:
    forums = load(ROOT / "evals" / "forums")
    kinds = Counter(item.kind for item in forums)
    unanswerable = [item for item in forums if not item.answerable]
    assert len(forums) >= 150
    assert all(set(item.ask) == set(LANGUAGES) for item in forums)
    assert set(kinds) == set(sets.KINDS)
    assert len(unanswerable) >= len(forums) / 4
    assert kinds["unanswerable-near"] > len(unanswerable) / 2
    assert len(load(ROOT / "evals" / "conflicts")) >= 25
    assert len({item.id.rsplit("/", 1)[0] for item in load(ROOT / "evals" / "conversations")}) >= 30


def test_what_is_practised_on_is_never_reported() -> None:
    assert {item.split for item in load(ROOT / "evals" / "practice")} == {"dev"}


def test_no_document_tunes_and_tests() -> None:
    splits: dict[str, set[str]] = {}
    for name in sets.FORMS:
        for item in load(ROOT / "evals" / name):
            for document in item.documents:
                splits.setdefault(sets.subject_of(document), set()).add(item.split)
    assert all(len(found) == 1 for found in splits.values())
    shares = Counter(item.split for item in load(ROOT / "evals" / "forums"))
    assert min(shares.values()) >= 60


FORUM = """
- id: harbour-opening
  kind: date
  ask: {en: "When?", de: "Wann?", ja: "いつ？", zh: "何时？", fr: "Quand ?", es: "¿Cuándo?", ko: "언제?"}
  gold: [{document: forums/harbour.en.md, span: "opens on 12 May 2025"}]
  nuggets: [{vital: true, date: "2025-05-12"}]
"""


def written(folder: Path, text: str, name: str = "forums") -> Path:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "harbour.yaml").write_text(text, "utf-8")
    return folder / name


def wrong(folder: Path, text: str, document: str = "The forum opens on\n12 May 2025 in the old harbour.") -> list[str]:
    return sets.problems(load(written(folder, text)), {"forums/harbour.en.md": document}.get)


def test_a_right_entry_has_no_problem_and_white_space_does_not_matter(tmp_path: Path) -> None:
    assert wrong(tmp_path, FORUM) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("12 May 2025\"}", "13 May 2025\"}", "0 times"),
        ("harbour.en.md", "other.en.md", "no document"),
        ("2025-05-12", "2025-05-13", "not in its span"),
        ("kind: date", "kind: odd", "no kind"),
        (', ko: "언제?"', "", "asked in"),
        ("kind: date", "kind: unanswerable-near", "has gold"),
        ("vital: true", "vital: false", "vital"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    found = wrong(tmp_path, FORUM.replace(old, new))
    assert found
    assert all(problem.startswith("harbour-opening: ") for problem in found)
    assert any(message in problem for problem in found)


def test_a_span_that_stands_twice_and_an_id_used_twice_are_told(tmp_path: Path) -> None:
    assert "2 times" in wrong(tmp_path, FORUM, "It opens on 12 May 2025. It opens on 12 May 2025.")[0]
    assert any("used twice" in problem for problem in wrong(tmp_path, FORUM + FORUM))


@pytest.mark.parametrize("text", ["- [", "- id: x\n", "- id: x\n  kind: date\n  ask: {}\n  gold: [3]\n"])
def test_a_broken_file_names_itself(tmp_path: Path, text: str) -> None:
    with pytest.raises(EvaluationError, match=r"harbour\.yaml"):
        load(written(tmp_path, text))
    with pytest.raises(EvaluationError, match="no question set"):
        load(tmp_path / "none")


def test_a_conversation_is_one_item_a_turn(tmp_path: Path) -> None:
    turn = 'full: "When does it open?", gold: [{document: d.en.md, span: s}], nuggets: [{any: [s]}]'
    items = load(written(tmp_path, f'- id: d1\n  language: en\n  turns: [{{ask: "When does it open?", {turn}}}, {{ask: "And where?", {turn}}}]\n', "conversations"))
    assert [(item.id, item.kind, item.history) for item in items] == [("d1/1", "opening", ()), ("d1/2", "follow-up", ("When does it open?",))]


def test_subjects_that_share_a_document_are_one_cluster(tmp_path: Path) -> None:
    folder = written(tmp_path, FORUM)
    for name, document in (("quay", "harbour.en.md"), ("tower", "tower.en.md")):
        entry = FORUM.replace("harbour-opening", name).replace("harbour.en.md", document)
        (folder / f"{name}.yaml").write_text(entry, "utf-8")
    clusters = {item.id: item.cluster for item in load(folder)}
    assert clusters["harbour-opening"] == clusters["quay"] != clusters["tower"]


def test_a_passage_that_matches_all_vital_nuggets_elsewhere_is_reported() -> None:
    from assistant.evaluation.nuggets import Nugget

    nuggets = (Nugget(True, ("Basel",)), Nugget(True, (), None, "2025-05-12"))
    item = Item("q", "s", "fact", {"en": "?"}, (sets.Gold("a.en.md", ""),), nuggets)
    texts = {"a.en.md": "Basel, 12 May 2025. Again: 12 May 2025 in Basel.", "b.de.md": "Basel, am 12. Mai 2025", "c.en.md": "Basel, 13 May 2025"}
    rows = [("a.en.md", 0, "Basel, 12 May 2025."), ("a.en.md", 20, "Again: 12 May 2025 in Basel."), *((name, 0, texts[name]) for name in ("b.de.md", "c.en.md"))]
    item = replace(item, gold=(sets.Gold("a.en.md", "Basel, 12 May 2025"),))
    found = sets.unlabelled([item], rows, texts.get)
    assert [line.split(" matches")[0] for line in found] == ["q: a passage of a.en.md", "q: a passage of b.de.md"]
    # One nugget alone stands in many places: only documents of the subject are looked at.
    assert len(sets.unlabelled([replace(item, nuggets=nuggets[:1])], rows, texts.get)) == 1
