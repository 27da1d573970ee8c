"""Language packs: whole, consistent, and answering for what they leave out."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from assistant.errors import SettingsError
from assistant.language.packs import FALLBACK, FOLDER, QUESTION_KINDS, Pack, codes, missing, pack, packs
from assistant.language.scripts import SPACED, UNSPACED, script_of

every = pytest.mark.parametrize("item", packs(), ids=codes())


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_eleven_languages_have_packs_english_first() -> None:
    assert codes()[0] == FALLBACK
    assert set(codes()) >= {"en", "de", "ja", "zh", "fr", "es", "ko", "pt", "it", "ru", "ar"}
    assert list(codes()[1:]) == sorted(codes()[1:])
    assert [item.code for item in packs()] == list(codes())
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(codes())


def test_a_language_without_a_pack_is_an_error_that_names_those_with() -> None:
    with pytest.raises(SettingsError, match="'xx'") as caught:
        pack("xx")
    assert "en" in caught.value.fix


@every
def test_nothing_is_missing(item: Pack) -> None:
    assert missing(item.code) == []


def test_everything_is_missing_without_a_pack() -> None:
    lacking = missing("xx")
    assert {"code", "detection.words", "answers.refusal", "interface.send"} <= set(lacking)
    assert len(lacking) > 50


@every
def test_names_and_scripts(item: Pack) -> None:
    assert item.name
    assert item.direction in ("ltr", "rtl")
    assert item.scripts
    assert set(item.scripts) <= {*UNSPACED, *SPACED}
    assert any(script_of(c) in item.scripts for c in item.name)


@every
def test_words_are_folded_and_not_blank(item: Pack) -> None:
    for words in (item.detection_words, item.abbreviations, item.final_abbreviations, item.stopwords, *item.questions.values()):
        assert all(word and word == word.strip() == word.casefold() for word in words)
    assert all(len(letter) == 1 and not letter.isspace() for letter in item.detection_letters)


@every
def test_abbreviations_end_with_a_dot(item: Pack) -> None:
    # "чл.-корр." and "dott.ssa" hold a dot within.
    assert all("." in word for word in item.abbreviations | item.final_abbreviations)
    english = pack(FALLBACK)
    assert item.final_abbreviations <= item.abbreviations | english.abbreviations


@every
def test_twelve_months_no_form_twice(item: Pack) -> None:
    assert len(item.months) == len(item.month_names) == 12
    forms = [form for month in item.months for form in month]
    assert len(forms) == len(set(forms))
    assert all(name.casefold() in forms for name, forms in zip(item.month_names, item.months, strict=True))
    assert _fields(item.day_format) <= {"day", "month", "month_name", "year"}
    assert _fields(item.month_format) <= {"month", "month_name", "year"}


def test_no_month_form_means_two_months() -> None:
    meanings: dict[str, set[int]] = {}
    for item in packs():
        for number, forms in enumerate(item.months, 1):
            for form in forms:
                meanings.setdefault(form, set()).add(number)
    assert {form: numbers for form, numbers in meanings.items() if len(numbers) > 1} == {}


def test_no_multiplier_means_two_values() -> None:
    meanings: dict[str, set[int]] = {}
    for item in packs():
        for word, value in item.multipliers.items():
            meanings.setdefault(word, set()).add(value)
    assert {word: values for word, values in meanings.items() if len(values) > 1} == {}


@every
def test_numbers(item: Pack) -> None:
    assert {item.decimal, item.group} <= set("., ")
    assert item.decimal != item.group
    assert all(value >= 0 for value in item.number_words.values())
    assert all(value >= 10 for value in item.multipliers.values())
    assert set(range(13)) <= set(item.number_words.values())


@every
def test_questions_of_every_kind(item: Pack) -> None:
    assert tuple(item.questions) == QUESTION_KINDS
    assert all(item.questions[kind] for kind in QUESTION_KINDS)


@every
def test_texts_have_the_english_placeholders(item: Pack) -> None:
    english = pack(FALLBACK)
    for texts, wanted in ((item.answers, english.answers), (item.interface, english.interface)):
        assert set(texts) == set(wanted)
        for key, text in texts.items():
            assert text.strip()
            assert _fields(text) == _fields(wanted[key]), key


@every
def test_texts_are_translated(item: Pack) -> None:
    if item.code == FALLBACK:
        return
    english = pack(FALLBACK)
    same = [key for key in ("refusal", "lead_in_foreign", "untranslated", "model_failed") if item.answers[key] == english.answers[key]]
    assert same == []


@every
def test_names_of_languages(item: Pack) -> None:
    assert all(item.language_name(code) for code in codes())
    assert len({item.language_name(code) for code in codes()}) == len(codes())
    assert item.language_name("xx") == "xx"


@every
def test_press_words(item: Pack) -> None:
    assert item.embargo
    assert item.immediate
    assert not set(item.embargo) & set(item.immediate)


def test_packs_are_files_of_data_only() -> None:
    assert {path.suffix for path in Path(FOLDER).iterdir()} == {".toml"}
