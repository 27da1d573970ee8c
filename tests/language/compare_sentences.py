"""Our sentence splitter and sentencex on the labelled cases: `python -m tests.language.compare_sentences [-v]`.

Prints, per language, how many cases each gets exactly right: of those the rules were made on, of those held out from
that, and of both without the cases that have line breaks (which sentencex takes for wrapping only). -v adds what each
got wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from assistant.language.sentences import sentences
from tests.language.sentence_cases import CASES, HELD_OUT, Case

Splitter = Callable[[Case], list[str]]


def ours(case: Case) -> list[str]:
    return [case.text[start:end] for start, end in sentences(case.text, case.language)]


def theirs(case: Case) -> list[str]:
    import sentencex

    return [part.strip() for part in sentencex.segment(case.language, case.text) if part.strip()]


def right(splitter: Splitter, cases: list[Case]) -> list[Case]:
    """The cases whose every sentence the splitter finds, and no other."""
    return [case for case in cases if splitter(case) == case.sentences]


def table() -> str:
    """A Markdown table of the cases exactly right."""
    single = [case for case in (*CASES, *HELD_OUT) if "\n" not in case.text]
    sets = {"cases": CASES, "held out": HELD_OUT, "single lines of both": single}
    lines = ["| language | " + " | ".join(f"{name} | ours | sentencex" for name in sets) + " |", "|---" * (1 + 3 * len(sets)) + "|"]
    languages = list(dict.fromkeys(case.language for case in CASES))
    for name, members in (*((code, [code]) for code in languages), ("all", languages)):
        row = [name]
        for every in sets.values():
            cases = [case for case in every if case.language in members]
            row += [str(len(cases)), _share(ours, cases), _share(theirs, cases)]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def _share(splitter: Splitter, cases: list[Case]) -> str:
    found = len(right(splitter, cases))
    return f"{found} ({100 * found / len(cases):.0f}%)"


def main() -> None:
    print(table())
    if "-v" in sys.argv[1:]:
        for name, splitter in (("ours", ours), ("sentencex", theirs)):
            print(f"\nwrong by {name}:")
            for case in (*CASES, *HELD_OUT):
                if splitter(case) != case.sentences:
                    print(f"- {case.id}: {splitter(case)}")


if __name__ == "__main__":
    main()
