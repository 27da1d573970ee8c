"""Language packs: everything that belongs to one language, in one TOML file per language.

It knows how a pack looks and how to load one; what the words are used for is other modules' business.
A key that a pack lacks falls back to English for texts and to nothing for word lists.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from assistant.errors import SettingsError

FOLDER = Path(__file__).parent / "packs"
FALLBACK = "en"

QUESTION_KINDS = ("date", "number", "who", "place", "list", "definition", "reason")


@dataclass(frozen=True, slots=True)
class Pack:
    """One language. `questions` maps a kind of question to the phrases that ask for it; `talk` a kind of small talk to what is said so, and
    `said` to the reply; `kinds` a kind of thing to its names, the first of which is shown, `listing` holds
    what asks for all of a kind and `beside` what such a question may say besides; `time` a time that depends on today to its words.
    """

    code: str
    name: str
    direction: str
    scripts: tuple[str, ...]
    detection_words: frozenset[str]
    detection_letters: frozenset[str]
    sentence_ends: tuple[str, ...]
    abbreviations: frozenset[str]
    final_abbreviations: frozenset[str]
    ordinal_dot: bool
    months: tuple[tuple[str, ...], ...]
    day_format: str
    month_format: str
    month_names: tuple[str, ...]
    ordinal_suffixes: tuple[str, ...]
    decimal: str
    group: str
    number_words: Mapping[str, int]
    multipliers: Mapping[str, int]
    more_than: tuple[str, ...]
    about: tuple[str, ...]
    questions: Mapping[str, tuple[str, ...]]
    stopwords: frozenset[str]
    light: frozenset[str]
    answers: Mapping[str, str]
    talk: Mapping[str, tuple[str, ...]]
    said: Mapping[str, str]
    kinds: Mapping[str, tuple[str, ...]]
    listing: tuple[str, ...]
    beside: tuple[str, ...]
    time: Mapping[str, tuple[str, ...]]
    follow_up: Mapping[str, tuple[str, ...]]
    interface: Mapping[str, str]
    widget: Mapping[str, str]
    console: Mapping[str, str]
    manage: Mapping[str, str]
    languages: Mapping[str, str]
    embargo: tuple[str, ...]
    immediate: tuple[str, ...]

    def language_name(self, code: str) -> str:
        """The name, in this language, of the language `code`; its own name, or the code, failing that."""
        if code in self.languages:
            return self.languages[code]
        return pack(code).name if code in codes() else code


@cache
def codes() -> tuple[str, ...]:
    """The languages that have a pack, English first."""
    found = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return (FALLBACK, *(code for code in found if code != FALLBACK))


@cache
def _read(code: str) -> dict[str, Any]:
    path = FOLDER / f"{code}.toml"
    if not path.is_file():
        raise SettingsError(f"there is no language pack for {code!r}", fix=f"one of {', '.join(codes())}")
    with path.open("rb") as file:
        return tomllib.load(file)


@cache
def pack(code: str) -> Pack:
    """The pack of a language. Raises SettingsError when there is none."""
    raw, english = _read(code), _read(FALLBACK)

    def lower(section: str, key: str) -> list[str]:
        return [str(word).casefold() for word in raw.get(section, {}).get(key, [])]

    def texts(section: str) -> dict[str, str]:
        return {**english[section], **raw.get(section, {})}

    dates, numbers = raw.get("dates", {}), raw.get("numbers", {})
    questions = raw.get("questions", {})

    def phrases(section: str) -> dict[str, tuple[str, ...]]:
        return {key: tuple(lower(section, key)) for key, value in raw.get(section, {}).items() if isinstance(value, list)}

    kinds = phrases("kinds")
    return Pack(
        code=raw.get("code", code),
        name=raw.get("name", code),
        direction=raw.get("direction", "ltr"),
        scripts=tuple(raw.get("scripts", ())),
        detection_words=frozenset(lower("detection", "words")),
        detection_letters=frozenset(raw.get("detection", {}).get("letters", "")),
        sentence_ends=tuple(raw.get("sentences", {}).get("ends", ())),
        abbreviations=frozenset(lower("sentences", "abbreviations")),
        final_abbreviations=frozenset(lower("sentences", "final")),
        ordinal_dot=bool(raw.get("sentences", {}).get("ordinal_dot", False)),
        months=tuple(tuple(form.casefold() for form in forms) for forms in dates.get("months", [])),
        day_format=dates.get("day_format", "{year}-{month:02}-{day:02}"),
        month_format=dates.get("month_format", "{year}-{month:02}"),
        month_names=tuple(dates.get("month_names", [])),
        ordinal_suffixes=tuple(dates.get("ordinal_suffixes", [])),
        decimal=numbers.get("decimal", "."),
        group=numbers.get("group", ","),
        number_words={word.lower(): value for word, value in numbers.get("words", {}).items()},
        multipliers={word.lower(): value for word, value in numbers.get("multipliers", {}).items()},
        more_than=tuple(lower("numbers", "more_than")),
        about=tuple(lower("numbers", "about")),
        questions={kind: tuple(p.casefold() for p in questions.get(kind, [])) for kind in QUESTION_KINDS},
        stopwords=frozenset(lower("stopwords", "words")),
        light=frozenset(lower("stopwords", "light")),
        answers=texts("answers"),
        talk=phrases("talk"),
        said={key.removesuffix("_said"): text for key, text in texts("talk").items() if key.endswith("_said")},
        kinds={kind: words for kind, words in kinds.items() if kind not in ("listing", "beside")},
        listing=kinds.get("listing", ()),
        beside=kinds.get("beside", ()),
        time=phrases("time"),
        follow_up=phrases("conversation"),
        interface=texts("interface"),
        widget=texts("widget"),
        console=texts("console"),
        manage=texts("manage"),
        languages=raw.get("languages", {}),
        embargo=tuple(lower("press", "embargo")),
        immediate=tuple(lower("press", "immediate")),
    )


def pack_or_english(code: str) -> Pack:
    """The pack of a language; English's where it has none."""
    return pack(code if code in codes() else FALLBACK)


def packs() -> tuple[Pack, ...]:
    """Every pack, English first."""
    return tuple(pack(code) for code in codes())


def missing(code: str) -> list[str]:
    """The keys of the English pack that the pack of `code` lacks, as "section.key"; all of them without a pack.

    Keys that may rightly be empty in a language (letters, sentence ends, ordinals) count when absent, not
    when empty.
    """
    english = _read(FALLBACK)
    raw = _read(code) if code in codes() else {}
    lacking: list[str] = []
    for key, value in english.items():
        if not isinstance(value, dict):
            if key not in raw:
                lacking.append(key)
            continue
        for inner in value:
            if key == "numbers" or key == "languages" or inner not in raw.get(key, {}):
                present = raw.get(key, {})
                if inner not in present and not (key == "languages" and inner == code):
                    lacking.append(f"{key}.{inner}")
    return lacking
