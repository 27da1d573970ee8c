"""Which script a character belongs to, as far as searching needs to know.

It knows code point ranges and nothing of languages.
"""

from __future__ import annotations

import re
from collections import Counter

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
HIRAGANA = "\u3040-\u309f"
KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # without the middle dot
HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
THAI = "\u0e01-\u0e3a\u0e40-\u0e4e"
OTHER_UNSPACED = "\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u1780-\u17d3\u17d7\u17dc\u17dd"  # Lao, Burmese, Khmer
LATIN = "a-zA-Z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\u0300-\u036f"
CYRILLIC = "\u0400-\u052f"
# Without the Arabic comma, semicolon, question mark and full stop.
ARABIC = "\u0610-\u061a\u0620-\u065f\u066e-\u06d3\u06d5-\u06dc\u06df-\u06ef\u06fa-\u06ff\u0750-\u077f\u08a0-\u08ff"
GREEK = "\u0370-\u037d\u037f-\u0386\u0388-\u03ff\u1f00-\u1fff"
HEBREW = "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7-\u05f2"
# Their vowel signs are no letters to Python's \\w, so a word needs the whole range.
DEVANAGARI = "\u0900-\u0963\u0971-\u097f"
INDIC = "\u0980-\u09e3\u09f0-\u09f1\u0a00-\u0a65\u0a70-\u0a75\u0a80-\u0ae3\u0af9-\u0b65\u0b71\u0b80-\u0be3\u0c00-\u0c65\u0c80-\u0ce5\u0d00-\u0d65\u0d7a-\u0de5"

# Scripts that put no spaces between words (Hangul spaces phrases, not words).
UNSPACED = {"Han": HAN, "Hiragana": HIRAGANA, "Katakana": KATAKANA, "Hangul": HANGUL, "Thai": THAI, "Other": OTHER_UNSPACED}
SPACED = {"Latin": LATIN, "Cyrillic": CYRILLIC, "Arabic": ARABIC, "Greek": GREEK, "Hebrew": HEBREW, "Devanagari": DEVANAGARI, "Indic": INDIC}

_RUNS = re.compile("|".join(f"(?P<{name}>[{chars}]+)" for name, chars in {**UNSPACED, **SPACED}.items()))
_UNSPACED = re.compile("[" + "".join(UNSPACED.values()) + "]")


def count_scripts(text: str) -> Counter[str]:
    """Characters of each script in the text, by script name; digits and marks are not counted."""
    counts: Counter[str] = Counter()
    for match in _RUNS.finditer(text):
        counts[match.lastgroup or ""] += match.end() - match.start()
    return counts


def script_of(character: str) -> str:
    """The script of one character; empty for digits, marks, and scripts not listed here."""
    match = _RUNS.match(character)
    return match.lastgroup or "" if match else ""


def is_unspaced(character: str) -> bool:
    """True for characters of scripts that put no spaces between words."""
    return bool(_UNSPACED.match(character))
