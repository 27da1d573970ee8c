"""Questions to begin with: about what the documents are about, in the reader's language and with a name that is written in it.

It knows the catalogue's things and packs; whether the documents answer a question is tried elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from assistant.language.packs import pack_or_english
from assistant.language.scripts import count_scripts
from assistant.retrieval.catalogue import EVENTS, Thing

_LONGEST_NAME = 60


def questions(things: Sequence[Thing], language: str) -> Iterator[str]:
    """Questions in a language, of each kind in turn: when the newest events took place, what clusters and the like are, where events were."""
    words = pack_or_english(language)
    named = [(thing, name) for thing in things if (name := _name_in(thing, language, words.scripts))]
    # What a document in the reader's language is about comes first, then what is newest.
    named.sort(key=lambda pair: (all(record.language != language for record in pair[0].records), *(-ord(c) for c in _newest(pair[0]))))
    events = [name for thing, name in named if thing.kind in EVENTS and thing.periods]
    others = [name for thing, name in named if thing.kind not in EVENTS]
    places = [name for thing, name in named if thing.kind in EVENTS and thing.first(lambda record: record.place)]
    asked = [[(name, words.console[key].format(name=name)) for name in names] for key, names in (("when_asked", events), ("what_asked", others), ("where_asked", places[1:] + places[:1]))]
    # No name twice in a row of few: what a forum's date is asked of, its place is not.
    seen: set[str] = set()
    for pairs in zip_longest(*asked):
        for name, question in filter(None, pairs):
            if name not in seen:
                seen.add(name)
                yield question


def _newest(thing: Thing) -> str:
    return thing.periods[0].start if thing.periods else "0000"


def _name_in(thing: Thing, language: str, scripts: Sequence[str]) -> str:
    """The name as it is written in the language, or as a record in it has it, or in Latin; empty without one."""
    spelt = [(name, set(count_scripts(name))) for record in thing.records for name in record.spellings if len(name) <= _LONGEST_NAME]
    # Han alone does not tell whether a name is Chinese or Japanese.
    fitting = [name for name, found in spelt if found and found <= set(scripts) and (found != {"Han"} or language == "zh")]
    own = [record.spellings[0] for record in thing.records if record.language == language and len(record.spellings[0]) <= _LONGEST_NAME]
    latin = [name for name, found in spelt if found == {"Latin"}]
    return next(iter((*fitting, *own, *latin)), "")
