"""Question sets: what is asked, in which languages, where the answer stands, and what it must contain.

A set is a folder under `evals/` with one YAML file per subject; `forums` holds questions, `conflicts` questions to which documents
give different answers, `conversations` dialogues, `overviews` questions that the catalogue answers. Gold is a span of a document's text, written out, so that new passage boundaries
void no label. It knows files and documents' texts; nothing of answers.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from assistant.errors import EvaluationError
from assistant.evaluation import reviews
from assistant.evaluation.nuggets import Nugget
from assistant.language.dates import days_named

KINDS = ("fact", "number", "date", "list", "who", "definition", "comparison", "unanswerable-near", "unanswerable-far")
LANGUAGES = ("en", "de", "ja", "zh", "fr", "es", "ko")
FORMS = ("forums", "conflicts", "conversations", "overviews")
OVERVIEWS = ("overview", "editions", "next", "latest", "apart")
"""Kinds of question for the catalogue; `apart` are such as only look like one."""
_TEST = 0.5  # share of the clusters
_TODAY = "2025-06-01"

Split = Literal["dev", "test"]
Passage = tuple[str, int, str]
"""Document, where the passage begins in it, and its text."""


@dataclass(frozen=True, slots=True)
class Gold:
    """`quote` stands once in the document, whose path is the one within the corpus folder."""

    document: str
    quote: str


@dataclass(frozen=True, slots=True)
class Value:
    """One of the answers that documents disagree on: where it stands, what it is, and the date of its source ("" if none)."""

    gold: Gold
    nugget: Nugget
    date: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One question in its languages. Without gold it has no answer in the corpus; `near` are the documents close to it.

    `history` are the questions asked before it in the same conversation. `cluster` is shared by all that shares documents.
    Of an overview `things` are the subjects to be listed, `dates` those to be shown (ISO), `today` the day it is asked on.
    """

    id: str
    subject: str
    kind: str
    ask: Mapping[str, str]
    gold: tuple[Gold, ...] = ()
    nuggets: tuple[Nugget, ...] = ()
    near: tuple[str, ...] = ()
    reviewed: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()
    history: tuple[str, ...] = ()
    full: str = ""
    things: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    today: str = ""
    cluster: str = ""
    split: Split = "dev"

    @property
    def answerable(self) -> bool:
        return bool(self.gold)

    @property
    def documents(self) -> frozenset[str]:
        """Every document that the item names."""
        return frozenset((*(gold.document for gold in self.gold), *self.near))


def load(folder: Path) -> list[Item]:
    """The items of one set, with clusters and splits as all sets beside it give them. Raises EvaluationError."""
    if not folder.is_dir():
        raise EvaluationError(f"there is no question set {folder}", fix=f"sets are folders such as evals/{FORMS[0]}")
    read = {name: list(_items(folder.parent / name, name)) for name in FORMS if (folder.parent / name).is_dir()}
    if folder.name not in read:
        read[folder.name] = list(_items(folder, "forums"))
    clusters = _clusters([item for items in read.values() for item in items])
    held = reviews.read(folder.parent / reviews.FILE)
    return [
        replace(
            item, cluster=(own := clusters[item.subject]), split=split_of(own),
            reviewed=tuple(dict.fromkeys((*item.reviewed, *reviews.reviewed(held, folder.name, item.id, item.ask)))),
        )
        for item in read[folder.name]
    ]  # fmt: skip


def split_of(cluster: str) -> Split:
    """Half of the clusters tune, half test, by a hash of their names."""
    return "test" if hashlib.blake2b(cluster.encode(), digest_size=4).digest()[0] < 256 * _TEST else "dev"


def _clusters(items: Iterable[Item]) -> dict[str, str]:
    """Subject -> cluster: subjects that share a document belong together; a cluster is named for its first subject."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for item in items:
        # Questions are filed under the subject whose documents they are about.
        for document in (*item.documents, *(value.gold.document for value in item.values)):
            one, other = root(item.subject), root(subject_of(document))
            parent[max(one, other)] = min(one, other)
        root(item.subject)
    return {name: root(name) for name in list(parent)}


def subject_of(document: str) -> str:
    """The name under which a document's questions are filed: `forums/x.de.md` -> `x`."""
    return re.sub(r"(\.[a-z]{2})?\.[a-z]+$", "", document.rsplit("/", 1)[-1])


# -- reading ------------------------------------------------------------------------------------------------------------


def _items(folder: Path, form: str) -> Iterator[Item]:
    for file in sorted(folder.glob("*.yaml")):
        try:
            entries = yaml.safe_load(file.read_text("utf-8")) or []
        except yaml.YAMLError as error:
            raise EvaluationError(f"{file} is no YAML ({' '.join(str(error).split())})", fix="mend that line") from error
        for number, entry in enumerate(entries, 1):
            try:
                yield from read_entry(entry, file.stem, form)
            except (KeyError, TypeError, ValueError) as error:
                where = entry.get("id", number) if isinstance(entry, dict) else number
                raise EvaluationError(f"{file}, entry {where}: {type(error).__name__} {error}", fix="evals/README.md says what an entry holds") from error


def read_entry(entry: Any, subject: str, form: str) -> Iterator[Item]:
    """The items of one entry of a file. Raises KeyError, TypeError or ValueError for what it lacks."""
    if form == "conversations":
        history: tuple[str, ...] = ()
        for number, turn in enumerate(entry["turns"], 1):
            yield Item(
                f"{entry['id']}/{number}", subject, "follow-up" if history else "opening", {entry["language"]: turn["ask"]}, _golds(turn["gold"]),
                _nuggets(turn["nuggets"]), history=history, full=turn["full"],
            )  # fmt: skip
            history = (*history, turn["ask"])
    elif form == "conflicts":
        values = tuple(Value(Gold(v["document"], v["span"]), Nugget.read(v["nugget"]), str(v.get("date") or "")) for v in entry["values"])
        yield Item(entry["id"], subject, "conflict", entry["ask"], tuple(v.gold for v in values), tuple(v.nugget for v in values), values=values)
    elif form == "overviews":
        # Each is about other documents: a cluster of its own.
        yield Item(
            entry["id"], entry["id"], entry["kind"], entry["ask"], things=tuple(entry["things"]), dates=tuple(entry.get("dates") or ()),
            today=str(entry.get("today") or _TODAY),
        )  # fmt: skip
    else:
        yield Item(
            entry["id"], subject, entry["kind"], entry["ask"], _golds(entry.get("gold") or []), _nuggets(entry.get("nuggets") or []),
            tuple(entry.get("near") or ()), tuple(entry.get("reviewed") or ()),
        )  # fmt: skip


def _golds(entries: Sequence[Mapping[str, str]]) -> tuple[Gold, ...]:
    return tuple(Gold(entry["document"], entry["span"]) for entry in entries)


def _nuggets(entries: Sequence[Mapping[str, Any]]) -> tuple[Nugget, ...]:
    return tuple(map(Nugget.read, entries))


# -- proving ------------------------------------------------------------------------------------------------------------


def find(quote: str, text: str) -> list[tuple[int, int]]:
    """Where a quote stands in a text; white space is one with other white space."""
    words = [re.escape(word) for word in unicodedata.normalize("NFC", quote).split()]
    return [match.span() for match in re.finditer(r"\s+".join(words), text)] if words else []


def problems(items: Sequence[Item], text_of: Callable[[str], str | None], paths: Iterable[str] = ()) -> list[str]:
    """What is wrong with the items, each with its id; empty when every span and nugget is proven.

    `text_of` gives a document's text by its path within the corpus, None when there is no such document; `paths` are all of them.
    """
    subjects: dict[str, list[str]] = {}
    for path in paths:
        subjects.setdefault(subject_of(path), []).append(path)
    found: list[str] = []
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            found.append(f"{item.id}: the id is used twice")
        seen.add(item.id)
        found += [f"{item.id}: {what}" for what in (_unlisted(item, text_of, subjects) if item.kind in OVERVIEWS else _wrong(item, text_of))]
    return found


def _unlisted(item: Item, text_of: Callable[[str], str | None], subjects: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if set(item.ask) != set(LANGUAGES):
        yield f"it is asked in {', '.join(sorted(item.ask))}, not in {', '.join(LANGUAGES)}"
    if (item.kind == "apart") == bool(item.things):
        yield "it names things, or none, against its kind"
    yield from (f"there is no document about {thing}" for thing in item.things if thing not in subjects)
    held = [text_of(path) or "" for thing in item.things for path in subjects.get(thing, ())]
    for date in item.dates:
        if not any(shows(date, text) for text in held):
            yield f"no document of it says {date}"


def shows(date: str, text: str) -> bool:
    """True when a text names the day, month or year, with its year or as the further end of a period."""
    return any(day.iso.startswith(date) or (day.iso.startswith("--") and day.iso[2:] == date[5:]) for day in days_named(text))


def _wrong(item: Item, text_of: Callable[[str], str | None]) -> Iterator[str]:
    if item.kind not in (*KINDS, "conflict", "follow-up", "opening"):
        yield f"there is no kind {item.kind}"
    if not item.history and item.kind != "opening" and set(item.ask) != set(LANGUAGES):
        yield f"it is asked in {', '.join(sorted(item.ask))}, not in {', '.join(LANGUAGES)}"
    if item.kind.startswith("unanswerable") == item.answerable:
        yield "an unanswerable question has gold" if item.answerable else "an answerable question has no gold"
    if item.kind == "unanswerable-near" and not item.near:
        yield "a near miss names the documents that are near"
    if item.answerable and not any(nugget.vital for nugget in item.nuggets):
        yield "no nugget is vital"
    yield from (f"there is no document {name}" for name in sorted(item.documents) if text_of(name) is None)
    # A conflict's values stand in one document each; elsewhere every gold span states every nugget.
    pairs: list[tuple[Gold, tuple[Nugget, ...]]] = [(v.gold, (v.nugget,)) for v in item.values] or [(gold, item.nuggets) for gold in item.gold]
    for gold, nuggets in pairs:
        text = text_of(gold.document)
        if text is None:
            continue
        if (times := len(find(gold.quote, text))) != 1:
            yield f"its span stands {times} times in {gold.document}: {gold.quote[:60]}"
        language = language_of(gold.document)
        yield from (f"{nugget} is not in its span of {gold.document}" for nugget in nuggets if not nugget.matches(gold.quote, language))


def unlabelled(items: Sequence[Item], passages: Iterable[Passage], text_of: Callable[[str], str | None]) -> list[str]:
    """Passages that hold no gold of an item and match all its vital nuggets: perhaps gold that is missing, for a person to look at.

    One number or word alone stands in many places: an item with a single vital nugget is held only against its own subject's
    documents and those that it names.
    """
    rows = list(passages)
    found = []
    for item in items:
        vital = [nugget for nugget in item.nuggets if nugget.vital]
        if not vital or item.values:
            continue
        spans = {(gold.document, span) for gold in item.gold for span in find(gold.quote, text_of(gold.document) or "")}
        for document, start, text in rows:
            if len(vital) < 2 and document not in item.documents and subject_of(document) != item.subject:
                continue
            if any(name == document and first < start + len(text) and start < last for name, (first, last) in spans):
                continue
            if all(nugget.matches(text, language_of(document)) for nugget in vital):
                found.append(f"{item.id}: a passage of {document} matches all vital nuggets and holds no gold: {' '.join(text.split())[:80]}")
    return found


def language_of(document: str) -> str:
    """The language in a corpus file's name: `forums/x.de.md` -> `de`; "" if none."""
    match = re.search(r"\.([a-z]{2})\.[a-z]+$", document)
    return match[1] if match else ""
