"""Every command; those of `eval` are a module of their own. It parses arguments, calls the pipeline, and prints; it has no logic.

Results go to stdout, progress and errors to stderr. Exit status: 0 done, 1 a clear error, 2 bad usage.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.errors import AssistantError, SettingsError
from assistant.eval_cli import app as eval_app
from assistant.terminal import AsJson, load_settings, opened, options, print_json, progress_bars

if TYPE_CHECKING:
    from pydantic import BaseModel

    from assistant.schema import Answer, FailedFile, IngestReport

app = typer.Typer(
    help="Answers from documents in many languages, every statement backed by a verified quote.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_SHORTEST_PASSWORD = 12
SnippetKind = Literal["floating", "inline", "iframe"]
Collections = Annotated[list[str] | None, typer.Option("--collection", help="Only documents of this collection; may be repeated.")]


@app.callback()
def before(
    settings: Annotated[Path | None, typer.Option("--settings", help="Settings file; assistant.toml of this folder by default.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    options.update(settings=settings, debug=debug)


def main() -> None:
    """The console entry: runs a command, and turns every error into one line with its fix."""
    try:
        app()
    except AssistantError as error:
        if options["debug"]:
            raise
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(1) from None
    except BrokenPipeError:
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("stopped; what was published before is whole", file=sys.stderr)
        raise SystemExit(130) from None
    except Exception as error:
        if options["debug"]:
            raise
        text = " ".join(str(error).split())[:300]
        print(f"error: {type(error).__name__}: {text}. Fix: run it again with --debug before the command and report what it shows", file=sys.stderr)
        raise SystemExit(1) from None


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Folder for the project; it may exist, and none of its files is overwritten.")]) -> None:
    """Lay out a project of your own: settings, corpus, prompts, evaluation, and what it takes to run it."""
    from assistant.projects import lay_out

    for path in lay_out(folder):
        print(folder / path)
    print(f"next: cd {folder}; assistant serve", file=sys.stderr)


@app.command()
def settings() -> None:
    """Every key of assistant.toml: its default, its variable in the environment, and what it does."""
    from assistant.settings import table

    print(table(), end="")


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

    settings = load_settings()
    assistant = Assistant(settings)
    with assistant, progress_bars() as progress:
        report = assistant.ingest(
            list(paths) if paths else None, rebuild=rebuild, prune=prune, confirmed=yes, forget_tombstones=forget_tombstone or (), progress=progress
        )
    if as_json:
        print_json(report)
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

    with opened() as assistant:
        answer = assistant.ask(question, filters=Filters(collections=tuple(collection or ())), language=language)
    if as_json:
        print_json(answer)
    else:
        _print_answer(answer)


def _print_answer(answer: Answer) -> None:
    from assistant.answering.values import emphasised

    print(emphasised(answer, "\033[1m", "\033[0m") if sys.stdout.isatty() else answer.text)
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

    with opened() as assistant:
        hits = assistant.search(question, top_k=top_k, filters=Filters(collections=tuple(collection or ())))
    if as_json:
        print_json(hits)
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
    from assistant.web.server import check, run

    settings = load_settings()
    check(settings, host or settings.web.host)
    with Assistant.open(settings) as assistant:
        if not assistant.status()["indexed"]:
            print("nothing is indexed yet: indexing the corpus first", file=sys.stderr)
            with progress_bars() as progress:
                report = assistant.ingest(progress=progress)
            _print_files("could not be read", list(report.failed))
        if assistant.model is not None:
            print(f"answers are written by the language model {settings.llm.name}", file=sys.stderr)
        run(assistant, host or settings.web.host, settings.web.port if port is None else port, open_browser=open_browser)


@app.command()
def status(as_json: AsJson = False) -> None:
    """What is indexed, what could not be read, and which documents have no date."""
    with opened() as assistant:
        found = assistant.status()
    if as_json:
        print_json(found)
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

    findings = examine_language(language) if language else examine(options["settings"])
    if as_json:
        print_json(findings)
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
    with opened() as assistant:
        report = assistant.delete(documents)
    if as_json:
        print_json(report)
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
    with opened() as assistant:
        found = assistant.suggest_names()
    if as_json:
        print_json(found[:limit])
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
    with opened() as assistant:
        chosen = assistant.judge_names(ids, accept=accept)
        glossary = assistant.settings.names.glossary
    if as_json:
        print_json(chosen)
        return
    for one in chosen:
        print(f"{'accepted' if accept else 'ignored'}: {' = '.join(one.spellings)}")
    print(f"written to {glossary}")


@names_app.command("list")
def names_list(as_json: AsJson = False) -> None:
    """What the glossary holds."""
    from assistant.retrieval.glossary import Glossary

    glossary = Glossary.read(load_settings().names.glossary)
    if as_json:
        print_json(glossary)
        return
    for title, groups in (("accepted", glossary.groups), ("ignored", glossary.ignored)):
        for group in groups:
            print(f"{title}: {' = '.join(group)}")


portal_app = typer.Typer(help="Portals: what is set up, and the tag for a page.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(portal_app, name="portal")


@portal_app.command("list")
def portal_list(as_json: AsJson = False) -> None:
    """The portals of the settings."""
    portals = load_settings().portals
    if as_json:
        print_json([portal.model_dump() for portal in portals])
        return
    for portal in portals:
        print(f"{portal.id}: {', '.join(portal.collections)}; on {', '.join(portal.origins) or 'no page: it lists no origins'}")
    if not portals:
        print("no portal is set up; docs/portals.md says how")


@portal_app.command("snippet")
def portal_snippet(
    portal: Annotated[str, typer.Argument(help="The portal's id.")],
    kind: Annotated[SnippetKind, typer.Option("--kind", help="In the page's corner, within the page, or as a frame.")] = "floating",
) -> None:
    """Print the tag that brings the widget onto a page."""
    from assistant.web.portals import host_policy, snippet

    settings = load_settings()
    found = next((one for one in settings.portals if one.id == portal), None)
    if found is None:
        known = ", ".join(one.id for one in settings.portals)
        raise SettingsError(f"there is no portal {portal}", fix=f"one of {known}" if known else "set one up in [[portals]]: docs/portals.md")
    base = settings.web.public_url or f"http://{settings.web.host}:{settings.web.port}"
    print(snippet(found, base, kind))
    print(f"a page with a Content-Security-Policy allows: {host_policy(base)}", file=sys.stderr)
    if not found.origins:
        print("the portal lists no origins, so it is closed to every page", file=sys.stderr)


key_app = typer.Typer(help="Keys of programs that use the API.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(key_app, name="key")


@key_app.command("new")
def key_new(
    name: Annotated[str, typer.Argument(help="What the key is called.")],
    scope: Annotated[list[str] | None, typer.Option("--scope", help="ask, search, documents or feedback; may be repeated. By default the first three.")] = None,
    collection: Collections = None,
    staff: Annotated[bool, typer.Option("--staff", help="Let it see documents that are not public.")] = False,
) -> None:
    """Make a key: it is shown once, on stdout; the lines for assistant.toml hold its hash only."""
    from assistant.settings import ApiKey, Settings
    from assistant.web.access import new_key

    key, digest = new_key()
    table = {"name": name, "sha256": digest, "scopes": scope or ["ask", "search", "documents"], "collections": collection or [], "visibility": "staff" if staff else "public"}
    made: ApiKey = Settings(web={"keys": [table]}).web.keys[0]
    print(key)
    print(f"\n{_table('web.keys', made)}", file=sys.stderr)


def _table(name: str, made: BaseModel) -> str:
    """A table of a list, as it stands in assistant.toml."""
    return "\n".join([f"[[{name}]]", *(f"{field} = {json.dumps(value, ensure_ascii=False)}" for field, value in made.model_dump(exclude_defaults=True).items())])


user_app = typer.Typer(help="Users who sign in with a password.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(user_app, name="user")


@user_app.command("new")
def user_new(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[Literal["reader", "evaluator", "admin"], typer.Option("--role", help="What they may do.")] = "reader",
    group: Annotated[list[str] | None, typer.Option("--group", help="A group of [[web.auth.groups]]; may be repeated.")] = None,
) -> None:
    """Ask for a password (or read one line from stdin) and print the lines for assistant.toml, which hold its hash only."""
    from assistant.settings import User
    from assistant.web.staff import hash_of

    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    if len(password) < _SHORTEST_PASSWORD:
        raise SettingsError("the password is too short", fix=f"take one of {_SHORTEST_PASSWORD} characters or more")
    try:
        made = User(name=name, password=hash_of(password), role=role, groups=group or [])
    except ValueError as error:
        raise SettingsError(f"{name!r} cannot be a user's name", fix="one word of at most 80 characters, without comma, semicolon or colon") from error
    print(_table("web.auth.users", made))
    print('with mode = "users" under [web.auth] they can sign in', file=sys.stderr)


app.add_typer(eval_app, name="eval")
