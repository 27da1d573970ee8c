"""Drafts of questions: from feedback or from a person's command, in a set's own form, completed by hand, then taken into the set.

They lie in `evals/drafts/`, one YAML file a set; an entry says in `note` where it comes from. It knows files and items; how a question
is asked or scored is decided elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from assistant.errors import EvaluationError
from assistant.evaluation.sets import KINDS, LANGUAGES, Item, load, problems, read_entry, subject_of
from assistant.feedback import Feedback
from assistant.files import write_whole

FOLDER = "drafts"
_NOT_IN_A_SET = ("note", "subject")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the drafts: ids taken into the set, and what others lack."""

    ids: tuple[str, ...]
    lacking: Mapping[str, tuple[str, ...]]


def path_of(evals: Path, set_name: str) -> Path:
    return evals / FOLDER / f"{set_name}.yaml"


def draft(
    question: str, language: str, kind: str, *, gold: Sequence[tuple[str, str]] = (), nuggets: Sequence[Mapping[str, Any]] = (), near: Sequence[str] = (),
    subject: str = "", identity: str = "", note: str = "",
) -> dict[str, Any]:
    """An entry to be completed. Raises EvaluationError."""  # fmt: skip
    if kind not in KINDS:
        raise EvaluationError(f"there is no kind {kind!r}", fix=f"it is one of {', '.join(KINDS)}")
    if language not in LANGUAGES:
        raise EvaluationError(f"sets are not asked in {language!r}", fix=f"it is one of {', '.join(LANGUAGES)}")
    named = [document for document, _ in gold] or list(near)
    subject = subject or (subject_of(named[0]) if named else "open")
    made: dict[str, Any] = {
        "id": identity or f"{subject}-{_slug(question)}", "subject": subject, "kind": kind, "ask": {one: question if one == language else "" for one in LANGUAGES},
        "reviewed": [], "gold": [{"document": document, "span": span} for document, span in gold], "nuggets": [dict(nugget) for nugget in nuggets],
    }  # fmt: skip
    return made | ({"near": list(near)} if near else {}) | ({"note": note} if note else {})


def from_feedback(words: Iterable[Feedback], text_of: Callable[[str], str | None], path_within: Callable[[str], str]) -> list[dict[str, Any]]:
    """A draft of every word whose question is in a set's language.

    What an answer that was praised cited becomes gold; of one that was criticised the cited documents are named in the note.
    """
    found = []
    for word in words:
        if word.language not in LANGUAGES:
            continue
        spans = [(path_within(span.document_id), span.start, span.end) for span in word.citations]
        gold = [(name, text[start:end]) for name, start, end in spans if (text := text_of(name))] if word.rating == "up" else []
        said = ", ".join(filter(None, (word.rating, word.reason, word.mode, *dict.fromkeys(name for name, _, _ in spans))))
        note = f"feedback of {word.given[:10]} ({word.channel}): {said}" + (f": {word.comment}" if word.comment else "")
        found.append(draft(word.question, word.language, "fact", gold=gold, identity=f"feedback-{word.id}", note=note))
    return found


def read(path: Path) -> list[dict[str, Any]]:
    """Raises EvaluationError."""
    if not path.is_file():
        return []
    try:
        entries = yaml.safe_load(path.read_text("utf-8")) or []
    except yaml.YAMLError as error:
        raise EvaluationError(f"{path} is no YAML ({' '.join(str(error).split())})", fix="mend that line") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and entry.get("id") for entry in entries):
        raise EvaluationError(f"{path} holds something that is no draft", fix="each entry has an id; evals/README.md says what else it holds")
    return entries


def add(path: Path, entries: Sequence[dict[str, Any]], taken: Iterable[str] = ()) -> int:
    """Append the drafts that the file does not hold and that are not `taken` (ids); how many."""
    known = {str(entry["id"]) for entry in read(path)} | set(taken)
    new = [entry for entry in entries if entry["id"] not in known]
    if new:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(_yaml(new))
    return len(new)


def take(evals: Path, set_name: str, text_of: Callable[[str], str | None]) -> Taken:
    """Move every complete draft into the set's file of its subject. What lacks something stays, and it is told what."""
    path = path_of(evals, set_name)
    entries = read(path)
    held = load(evals / set_name)
    ids: list[str] = []
    lacking: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        wrong = _lacks(entry, held, text_of)
        if wrong:
            lacking[str(entry["id"])] = tuple(wrong)
            continue
        clean = {name: value for name, value in entry.items() if name not in _NOT_IN_A_SET}
        with (evals / set_name / f"{entry['subject']}.yaml").open("a", encoding="utf-8") as file:
            file.write(_yaml([clean]))
        ids.append(str(entry["id"]))
        # Each at once: a draft that is in both files is told as used twice, one that is in none would be lost.
        rest = [other for other in read(path) if other["id"] != entry["id"]]
        write_whole(path, _yaml(rest).encode() if rest else b"")
    return Taken(tuple(ids), lacking)


def _lacks(entry: Mapping[str, Any], held: Sequence[Item], text_of: Callable[[str], str | None]) -> list[str]:
    subject = str(entry.get("subject") or "")
    if not re.fullmatch(r"[a-z0-9-]+", subject) or subject == "open":
        return ["a subject: the name of the document that it is about, without language and ending"]
    asked = entry.get("ask") or {}
    lacks = [f"the question in {language}" for language in LANGUAGES if not str(asked.get(language) or "").strip()]
    try:
        (item,) = read_entry({name: value for name, value in entry.items() if name not in _NOT_IN_A_SET}, subject, "forums")
    except (KeyError, TypeError, ValueError) as error:
        return [*lacks, f"{type(error).__name__} {error}"]
    return lacks or [what.removeprefix(f"{item.id}: ") for what in problems([*(other for other in held if other.id == item.id), item], text_of)]


def _slug(question: str) -> str:
    plain = unicodedata.normalize("NFKD", question.casefold()).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain)[:6]
    return "-".join(words) or "question"


def _yaml(entries: Sequence[Mapping[str, Any]]) -> str:
    return yaml.safe_dump([dict(entry) for entry in entries], allow_unicode=True, sort_keys=False, width=1000)
