"""The document page: text as text, what is known of the document, the quote marked and scrolled to, and the original where it may be shown.

It knows documents and HTML; who may see which document is `access`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from assistant.language.dates import write_date
from assistant.language.packs import pack, pack_or_english
from assistant.schema import Chunk, Document, as_json
from assistant.web.access import Access, Caller
from assistant.web.asking import Desk
from assistant.web.pages import page, policy
from assistant.web.portals import spoken
from assistant.web.problems import Problem, documented
from assistant.web.quotas import READING
from assistant.web.rendering import preferred, safe_link

_GAP = re.compile(r"\n{2,}")
# A browser shows these itself without running anything in them; everything else is saved.
_SHOWN = {".pdf": "application/pdf", ".txt": "text/plain; charset=utf-8", ".md": "text/plain; charset=utf-8", ".csv": "text/plain; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Run:
    """Some text of a part; `marked` where it is quoted, `first` where the quote begins."""

    text: str
    marked: bool = False
    first: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph, a heading (`level` 2 to 4), or the beginning of a page."""

    runs: tuple[Run, ...] = ()
    level: int = 0
    page: int = 0


def parts_of(document: Document, text: str, offset: int, start: int, end: int) -> Iterator[Part]:
    """The parts of `text`, which stands at `offset` in the document; [start, end) in the document is marked."""
    heads = {section.start: section.path for section in document.sections}
    pages = [page for page in document.pages if page.end > offset] if len(document.pages) > 1 else []
    begins = [page.start for page in pages]
    position = 0
    while position < len(text):
        gap = _GAP.search(text, position)
        stop = gap.start() if gap else len(text)
        # A page or section may begin within what blank lines hold together.
        cut = min((at - offset for at in (*begins, *heads) if position < at - offset < stop), default=stop)
        first, last = offset + position, offset + cut
        while pages and pages[0].start <= first:
            yield Part(page=pages.pop(0).number)
        path = heads.get(first, ())
        heading = path[-1] if path and text.startswith(path[-1], position) else ""
        if heading and position + len(heading) < cut:
            cut = position + len(heading)
            last = offset + cut
        runs = tuple(_runs(text[position:cut], first, last, start, end))
        if any(run.text.strip() for run in runs):
            yield Part(runs, level=min(len(path), 3) + 1 if heading else 0)
        position = gap.end() if gap and cut == stop else cut


def _runs(text: str, first: int, last: int, start: int, end: int) -> Iterator[Run]:
    if not (start < end and start < last and first < end):
        yield Run(text)
        return
    a, b = max(start - first, 0), min(end - first, len(text))
    for part, marked in ((text[:a], False), (text[a:b], True), (text[b:], False)):
        if part:
            yield Run(part, marked, marked and first <= start)


@dataclass(frozen=True, slots=True)
class Page:
    """What may be shown of a document, the quote marked; `address`, `original` are paths from the server's root, `note` why it is not all."""

    title: str
    language: str
    direction: str
    source: str
    address: str
    original: str
    note: str
    facts: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]


def shown_of(document: Document, passages: Sequence[Chunk], start: int, end: int) -> list[Part]:
    """As much of a document as may be shown: all of it, the passage that is quoted (or the first), or nothing."""
    if document.display == "full":
        return list(parts_of(document, document.text, 0, start, end))
    quoted = [p for p in passages if p.text and p.start <= start and end <= p.end] or [p for p in passages[:1] if p.text]
    return [part for passage in quoted[:1] for part in parts_of(document, passage.text, passage.start, start, end)]


def facts_of(document: Document, language: str) -> list[tuple[str, str]]:
    """What is known of a document, with its names in the reader's language."""
    words = pack(language)
    said = document.metadata

    def listed(key: str) -> str:
        value = said.get(key) or []
        return "; ".join(map(str, value)) if isinstance(value, list) else str(value)

    place = ", ".join(str(said[key]) for key in ("place", "country") if said.get(key))
    found = (
        (words.widget["published"], write_date(document.date, language) if document.date else words.interface["undated"]),
        (words.widget["publisher"], str(said.get("publisher") or "")),
        (words.widget["language"], words.language_name(document.language)),
        (words.answers["column_place"], place),
        (words.answers["column_dates"], listed("event_dates").replace("/", " – ")),
        (words.answers["column_organisers"], listed("organisers") or listed("organiser")),
    )
    return [(name, value) for name, value in found if value]


def address_of(document_id: str, *, portal: str = "", start: int = 0, end: int = 0) -> str:
    """The page of a document, from the server's root, with a quote marked where there is one."""
    asked = ({"portal": portal} if portal else {}) | ({"start": start, "end": end} if end > start else {})
    return f"documents/{quote(document_id)}{'?' + urlencode(asked) if asked else ''}{'#quote' if end > start else ''}"


def page_of(caller: Caller, document_id: str, language: str, start: int, end: int) -> Page:
    """A document as a caller may see it, in the words of a language. Raises DocumentNotFound, IndexNotFound."""
    document, passages = caller.assistant.shown(document_id)
    portal = caller.portal.id if caller.portal else ""
    original = f"originals/{quote(document_id)}{'?' + urlencode({'portal': portal}) if portal else ''}"
    return Page(
        document.title, document.language, pack_or_english(document.language).direction, safe_link(document.source), address_of(document_id, portal=portal, start=start, end=end),
        original if document.display == "full" and _has_original(caller, document_id) else "", "" if document.display == "full" else pack(language).answers[f"{document.display}_only"],
        tuple(facts_of(document, language)), tuple(shown_of(document, passages, start, end)),
    )  # fmt: skip


def routes(access: Access, desk: Desk) -> APIRouter:
    """`/documents/ID` and `/originals/ID`; `portal` says through which portal a visitor looks."""
    router = APIRouter()

    async def reader(request: Request, portal: str) -> Caller:
        """Who reads: what a portal shows is public, so its name is enough. Raises Problem."""
        if not portal:
            try:
                return access.caller(request, "documents")
            except Problem as problem:
                if problem.status != 401:
                    raise
                # Without a key nobody learns whether there is such a document.
                raise Problem(404, "There is no such document.") from None
        found = access.portal(portal)
        if not found.origins:
            raise Problem(404, "There is no such portal.")
        caller = access.visitor(request, found)
        await access.quotas.spend(caller.quotas, READING)
        return caller

    @router.get("/documents/{id:path}", include_in_schema=False)
    async def document_page(
        id: str, request: Request, portal: Annotated[str, Query(max_length=50)] = "", start: Annotated[int, Query(ge=0)] = 0, end: Annotated[int, Query(ge=0)] = 0, language: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:  # fmt: skip
        strange = not portal and access.staff.signs_in and access.staff.member(request) is None
        if strange and "text/html" in request.headers.get("accept", "") and "authorization" not in request.headers:
            raise access.staff.stranger(f"documents/{id}")
        caller = await reader(request, portal)
        wanted = language or request.headers.get("accept-language", "")
        code = spoken(caller.portal, wanted) if caller.portal else preferred(wanted)
        shown = await desk.run(lambda: page_of(caller, id, code, start, end))
        return page("document.html", policy(), root="../" * (id.count("/") + 1), shown=shown, words=pack(code), quoted=end > start)

    @router.get("/api/v1/pages/{id:path}", summary="A document as it is shown", tags=["documents"], response_class=JSONResponse, responses={200: {"model": Page}, **documented(401, 403, 404, 422, 429, 503)})
    async def shown(
        id: Annotated[str, Path(max_length=2000, examples=["press/press-releases/2024/opening.de.md"])], request: Request, start: Annotated[int, Query(ge=0)] = 0, end: Annotated[int, Query(ge=0)] = 0, language: Annotated[str, Query(max_length=200)] = "",
    ) -> JSONResponse:  # fmt: skip
        """Its paragraphs, headings and pages, with the characters from `start` to `end` marked."""
        caller = access.caller(request, "documents")
        await access.quotas.spend(caller.quotas, READING)
        code = preferred(language or request.headers.get("accept-language", ""))
        return JSONResponse(as_json(await desk.run(lambda: page_of(caller, id, code, start, end))), headers={"Cache-Control": "no-store"})

    @router.get("/originals/{id:path}", include_in_schema=False)
    async def original(id: str, request: Request, portal: Annotated[str, Query(max_length=50)] = "") -> Response:
        caller = await reader(request, portal)
        file = await desk.run(lambda: caller.assistant.original(id))
        shown = _SHOWN.get(file.suffix.lower())
        headers = {"Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'", "Cache-Control": "no-cache"}
        return FileResponse(file, media_type=shown or "application/octet-stream", filename=file.name, content_disposition_type="inline" if shown else "attachment", headers=headers)

    return router


def _has_original(caller: Caller, document_id: str) -> bool:
    from assistant.errors import DocumentNotFound

    try:
        caller.assistant.original(document_id)
    except DocumentNotFound:
        return False
    return True
