"""Names that documents teach: pairs such as "Future Science City(未来科学城)", one name in two scripts, for a person to look at.

It knows texts and scripts; what is accepted is the glossary's business. A pair is never used before it is accepted.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assistant.language.lexical import fold
from assistant.language.scripts import script_of
from assistant.retrieval.glossary import Glossary
from assistant.retrieval.names import Names

_CONTEXT = 60
_LONGEST = 16  # characters of a name in a script without spaces
_BRACKETS = re.compile(r"[(（]([^()（）\n]{2,80})[)）]")
_QUOTED = re.compile(r"[「『“《\"]([^」』”》\"\n]{2,40})[」』”》\"]$")
_SEPARATOR = re.compile(r"[、,，;；/／]|\s+[–-]\s+")
# A Latin or Cyrillic name: capitalised words, with small ones between them.
_PARTICLE = r"(?:of|and|for|the|on|de|del|la|le|les|des|du|et|der|die|das|für|und|von|di|e|da|do|&)"
_CAPITALISED = r"[A-ZÀ-ÖØ-ÞĀ-ŽΑ-ΩА-ЯЁ][A-Za-zÀ-ÖØ-öø-ÿĀ-žΑ-ωА-яЁё0-9.’'&-]*"
_ALPHABETIC = re.compile(rf"(?:{_CAPITALISED})(?:[ ,]{{1,2}}(?:{_CAPITALISED}|{_PARTICLE}|\d{{4}})){{0,14}}$")
# Articles and prepositions that open a sentence, not a name.
_OPENING = re.compile(rf"^(?:(?:{_PARTICLE}|The|Die|Der|Das|Le|La|Les|El|Il|O|A|In|At|On|Im|Am|An|Bei|En|Au|Na|No|В|На)\s+)+")
# Between these, in Chinese running text, a name begins.
_CUTS = "的在与和于由为是将及以对从向至位被把了等该本其到有并或"
_CJK = ("Han", "Hiragana", "Katakana", "Hangul")
# What brackets hold that is no name: "hereinafter", legal forms, references.
_NO_NAMES = re.compile(r"^(?:以下|下称|简称|称為|株|有|社|財|図|图|表|注|※|Figure|Fig|Table|see|vgl|siehe|z\. ?B|e\. ?g|i\. ?e|https?:|www\.)|@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Spellings that seem to name one thing. `count` times seen, first in document `seen_in`, as in `context`."""

    id: str
    spellings: tuple[str, ...]
    count: int
    seen_in: str
    context: str


def suggest(documents: Iterable[tuple[str, str]], known: Names, glossary: Glossary) -> list[Suggestion]:
    """Pairs in (id, text) of documents that neither front matter nor the glossary knows; the most frequent first."""
    texts = list(documents)
    counts: Counter[frozenset[str]] = Counter()
    first: dict[frozenset[str], tuple[tuple[str, ...], str, str]] = {}
    standalone = Counter(inner.strip() for _, text in texts for inner in _BRACKETS.findall(text))
    for document_id, text in texts:
        for spellings, start, end in _pairs(text, standalone):
            key = frozenset(" ".join(fold(s).split()) for s in spellings)
            counts[key] += 1
            if key not in first:
                context = " ".join(text[max(0, start - _CONTEXT) : end + _CONTEXT].split())
                first[key] = (spellings, document_id, context)
    found = []
    for key, (spellings, document_id, context) in first.items():
        if not glossary.holds(spellings) and not _joined(known, spellings):
            digest = hashlib.blake2b("\0".join(sorted(key)).encode(), digest_size=4).hexdigest()
            found.append(Suggestion(digest, spellings, counts[key], document_id, context))
    return sorted(found, key=lambda s: (-s.count, s.spellings))


def _joined(known: Names, spellings: tuple[str, ...]) -> bool:
    """True when all spellings are known already, as one name."""
    groups = [{name.spellings for name in known.find(spelling) if (name.start, name.end) == (0, len(spelling))} for spelling in spellings]
    return all(groups) and bool(set.intersection(*groups))


def _pairs(text: str, standalone: Counter[str]) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """(spellings, start, end) of each name with its other spellings in brackets behind it."""
    for match in _BRACKETS.finditer(text):
        inner = match.group(1).strip()
        if _NO_NAMES.search(inner):
            continue
        others = [part.strip(" 「」『』“”\"") for part in _SEPARATOR.split(inner)]
        if not all(map(_is_name, others)):
            others = [inner]
            if not _is_name(inner):
                continue
        before = _name_before(text, match.start(), {_script(o) for o in others}, standalone)
        if not before:
            continue
        spellings = tuple(dict.fromkeys((before, *others)))
        if len({_script(s) for s in spellings}) == len(spellings):
            yield spellings, match.start() - len(before), match.end()


def _name_before(text: str, end: int, others: set[str], standalone: Counter[str]) -> str:
    """The name that ends where a bracket opens: quoted, capitalised words, or a run of one script; "" if none."""
    begin = max(0, end - 120)
    window = text[begin:end].rsplit("\n", 1)[-1].rstrip()
    quoted = _QUOTED.search(window)
    if quoted:
        name = quoted.group(1).strip()
        return name if _is_name(name) and _script(name) not in others else ""
    if not window:
        return ""
    script = script_of(window[-1])
    if script in _CJK:
        return _run_before(window, script, standalone) if script not in others else ""
    words = _ALPHABETIC.search(window)
    if not words or _script(words.group()) in others:
        return ""
    name = _OPENING.sub("", words.group().strip(" ,"))
    return name if _is_name(name) else ""


def _run_before(window: str, script: str, standalone: Counter[str]) -> str:
    """The last run of a script, cut where a name may begin; a shorter one that stands alone elsewhere is preferred."""
    # A Japanese name runs on over kanji and katakana ("昌平フォーラム"); Chinese has no katakana to run into.
    own_scripts = ("Han", "Katakana") if script in ("Han", "Katakana") else (script,)
    start = len(window)
    while start and len(window) - start < _LONGEST:
        character = window[start - 1]
        if script == "Hiragana" or (script_of(character) not in own_scripts and character not in "・ー") or character in _CUTS:
            break
        start -= 1
    run = window[start:]
    for size in range(len(run), 1, -1):
        if standalone[run[-size:]]:
            return run[-size:]
    whole = start == 0 or len(run) < _LONGEST
    return run if whole and _is_name(run) else ""


def _is_name(text: str) -> bool:
    """True for a text that could be a name: one script, no sentence, no bare number or date, a capital in an alphabet."""
    if not 2 <= len(text) <= 80 or not text[0].isalpha() or text[-1] in ".。!?！？:：":
        return False
    script = _script(text)
    if not script or sum(c.isdigit() for c in text) > 4:
        return False
    if script in _CJK:
        clause = any(script_of(c) == "Hiragana" and c not in "のと" for c in text)
        return script == "Hangul" or (len(text) <= 2 * _LONGEST and " " not in text and not clause)
    return bool(_ALPHABETIC.fullmatch(text)) and any(c.islower() for c in text)


def _script(text: str) -> str:
    """The script of a name's letters; "" when it mixes scripts that no name mixes. Han with kana counts as the kana's."""
    found = {script_of(c) for c in text if c.isalpha() and c not in "ー"} - {""}
    if found == {"Han", "Katakana"} or found == {"Han", "Hiragana"} or found == {"Hiragana", "Katakana"} or found == {"Han", "Hiragana", "Katakana"}:
        return "Katakana" if "Han" not in found else "Han"
    return found.pop() if len(found) == 1 else ""
