"""Countries and continents by their names in every language that has a pack; the names are those of Unicode's CLDR, through Babel.

It knows names and codes (ISO 3166, UN M49); which document stands for a country is not its business.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import ahocorasick_rs
from babel import Locale, UnknownLocaleError

from assistant.language.lexical import fold
from assistant.language.packs import FALLBACK
from assistant.language.scripts import is_unspaced

# Short names that CLDR keeps as variants, or not at all.
_ALSO = {
    "US": ("USA", "U.S.", "U.S.A.", "United States of America", "Vereinigten Staaten", "アメリカ", "米国", "美国", "미국"), "GB": ("UK", "U.K.", "Great Britain", "England", "英国", "イギリス", "영국"),
    "KR": ("Korea", "Südkorea", "Corea", "Corée", "韓国", "韩国", "한국"), "CN": ("PRC", "Volksrepublik China", "VR China"), "HK": ("Hong Kong", "Hongkong", "香港", "홍콩"), "CZ": ("Czech Republic",),
    "NL": ("Niederlanden", "Holland"), "CH": ("Swiss",), "TW": ("臺灣",), "AE": ("UAE", "VAE"),
}  # fmt: skip
_WITHIN = {"HK": "CN", "MO": "CN"}
# UN M49, with the codes of the continents.
_CONTINENTS = {
    "150": "AD AL AT BA BE BG BY CH CZ DE DK EE ES EU FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SK SM UA VA XK",
    "142": "AE AF AM AZ BD BH BN BT CN CY GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE",
    "002": "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ NA NE NG RW SC SD SL SN SO SS ST SZ TD TG TN TZ UG ZA ZM ZW",
    "019": "AG AR BB BO BR BS BZ CA CL CO CR CU DM DO EC GD GT GY HN HT JM KN LC MX NI PA PE PR PY SR SV TT US UY VC VE",
    "009": "AU FJ FM KI MH NR NZ PG PW SB TO TV VU WS",
}  # fmt: skip
_CONTINENT_OF = {country: continent for continent, countries in _CONTINENTS.items() for country in countries.split()}
_SHORTEST_INFLECTED = 5
_LONGEST_ENDING = 3


@dataclass(frozen=True, slots=True)
class FoundTerritory:
    """`text[start:end]` of a folded text names the country or continent `code`."""

    code: str
    start: int
    end: int


@cache
def _names(language: str) -> dict[str, str]:
    """Folded name -> code, in the language and in English."""
    found: dict[str, str] = {}
    for spoken in (language, FALLBACK):
        with suppress(UnknownLocaleError, ValueError):
            for code, name in Locale.parse(spoken).territories.items():
                if (code.isalpha() and len(code) == 2) or code in _CONTINENTS:
                    found.setdefault(fold(str(name)), code)
    for code, names in _ALSO.items():
        found.update((fold(name), code) for name in names)
    # A script without spaces gives no bounds: a name of one character would be found everywhere.
    return {name: code for name, code in found.items() if len(name) > 1}


@cache
def _patterns(language: str) -> tuple[list[str], ahocorasick_rs.AhoCorasick]:
    names = list(_names(language))
    return names, ahocorasick_rs.AhoCorasick(names)


def find_territories(folded: str, language: str) -> list[FoundTerritory]:
    """The countries and continents that a folded text of a language names, in order, the longest name first.

    An inflected name (Japans) is one.
    """
    names, automaton = _patterns(language)
    hits = [(a, b, names[p]) for p, a, b in automaton.find_matches_as_indexes(folded, overlapping=True)]
    found: list[FoundTerritory] = []
    for start, end, name in sorted(hits, key=lambda hit: (hit[0] - hit[1], hit[0])):
        last = _word_end(folded, start, end)
        if last and all(last <= other.start or other.end <= start for other in found):
            found.append(FoundTerritory(_names(language)[name], start, last))
    return sorted(found, key=lambda item: item.start)


def _word_end(text: str, start: int, end: int) -> int:
    """Where the word ends that the match begins; 0 where it is part of another word."""
    if is_unspaced(text[start]):
        return end
    if start and text[start - 1].isalnum():
        return 0
    last = end
    while last < len(text) and text[last].isalnum() and not is_unspaced(text[last]):
        last += 1
    inflected = end - start >= _SHORTEST_INFLECTED and last - end <= _LONGEST_ENDING
    return last if last == end or inflected else 0


def lies_in(country: str, territory: str) -> bool:
    """True when the country is the territory, belongs to it, or lies on that continent.

    >>> lies_in("HK", "CN"), lies_in("FR", "150"), lies_in("FR", "142")
    (True, True, False)
    """
    return territory in (country, _WITHIN.get(country), _CONTINENT_OF.get(country))


def territory_name(code: str, language: str) -> str:
    """The territory as the language names it; its code failing that."""
    try:
        return str(Locale.parse(language).territories.get(code, code))
    except (UnknownLocaleError, ValueError):
        return code
