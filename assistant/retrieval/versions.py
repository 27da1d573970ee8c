"""Passages that say the same in different languages: the reader's version first, one other beside it, the rest behind.

It knows vectors, languages and numbers; nothing of questions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.schema import Chunk

# Chosen so that of pairs of different passages less than one in a hundred is taken for versions (docs/decisions/006-encoder.md).
SAME = 0.62
_NUMBERS = re.compile(r"\d{2,}")


@dataclass(frozen=True, slots=True)
class Ordered:
    """`order`: positions in their new order; `lead`: for a version, the position of the passage that it repeats."""

    order: tuple[int, ...]
    lead: dict[int, int]


def grouped(chunks: Sequence[Chunk], vectors: NDArray[np.float32], language: str, first: int) -> Ordered:
    """Put versions together. `chunks` and `vectors` [n, d] are ranked best first.

    The first `first` places go to passages that say different things, each in the reader's language where there is such a
    version; then comes one version of each in another language, to compare with; then everything else.
    """
    close = vectors @ vectors.T >= SAME
    numbers = [set(_NUMBERS.findall(chunk.text)) for chunk in chunks]

    def versions(one: int, other: int) -> bool:
        """True when two passages may be versions of one text: other documents, other languages, and no other numbers."""
        if chunks[one].language == chunks[other].language or chunks[one].document_id == chunks[other].document_id:
            return False
        left, right = numbers[one], numbers[other]
        return not left or not right or len(left & right) * 2 >= min(len(left), len(right))

    groups: list[list[int]] = []
    for position in range(len(chunks)):
        for group in groups:
            if close[group[0], position] and all(versions(other, position) for other in group):
                group.append(position)
                break
        else:
            groups.append([position])
    leads, beside, behind = [], [], []
    lead_of: dict[int, int] = {}
    for number, group in enumerate(groups):
        own = [position for position in group if chunks[position].language == language]
        lead = own[0] if own else group[0]
        others = [position for position in group if position != lead]
        lead_of.update(dict.fromkeys(others, lead))
        if number < first:
            leads.append(lead)
            beside.extend(others[:1])
            behind.extend(others[1:])
        else:
            behind.extend([lead, *others])
    # What is behind keeps the order of its ranks: the passages themselves, not their groups, follow each other there.
    return Ordered((*leads, *beside, *sorted(behind)), lead_of)
