"""How well sentences are held against what they cite: labelled ones, right and altered, against `answering.claims`.

A set is a folder of JSON Lines: sentence, language, document, quote, whether the quote bears the sentence out, and if not what was altered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.answering.claims import Checker
from assistant.errors import EvaluationError
from assistant.evaluation.lines import json_lines
from assistant.schema import Document

FAULTS = ("number", "date", "name", "citation", "meaning")


@dataclass(frozen=True, slots=True)
class Claim:
    """A labelled sentence; `fault` is one of FAULTS where it is not borne out."""

    id: str
    language: str
    sentence: str
    document: str
    quote: str
    supported: bool
    fault: str = ""

    @property
    def dev(self) -> bool:
        """Odd numbers chose the thresholds, even ones judge them."""
        return int(self.id.rsplit("-", 1)[1]) % 2 == 1


@dataclass(frozen=True, slots=True)
class Judged:
    """How many of `sentences` there are, and which shares (0 to 1) of the borne out and of the others were told rightly."""

    name: str
    sentences: int
    kept: float
    caught: float

    @property
    def balanced(self) -> float:
        return (self.kept + self.caught) / 2


def read(folder: Path) -> list[Claim]:
    """Raises EvaluationError for a line that is none."""
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise EvaluationError(f"{folder} holds no labelled sentences", fix="name a folder of .jsonl files, such as evals/claims")
    found = []
    for path in files:
        for number, entry in json_lines(path, path.read_text("utf-8"), fix="mend that line"):
            try:
                found.append(Claim(**entry))
            except TypeError as error:
                raise EvaluationError(f"{path}, line {number} is no labelled sentence", fix="it needs id, language, sentence, document, quote, supported, fault") from error
    return found


def judge(claims: Sequence[Claim], checker: Checker, document: Callable[[str], Document]) -> list[Judged]:
    """Shares over dev, test and all, by language of the sentence, and (caught only) by what was altered.

    Raises EvaluationError for a quote that its document does not hold.
    """
    rows: list[tuple[Claim, bool]] = []
    for claim in claims:
        source = document(claim.document)
        if claim.quote not in source.text:
            raise EvaluationError(f"{claim.id}: the quote does not stand in {claim.document}", fix="copy it from the document's text")
        context = f"{source.title}\n{source.date}"
        rows.append((claim, checker.check(claim.sentence, claim.language, claim.quote, source.language, context).supported))
    groups: list[tuple[str, list[tuple[Claim, bool]]]] = [("dev", [r for r in rows if r[0].dev]), ("test", [r for r in rows if not r[0].dev]), ("all", rows)]
    groups += [(language, [r for r in rows if r[0].language == language]) for language in sorted({c.language for c in claims})]
    groups += [(fault, [r for r in rows if r[0].fault == fault]) for fault in FAULTS]
    return [_judged(name, members) for name, members in groups]


def _judged(name: str, rows: Sequence[tuple[Claim, bool]]) -> Judged:
    def share(values: list[bool]) -> float:
        return sum(values) / len(values) if values else float("nan")

    return Judged(name, len(rows), share([kept for claim, kept in rows if claim.supported]), share([not kept for claim, kept in rows if not claim.supported]))
