"""Runs over a real index: asked, scored, written, resumed, compared, gated; through the command line too."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant import Assistant, Settings
from assistant.cli import app
from assistant.errors import EvaluationError
from assistant.evaluation import gates, metrics, report, runs, scoring
from assistant.evaluation.gates import Gate
from assistant.evaluation.metrics import Figure
from assistant.evaluation.sets import LANGUAGES, Item, load
from assistant.evaluation.statistics import Difference, Estimate

TODAY = dt.date(2026, 12, 1)
DOCUMENTS = {
    "forums/harbour.en.md": "The Harbour Forum opens on 12 May 2025 in the old dock. About 1,500 guests are expected.",
    "forums/harbour.de.md": "Das Harbour Forum beginnt am 12. Mai 2025 im alten Dock. Erwartet werden rund 1.500 Gäste.",
    "forums/tower.en.md": "The Tower Forum of 2024 was held in Ulm. Its theme was quiet machines.",
}
ASK = {
    "en": "When does the Harbour Forum open?", "de": "Wann beginnt das Harbour Forum?", "ja": "Harbour Forumはいつ開幕しますか？", "zh": "Harbour Forum什么时候开幕？",
    "fr": "Quand ouvre le Harbour Forum ?", "es": "¿Cuándo abre el Harbour Forum?", "ko": "Harbour Forum은 언제 열리나요?",
}  # fmt: skip
SET = f"""
- id: harbour-opening
  kind: date
  ask: {json.dumps(ASK, ensure_ascii=False)}
  gold:
    - {{document: forums/harbour.en.md, span: "opens on 12 May 2025"}}
    - {{document: forums/harbour.de.md, span: "beginnt am 12. Mai 2025"}}
  nuggets: [{{vital: true, date: "2025-05-12"}}]
- id: harbour-fee
  kind: unanswerable-near
  ask: {json.dumps({language: f"{text} Entrance fee €?" for language, text in ASK.items()}, ensure_ascii=False)}
  gold: []
  nuggets: []
  near: [forums/harbour.en.md]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in DOCUMENTS.items():
        file = tmp_path / "corpus" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"---\nlanguage: {name.split('.')[1]}\ntitle: {file.stem}\n---\n{text}\n", "utf-8")
    (tmp_path / "evals" / "forums").mkdir(parents=True)
    (tmp_path / "evals" / "forums" / "harbour.yaml").write_text(SET, "utf-8")
    (tmp_path / "evals" / "gates.toml").write_text('[[gates]]\nmetric = "citation validity"\nfloor = 1.0\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def assistant(place: Path) -> Iterator[Assistant]:
    with Assistant.open(Settings(corpus={"paths": [place / "corpus"]}, index={"path": place / "indexes" / "default"})) as opened:
        opened.ingest()
        yield opened


def questions(place: Path) -> list[runs.Asked]:
    return runs.asked({"forums": load(place / "evals" / "forums")})


def test_a_run_holds_every_question_with_its_score_and_can_be_read_again(assistant: Assistant, place: Path) -> None:
    run = runs.execute(assistant, questions(place), place / "run.jsonl")
    assert len(run.results) == 2 * len(LANGUAGES)
    assert runs.read(place / "run.jsonl") == run
    by_key = {result.key: result for result in run.results}
    english = by_key["forums/harbour-opening/en"]
    assert english.score.found.keys() == {"mixed", "en", "de"}
    assert english.score.found["en"] == scoring.Found((1,), 1)
    assert english.score.found["mixed"].relevant == 2
    assert english.confidence is not None
    assert english.score.vital == 1
    assert english.score.cited == english.score.valid > 0
    assert english.score.gold_cited is True
    assert english.score.wrong == ()
    assert by_key["forums/harbour-fee/en"].answerable is False
    assert run.header["index"] == assistant.fingerprint()


@pytest.mark.slow
def test_a_stopped_run_goes_on_where_it_was(assistant: Assistant, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = runs.execute(assistant, questions(place), place / "whole.jsonl", workers=1)
    content = (place / "whole.jsonl").read_bytes()
    lines = content.split(b"\n")
    (place / "cut.jsonl").write_bytes(b"\n".join(lines[:5]) + b"\n" + lines[5][:40])
    asked: list[str] = []
    ask = assistant.ask
    monkeypatch.setattr(assistant, "ask", lambda text, *more, **rest: asked.append(text) or ask(text, *more, **rest))
    again = runs.execute(assistant, questions(place), place / "cut.jsonl", workers=1)
    assert len(asked) == len(whole.results) - 4
    assert [(r.key, r.text, r.score) for r in again.results] == [(r.key, r.text, r.score) for r in whole.results]
    assert len(runs.read(place / "cut.jsonl").results) == len(whole.results)


@pytest.mark.slow
def test_a_run_of_something_else_is_not_gone_on_with(assistant: Assistant, place: Path) -> None:
    runs.execute(assistant, questions(place)[:3], place / "run.jsonl")
    with pytest.raises(EvaluationError, match="another index, set or settings"):
        runs.execute(assistant, questions(place), place / "run.jsonl")
    (place / "no.jsonl").write_text('{"some": "json"}\n', "utf-8")
    with pytest.raises(EvaluationError, match="no run"):
        runs.execute(assistant, questions(place), place / "no.jsonl")
    assert (place / "no.jsonl").read_text("utf-8") == '{"some": "json"}\n'


def test_gold_that_is_not_indexed_is_told(assistant: Assistant, place: Path) -> None:
    item = replace(questions(place)[0].item, near=("forums/gone.en.md",))
    with pytest.raises(EvaluationError, match="gone"):
        runs.execute(assistant, [runs.Asked("forums", item, "en")], place / "run.jsonl")


def test_a_follow_up_is_asked_with_its_history_and_written_out(assistant: Assistant, place: Path) -> None:
    first = next(q.item for q in questions(place) if q.item.answerable)
    item = Item("d/2", "harbour", "follow-up", {"en": "And when does it open?"}, first.gold, first.nuggets, history=("What is the Harbour Forum?",), full=ASK["en"])
    run = runs.execute(assistant, runs.asked({"conversations": [item]}), place / "run.jsonl")
    assert [result.variant for result in run.results] == ["", "full"]
    assert run.results[1].score.vital == 1


@pytest.mark.slow
def test_figures_of_a_run_beside_itself_do_not_differ(assistant: Assistant, place: Path) -> None:
    run = runs.execute(assistant, questions(place), place / "run.jsonl")
    found = report.summary(run, run)
    assert all(f.difference is None or (f.difference.mean, f.difference.p) == (0, 1) for f in found.figures)
    assert {f.slice for f in found.figures} >= {"all", "language ja", "kind date", "set forums"}
    text = report.as_text(found)
    assert "citation validity" in text
    assert "too few to gate" in text
    validity = next(f for f in found.figures if (f.metric, f.slice) == ("citation validity", "all"))
    assert validity.estimate.mean == 1


def figure(mean: float, change: tuple[float, float, float] | None = None, *, count: int = 100, slice_: str = "all") -> Figure:
    compared = None if change is None else Difference(*change, 0.01, count, 40, 0, 9)
    return Figure("vital nuggets", slice_, Estimate(mean, mean - 0.1, mean + 0.1, count, 40), compared)


@pytest.mark.parametrize(
    ("gate", "found", "passed"),
    [
        (Gate("vital nuggets", floor=0.7), figure(0.8), True),
        (Gate("vital nuggets", floor=0.7), figure(0.6), False),
        (Gate("vital nuggets", floor=0.7), figure(0.6, count=49), True),
        (Gate("vital nuggets", margin=0.02), figure(0.6, (-0.05, -0.08, -0.03)), False),
        (Gate("vital nuggets", margin=0.02), figure(0.6, (-0.05, -0.08, -0.01)), True),
        (Gate("vital nuggets", margin=0.02), figure(0.6), True),
        (Gate("vital nuggets", "each language", floor=0.7), figure(0.6, slice_="language ja"), False),
        (Gate("vital nuggets", "each language", floor=0.7), figure(0.6), True),
    ],
)
def test_a_gate_holds_or_says_why_not(gate: Gate, found: Figure, passed: bool) -> None:
    verdicts = gates.judge(gates.Gates((gate,)), [found], TODAY)
    assert [verdict.passed for verdict in verdicts] == [passed]
    assert passed or verdicts[0].reason


@pytest.mark.parametrize("text", ["[[gates]]\nmetric = 'odd'\nfloor = 1", "[[gates]]\nmetric = 'vital nuggets'", "[[gates]]\nfloors = 1", "gates = ["])
def test_a_wrong_gate_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "gates.toml").write_text(text, "utf-8")
    with pytest.raises(EvaluationError):
        gates.read(tmp_path / "gates.toml")


def test_the_projects_gates_can_be_read() -> None:
    assert {gate.metric for gate in gates.read(Path(__file__).parents[2] / "evals" / "gates.toml").gates} <= set(metrics.METRICS)


WAIVER = '[[gates]]\nmetric = "vital nuggets"\nfloor = 0.7\n[[waivers]]\nmetric = "vital nuggets"\nslice = "all"\nreason = "no Korean yet"\nexpires = 2026-12-31\n'


def test_a_waiver_lets_a_gate_pass_until_its_day(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(WAIVER, "utf-8")
    read = gates.read(tmp_path / "gates.toml")
    for day, passed in ((dt.date(2026, 12, 31), True), (dt.date(2027, 1, 1), False)):
        (verdict,) = gates.judge(read, [figure(0.6)], day)
        assert verdict.passed is passed
        assert ("no Korean yet" in verdict.waived) is passed
        assert ("expired on 2026-12-31" in verdict.reason) is not passed
    (held,) = gates.judge(read, [figure(0.8)], TODAY)
    assert held.waived == ""


@pytest.mark.parametrize("change", [("reason = \"no Korean yet\"", "reason = \" \""), ("expires = 2026-12-31", "expires = \"never\""), ("slice = \"all\"", "slice = \"language xx\""), ("[[waivers]]", "[[wavers]]")])
def test_a_waiver_without_reason_day_or_gate_is_told(tmp_path: Path, change: tuple[str, str]) -> None:
    (tmp_path / "gates.toml").write_text(WAIVER.replace(*change), "utf-8")
    with pytest.raises(EvaluationError):
        gates.read(tmp_path / "gates.toml")


@pytest.mark.slow
def test_the_commands(assistant: Assistant, place: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, arguments)
        return done.exit_code, done.output

    assert run("eval", "check")[1].startswith("every span and nugget is proven\n")
    status, text = run("eval", "run", "--out", "first.jsonl", "--json", "first.json")
    assert status == 0, text
    assert "1 held, 0 failed" in text
    assert {entry["metric"] for entry in json.loads((place / "first.json").read_text("utf-8"))["figures"]} <= set(metrics.METRICS)
    assert run("eval", "compare", "first.jsonl", "first.jsonl")[0] == 0

    # A run over twenty-five times as many questions may gate; every citation in it is said to be false.
    lines = (place / "first.jsonl").read_text("utf-8").splitlines()
    worse = [json.loads(line) for line in lines[1:] for _ in range(25)]
    for number, entry in enumerate(worse):
        entry["key"] = f"{entry['key']}/{number}"
        entry["score"]["valid"] = 0
    (place / "worse.jsonl").write_text("\n".join([lines[0], *map(json.dumps, worse)]) + "\n", "utf-8")
    status, text = run("eval", "compare", "worse.jsonl", "first.jsonl")
    assert status == 1
    assert "failed: citation validity, all" in text

    (place / "evals" / "forums" / "harbour.yaml").write_text(SET.replace("opens on 12 May", "opens on 13 May"), "utf-8")
    status, text = run("eval", "check")
    assert status == 1
    assert "harbour-opening: its span stands 0 times" in text
