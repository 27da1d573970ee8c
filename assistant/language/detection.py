"""The language of a text, short questions included.

Scripts first, then each pack's function words and letters; py3langid only where those say nothing. It knows no
language by name beyond what scripts decide.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache

from assistant.language.packs import FALLBACK, codes, pack, packs
from assistant.language.scripts import count_scripts

_WORD = re.compile(r"[^\W\d_]+")
_SCRIPT_LANGUAGES = {"Hangul": "ko", "Thai": "th", "Arabic": "ar", "Cyrillic": "ru", "Greek": "el", "Hebrew": "he", "Devanagari": "hi"}
_SAMPLE = 4000


@cache
def _voters() -> dict[str, dict[str, float]]:
    """Word -> language -> weight, for packs of spaced scripts; a word shared by n languages counts 1/n."""
    owners: dict[str, list[str]] = {}
    for item in packs():
        for word in item.detection_words:
            owners.setdefault(word, []).append(item.code)
    return {word: {code: 1 / len(found) for code in found} for word, found in owners.items()}


def _votes(sample: str) -> Counter[str]:
    votes: Counter[str] = Counter()
    lowered = sample.lower()
    voters = _voters()
    for word in _WORD.findall(lowered):
        for code, weight in voters.get(word.casefold(), {}).items():
            votes[code] += weight  # type: ignore[assignment]
    for item in packs():
        letters = sum(lowered.count(letter) for letter in item.detection_letters)
        if letters:
            votes[item.code] += min(letters, 4) * 0.5  # type: ignore[assignment]
    return votes


def _han(sample: str) -> str:
    """Chinese or Japanese, for a text in Han characters without kana: by each pack's telling words."""
    hits = {code: sum(sample.count(word) * len(word) for word in pack(code).detection_words) for code in ("zh", "ja") if code in codes()}
    return "ja" if hits.get("ja", 0) > hits.get("zh", 0) else "zh"


def detect(text: str, default: str = FALLBACK) -> str:
    """The two-letter code of the text's language; `default` where nothing tells.

    A question may hold names in another script: hiragana or Hangul decide unless Latin function words outweigh
    them, since Japanese questions hold Latin names more often than the other way round.
    """
    sample = text[:_SAMPLE]
    counts = count_scripts(sample)
    letters = sum(counts.values())
    if not letters:
        return default
    latin, votes = counts["Latin"], Counter[str]()
    if latin:
        votes = _votes(sample)
        latin_votes = {c: v for c, v in votes.items() if "Latin" in pack(c).scripts}
    else:
        latin_votes = {}
    top = max(latin_votes.values(), default=0.0)
    unspaced = counts["Han"] + counts["Hiragana"] + counts["Katakana"] + counts["Hangul"]
    if unspaced and not (top >= 2 and unspaced * 4 < latin):
        if counts["Hiragana"] + counts["Katakana"] > 0.05 * unspaced and counts["Hangul"] < counts["Hiragana"] + counts["Katakana"]:
            return "ja" if counts["Hiragana"] or not top else _latin(sample, latin_votes, default)
        if counts["Hangul"] * 2 >= unspaced:
            return "ko"
        return _han(sample)
    for script, code in _SCRIPT_LANGUAGES.items():
        if counts[script] * 2 > letters:
            return code
    if latin:
        return _latin(sample, latin_votes, default)
    script = counts.most_common(1)[0][0]
    return _SCRIPT_LANGUAGES.get(script, default)


def _latin(sample: str, votes: Mapping[str, float], default: str) -> str:
    ranked = sorted(votes.items(), key=lambda item: -item[1])
    words = len(_WORD.findall(sample))
    # In running text a language's own function words are at least one word in ten; in a question one suffices.
    if ranked and ranked[0][1] >= max(0.5, 0.06 * words) and (len(ranked) == 1 or ranked[0][1] > ranked[1][1]):
        return ranked[0][0]
    if words >= 3:
        import py3langid

        guess, _ = py3langid.classify(sample)
        if len(sample) >= 200 or guess in codes():
            return str(guess)
    return ranked[0][0] if ranked else default
