"""Sign-off by people: a spreadsheet per language goes out, verdicts come back and are kept beside the question sets.

    key | question | natural | answer | citations | verdict | comment | reviewer | do not change

A verdict holds for the very question and answer that were read: when either changes, it lapses. It knows results and files; what an
answer is worth by its nuggets is decided elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.errors import EvaluationError
from assistant.files import write_whole

if TYPE_CHECKING:
    from assistant.evaluation.runs import Result

FILE = "reviews.jsonl"
NATURAL = ("yes", "no")
VERDICTS = ("right", "partly right", "wrong")
_COLUMNS = (("key", 34), ("question", 44), ("natural", 10), ("answer", 70), ("citations", 70), ("verdict", 14), ("comment", 40), ("reviewer", 16), ("do not change", 18))
_CELL = 32_000  # characters; a workbook's cell takes 32,767
# What a workbook cannot hold (XML 1.0, section 2.2).
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Review:
    """What a person says of one question and of the answer to it. `natural` and `verdict` are "" where nothing was said."""

    key: str
    question: str
    answer: str
    natural: str = ""
    verdict: str = ""
    comment: str = ""
    reviewer: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far somebody's verdicts agree with the measured ones: share, and Cohen's kappa (1960). `unmeasured` gave no verdict."""

    who: str
    measured: int
    unmeasured: int
    agreement: float | None
    kappa: float | None


def agreement(who: str, pairs: Sequence[tuple[bool | None, bool]]) -> Agreement:
    """From pairs (their verdict, None if there is none; the measured one)."""
    held = [(own, measured) for own, measured in pairs if own is not None]
    if not held:
        return Agreement(who, 0, len(pairs), None, None)
    same = sum(own == measured for own, measured in held) / len(held)
    mine, theirs = (sum(values) / len(held) for values in zip(*held, strict=True))
    chance = mine * theirs + (1 - mine) * (1 - theirs)
    return Agreement(who, len(held), len(pairs) - len(held), same, None if chance == 1 else (same - chance) / (1 - chance))


def digest(text: str) -> str:
    """What names a text that was read."""
    return hashlib.blake2b(" ".join(text.split()).encode(), digest_size=6).hexdigest()


# -- spreadsheets -------------------------------------------------------------------------------------------------------


def export(results: Iterable[Result], folder: Path, known: Mapping[str, Review]) -> list[Path]:
    """One workbook a language in `folder`; what has been said already is filled in. Nothing is overwritten: raises EvaluationError."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.worksheet.datavalidation import DataValidation

    by_language: dict[str, list[Result]] = {}
    for result in results:
        by_language.setdefault(result.language, []).append(result)
    paths = {language: folder / f"{language}.xlsx" for language in by_language}
    if taken := [path for path in paths.values() if path.exists()]:
        raise EvaluationError(f"{taken[0]} is there already", fix="import it, then move it away, or name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for language, members in by_language.items():
        book = Workbook()
        sheet = book.active
        sheet.title = "review"
        sheet.append([name for name, _ in _COLUMNS])
        for letter, (_, width) in zip("ABCDEFGHI", _COLUMNS, strict=True):
            sheet.column_dimensions[letter].width = width
            sheet[f"{letter}1"].font = Font(bold=True)
            sheet[f"{letter}1"].fill = PatternFill("solid", fgColor="D9EFEC")
        for row, result in enumerate(members, 2):
            said = known.get(result.key)
            said = said if said is not None and (said.question, said.answer) == (digest(result.question), digest(result.text)) else Review(result.key, "", "")
            cited = "\n\n".join(f"[{c['number']}] {c['document']}\n{c['quote']}" for c in result.citations)
            stamp = f"{digest(result.question)} {digest(result.text)}"
            values = (result.key, result.question, said.natural, result.text, cited, said.verdict, said.comment, said.reviewer, stamp)
            for column, value in enumerate(values, 1):
                cell = sheet.cell(row, column)
                # Text as text: what begins with "=" would be a formula.
                cell.value, cell.data_type = _CONTROL.sub(" ", value)[:_CELL], "s"
                cell.alignment = Alignment(wrap_text=True, vertical="top")
        for letter, choices in (("C", NATURAL), ("F", VERDICTS)):
            rule = DataValidation(type="list", formula1=f'"{",".join(choices)}"', allow_blank=True)
            sheet.add_data_validation(rule)
            rule.add(f"{letter}2:{letter}{len(members) + 1}")
        sheet.freeze_panes = "C2"
        book.save(paths[language])
    return sorted(paths.values())


def read_sheet(path: Path) -> list[Review]:
    """What was said in a workbook that `export` wrote; rows without a word are left out. Raises EvaluationError, naming the cell."""
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True)
        rows = [["" if value is None else str(value).strip() for value in row] for row in book.worksheets[0].iter_rows(values_only=True)]
        book.close()
    except Exception as error:
        raise EvaluationError(f"{path} cannot be read as a workbook ({type(error).__name__})", fix="save it as .xlsx") from error
    names = [name for name, _ in _COLUMNS]
    if not rows or any(name not in rows[0] for name in names):
        raise EvaluationError(f"{path} lacks a column of {', '.join(names)}", fix="fill in a workbook that assistant eval review export wrote")
    place = {name: rows[0].index(name) for name in names}
    found = []
    for number, row in enumerate(rows[1:], 2):
        cells = {name: row[at] if at < len(row) else "" for name, at in place.items()}
        natural, verdict = cells["natural"].casefold(), cells["verdict"].casefold()
        if not cells["key"] or not (natural or verdict or cells["comment"]):
            continue
        for column, value, choices in (("natural", natural, NATURAL), ("verdict", verdict, VERDICTS)):
            if value and value not in choices:
                raise EvaluationError(f"{path}, row {number}: {column} is {value!r}", fix=f"one of {', '.join(choices)}, or nothing")
        stamp = cells["do not change"].split()
        if len(stamp) != 2:
            raise EvaluationError(f"{path}, row {number}: the last column was changed", fix="take it from a fresh export")
        found.append(Review(cells["key"], stamp[0], stamp[1], natural, verdict, cells["comment"], cells["reviewer"]))
    return found


# -- what is kept -------------------------------------------------------------------------------------------------------


def read(path: Path) -> dict[str, Review]:
    """Reviews by key; none when there is no file. Raises EvaluationError."""
    if not path.is_file():
        return {}
    names = {field.name for field in fields(Review)}
    try:
        entries: list[dict[str, Any]] = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
        if any(set(entry) - names for entry in entries):
            raise ValueError("unknown fields")
        return {entry["key"]: Review(**entry) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(f"{path} cannot be read ({error})", fix="mend that line") from error


def keep(path: Path, reviews: Iterable[Review]) -> int:
    """Write them into the file, each in place of what was said of its question before; whole or not at all. How many are new or changed."""
    held = read(path)
    new = {review.key: review for review in reviews}
    changed = sum(held.get(key) != review for key, review in new.items())
    held.update(new)
    lines = [json.dumps(asdict(review), ensure_ascii=False) + "\n" for _, review in sorted(held.items())]
    write_whole(path, "".join(lines).encode())
    return changed


def reviewed(held: Mapping[str, Review], set_name: str, item: str, ask: Mapping[str, str]) -> tuple[str, ...]:
    """The languages in which a person found the item's question natural, as it is worded now."""
    return tuple(
        language for language, question in ask.items()
        if (said := held.get(f"{set_name}/{item}/{language}")) and said.natural == "yes" and said.question == digest(question)
    )  # fmt: skip


def people(results: Sequence[Result], held: Mapping[str, Review]) -> list[Agreement]:
    """Reviewers' agreement with the measured verdicts, over the answers that they read; by language. Partly right is not right."""
    by_language: dict[str, list[tuple[bool | None, bool]]] = {}
    for result in results:
        said = held.get(result.key)
        if said is not None and said.verdict and said.answer == digest(result.text):
            by_language.setdefault(result.language, []).append((said.verdict == "right", not result.score.wrong))
    return [agreement(f"reviewers, {language}", pairs) for language, pairs in sorted(by_language.items())]
