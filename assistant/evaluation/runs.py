"""A run: every question of some sets put to an assistant, the results as a file that can be compared later.

The file is JSON Lines: a header (settings, index, revision, sets), then one result a question. It is appended to as results come, so
a run that was stopped goes on where it was. It knows an assistant and items; scoring and statistics are their own modules.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import subprocess
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from assistant.answering.prompting import TASKS, prompt
from assistant.errors import DocumentNotFound, EvaluationError
from assistant.evaluation import scoring
from assistant.evaluation.lines import json_lines
from assistant.evaluation.scoring import Found, Score
from assistant.evaluation.sets import Item, language_of
from assistant.schema import Answer, Chunk, Filters, Message, Progress, as_json, silent

if TYPE_CHECKING:
    from assistant.pipeline import Assistant

DEPTH = 10  # passages searched
_FORMAT = 2


@dataclass(frozen=True, slots=True)
class Result:
    """One question as it was asked and answered, with its score."""

    key: str
    set: str
    item: str
    kind: str
    language: str
    cluster: str
    split: str
    question: str
    answerable: bool
    gold: tuple[Mapping[str, str], ...]
    reviewed: bool
    text: str
    mode: str
    citations: tuple[Mapping[str, Any], ...]
    score: Score
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    variant: str = ""
    confidence: float | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A run file's content."""

    header: Mapping[str, Any]
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to be put: an item in one of its languages.

    `variant` is `full` for a follow-up written out, `again 2` and so on for a question that is put more than once.
    """

    set: str
    item: Item
    language: str
    variant: str = ""

    @property
    def key(self) -> str:
        """What names it in a run."""
        return "/".join(filter(None, (self.set, self.item.id, self.language, self.variant)))

    @property
    def question(self) -> str:
        return self.item.full if self.variant == "full" else self.item.ask[self.language]


def asked(sets: Mapping[str, Sequence[Item]], *, split: str = "", limit: int = 0, repeat: int = 1) -> list[Asked]:
    """The questions of the sets, in order, each `repeat` times; follow-ups also written out. `limit` takes so many items, evenly spread."""
    found = []
    for name, items in sets.items():
        chosen = [item for item in items if not split or item.split == split]
        if limit and len(chosen) > limit:
            chosen = [chosen[round(place * (len(chosen) - 1) / max(1, limit - 1))] for place in range(limit)]
        for item in chosen:
            for language in item.ask:
                found.append(Asked(name, item, language))
                found += [Asked(name, item, language, f"again {time}") for time in range(2, repeat + 1)]
                if item.history:
                    found.append(Asked(name, item, language, "full"))
    return found


def execute(
    assistant: Assistant, questions: Sequence[Asked], out: Path, *, workers: int = 2, progress: Progress = silent
) -> Run:
    """Put the questions and write the run to `out`; what it holds already is not asked again.

    Raises EvaluationError when `out` holds a run of another index, or of other settings, or no run at all.
    """
    texts = Texts(assistant)
    missing = sorted({d for question in questions for d in question.item.documents if texts.text(d) is None})
    if missing:
        raise EvaluationError(f"{missing[0]} is not indexed ({len(missing)} gold documents are not)", fix="assistant ingest, with the corpus that the set is about")
    header = header_of(assistant, questions)
    done: dict[str, Result] = {}
    if out.is_file() and out.stat().st_size:
        before = read(out)
        same = ("format", "index", "settings", "questions")
        if any(before.header.get(name) != header[name] for name in same):
            raise EvaluationError(f"{out} holds a run of another index, set or settings", fix="name another file, or remove it")
        done = {result.key: result for result in before.results}
    out.parent.mkdir(parents=True, exist_ok=True)
    with _appended(out) as file, ThreadPoolExecutor(workers) as pool:
        if not done and not out.stat().st_size:
            _write(file, header)
        on = cache(assistant.on)
        for result in pool.map(lambda question: _ask(on(question.item.today) if question.item.today else assistant, question, texts), [q for q in questions if q.key not in done]):
            done[result.key] = result
            _write(file, as_json(result))
            progress("ask", len(done), len(questions))
    return Run(header, tuple(done[question.key] for question in questions))


def read(path: Path) -> Run:
    """A run from its file, compressed (`.gz`) or not; a last line that a kill cut short is left out. Raises EvaluationError."""
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise EvaluationError(f"{path} cannot be read as a run", fix="name a file that assistant eval run wrote") from error
    values = [value for _, value in json_lines(path, text, fix="name a file that assistant eval run wrote")]
    if not values or not isinstance(values[0], dict) or values[0].get("format") != _FORMAT:
        raise EvaluationError(f"{path} is no run of this version", fix="name a file that assistant eval run wrote")
    try:
        return Run(values[0], tuple(map(_result, values[1:])))
    except (KeyError, TypeError) as error:
        raise EvaluationError(f"{path} holds a result that is none ({error})", fix="run it again") from error


def _result(entry: Mapping[str, Any]) -> Result:
    found = {pool: Found(tuple(values["ranks"]), values["relevant"]) for pool, values in entry["score"]["found"].items()}
    score = {**entry["score"], "found": found, "wrong": tuple(entry["score"]["wrong"])}
    return Result(**{**entry, "gold": tuple(entry["gold"]), "citations": tuple(entry["citations"]), "score": Score(**score)})


class Texts:
    """Documents of the index, and their passages, by their path within the corpus."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._ids = {self.path(document_id): document_id for document_id in assistant.document_ids()}
        self.text = cache(self._text)
        self.passages = cache(self._passages)

    @staticmethod
    def path(document_id: str) -> str:
        """`default/corpus/forums/x.de.md` -> `forums/x.de.md`: collection and source are the installation's."""
        return document_id.split("/", 2)[-1]

    def _text(self, path: str) -> str | None:
        if path not in self._ids:
            return None
        try:
            return self._assistant.document(self._ids[path]).text
        except DocumentNotFound:
            return None

    def _passages(self, path: str) -> list[Chunk]:
        return self._assistant.passages(self._ids[path]) if path in self._ids else []

    @property
    def paths(self) -> list[str]:
        """Every document's path, in order."""
        return sorted(self._ids)


def _ask(assistant: Assistant, question: Asked, texts: Texts) -> Result:
    item = question.item
    history = [] if question.variant == "full" else [Message("user", text) for text in item.history]
    answer = assistant.ask(question.question, history, language=question.language)
    gold = scoring.locate(item, texts.text)
    found = dict(_found(assistant, question, gold, texts)) if gold and not history else {}
    scored = scoring.score(item, question.language, answer, gold, found, texts.text, texts.path)
    return Result(
        question.key, question.set, item.id, item.kind, question.language, item.cluster, item.split, question.question, item.answerable,
        tuple({"document": gold.document, "quote": gold.quote} for gold in item.gold), question.language in item.reviewed, answer.text, answer.mode, tuple(_citations(answer, texts)), scored,
        answer.timings_ms, question.variant, answer.confidence, item.subject,
    )  # fmt: skip


def _found(assistant: Assistant, question: Asked, gold: scoring.Located, texts: Texts) -> Iterator[tuple[str, Found]]:
    """Where the relevant passages come in the whole index, and among the passages of each language that gold stands in."""
    relevant = [chunk for document in gold for chunk in texts.passages(document) if scoring.relevant(chunk, document, gold)]
    pools = {"mixed": Filters(), **{language: Filters(languages=(language,)) for language in sorted({language_of(d) for d in gold})}}
    for name, filters in pools.items():
        hits = assistant.search(question.question, top_k=DEPTH, filters=filters)
        ranks = scoring.ranks([hit.chunk for hit in hits], gold, texts.path)
        yield name, Found(ranks, sum(name in ("mixed", language_of(texts.path(chunk.document_id))) for chunk in relevant))


def _citations(answer: Answer, texts: Texts) -> Iterator[dict[str, Any]]:
    for c in answer.citations:
        yield {"number": c.number, "document": texts.path(c.document_id), "language": c.language, "start": c.start, "end": c.end, "quote": c.quote}


def header_of(assistant: Assistant, questions: Sequence[Asked]) -> dict[str, Any]:
    """What a run must name so that two can be compared: settings, index, revision, questions, prompts."""
    settings = assistant.settings.model_dump(mode="json", include={"embedding", "retrieval", "answering", "chunking", "llm"})
    return {
        "format": _FORMAT,
        "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "revision": _revision(),
        "index": assistant.fingerprint(),
        "settings": settings,
        "prompts": {f"{task}.md": prompt(task, assistant.settings.answering.prompts).digest for task in TASKS},
        "sets": sorted({question.set for question in questions}),
        "questions": _digest(json.dumps([(q.key, q.question, as_json(q.item)) for q in questions], ensure_ascii=False, sort_keys=True)),
        "count": len(questions),
    }


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _revision() -> str:
    """The git revision of the package, "+" behind it when files differ from it; "" outside a checkout."""
    folder = Path(__file__).parent
    try:
        head, changed = (
            subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=10).stdout.strip()  # noqa: S607
            for arguments in (["rev-parse", "--short=12", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{head}{'+' if changed else ''}"


def _appended(path: Path) -> IO[str]:
    """The file opened behind its last whole line."""
    if path.is_file():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with path.open("r+b") as file:
                file.truncate(whole)
    return path.open("a", encoding="utf-8")


def _write(file: IO[str], value: Any) -> None:
    file.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    file.flush()
