"""Every command. It parses arguments, calls the pipeline, and prints; it has no logic of its own.

Results go to stdout, progress and errors to stderr. Exit status: 0 done, 1 a clear error, 2 bad usage.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.errors import AssistantError

if TYPE_CHECKING:
    from assistant.evaluation.runs import Run
    from assistant.pipeline import Assistant
    from assistant.schema import Answer, FailedFile, IngestReport, Progress
    from assistant.settings import Settings

app = typer.Typer(
    help="Answers from documents in many languages, every statement backed by a verified quote.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Collections = Annotated[list[str] | None, typer.Option("--collection", help="Only documents of this collection; may be repeated.")]

_options: dict[str, Any] = {"settings": None, "debug": False}


@app.callback()
def options(
    settings: Annotated[Path | None, typer.Option("--settings", help="Settings file; assistant.toml of this folder by default.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    _options.update(settings=settings, debug=debug)


def main() -> None:
    """The console entry: runs a command, and turns every error into one line with its fix."""
    try:
        app()
    except AssistantError as error:
        if _options["debug"]:
            raise
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(1) from None
    except BrokenPipeError:
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("stopped; what was published before is whole", file=sys.stderr)
        raise SystemExit(130) from None
    except Exception as error:
        if _options["debug"]:
            raise
        text = " ".join(str(error).split())[:300]
        print(f"error: {type(error).__name__}: {text}. Fix: run it again with --debug before the command and report what it shows", file=sys.stderr)
        raise SystemExit(1) from None


def _settings() -> Settings:
    from assistant.settings import Settings

    return Settings.load(_options["settings"])


@contextmanager
def _assistant() -> Iterator[Assistant]:
    from assistant.pipeline import Assistant

    with Assistant.open(_settings()) as assistant:
        yield assistant


def _print_json(value: Any) -> None:
    from assistant.schema import as_json

    print(json.dumps(as_json(value), ensure_ascii=False, indent=2))


@contextmanager
def _progress() -> Iterator[Progress]:
    """A progress bar on stderr when that is a terminal; silence otherwise."""
    if not sys.stderr.isatty():
        from assistant.schema import silent

        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    names = {"read": "Reading", "embed": "Embedding", "vectors": "Vector index", "lexical": "Lexical index", "ask": "Asking"}
    columns = (TextColumn("{task.description:14}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(names.get(stage, stage), total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report


@app.command()
def ingest(
    paths: Annotated[list[Path] | None, typer.Argument(help="Folders or files; the settings' corpus by default.")] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Read and embed everything again.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove documents that have left their folder.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Prune even when suspiciously much would go.")] = False,
    forget_tombstone: Annotated[list[str] | None, typer.Option("--forget-tombstone", help="Let a deleted document come back; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Index what is new or changed and publish it. Exit status 1 when a file could not be read."""
    from assistant.pipeline import Assistant

    settings = _settings()
    assistant = Assistant(settings)
    with assistant, _progress() as progress:
        report = assistant.ingest(
            list(paths) if paths else None, rebuild=rebuild, prune=prune, confirmed=yes, forget_tombstones=forget_tombstone or (), progress=progress
        )
    if as_json:
        _print_json(report)
    else:
        _print_report(report)
    if any(not failure.partial for failure in report.failed):
        raise typer.Exit(1)


def _print_report(report: IngestReport) -> None:
    parts = [("added", report.added), ("updated", report.updated), ("unchanged", report.unchanged), ("removed", report.deleted)]
    print(", ".join(f"{len(ids)} {name}" for name, ids in parts if ids) or "nothing to index", end="")
    print(f"; {report.passages} passages, generation {report.generation}")
    for title, files in (
        ("could not be read", [f for f in report.failed if not f.partial]),
        ("partly read", [f for f in report.failed if f.partial]),
        ("held back", list(report.held)),
    ):
        _print_files(title, files)


def _print_files(title: str, files: list[FailedFile]) -> None:
    if files:
        print(f"{len(files)} {title}:", file=sys.stderr)
    for file in files:
        print(f"  {file.path}: {file.message}", file=sys.stderr)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in any language.")],
    language: Annotated[str, typer.Option("--language", help="Language of the answer; the question's by default.")] = "",
    collection: Collections = None,
    as_json: AsJson = False,
) -> None:
    """One answer with its citations."""
    from assistant.schema import Filters

    with _assistant() as assistant:
        answer = assistant.ask(question, filters=Filters(collections=tuple(collection or ())), language=language)
    if as_json:
        _print_json(answer)
    else:
        _print_answer(answer)


def _print_answer(answer: Answer) -> None:
    print(answer.text)
    if answer.citations:
        print()
    for citation in answer.citations:
        place = f", p. {citation.page}" if citation.page else f", {citation.heading}" if citation.heading else ""
        link = f"  {citation.source}" if citation.source else ""
        print(f"[{citation.number}] {citation.title} ({citation.language}{', ' + citation.date if citation.date else ''}){place}{link}")


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="The question, in any language.")],
    top_k: Annotated[int, typer.Option("--top-k", min=1, max=100, help="How many passages.")] = 5,
    collection: Collections = None,
    as_json: AsJson = False,
) -> None:
    """The best passages for a question."""
    from assistant.schema import Filters

    with _assistant() as assistant:
        hits = assistant.search(question, top_k=top_k, filters=Filters(collections=tuple(collection or ())))
    if as_json:
        _print_json(hits)
        return
    for hit in hits:
        chunk = hit.chunk
        print(f"{hit.rank}. {chunk.title} ({chunk.language}{', ' + chunk.date if chunk.date else ''})  {chunk.id}  [{' + '.join(hit.found_by)}]")
        print("   " + " ".join(chunk.text.split())[:300])


@app.command()
def serve(
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on; 127.0.0.1 by default.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port to listen on; 7860 by default.")] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the chat in the browser, where there is one.")] = False,
) -> None:
    """The chat at http://127.0.0.1:7860; builds the index on first start."""
    from assistant.pipeline import Assistant
    from assistant.web.server import run

    settings = _settings()
    with Assistant.open(settings) as assistant:
        if not assistant.status()["indexed"]:
            print("nothing is indexed yet: indexing the corpus first", file=sys.stderr)
            with _progress() as progress:
                report = assistant.ingest(progress=progress)
            _print_files("could not be read", list(report.failed))
        run(assistant, host or settings.web.host, settings.web.port if port is None else port, open_browser=open_browser)


@app.command()
def status(as_json: AsJson = False) -> None:
    """What is indexed, what could not be read, and which documents have no date."""
    with _assistant() as assistant:
        found = assistant.status()
    if as_json:
        _print_json(found)
        return
    if not found["indexed"]:
        print(f"nothing is indexed in {found['index']}; run: assistant ingest")
        return
    print(f"{found['documents']} documents, {found['passages']} passages, generation {found['generation']}, {found['bytes'] / 1e6:.1f} MB")
    print(f"encoder {found['encoder']}; newest document {found['newest'] or 'undated'}")
    for collection, languages in found["collections"].items():
        print(f"  {collection}: " + ", ".join(f"{language} {count}" for language, count in languages.items()))
    for title, key in (("undated", "undated"), ("deleted, kept away", "deleted")):
        if found[key]:
            print(f"{len(found[key])} {title}:")
            print("\n".join(f"  {document_id}" for document_id in found[key]))
    if found["failures"]:
        print(f"{len(found['failures'])} could not be read, or only partly:")
        print("\n".join(f"  {f['path']}: {f['message']}" for f in found["failures"]))


@app.command()
def doctor(
    language: Annotated[str, typer.Option("--language", help="List what this language's pack lacks, e.g. nl.")] = "",
    as_json: AsJson = False,
) -> None:
    """What is wrong, and its fix. Exit status 1 when something needs mending."""
    from assistant.doctor import examine, examine_language

    findings = examine_language(language) if language else examine(_options["settings"])
    if as_json:
        _print_json(findings)
    for finding in [] if as_json else findings:
        print(f"{'ok ' if finding.ok else 'BAD'} {finding.what}" + (f"\n      fix: {finding.fix}" if finding.fix else ""))
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def delete(
    documents: Annotated[list[str], typer.Argument(help="Ids of documents, as status --json and search show them.")],
    as_json: AsJson = False,
) -> None:
    """Remove documents everywhere, then prove it. They stay away until `ingest --forget-tombstone`."""
    with _assistant() as assistant:
        report = assistant.delete(documents)
    if as_json:
        _print_json(report)
    else:
        print(f"deleted {', '.join(report.deleted)} ({report.passages} passages); proven: {'; '.join(report.checks)}")


names_app = typer.Typer(no_args_is_help=True, help="Names that belong together in any script: suggest, accept, ignore, list.", rich_markup_mode=None)
app.add_typer(names_app, name="names")
NameIds = Annotated[list[str], typer.Argument(help="Ids, as names suggest shows them.")]


@names_app.command("suggest")
def names_suggest(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Pairs that documents hold, such as "Future Science City(未来科学城)", for a person to look at."""
    with _assistant() as assistant:
        found = assistant.suggest_names()
    if as_json:
        _print_json(found[:limit])
        return
    for suggestion in found[:limit]:
        print(f"{suggestion.id}  {' = '.join(suggestion.spellings)}  ({suggestion.count}×, first in {suggestion.seen_in})\n          … {suggestion.context} …")
    if not found:
        print("no new names in the documents")
    elif len(found) > limit:
        print(f"{len(found) - limit} more: --limit {len(found)}")


@names_app.command("accept")
def names_accept(ids: NameIds, as_json: AsJson = False) -> None:
    """Take suggested names into the glossary; searches know them from the next question on."""
    _judge(ids, as_json, accept=True)


@names_app.command("ignore")
def names_ignore(ids: NameIds, as_json: AsJson = False) -> None:
    """Never suggest these again."""
    _judge(ids, as_json, accept=False)


def _judge(ids: list[str], as_json: bool, *, accept: bool) -> None:
    with _assistant() as assistant:
        chosen = assistant.judge_names(ids, accept=accept)
        glossary = assistant.settings.names.glossary
    if as_json:
        _print_json(chosen)
        return
    for one in chosen:
        print(f"{'accepted' if accept else 'ignored'}: {' = '.join(one.spellings)}")
    print(f"written to {glossary}")


@names_app.command("list")
def names_list(as_json: AsJson = False) -> None:
    """What the glossary holds."""
    from assistant.retrieval.glossary import Glossary

    glossary = Glossary.read(_settings().names.glossary)
    if as_json:
        _print_json(glossary)
        return
    for title, groups in (("accepted", glossary.groups), ("ignored", glossary.ignored)):
        for group in groups:
            print(f"{title}: {' = '.join(group)}")

eval_app = typer.Typer(no_args_is_help=True, help="Measure answers on question sets: check, run, compare.", rich_markup_mode=None)
app.add_typer(eval_app, name="eval")
Sets = Annotated[list[Path] | None, typer.Argument(help="Folders of question sets; evals/forums by default.")]
GatesFile = Annotated[Path, typer.Option("--gates", help="File of gates.")]
Baseline = Annotated[Path | None, typer.Option("--baseline", help="A run to compare with.")]
_GATES = Path("evals/gates.toml")


@eval_app.command("check")
def eval_check(sets: Sets = None, as_json: AsJson = False) -> None:
    """Prove that every gold span stands in its document and every nugget in its span; exit 1 when one does not."""
    from assistant.evaluation.runs import Texts
    from assistant.evaluation.sets import load, problems

    with _assistant() as assistant:
        texts = Texts(assistant)
        found = [problem for folder in sets or [Path("evals/forums")] for problem in problems(load(folder), texts.text)]
    if as_json:
        _print_json(found)
    else:
        print("\n".join(found) or "every span and nugget is proven")
    if found:
        raise typer.Exit(1)


@eval_app.command("run")
def eval_run(
    sets: Sets = None,
    out: Annotated[Path, typer.Option("--out", help="The run's file; a run that was stopped goes on in it.")] = Path("evals/runs/latest.jsonl"),
    baseline: Baseline = None,
    gates: GatesFile = _GATES,
    split: Annotated[str, typer.Option("--split", help="Only dev or only test.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=0, help="So many items of each set, evenly spread; 0 for all.")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Questions asked at a time.")] = 2,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the figures and verdicts to this file.")] = None,
) -> None:
    """Ask every question of the sets, score the answers, and hold them against the gates; exit 1 when one fails."""
    from assistant.evaluation import runs
    from assistant.evaluation.sets import load

    folders = sets or [Path("evals/forums")]
    with _assistant() as assistant:
        questions = runs.asked({folder.name: load(folder) for folder in folders}, split=split, limit=limit)
        with _progress() as progress:
            run = runs.execute(assistant, questions, out, workers=workers, progress=progress)
    _judged(run, runs.read(baseline) if baseline else None, gates, json_out)


@eval_app.command("compare")
def eval_compare(run: Path, baseline: Path, gates: GatesFile = _GATES, json_out: Annotated[Path | None, typer.Option("--json")] = None) -> None:
    """Compare a run with a baseline, question by question; exit 1 when a gate fails."""
    from assistant.evaluation import runs

    _judged(runs.read(run), runs.read(baseline), gates, json_out)


def _judged(run: Run, baseline: Run | None, gates: Path, out: Path | None) -> None:
    from assistant.evaluation import gates as gating
    from assistant.evaluation.report import as_text, summary

    found = summary(run, baseline, gating.read(gates) if gates.is_file() else [])
    print(as_text(found))
    if out:
        from assistant.schema import as_json

        out.write_text(json.dumps(as_json(found), ensure_ascii=False, indent=1) + "\n", "utf-8")
    if not all(verdict.passed for verdict in found.verdicts):
        raise typer.Exit(1)
