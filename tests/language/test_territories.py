"""Countries and continents by name."""

from __future__ import annotations

import pytest

from assistant.language.lexical import fold
from assistant.language.packs import codes
from assistant.language.territories import find_territories, lies_in, territory_name


def found(text: str, language: str) -> list[str]:
    return [territory.code for territory in find_territories(fold(text), language)]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Which forums are there in the Netherlands or the USA?", "en", ["NL", "US"]),
        ("Welche Cluster gibt es in den Niederlanden?", "de", ["NL"]),
        ("Japans Plattformen", "de", ["JP"]),
        ("Quels pôles y a-t-il en Corée du Sud ?", "fr", ["KR"]),
        ("¿Qué plataformas hay en Japón?", "es", ["JP"]),
        ("日本にはどんなフォーラムがありますか", "ja", ["JP"]),
        ("中国有哪些论坛", "zh", ["CN"]),
        ("한국에는 어떤 포럼이 있나요", "ko", ["KR"]),
        ("Conferences in Europe", "en", ["150"]),
        ("Port Island in Kobe", "en", []),
        ("a chadian malice", "en", []),
    ],
)
def test_countries_are_found_in_the_question_s_language(text: str, language: str, expected: list[str]) -> None:
    assert found(text, language) == expected


@pytest.mark.parametrize("language", codes())
def test_every_language_names_countries_and_finds_its_own_names(language: str) -> None:
    for code in ("DE", "JP", "CN", "FR", "BR", "150"):
        name = territory_name(code, language)
        assert name != code
        assert found(name, language) == [code]


def test_what_belongs_to_a_country_lies_in_it() -> None:
    assert lies_in("HK", "CN")
    assert lies_in("HK", "142")
    assert not lies_in("CN", "HK")
    assert territory_name("ZZ9", "de") == "ZZ9"
