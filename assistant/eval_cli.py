"""`assistant eval …`: measure answers on question sets, and bring people's words into them. It parses and prints; it computes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.errors import EvaluationError
from assistant.terminal import AsJson, load_settings, opened, print_json, progress_bars

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

    from assistant.evaluation.reviews import Agreement
    from assistant.evaluation.runs import Run

app = typer.Typer(no_args_is_help=True, help="Measure answers on question sets: check, run, compare, report, add, review.", rich_markup_mode=None)
review_app = typer.Typer(no_args_is_help=True, help="Spreadsheets for native reviewers: export, import.", rich_markup_mode=None)
app.add_typer(review_app, name="review")

EVALS = Path("evals")
Sets = Annotated[list[Path] | None, typer.Argument(help="Folders of question sets; evals/forums by default.")]
GatesFile = Annotated[Path, typer.Option("--gates", help="File of gates and waivers.")]
Baseline = Annotated[Path | None, typer.Option("--baseline", help="A run to compare with, question by question.")]
Beside = Annotated[Path, typer.Option("--beside", help="Folder of runs that eval baselines wrote, to stand beside.")]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Questions asked at a time.")]
Split = Annotated[str, typer.Option("--split", help="Only dev or only test.")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="So many items of each set, evenly spread; 0 for all.")]
JsonOut = Annotated[Path | None, typer.Option("--json", help="Write the figures and verdicts to this file.")]
HtmlOut = Annotated[Path | None, typer.Option("--html", help="Write the report to this file; it needs nothing else.")]
JunitOut = Annotated[Path | None, typer.Option("--junit", help="Write the verdicts of the gates to this file, for a build server.")]
_GATES, _BESIDE = EVALS / "gates.toml", EVALS / "baselines"


def _folders(sets: list[Path] | None) -> list[Path]:
    return sets or [EVALS / "forums"]


@app.command()
def claims(folder: Annotated[Path, typer.Argument(help="Folder of labelled sentences.")] = EVALS / "claims", as_json: AsJson = False) -> None:
    """How well sentences are held against what they cite, by language and by what was altered."""
    from assistant.evaluation.claiming import judge, read

    with opened() as assistant:
        ids = {identity.split("/", 2)[2]: identity for identity in assistant.document_ids()}
        found = judge(read(folder), assistant.checker(), lambda path: assistant.document(ids.get(path, path)))
    if as_json:
        print_json([{"name": one.name, "sentences": one.sentences, "kept": one.kept, "caught": one.caught, "balanced": one.balanced} for one in found])
        return
    for one in found:
        print(f"{one.name:10} {one.sentences:4} sentences   kept {one.kept:5.2f}   caught {one.caught:5.2f}   balanced {one.balanced:5.2f}".replace("  nan", "    –"))


@app.command()
def check(sets: Sets = None, as_json: AsJson = False) -> None:
    """Prove that every gold span stands in its document and every nugget in its span; exit 1 when one does not.

    Passages that match all vital nuggets of a question and are not its gold are listed beside, for a person to look at.
    """
    from assistant.evaluation.runs import Texts
    from assistant.evaluation.sets import load, problems, unlabelled

    with opened() as assistant:
        texts = Texts(assistant)
        items = [item for folder in _folders(sets) for item in load(folder)]
        found = problems(items, texts.text, texts.paths)
        rows = [(path, chunk.start, chunk.text) for path in texts.paths for chunk in texts.passages(path)]
        others = unlabelled(items, rows, texts.text)
    if as_json:
        print_json({"problems": found, "unlabelled": others})
    else:
        print("\n".join(found) or "every span and nugget is proven")
        if others:
            print(f"\n{len(others)} other passages match all vital nuggets of a question:\n" + "\n".join(f"  {other}" for other in others))
    if found:
        raise typer.Exit(1)


@app.command()
def run(
    sets: Sets = None,
    out: Annotated[Path, typer.Option("--out", help="The run's file; a run that was stopped goes on in it.")] = EVALS / "runs" / "latest.jsonl",
    baseline: Baseline = None,
    beside: Beside = _BESIDE,
    gates: GatesFile = _GATES,
    split: Split = "",
    limit: Limit = 0,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Ask everything so many times, and report the spread.")] = 1,
    workers: Workers = 2,
    judge: Annotated[bool, typer.Option("--judge", help="Ask the language model of [judge] too; its opinion gates nothing.")] = False,
    record: Annotated[Path | None, typer.Option("--record", help="Write down what the language model says to this file.")] = None,
    replay: Annotated[Path | None, typer.Option("--replay", help="Answer with what --record wrote down, without a model.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, whatever the run's file and the judge's hold.")] = False,
    json_out: JsonOut = None,
    html_out: HtmlOut = None,
    junit_out: JunitOut = None,
) -> None:
    """Ask every question of the sets, score the answers, and hold them against the gates; exit 1 when one fails."""
    from assistant.evaluation import runs
    from assistant.evaluation.sets import load

    before = runs.read(baseline) if baseline else None
    model = _judge_model(fresh) if judge else None
    if fresh:
        out.unlink(missing_ok=True)
    with opened(_answering_model(record, replay)) as assistant:
        questions = runs.asked({folder.name: load(folder) for folder in _folders(sets)}, split=split, limit=limit, repeat=repeat)
        with progress_bars() as progress:
            made = runs.execute(assistant, questions, out, workers=workers, progress=progress)
    _report(made, before, gates, beside, json_out, html_out, junit_out, model=model, workers=workers)


@app.command()
def compare(
    run: Path, baseline: Path, gates: GatesFile = _GATES, beside: Beside = _BESIDE, json_out: JsonOut = None, html_out: HtmlOut = None, junit_out: JunitOut = None
) -> None:
    """Compare a run with a baseline, question by question; exit 1 when a gate fails."""
    from assistant.evaluation import runs

    _report(runs.read(run), runs.read(baseline), gates, beside, json_out, html_out, junit_out)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="A run's file.")] = EVALS / "runs" / "latest.jsonl",
    html_out: Annotated[Path, typer.Option("--html", help="Where the report goes.")] = EVALS / "runs" / "latest.html",
    baseline: Baseline = None,
    gates: GatesFile = _GATES,
    beside: Beside = _BESIDE,
) -> None:
    """The report of a run as one HTML file, which needs nothing else."""
    from assistant.evaluation import runs

    _report(runs.read(run), runs.read(baseline) if baseline else None, gates, beside, None, html_out, None, judged=False)
    print(f"written to {html_out}")


def _report(
    run: Run, baseline: Run | None, gates: Path, beside: Path, json_out: Path | None, html_out: Path | None, junit_out: Path | None, *, judged: bool = True,
    model: LLM | None = None, workers: int = 2,
) -> None:
    from assistant.evaluation import baselines, reviews
    from assistant.evaluation import gates as gating
    from assistant.evaluation.junit import junit
    from assistant.evaluation.page import page
    from assistant.evaluation.report import as_text, asked_once, summary
    from assistant.schema import as_json

    others = {**baselines.read(beside), baselines.NEVER: baselines.never(run)}
    read = gating.read(gates) if gates.is_file() else gating.Gates()
    found = summary(run, baseline, read, others, sights=bool(json_out or html_out))
    if judged:
        print(as_text(found))
    agreement: list[Agreement] = reviews.people(asked_once(run), reviews.read(EVALS / reviews.FILE))
    if model is not None:
        agreement += _judged(run, model, workers)
    if json_out:
        _write(json_out, json.dumps(as_json(found), ensure_ascii=False, indent=1) + "\n")
    if html_out:
        _write(html_out, page(run, found, baseline, agreement))
    if junit_out:
        _write(junit_out, junit(found))
    if judged and not found.passed:
        raise typer.Exit(1)


def _answering_model(record: Path | None, replay: Path | None) -> LLM | None:
    """The model that answers, recorded or replayed; None for the settings' own."""
    if record is None and replay is None:
        return None
    from assistant.answering.models import load_llm
    from assistant.evaluation.recording import Recorded

    settings = load_settings()
    if record and replay:
        raise EvaluationError("a run is either recorded or replayed", fix="give --record or --replay")
    if settings.answering.clock is None:
        raise EvaluationError("the model is told the date, so that a recording fits one day only", fix="set answering.clock, as in ASSISTANT_ANSWERING__CLOCK=2026-01-01T00:00")
    if record:
        if not settings.llm.provider:
            raise EvaluationError("no language model is set up to record", fix='[llm] provider = "openai-like", base_url = …, model = …')
        return Recorded(load_llm(settings.llm), record, "record")
    if not settings.llm.model:
        raise EvaluationError("the recording's model must be named", fix="set llm.model to the name it was recorded under")
    assert replay is not None
    return Recorded(None, replay, "replay", name=settings.llm.model)


def _judge_model(anew: bool) -> LLM:
    """The judge of the settings, over what it said before; with a model's name and no provider, only what it said before."""
    from assistant.answering.models import load_llm
    from assistant.evaluation.recording import Recorded

    settings, path = load_settings().judge, EVALS / "runs" / "judged.jsonl"
    if settings.provider:
        return Recorded(load_llm(settings, "judge"), path, "record" if anew else "cache")
    if settings.model:
        return Recorded(None, path, "replay", name=settings.model)
    raise EvaluationError("no judge is set up", fix='[judge] provider = "openai-like", base_url = …, model = …')


def _judged(run: Run, model: LLM, workers: int) -> list[Agreement]:
    from assistant.evaluation.judging import agreements, judge
    from assistant.evaluation.report import asked_once

    results = asked_once(run)
    with progress_bars() as progress:
        found = judge(results, model, workers=workers, progress=progress)
    made = agreements(found, results)
    for one in made:
        agreed = "nothing measured" if one.agreement is None else f"agrees in {one.agreement:.1%}" + ("" if one.kappa is None else f", kappa {one.kappa:.2f}")
        print(f"judge {one.who}: {one.measured} measured, {one.unmeasured} unmeasured; {agreed}")
    if found.faults:
        print("faults of the judge: " + ", ".join(f"{name} {times}" for name, times in sorted(found.faults.items())))
    return made


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@app.command()
def baselines(
    sets: Sets = None,
    folder: Annotated[Path, typer.Option("--folder", help="Where the runs go.")] = _BESIDE,
    split: Split = "",
    limit: Limit = 0,
    workers: Workers = 2,
) -> None:
    """Put the sets to BM25 alone, to vectors alone, and to the encoder without weights, for figures to stand beside."""
    from assistant.evaluation import baselines as others
    from assistant.evaluation import runs
    from assistant.evaluation.sets import load

    with opened() as assistant, progress_bars() as progress:
        questions = runs.asked({folder.name: load(folder) for folder in _folders(sets)}, split=split, limit=limit)
        made = others.execute(assistant, questions, folder, workers=workers, progress=progress)
    print("\n".join(f"written to {path}" for path in made))


@app.command()
def calibrate(
    sets: Sets = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where the weights go; by default in place of the package's own.")] = None,
    split: Annotated[str, typer.Option("--split", help="The split to learn from.")] = "dev",
    as_json: AsJson = False,
) -> None:
    """Learn which sentence answers and when to abstain from the sets' dev questions; the figures are of questions left out in turn."""
    from assistant.answering import selection
    from assistant.evaluation import calibration, runs
    from assistant.evaluation.sets import load
    from assistant.index.encoders import packaged_table

    folders = sets or [EVALS / name for name in ("forums", "conflicts", "conversations")]
    with opened() as assistant:
        questions = [question for question in runs.asked({folder.name: load(folder) for folder in folders}, split=split) if question.variant == "full" or not question.item.history]
        with progress_bars() as progress:
            examples = calibration.collect(assistant, questions, progress=progress)
        found = calibration.calibrate(examples, packaged_table().fingerprint, assistant.fingerprint())
    path = out or selection.PACKAGED
    _write(path, json.dumps(found.selection.as_json(), ensure_ascii=False, indent=0) + "\n")
    if as_json:
        print_json(found.figures)
        return
    for name, value in found.figures.items():
        print(f"  {name:50} {value:.3f}")
    print(f"written to {path}")


@app.command()
def keep(
    run: Annotated[Path, typer.Argument(help="A run's file.")] = EVALS / "runs" / "latest.jsonl",
    to: Annotated[Path, typer.Argument(help="Where it is kept, compressed.")] = _BESIDE / "release.jsonl.gz",
) -> None:
    """Keep a run as the baseline of later ones."""
    from assistant.evaluation import baselines, runs

    runs.read(run)
    to.parent.mkdir(parents=True, exist_ok=True)
    print(f"written to {baselines.keep(run, to)}")


# -- people's words -----------------------------------------------------------------------------------------------------


@app.command()
def add(
    question: Annotated[str, typer.Argument(help="The question, as somebody would ask it.")] = "",
    language: Annotated[str, typer.Option("--language", help="Its language.")] = "en",
    kind: Annotated[str, typer.Option("--kind", help="fact, number, date, list, who, definition, comparison, unanswerable-near or unanswerable-far.")] = "fact",
    document: Annotated[list[str] | None, typer.Option("--document", help="A document that states the answer, as forums/x.de.md; may be repeated.")] = None,
    span: Annotated[list[str] | None, typer.Option("--span", help="The words of that document that state it; as often as --document.")] = None,
    any_of: Annotated[list[str] | None, typer.Option("--any", help="What the answer must hold: spellings, with | between them; may be repeated.")] = None,
    number: Annotated[list[str] | None, typer.Option("--number", help="A number that it must hold; may be repeated.")] = None,
    date: Annotated[list[str] | None, typer.Option("--date", help="A date that it must hold, ISO; may be repeated.")] = None,
    near: Annotated[list[str] | None, typer.Option("--near", help="Of a question without an answer: a document close to it.")] = None,
    subject: Annotated[str, typer.Option("--subject", help="The subject's name, as in the documents' file names; by default the first document's.")] = "",
    to: Annotated[str, typer.Option("--set", help="The set that it is meant for.")] = "forums",
    from_feedback: Annotated[bool, typer.Option("--from-feedback", help="Make drafts of what people said of answers.")] = False,
    complete: Annotated[bool, typer.Option("--complete", help="Take complete drafts into the set, and say what the others lack.")] = False,
    as_json: AsJson = False,
) -> None:
    """Draft a question in evals/drafts/, from the command or from feedback; --complete takes what is complete into its set."""
    from assistant.evaluation import drafts
    from assistant.evaluation.runs import Texts
    from assistant.evaluation.sets import load

    if (bool(question) + from_feedback + complete) != 1:
        raise EvaluationError("nothing to add", fix="give a question, or --from-feedback, or --complete")
    path = drafts.path_of(EVALS, to)
    if question:
        if len(document or ()) != len(span or ()):
            raise EvaluationError("--document and --span belong together", fix="give as many of the one as of the other")
        nuggets = [{"any": text.split("|")} for text in any_of or ()] + [{"number": value} for value in number or ()] + [{"date": value} for value in date or ()]
        gold = list(zip(document or (), span or (), strict=True))
        made = [drafts.draft(question, language, kind, gold=gold, nuggets=[{"vital": True, **n} for n in nuggets], near=near or (), subject=subject)]
        new = drafts.add(path, made)
        print_json({"added": new, "file": str(path), "drafts": made}) if as_json else print(f"{new} drafts added to {path}; complete them there, then: assistant eval add --complete")
        return
    with opened() as assistant:
        texts = Texts(assistant)
        if from_feedback:
            made = drafts.from_feedback(assistant.feedback.all(), texts.text, texts.path)
            new = drafts.add(path, made, [item.id for item in load(EVALS / to)])
            print_json({"added": new, "file": str(path), "drafts": made}) if as_json else print(f"{new} drafts added to {path}, of {len(made)} pieces of feedback")
            return
        taken = drafts.take(EVALS, to, texts.text)
    if as_json:
        print_json(taken)
        return
    print(f"{len(taken.ids)} drafts taken into {EVALS / to}" + "".join(f"\n  {identity}" for identity in taken.ids))
    for identity, lacks in taken.lacking.items():
        print(f"  {identity} lacks: {'; '.join(lacks)}")


@review_app.command("export")
def review_export(
    run: Annotated[Path, typer.Argument(help="A run's file.")] = EVALS / "runs" / "latest.jsonl",
    folder: Annotated[Path, typer.Option("--folder", help="Where the workbooks go, one a language.")] = EVALS / "runs" / "review",
    language: Annotated[list[str] | None, typer.Option("--language", help="Only this language; may be repeated.")] = None,
    split: Split = "",
) -> None:
    """A spreadsheet per language with every question, answer and citation, for a native reviewer to judge."""
    from assistant.evaluation import reviews, runs
    from assistant.evaluation.report import asked_once

    chosen = [r for r in asked_once(runs.read(run)) if (not language or r.language in language) and (not split or r.split == split)]
    if not chosen:
        raise EvaluationError("the run has no such question", fix="leave --language and --split out")
    for path in reviews.export(chosen, folder, reviews.read(EVALS / reviews.FILE)):
        print(f"written to {path}")


@review_app.command("import")
def review_import(files: Annotated[list[Path], typer.Argument(help="Workbooks that came back.")]) -> None:
    """Keep what reviewers said in evals/reviews.jsonl; questions they found natural count as reviewed from then on."""
    from assistant.evaluation import reviews

    said = [review for file in files for review in reviews.read_sheet(file)]
    changed = reviews.keep(EVALS / reviews.FILE, said)
    print(f"{len(said)} verdicts read, {changed} new or changed; kept in {EVALS / reviews.FILE}")
