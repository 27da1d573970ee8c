"""Which script a character belongs to, as far as searching needs to know.

It knows code point ranges and nothing of languages.
"""

from __future__ import annotations

import re
from collections import Counter

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
HIRAGANA = "\u3040-\u309f"
KATAKANA = "\u30a0-\u30ff\u31f0-\u31ff"
HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
THAI = "\u0e00-\u0e7f"
OTHER_UNSPACED = "\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"  # Lao, Burmese, Khmer
LATIN = "a-zA-Z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\u0300-\u036f"
CYRILLIC = "\u0400-\u052f"
ARABIC = "\u0600-\u065f\u066e-\u06ef\u06fa-\u06ff\u0750-\u077f\u08a0-\u08ff"
GREEK = "\u0370-\u03ff\u1f00-\u1fff"
HEBREW = "\u0590-\u05ff"

# Scripts that put no spaces between words (Hangul spaces phrases, not words).
UNSPACED = {"Han": HAN, "Hiragana": HIRAGANA, "Katakana": KATAKANA, "Hangul": HANGUL, "Thai": THAI, "Other": OTHER_UNSPACED}
SPACED = {"Latin": LATIN, "Cyrillic": CYRILLIC, "Arabic": ARABIC, "Greek": GREEK, "Hebrew": HEBREW}

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
