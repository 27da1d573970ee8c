"""What may be shown now: embargo, expiry, replacement, and how much of a document may be displayed.

It reads metadata and a clock; it knows nothing of ranking.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assistant.index.generation import Generation
from assistant.schema import Display


@dataclass(frozen=True, slots=True)
class Rule:
    """One document's rules; times are None where nothing is said."""

    document_id: str
    embargo_until: dt.datetime | None
    expires: dt.datetime | None
    display: Display


class Release:
    """The rules of a generation's documents."""

    def __init__(self, generation: Generation) -> None:
        rows = generation.db.execute(
            "SELECT id, metadata FROM documents WHERE metadata LIKE '%\"embargo_until\"%' OR metadata LIKE '%\"expires\"%' "
            "OR metadata LIKE '%\"replaces\"%' OR metadata LIKE '%\"display\"%'"
        )
        self._rules: dict[str, Rule] = {}
        self._replacements: list[tuple[str, tuple[str, ...]]] = []
        for document_id, text in rows:
            metadata: Mapping[str, Any] = json.loads(text)
            display = metadata.get("display", "full")
            self._rules[document_id] = Rule(
                document_id,
                _moment(metadata.get("embargo_until"), end_of_day=False),
                _moment(metadata.get("expires"), end_of_day=True),
                display if display in ("full", "excerpt", "link") else "link",
            )
            replaced = metadata.get("replaces")
            if replaced:
                ids = (replaced,) if isinstance(replaced, str) else tuple(map(str, replaced))
                self._replacements.append((document_id, ids))

    def hidden(self, now: dt.datetime) -> frozenset[str]:
        """Ids of documents that must not be found now: embargoed, expired, or replaced by one that is out."""
        found = {
            rule.document_id
            for rule in self._rules.values()
            if (rule.embargo_until and now < rule.embargo_until) or (rule.expires and now > rule.expires)
        }
        for document_id, replaced in self._replacements:
            if document_id not in found:
                found.update(replaced)
                # A document may name its predecessor as it stands in the same source.
                prefix = "/".join(document_id.split("/")[:2])
                found.update(f"{prefix}/{name}" for name in replaced)
        return frozenset(found)

    def display(self, document_id: str) -> Display:
        rule = self._rules.get(document_id)
        return rule.display if rule else "full"


def now(clock: dt.datetime | None) -> dt.datetime:
    """The present moment with a time zone, or the clock that settings fix."""
    moment = clock or dt.datetime.now().astimezone()
    return moment if moment.tzinfo else moment.astimezone()


def _moment(value: Any, *, end_of_day: bool) -> dt.datetime | None:
    """A date or time of the front matter as a moment. An unreadable one closes: it lies in the far future or past."""
    if value in (None, ""):
        return None
    text = str(value).strip().replace("Z", "+00:00")
    try:
        if len(text) <= 10:
            day = dt.date.fromisoformat(text)
            moment = dt.datetime.combine(day, dt.time.max if end_of_day else dt.time.min)
        else:
            moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = dt.datetime(1, 1, 2) if end_of_day else dt.datetime(9999, 12, 30)
        return moment.replace(tzinfo=dt.UTC)
    if moment.tzinfo:
        return moment
    # 9999-12-31 ("never") has no counterpart in other zones.
    return moment.astimezone() if dt.MINYEAR < moment.year < dt.MAXYEAR else moment.replace(tzinfo=dt.UTC)
