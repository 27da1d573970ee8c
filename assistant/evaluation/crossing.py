"""Search across languages, measured through the whole assistant, and the fusion weights that it is chosen by.

    python -m assistant.evaluation.crossing --data DATA [--grid] [--json OUT]
    python -m assistant.evaluation.crossing --documents FOLDER --questions FILE [--json OUT]

The first form indexes NTREX news (DATA/heldout) as documents of five lines in nine languages and asks the questions that were
written for them: pools of 240 passages of one language, and one pool of all. `--grid` chooses the weights on every
other passage and reports them on the rest. The second form indexes a folder and asks a file's questions, one JSON line each:
{"gold": "words that stand in the passage with the answer", "question": {language: text}}. It sets nothing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from assistant.evaluation.statistics import estimate
from assistant.index.generation import open_current
from assistant.pipeline import Assistant
from assistant.retrieval.search import Retriever, Weights
from assistant.schema import Filters
from assistant.settings import Settings
from assistant.training import heldout

LANGUAGES = ("en", "de", "ja", "zh", "fr", "es", "ko", "ru", "pt")
SETS = {"en de zh": ("en", "de", "zh"), "en de zh es ru": ("en", "de", "zh", "es", "ru"), "all nine": LANGUAGES}
_STEPS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_POOL = 240
_DEPTH = 10

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question in one language against one pool: the places (0-based) of right passages, best first."""

    passage: int
    language: str
    pool: str
    places: tuple[int, ...]
    other_language: bool = False


def write_corpus(data: Path, folder: Path) -> None:
    """The NTREX passages as Markdown files with a language; those asked about, and others up to 240 of each language."""
    rows = heldout.news(data)
    wanted = {question.passage for question in heldout.questions()}
    for language in LANGUAGES:
        there = heldout.passages(rows, language)
        for number in heldout.pool_of(there, wanted):
            path = folder / language / f"{number:03}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"---\nlanguage: {language}\ntitle: '{number:03}'\n---\n{there[number]}\n", "utf-8")


def opened(folder: Path, index: Path, **retrieval: Any) -> Assistant:
    """An assistant over a folder, indexed; a passage is a whole document."""
    settings = Settings(
        corpus={"paths": [folder]}, index={"path": index}, chunking={"size": 2000, "minimum": 0}, names={"glossary": index / "none.toml"}, retrieval=retrieval
    )
    assistant = Assistant.open(settings)
    assistant.ingest()
    return assistant


def ask_news(assistant: Assistant) -> list[Asked]:
    """Every question in every language, against each language's pool and against all together."""
    found = []
    for question in heldout.questions():
        for language, text in question.texts.items():
            for pool in (*LANGUAGES, "mixed"):
                filters = Filters() if pool == "mixed" else Filters(languages=(pool,))
                hits = assistant.search(text, top_k=_DEPTH, filters=filters)
                right = [place for place, hit in enumerate(hits) if _number(hit.chunk.document_id) == question.passage]
                other = any(hits[place].chunk.language != language for place in right)
                found.append(Asked(question.passage, language, pool, tuple(right), other))
    return found


def _number(document_id: str) -> int:
    return int(Path(document_id).stem)


def summary(asked: Sequence[Asked]) -> dict[str, dict[str, tuple[float, float, float]]]:
    """By set of languages: figures with 95% intervals, resampled by passage."""
    found: dict[str, dict[str, tuple[float, float, float]]] = {}
    for name, languages in SETS.items():
        own = [a for a in asked if a.pool == a.language and a.language in languages]
        across = [a for a in asked if a.pool in languages and a.language in languages and a.pool != a.language]
        mixed = [a for a in asked if a.pool == "mixed" and a.language in languages]
        found[name] = {
            "same R@1": _interval(own, lambda a: _within(a, 1)),
            "same R@5": _interval(own, lambda a: _within(a, 5)),
            "across R@1": _interval(across, lambda a: _within(a, 1)),
            "across R@5": _interval(across, lambda a: _within(a, 5)),
            "mixed: any version in the top 5": _interval(mixed, lambda a: _within(a, 5)),
            "mixed: another language's in the top 10": _interval(mixed, lambda a: a.other_language),
        }
    for language in LANGUAGES:
        mixed = [a for a in asked if a.pool == "mixed" and a.language == language]
        found[f"mixed, asked in {language}"] = {
            "any version in the top 5": _interval(mixed, lambda a: _within(a, 5)),
            "another language's in the top 10": _interval(mixed, lambda a: a.other_language),
        }
    return found


def pairs(asked: Sequence[Asked]) -> dict[str, dict[str, float]]:
    """R@5 by question language and passage language, percent."""
    return {
        language: {pool: round(100 * float(np.mean([_within(a, 5) for a in asked if (a.language, a.pool) == (language, pool)])), 1) for pool in LANGUAGES}
        for language in LANGUAGES
    }


def _within(asked: Asked, depth: int) -> bool:
    return bool(asked.places) and asked.places[0] < depth


def _interval(asked: Sequence[Asked], correct: Any) -> tuple[float, float, float]:
    """Mean with its 95% interval, percent: passages are resampled, since their questions and translations share their fate."""
    found = estimate([float(correct(one)) for one in asked], [str(one.passage) for one in asked])
    assert found is not None
    return round(100 * found.mean, 1), round(100 * found.low, 1), round(100 * found.high, 1)


# -- choosing the weights -----------------------------------------------------------------------------------------------


def grid() -> list[Triple]:
    """Weights of dense, late and lexical scores that sum to one."""
    return [(d, m, round(1 - d - m, 2)) for d, m in product(_STEPS, _STEPS) if d + m <= 1.0001]


def ask_grid(assistant: Assistant, tried: Sequence[Triple]) -> dict[Triple, list[Asked]]:
    """The questions under each weighting, from one set of scores: no reranking, grouping or reserved places."""
    found: dict[Triple, list[Asked]] = {weights: [] for weights in tried}
    retriever = Retriever(assistant.settings.retrieval, assistant.encoder)
    generation = open_current(assistant.settings.index.path)
    assert generation is not None
    with closing(generation):
        documents = {key: chunk.document_id for key, chunk in generation.chunks(generation.keys.tolist()).items()}
        for question in heldout.questions():
            for language, text in question.texts.items():
                for pool in (*LANGUAGES, "mixed"):
                    scored = retriever.scored(generation, text, Filters() if pool == "mixed" else Filters(languages=(pool,)))
                    names = [documents[key] for key in scored.keys]
                    right = np.array([_number(name) == question.passage for name in names])
                    foreign = np.array([Path(name).parent.name != language for name in names])
                    for weights in tried:
                        order = scored.ranked(Weights(*weights))[0][:_DEPTH]
                        places = tuple(np.flatnonzero(right[order]).tolist())
                        found[weights].append(Asked(question.passage, language, pool, places, bool((right & foreign)[order].any())))
    return found


def worth(asked: Sequence[Asked]) -> float:
    """What a weighting is chosen by: the mean of R@1 and R@5, within a language and across, and of the mixed pool's figures."""
    own = [a for a in asked if a.pool == a.language]
    across = [a for a in asked if a.pool not in (a.language, "mixed")]
    mixed = [a for a in asked if a.pool == "mixed"]
    values = [np.mean([_within(a, depth) for a in group]) for group in (own, across) for depth in (1, 5)]
    values += [np.mean([_within(a, 5) for a in mixed]), np.mean([a.other_language for a in mixed])]
    return float(np.mean(values))


# -- a folder of one's own ----------------------------------------------------------------------------------------------


def ask_folder(assistant: Assistant, questions: Path) -> dict[str, float]:
    """By question language: how often a passage that holds the gold words is in the top 5, percent."""
    correct: dict[str, list[bool]] = {}
    for entry in _entries(questions):
        for language, text in entry["question"].items():
            hits = assistant.search(text, top_k=5)
            documents = [(assistant.document(hit.chunk.document_id), hit.chunk) for hit in hits]
            correct.setdefault(language, []).append(any(entry["gold"] in d.text[c.start : c.end] for d, c in documents))
    shares = {language: round(100 * float(np.mean(values)), 1) for language, values in correct.items()}
    return {**shares, "all": round(100 * float(np.mean([v for values in correct.values() for v in values])), 1)}


def _entries(file: Path) -> Iterator[Mapping[str, Any]]:
    for line in file.read_text("utf-8").splitlines():
        yield json.loads(line)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m assistant.evaluation.crossing", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--documents", type=Path)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--json", type=Path, dest="out")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report = _folder(options, folder) if options.documents else _news(options, folder)
    text = json.dumps(report, ensure_ascii=False, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", "utf-8")


def _folder(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    settings = Settings(corpus={"paths": [options.documents]}, index={"path": folder / "index"}, names={"glossary": folder / "none.toml"})
    with Assistant.open(settings) as assistant:
        assistant.ingest()
        return {"answer in the top 5": ask_folder(assistant, options.questions)}


def _news(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    write_corpus(options.data, folder / "news")
    report: dict[str, Any] = {}
    with opened(folder / "news", folder / "index") as assistant:
        if options.grid:
            tried = ask_grid(assistant, grid())
            choosing = {question.passage for question in heldout.questions()[::2]}
            worths = {weights: worth([a for a in asked if a.passage in choosing]) for weights, asked in tried.items()}
            chosen = max(worths, key=lambda weights: worths[weights])
            rest = {weights: [a for a in asked if a.passage not in choosing] for weights, asked in tried.items()}
            report["weights (dense, late, lexical) chosen on every other passage"] = chosen
            report["on the rest"] = {
                label: summary(rest[weights])["all nine"]
                for label, weights in {
                    "chosen": chosen, "dense alone": (1.0, 0.0, 0.0), "late alone": (0.0, 1.0, 0.0), "lexical alone": (0.0, 0.0, 1.0),
                    "dense and late": (0.5, 0.5, 0.0), "dense and lexical, evenly": (0.5, 0.0, 0.5),
                }.items()
            }  # fmt: skip
            report["best where chosen"] = [(weights, round(100 * worths[weights], 2)) for weights in sorted(worths, key=lambda w: -worths[w])[:8]]
        asked = ask_news(assistant)
        report["search"] = summary(asked)
        report["R@5 by question and passage language"] = pairs(asked)
    return report


if __name__ == "__main__":
    main()
