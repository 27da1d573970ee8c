"""Known names in any script: 昌平 = Changping = チャンピン, from the documents' own front matter.

It recognises the longest name first and never inside another word. It knows nothing of search.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import ahocorasick_rs

from assistant.language.lexical import fold, fold_aligned, fold_word
from assistant.language.scripts import script_of

_SHORTEST = 2


@dataclass(frozen=True, slots=True)
class FoundName:
    """`text[start:end]` is a known name; `spellings` are all of its spellings, its own included."""

    start: int
    end: int
    spellings: tuple[str, ...]


class Names:
    """Groups of spellings, joined where they share one. Matching costs one pass, however many names there are."""

    def __init__(self, groups: Iterable[Iterable[str]]) -> None:
        owner: dict[str, int] = {}
        members: dict[int, dict[str, None]] = {}
        for number, group in enumerate(groups):
            spellings = [s for s in group if len(fold(s).strip()) >= _SHORTEST]
            forms = {form for s in spellings for form in _forms(s)}
            joined = {owner[form] for form in forms if form in owner}
            target = min(joined, default=number)
            merged = members.setdefault(target, {})
            for other in joined - {target}:
                merged.update(members.pop(other))
            merged.update(dict.fromkeys(spellings))
            owner.update((form, target) for s in merged for form in _forms(s))
        self._patterns = list(owner)
        self._spellings = [tuple(members[owner[p]]) for p in self._patterns]
        self._by_form = dict(zip(self._patterns, self._spellings, strict=True))
        self._automaton = ahocorasick_rs.AhoCorasick(self._patterns) if self._patterns else None

    def __len__(self) -> int:
        return len(self._patterns)

    def spellings_of(self, name: str) -> tuple[str, ...]:
        """All spellings of a name; empty where it is not known."""
        return next((self._by_form[form] for form in sorted(_forms(name)) if form in self._by_form), ())

    def find(self, text: str) -> list[FoundName]:
        """Names in the text, in order, without overlap; of overlapping ones the longest."""
        if self._automaton is None:
            return []
        folded, origin = fold_aligned(text)
        hits = [
            (start, end, pattern)
            for pattern, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True)
            if _stands_alone(folded, start, end)
        ]
        hits.sort(key=lambda hit: (hit[0] - hit[1], hit[0]))
        found: list[tuple[int, int, int]] = []
        for start, end, pattern in hits:
            if all(end <= a or b <= start for a, b, _ in found):
                found.append((start, end, pattern))
        return [FoundName(origin[a], max(origin[b], origin[b - 1] + 1), self._spellings[p]) for a, b, p in sorted(found)]


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def _forms(spelling: str) -> set[str]:
    """The folded forms under which a spelling is found: München also as Muenchen, Muenchen also as Munchen."""
    lowered = unicodedata.normalize("NFC", spelling).lower()
    words = " ".join(fold_word(word) for word in fold(spelling).split(" "))
    return {form for form in (fold(spelling), fold(lowered.translate(_UMLAUTS)), words) if len(form.strip()) >= _SHORTEST}


def _stands_alone(text: str, start: int, end: int) -> bool:
    """True when the match is no part of a longer word of its script."""
    return not (_continues(text, start - 1, start) or _continues(text, end - 1, end, after=True))


def _continues(text: str, left: int, right: int, *, after: bool = False) -> bool:
    if left < 0 or right >= len(text):
        return False
    before, following = text[left], text[right]
    if before.isdigit() and following.isdigit():
        return True
    script = script_of(before)
    if not script or script != script_of(following):
        return False
    # Han names stand in running text without marks; Hangul and Thai names are followed by particles.
    return not (script in ("Han", "Hiragana") or (after and script in ("Hangul", "Thai")))
