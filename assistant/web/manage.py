"""The management pages, for evaluators and admins: the index and what failed, documents, names, evaluation reports, feedback, refused questions.

Plain pages and forms that work without a script; the script only shows progress. Who may open a view stands in `VIEWS`, and every route asks.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile

from assistant.language.packs import Pack, pack
from assistant.schema import DeleteReport, IngestReport, Progress
from assistant.settings import Role
from assistant.web import uploads
from assistant.web.access import Access
from assistant.web.pages import page, policy
from assistant.web.problems import Problem
from assistant.web.rendering import preferred
from assistant.web.staff import Member
from assistant.web.works import Report, Work, Works

VIEWS: dict[str, Role] = {"index": "evaluator", "documents": "admin", "names": "admin", "evaluation": "evaluator", "feedback": "evaluator", "refused": "evaluator"}
_ON_A_PAGE = 50
_LANGUAGE = "forum_assistant_language"
_EVALS = Path("evals")
_NO_STORE = {"Cache-Control": "no-store"}
# A report runs its own script, so it stands in an origin of its own, where it reaches nothing of ours.
_REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox allow-scripts"


def views_of(member: Member) -> tuple[str, ...]:
    """The views that someone may open, the first of which is theirs to begin with."""
    return tuple(view for view, role in VIEWS.items() if member.is_a(role))


def as_csv(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table for a spreadsheet: UTF-8 with a mark that Excel wants, and no cell that it would run as a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(heads)
    writer.writerows([f"'{cell}" if str(cell)[:1] in ("=", "+", "-", "@", "\t", "\r") else cell for cell in row] for row in rows)
    return "\ufeff" + out.getvalue()


def runs(folder: Path) -> list[Path]:
    """Files of evaluation runs, newest first."""
    found = [path for path in folder.glob("*.jsonl*") if path.name.endswith((".jsonl", ".jsonl.gz"))] if folder.is_dir() else []
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def routes(access: Access, works: Works) -> APIRouter:
    """`/manage/VIEW`, what its forms send, the tables as CSV, reports, and how far the work on the index is."""
    router = APIRouter(prefix="/manage", include_in_schema=False)
    whole = access.whole
    settings = access.settings

    def shown(request: Request, member: Member, view: str, status: int = 200, **values: Any) -> HTMLResponse:
        words = words_of(request)
        response = page(
            f"manage_{view}.html", policy(scripts=True, forms=True), status, root="../", view=view, views=views_of(member), member=member, words=words, told=words.manage,
            may_change=member.is_a("admin"), work=works.last, work_text=_said(works.last, words), signs_out=access.staff.signs_out, **values,
        )  # fmt: skip
        if "language" in request.query_params:
            # The console's language, for the pages that one goes on to.
            response.set_cookie(_LANGUAGE, words.code, path=f"{settings.web.prefix}/manage", httponly=True, samesite="lax")
        return response

    def words_of(request: Request) -> Pack:
        return pack(preferred(request.query_params.get("language", "") or request.cookies.get(_LANGUAGE, "") or request.headers.get("accept-language", "")))

    def opened(request: Request, view: str) -> Member:
        """Who may open a view's page; others are led to sign in."""
        return access.employee(request, VIEWS[view], page=f"manage/{view}")

    async def index_page(request: Request, member: Member, status: int = 200, problem: str = "") -> Response:
        if request.headers.get("accept") == "application/json":
            return JSONResponse({"problem": problem}, status, headers=_NO_STORE)
        found = await asyncio.to_thread(whole.status)
        return shown(request, member, "index", status, found=found, places=list(uploads.places(settings)), problem=problem)

    @router.get("/index")
    async def index(request: Request) -> Response:
        return await index_page(request, opened(request, "index"))

    @router.get("/documents")
    async def documents(request: Request, search: Annotated[str, Query(max_length=200)] = "", page: Annotated[int, Query(ge=1, le=100_000)] = 1) -> Response:
        member = opened(request, "documents")
        found, count = await asyncio.to_thread(lambda: whole.listed(search, (page - 1) * _ON_A_PAGE, _ON_A_PAGE))
        return shown(request, member, "documents", found=found, count=count, search=search, page=page, last=max(1, -(-count // _ON_A_PAGE)))

    @router.post("/delete")
    async def delete(request: Request) -> Response:
        member = access.employee(request, VIEWS["documents"])
        form = await request.form()
        identity, title = str(form.get("document", "")), str(form.get("title", ""))
        await asyncio.to_thread(whole.document, identity)
        return await begun(request, member, "delete", title or identity, lambda progress: whole.delete([identity]))

    @router.post("/ingest")
    async def ingest(request: Request) -> Response:
        member = access.employee(request, "admin")
        return await begun(request, member, "ingest", "", lambda progress: whole.ingest(progress=progress))

    async def begun(request: Request, member: Member, kind: Any, about: str, call: Callable[[Progress], Report]) -> Response:
        if not works.begin(kind, about, call):
            return await index_page(request, member, 409, problem=words_of(request).manage["busy"])
        return RedirectResponse("index", 303)

    @router.post("/upload")
    async def upload(request: Request) -> Response:
        member = access.employee(request, "admin")
        words, limit = words_of(request).manage, settings.web.upload_mb
        if int(request.headers.get("content-length") or 0) > limit << 20:
            return await index_page(request, member, 413, problem=words["too_large"].format(limit=limit))
        if works.last is not None and works.last.running:
            return await index_page(request, member, 409, problem=words["busy"])
        async with request.form(max_files=200) as form:
            source = uploads.places(settings).get(str(form.get("collection", "")))
            files = [(one.filename or "", one.file) for one in form.getlist("files") if isinstance(one, UploadFile) and one.filename]
            if source is None or source.path is None:
                return await index_page(request, member, 422, problem=words["no_uploads"])
            folder = source.path
            try:
                saved = await asyncio.to_thread(lambda: uploads.save(folder, files, replace=form.get("replace") == "on"))
            except uploads.UploadRefused as refused:
                return await index_page(request, member, 422, problem=words[refused.key].format(name=refused.name))
            except OSError as error:
                return await index_page(request, member, 507, problem=words["unfinished"].format(reason=error.strerror or "OSError"))
        if not saved:
            return RedirectResponse("index", 303)
        return await begun(request, member, "ingest", "", lambda progress: whole.ingest([folder], progress=progress))

    @router.get("/work")
    async def work(request: Request) -> Response:
        access.employee(request, "admin")
        words, last = words_of(request), works.last
        return JSONResponse({"running": bool(last and last.running), "done": last.done if last else 0, "total": last.total if last else 0, "text": _said(last, words)}, headers=_NO_STORE)

    @router.get("/names")
    async def names(request: Request) -> Response:
        member = opened(request, "names")
        return shown(request, member, "names", found=await asyncio.to_thread(whole.suggest_names), done="")

    @router.post("/names")
    async def judge(request: Request) -> Response:
        member = access.employee(request, VIEWS["names"])
        form = await request.form()
        accept = form.get("judgement") == "accept"
        ids = [str(one) for one in form.getlist("name")]
        chosen = await asyncio.to_thread(lambda: whole.judge_names(ids, accept=accept))
        said = words_of(request).manage["accepted" if accept else "ignored"].format(names="; ".join(" = ".join(one.spellings) for one in chosen)) if chosen else ""
        return shown(request, member, "names", found=await asyncio.to_thread(whole.suggest_names), done=said)

    @router.get("/evaluation")
    async def evaluation(request: Request) -> Response:
        member = opened(request, "evaluation")
        made = [(path.name, datetime.fromtimestamp(path.stat().st_mtime)) for path in await asyncio.to_thread(runs, _EVALS / "runs")]
        return shown(request, member, "evaluation", found=made)

    @router.get("/runs/{name}")
    async def report(name: str, request: Request) -> Response:
        access.employee(request, VIEWS["evaluation"])
        # Only what the folder lists has a report: a name leads nowhere else.
        path = next((one for one in runs(_EVALS / "runs") if one.name == name), None)
        if path is None:
            raise Problem(404, "There is no such run.")
        return HTMLResponse(await asyncio.to_thread(_report, path), headers={"Content-Security-Policy": _REPORT_POLICY, **_NO_STORE})

    @router.get("/feedback")
    async def feedback(request: Request) -> Response:
        member = opened(request, "feedback")
        found = await asyncio.to_thread(whole.feedback.all)
        return shown(request, member, "feedback", found=found[::-1][:500])

    @router.get("/refused")
    async def refused(request: Request) -> Response:
        member = opened(request, "refused")
        return shown(request, member, "refused", found=(await asyncio.to_thread(whole.feedback.refused))[:500])

    @router.get("/{name}.csv")
    async def table(name: str, request: Request) -> Response:
        if name not in ("feedback", "refused"):
            raise Problem(404, "There is nothing at this address.")
        access.employee(request, VIEWS[name])
        if name == "feedback":
            heads = ("given", "channel", "language", "question", "rating", "reason", "comment", "mode", "documents")
            given = await asyncio.to_thread(whole.feedback.all)
            text = as_csv(heads, ((f.given, f.channel, f.language, f.question, f.rating, f.reason, f.comment, f.mode, " ".join(span.document_id for span in f.citations)) for f in given))
        else:
            rows = await asyncio.to_thread(whole.feedback.refused)
            text = as_csv(("day", "channel", "language", "question", "count"), ((r.day, r.channel, r.language, r.question, r.count) for r in rows))
        return Response(text, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}.csv"', **_NO_STORE})

    return router


def _said(work: Work | None, words: Pack) -> str:
    """How far the work is, or how it ended."""
    told = words.manage
    if work is None:
        return ""
    if work.running:
        return told["indexing"].format(done=work.done, total=work.total) if work.total else words.console["loading"]
    if isinstance(work.report, IngestReport):
        return told["indexed"].format(added=len(work.report.added), updated=len(work.report.updated), failed=sum(not one.partial for one in work.report.failed))
    if isinstance(work.report, DeleteReport):
        return told["gone"].format(title=work.about)
    return told["unfinished"].format(reason=work.reason)


def _report(path: Path) -> str:
    from assistant.evaluation import baselines, gates, page, report, runs

    read = runs.read(path)
    kept = _EVALS / "baselines"
    release = kept / "release.jsonl.gz"
    before = runs.read(release) if release.is_file() else None
    found = report.summary(read, before, gates.read(_EVALS / "gates.toml") if (_EVALS / "gates.toml").is_file() else gates.Gates(), {**baselines.read(kept), baselines.NEVER: baselines.never(read)})
    return page.page(read, found, before)
