"""class Assistant: open, ingest, search, ask, stream, delete, status. It wires the rooms and is the one public door.

It holds no logic of reading, ranking or answering.
"""

from __future__ import annotations

import copy
import hashlib
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from assistant.answering.models import OPENAI_LIKE
from assistant.errors import (
    DeleteUnproven,
    DocumentNotFound,
    IndexBroken,
    IndexMismatch,
    IndexNotFound,
    NameNotFound,
    QuestionError,
    ScopeError,
)
from assistant.feedback import FeedbackStore
from assistant.index.encoders import Encoder, load_encoder, may_be, packaged_table
from assistant.index.generation import (
    Generation,
    Generations,
    Manifest,
    chunking_fingerprint,
    current_number,
    folder_of,
)
from assistant.schema import (
    Answer,
    Chunk,
    DeleteReport,
    Document,
    Facets,
    Filters,
    IngestReport,
    Message,
    Progress,
    ScoredChunk,
    Statement,
    silent,
)
from assistant.settings import Settings

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage
    from llama_index.core.llms import LLM

    from assistant.answering.calls import Breaker
    from assistant.answering.claims import Checker
    from assistant.answering.extractive import Considered
    from assistant.language.packs import Pack
    from assistant.language.times import Timed
    from assistant.retrieval.followups import Reading
    from assistant.retrieval.listings import Listing
    from assistant.retrieval.rerankers import Reranker
    from assistant.retrieval.search import Found
    from assistant.retrieval.suggestions import Suggestion

LONGEST_QUESTION = 2000
# What a model is told of a conversation: so many messages, so many characters of each.
_TURNS, _REMEMBERED = 6, 600
# Of a word in a larger share of the passages it is not plain what it would restrict ("innovation platforms").
_TELLS_NOTHING = 0.03


@dataclass(slots=True)
class _Loaded:
    """What takes long to load or must be one for all: shared by an assistant and its limited ones."""

    encoder: Encoder | None
    llm: LLM | None
    reranker: Reranker | None = None
    breaker: Breaker | None = None
    guard: threading.Lock = field(default_factory=threading.Lock)


class Assistant:
    """Everything the project can do, over one index. Thread-safe; close it, or use it in a `with` block."""

    def __init__(self, settings: Settings, encoder: Encoder | None = None, llm: LLM | None = None) -> None:
        self.settings = settings
        self._index = settings.index.path
        self._loaded = _Loaded(encoder, llm)
        self._generations = Generations(self._index)
        self.feedback = FeedbackStore(settings.feedback.path, settings.feedback.days)
        self._retriever: Any = None
        self._scope: Filters | None = None

    @classmethod
    def open(cls, settings: Settings | None = None, *, encoder: Encoder | None = None, llm: LLM | None = None) -> Assistant:
        """An assistant over the index that the settings name; it need not exist yet. `llm` stands in for the model of the settings.

        Raises IndexMismatch when it was built with another encoder or chunking, IndexBroken when it cannot be opened.
        """
        assistant = cls(settings or Settings.load(), encoder, llm)
        if assistant._manifest() is not None:
            assistant._check_fingerprints()
        return assistant

    def on(self, day: str) -> Assistant:
        """The same assistant as of a day (ISO), over the same open index: what `answering.clock` would make it. Close only the first."""
        other = copy.copy(self)
        answering = self.settings.answering.model_copy(update={"clock": datetime.fromisoformat(day)})
        other.settings = self.settings.model_copy(update={"answering": answering})
        other._retriever = None
        return other

    def limited(self, scope: Filters) -> Assistant:
        """The same assistant for those who may see no more than a scope's collections, or only what is public, over the same open index.

        Whatever it is asked, what lies outside is not found, listed, counted, or known by name. It only reads. Close only the first.
        Raises ScopeError for a scope that restricts anything else.
        """
        if replace(scope, collections=(), public=False) != Filters():
            raise ScopeError("a scope restricts collections, and whether only what is public", fix="give languages, documents and dates as filters of a question")
        other = copy.copy(self)
        other._scope = scope.within(self._scope or Filters())
        other._retriever = None
        return other

    def close(self) -> None:
        self._generations.close()
        if self._loaded.llm is not None and self.settings.llm.provider:
            from assistant.answering.calls import hang_up

            hang_up(self._loaded.llm)

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # -- what the index says of itself --------------------------------------------------------------------

    @property
    def encoder(self) -> Encoder:
        """The encoder that the settings name, loaded when first needed."""
        with self._loaded.guard:
            if self._loaded.encoder is None:
                self._loaded.encoder = load_encoder(self.settings.embedding)
            return self._loaded.encoder

    @property
    def _chunking(self) -> str:
        return chunking_fingerprint(self.settings.chunking)

    def _manifest(self) -> Manifest | None:
        number = current_number(self._index)
        return None if number is None else Manifest.read(folder_of(self._index, number))

    def _check_fingerprints(self) -> None:
        manifest = self._manifest()
        if manifest is None:
            return
        if self._loaded.encoder is None and not may_be(manifest.encoder, self.settings.embedding):
            self._mismatch("encoder", manifest.encoder, f"embedding.model = {self.settings.embedding.model}")
        if manifest.encoder != self.encoder.fingerprint:
            self._mismatch("encoder", manifest.encoder, self.encoder.fingerprint)
        if manifest.chunking != self._chunking:
            self._mismatch("chunking", manifest.chunking, self._chunking)

    @staticmethod
    def _mismatch(what: str, built: str, asked: str) -> NoReturn:
        raise IndexMismatch(f"the index was built with the {what} {built}, the settings ask for {asked}", fix="assistant ingest --rebuild, or take the setting back")

    # -- questions ----------------------------------------------------------------------------------------

    def warm(self) -> None:
        """Load what the first question would wait for: encoder, names, catalogue, weights. Without an index there is nothing to load."""
        with suppress(IndexNotFound), self._leased() as generation:
            self._retrieval().catalogue(generation)
            self._considered(generation, "forum 2024", None, "")

    @contextmanager
    def _leased(self) -> Iterator[Generation]:
        with self._generations.lease() as generation:
            if generation is None:
                raise IndexNotFound(f"nothing is indexed in {self._index}", fix="assistant ingest")
            if generation.manifest.encoder != self.encoder.fingerprint or generation.manifest.chunking != self._chunking:
                self._check_fingerprints()
            yield generation

    def _retrieval(self) -> Any:
        if self._retriever is None:
            from assistant.retrieval.rerankers import CrossEncoderReranker
            from assistant.retrieval.search import Retriever

            model, encoder = self.settings.retrieval.reranker, self.encoder
            with self._loaded.guard:
                if model and self._loaded.reranker is None:
                    self._loaded.reranker = CrossEncoderReranker(model)
            self._retriever = Retriever(self.settings.retrieval, encoder, self.settings.answering.clock, self.settings.names.glossary, self._loaded.reranker, self._scope)
        return self._retriever

    def search(self, question: str, top_k: int = 5, filters: Filters | None = None) -> list[ScoredChunk]:
        """The best passages for a question, best first. Raises IndexNotFound, QuestionError."""
        text = _checked(question)
        if top_k < 1:
            raise QuestionError("top_k must be at least 1", fix="ask for one passage or more")
        with self._leased() as generation:
            return list(self._retrieval().search(generation, text, top_k=top_k, filters=filters).passages)

    def ask(self, question: str, history: Sequence[Message] = (), filters: Filters | None = None, *, language: str = "") -> Answer:
        """One answer, every statement of it backed by a verified quote, or an abstention.

        `language` answers in another language than the question's. Raises IndexNotFound, QuestionError.
        """
        answer = None
        for event in self.stream(question, history, filters, language=language):
            answer = event
        assert isinstance(answer, Answer)
        return answer

    def facets(self) -> Facets:
        """What questions can be narrowed by. Raises IndexNotFound."""
        with self._leased() as generation:
            scope, hidden = self._scope or Filters(), self._retrieval().hidden(generation)

            def counted(column: str) -> dict[str, int]:
                return dict(generation.documents(f"{column}, count(*)", scope, "GROUP BY 1 ORDER BY 2 DESC, 1", hidden))

            years = generation.documents("DISTINCT substr(d.date, 1, 4)", scope, "AND d.date <> '' ORDER BY 1 DESC", hidden)
            return Facets(counted("d.collection"), counted("d.language"), tuple(year for (year,) in years))

    def suggested(self, language: str, most: int = 5) -> tuple[str, ...]:
        """Questions in a language that the documents answer, tried before they are given. Raises IndexNotFound."""
        from assistant.retrieval.offers import questions

        with self._leased() as generation:
            things = self._retrieval().things(generation, Filters())
        tried = (question for question in islice(questions(things, language), 3 * most) if not self.ask(question, language=language).abstained)
        return tuple(islice(tried, most))

    def check_ready(self) -> int:
        """How many documents the open index holds. Raises IndexNotFound, and IndexBroken where its parts do not agree."""
        with self._leased() as generation:
            if wrong := generation.disagreements():
                raise IndexBroken(f"generation {generation.manifest.number} does not agree with itself: {'; '.join(wrong)}", fix="assistant ingest --rebuild")
            return generation.manifest.documents

    def considered(self, question: str, *, language: str = "") -> Considered:
        """Every sentence that might answer a question, with what is said of each: what `assistant eval calibrate` learns from.

        Raises IndexNotFound, QuestionError.
        """
        with self._leased() as generation:
            return self._considered(generation, _checked(question), None, language)[1]

    def _considered(self, generation: Generation, text: str, filters: Filters | None, language: str) -> tuple[Found, Considered]:
        from assistant.answering import extractive
        from assistant.answering.evidence import needs
        from assistant.answering.matching import Matcher

        retriever = self._retrieval()
        depth = max(self.settings.answering.considered, self.settings.answering.top_k)
        found = retriever.search(generation, text, top_k=depth, filters=filters, language=language)
        begun = time.perf_counter()
        wanted = needs(found.question, generation.lexical.frequency, generation.manifest.passages)
        considered = extractive.consider(wanted, found.passages, retriever.view(generation).names, Matcher(packaged_table()))
        found.timings_ms["evidence"] = (time.perf_counter() - begun) * 1000
        return found, considered

    def stream(self, question: str, history: Sequence[Message] = (), filters: Filters | None = None, *, language: str = "") -> Iterator[str | Answer]:
        """The answer's text in pieces, then the Answer itself; the pieces joined are `Answer.text`.

        With a language model its sentences come as they are verified; closing the iterator closes the call. Raises as `ask` does.
        """
        from assistant.answering import extractive, generated, selection
        from assistant.answering.claims import Checker
        from assistant.language.packs import pack_or_english

        text = _checked(question)
        started = time.perf_counter()
        with self._leased() as generation:
            if (talk := self._talked(generation, text, language)) is not None:
                yield talk.text
                yield talk
                return
            model, asking = self.model, time.perf_counter()
            readings = self._readings(generation, text, history)
            asked_before = [message.text for message in history if message.role == "user"]
            # One deadline for all that the model is asked for one question; what is loaded for the first one counts for nothing.
            left = self.settings.llm.timeout_s - (time.perf_counter() - asking)
            for reading in readings:
                if (listed := self._listed(generation, reading, asked_before, filters, language)) is not None:
                    yield from listed.text.splitlines(keepends=True)
                    yield replace(listed, question=text, timings_ms={"total": round((time.perf_counter() - started) * 1000, 3)})
                    return
            weighing = selection.read()
            made = [(reading, *self._considered(generation, self._timed(reading.text)[1].text, filters, language)) for reading in readings]
            # A question that may go on from the one before or begin anew is read as the documents answer it better.
            reading, found, considered = made[0] if len(made) == 1 else max(made, key=lambda one: extractive.confidence(one[2], weighing))
            begun = time.perf_counter()
            names = self._retrieval().view(generation).names
            documents = partial(_existing, generation)
            quoted = extractive.answer(considered, found.passages, documents, names, weighing, self.settings.answering, language)
            if reading.carried and not quoted.abstained:
                quoted = extractive.noted(quoted, "read_as", terms=", ".join(reading.carried))
            timings = {**found.timings_ms, "answer": (time.perf_counter() - begun) * 1000}
            answer = quoted
            if model is not None and found.passages:
                words = pack_or_english(quoted.language)
                given = [p for p in found.passages if p.chunk.text][: self.settings.answering.top_k]
                verifier = generated.Verifier(given, documents, Checker(packaged_table(), names), words, mark=self.settings.answering.unsupported == "mark")
                answer = yield from generated.answer(verifier, self._asked(model, reading.text, given, words, left), quoted)
                timings["model"] = (time.perf_counter() - begun) * 1000 - timings["answer"]
            else:
                yield from quoted.text.splitlines(keepends=True)
        timings["total"] = (time.perf_counter() - started) * 1000
        yield replace(answer, question=text, timings_ms={stage: round(ms, 3) for stage, ms in timings.items()})

    def _talked(self, generation: Generation, text: str, language: str) -> Answer | None:
        """The reply to small talk; None for a question."""
        from assistant.answering.talk import kind_of_talk, reply
        from assistant.language.dates import write_date
        from assistant.language.detection import detect
        from assistant.language.packs import pack

        found = kind_of_talk(text, detect(text))
        if found is None:
            return None
        kind, words = found[0], pack(language) if language else found[1]
        scope, hidden = self._scope or Filters(), self._retrieval().hidden(generation)
        rows = generation.documents("d.language, count(*)", scope, "GROUP BY 1 ORDER BY 2 DESC, 1", hidden)
        newest = generation.documents("max(d.date)", scope, "", hidden)[0][0] or ""
        spoken = ", ".join(words.language_name(code) for code, _ in rows)
        said = reply(kind, words, documents=sum(count for _, count in rows), languages=spoken, newest=write_date(newest, words.code) if newest else words.interface["undated"])
        return Answer(text, said, words.code, "talk", False, (Statement(said, ()),))

    def _listed(self, generation: Generation, reading: Reading, before: Sequence[str], filters: Filters | None, language: str) -> Answer | None:
        """The answer from the catalogue of the documents; None where the question asks for something else or the catalogue lacks it.

        `before` are the questions that it may go on from.
        """
        from assistant.answering import overviews
        from assistant.language.packs import pack, pack_or_english
        from assistant.retrieval.listings import editions_of, may_ask

        retriever, text = self._retrieval(), reading.text
        spoken, said = self._timed(text)
        if not before and not may_ask(text, spoken, timed=bool(said.when or said.which)):
            return None
        words = pack(language) if language else pack_or_english(spoken)
        names, catalogue = retriever.view(generation).names, retriever.catalogue(generation)
        things = partial(retriever.things, generation, filters or Filters())
        shown = overviews.Shown(partial(retriever.passages, generation), partial(_existing, generation), names, translated=self.model is not None)
        asked = self._listing(generation, [*before, text])
        if asked is not None:
            return overviews.table(text, asked, said.which, self._today, things(), shown, words)
        event = editions_of(said.without, spoken, catalogue, names, things, timed=bool(said.when or said.which))
        if event is not None and (said.when or said.which or len(event.periods) > 1):
            return overviews.editions(text, event, said.which, self._today, shown, words)
        return None

    def _listing(self, generation: Generation, questions: Sequence[str]) -> Listing | None:
        """What the last of the questions asks of the catalogue, by itself or going on from those before."""
        from assistant.language.lexical import lexical_tokens
        from assistant.retrieval.listings import going_on, listing_of

        names, catalogue = self._retrieval().view(generation).names, self._retrieval().catalogue(generation)
        rare = generation.manifest.passages * _TELLS_NOTHING
        asked: Listing | None = None
        for question in questions[-_TURNS:]:
            spoken, said = self._timed(question)
            own = listing_of(said.without, spoken, catalogue, names, telling=lambda word: min(map(generation.lexical.frequency, lexical_tokens(word)), default=0) < rare)
            asked = own or (going_on(said.without, spoken, asked, catalogue, names) if asked else None)
        return asked

    def _timed(self, text: str) -> tuple[str, Timed]:
        """The question's language, and what it says of time as seen from today."""
        from assistant.language.detection import detect
        from assistant.language.times import timed

        spoken = detect(text)
        return spoken, timed(text, spoken, self._today)

    @property
    def _today(self) -> date:
        return (self.settings.answering.clock or datetime.now()).date()

    def _readings(self, generation: Generation, text: str, history: Sequence[Message]) -> list[Reading]:
        """How a question may be meant: a follow-up as the model puts it without the conversation, or with the names that it goes on from."""
        from assistant.language.detection import detect
        from assistant.retrieval.followups import Reading, carried, refers

        if not history:
            return [Reading(text)]
        if (alone := self._standing_alone(text, history)) is not None:
            return [Reading(alone)]
        names = carried(text, [message.text for message in history if message.role == "user"], self._retrieval().view(generation).names)
        if not names:
            return [Reading(text)]
        going_on = Reading(f"{text} {' '.join(names)}"[:LONGEST_QUESTION], names)
        return [going_on] if refers(text, detect(text)) else [Reading(text), going_on]

    def _standing_alone(self, text: str, history: Sequence[Message]) -> str | None:
        """A follow-up as the model puts it without the conversation; None without a model, or where it fails."""
        if self.model is None:
            return None
        from assistant.answering.calls import NOT_RECORDED, ModelFault, complete
        from assistant.answering.prompting import framed

        told = "\n".join(f"{message.role}: {framed(message.text)[:_REMEMBERED]}" for message in history[-_TURNS:])
        try:
            said = complete(self.model, self._messages("rewrite", history=told, question=framed(text)), self.settings.llm.timeout_s / 3, self._calls(), strict_end=self._strict)
        except ModelFault as fault:
            if fault.reason == NOT_RECORDED:
                raise
            return None
        first = next((line.strip() for line in said.splitlines() if line.strip()), "")
        return first if 0 < len(first) <= LONGEST_QUESTION else None

    def _messages(self, task: str, **values: str) -> list[ChatMessage]:
        from llama_index.core.base.llms.types import ChatMessage, MessageRole

        from assistant.answering.prompting import prompt

        system, user = prompt(task, self.settings.answering.prompts).fill(**values)
        return [ChatMessage(role=MessageRole.SYSTEM, content=system), ChatMessage(role=MessageRole.USER, content=user)]

    def _calls(self) -> Breaker:
        from assistant.answering.calls import Breaker

        with self._loaded.guard:
            self._loaded.breaker = self._loaded.breaker or Breaker()
            return self._loaded.breaker

    @property
    def _strict(self) -> bool:
        return self.settings.llm.provider == OPENAI_LIKE

    @property
    def model(self) -> LLM | None:
        """The language model that answers, loaded when first needed; None without one. Raises SettingsError."""
        with self._loaded.guard:
            if self._loaded.llm is None and self.settings.llm.provider:
                from assistant.answering.models import load_llm

                self._loaded.llm = load_llm(self.settings.llm)
            return self._loaded.llm

    def _asked(self, model: LLM, question: str, passages: Sequence[ScoredChunk], words: Pack, left: float) -> Iterator[str]:
        from assistant.answering.calls import stream
        from assistant.answering.prompting import framed, passages_text

        messages = self._messages("answer", language=words.name, today=self._today.isoformat(), passages=passages_text(passages), question=framed(question))
        return stream(model, messages, left, self._calls(), strict_end=self._strict)

    def checker(self) -> Checker:
        """What holds a sentence against its source, with the names of the published index. Raises IndexNotFound."""
        from assistant.answering.claims import Checker

        with self._leased() as generation:
            return Checker(packaged_table(), self._retrieval().view(generation).names)

    def document(self, document_id: str) -> Document:
        """A document of the published index, whole: who may see how much of it is for the caller to heed.

        Raises DocumentNotFound, IndexNotFound.
        """
        self._whole()
        with self._leased() as generation:
            return _existing(generation, document_id)

    def shown(self, document_id: str) -> tuple[Document, list[Chunk]]:
        """A document, its text empty unless all of it may be shown, and as much of its passages as may be.

        Raises DocumentNotFound for what may not be found now (embargoed, expired, replaced) or lies outside the scope; IndexNotFound.
        """
        with self._leased() as generation:
            retriever = self._retrieval()
            if not retriever.may_find(generation, document_id):
                raise _no_document(document_id)
            document = _existing(generation, document_id)
            return document if document.display == "full" else replace(document, text="", sections=(), pages=()), retriever.passages(generation, document_id)

    def original(self, document_id: str) -> Path:
        """The file that a document was read from, as it was then. Raises DocumentNotFound as `shown` does, and where the file has gone,
        has changed since, or may not be shown whole; IndexNotFound.
        """
        from assistant.ingestion.sources import original

        document, _ = self.shown(document_id)
        file = original(self.settings.sources(), document_id, document.content_hash) if document.display == "full" else None
        if file is None:
            raise _no_document(document_id)
        return file

    def _whole(self) -> None:
        """For what a limited assistant must not do. Raises ScopeError."""
        if self._scope is not None:
            raise ScopeError("a limited assistant only answers, searches and shows", fix="ask the assistant that it was made from")

    def fingerprint(self) -> str:
        """What the answers depend on: encoder, chunking and every document's content. Raises IndexNotFound."""
        self._whole()
        with self._leased() as generation:
            rows = generation.db.execute("SELECT id, content_hash FROM documents ORDER BY id")
            content = hashlib.blake2b("\n".join(f"{i} {h}" for i, h in rows).encode(), digest_size=8).hexdigest()
            return f"{generation.manifest.encoder} {generation.manifest.chunking} {content}"

    # -- names ----------------------------------------------------------------------------------------------

    def suggest_names(self) -> list[Suggestion]:
        """Pairs such as "Future Science City(未来科学城)" that documents hold and no one has accepted or ignored yet."""
        from assistant.retrieval.glossary import Glossary
        from assistant.retrieval.suggestions import suggest

        self._whole()
        with self._leased() as generation:
            texts = generation.db.execute("SELECT id, text FROM documents ORDER BY id")
            return suggest(texts, self._retrieval().view(generation).names, Glossary.read(self.settings.names.glossary))

    def judge_names(self, ids: Sequence[str], *, accept: bool) -> list[Suggestion]:
        """Take suggestions into the glossary, or have them never suggested again.

        Raises NameNotFound (nothing is written then), SettingsError.
        """
        from assistant.retrieval.glossary import add

        suggested = {suggestion.id: suggestion for suggestion in self.suggest_names()}
        for wanted in ids:
            if wanted not in suggested:
                raise NameNotFound(f"no suggested name has the id {wanted}", fix="assistant names suggest lists them")
        chosen = [suggested[wanted] for wanted in dict.fromkeys(ids)]
        for one in chosen:
            add(self.settings.names.glossary, "names" if accept else "ignored", one.spellings, seen_in=one.seen_in, today=date.today())
        return chosen

    # -- writing --------------------------------------------------------------------------------------------

    def ingest(
        self,
        paths: Iterable[str | Path] | None = None,
        *,
        rebuild: bool = False,
        prune: bool = False,
        confirmed: bool = False,
        forget_tombstones: Iterable[str] = (),
        progress: Progress = silent,
    ) -> IngestReport:
        """Index what is new or changed, and publish. Default: the settings' corpus.

        `rebuild` reads and embeds everything again; `prune` removes documents that have left their source, unless
        that would be suspiciously many (`confirmed` says they may go). Raises IndexBusy, SourceError, PruneRefused,
        DocumentCollision, IndexMismatch.
        """
        from assistant.ingestion.sources import scopes
        from assistant.writing import Writer

        self._whole()
        chosen = scopes(self.settings.sources(), None if paths is None else [Path(p) for p in paths])
        report = Writer(self.settings, self.encoder).ingest(
            chosen, rebuild=rebuild, prune=prune, confirmed=confirmed, forget_tombstones=forget_tombstones, progress=progress
        )
        self._generations.refresh()
        return report

    def delete(self, document_ids: Sequence[str]) -> DeleteReport:
        """Remove documents everywhere and prove it; they stay away until their tombstone is forgotten.

        First a generation without them is published, so that answers stop within seconds; then everything that held
        their bytes is built anew. Raises DocumentNotFound, IndexBusy, DeleteUnproven.
        """
        from assistant.writing import Writer

        self._whole()
        done = Writer(self.settings, self.encoder).delete(document_ids, self._generations.refresh)
        self.feedback.forget(document_ids)
        with self._leased() as generation:
            for item in done.evidence:
                if generation.document(item.document_id) is not None:
                    raise DeleteUnproven(f"{item.document_id} is still listed", fix="run the delete again")
                for text in item.texts[:3]:
                    found = self._retrieval().search(generation, text[:LONGEST_QUESTION], top_k=20).passages
                    if any(p.chunk.document_id == item.document_id for p in found):
                        raise DeleteUnproven(f"{item.document_id} is still found", fix="run the delete again")
        checks = ("not in the list of documents", "not found by its own text", "no byte of its text or vectors in the index folder")
        return DeleteReport(done.document_ids, done.passages, checks, done.generation)

    # -- looking --------------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """What is indexed: counts by collection and language, undated documents, failures, the generation."""
        from assistant.index.proof import size

        self._whole()
        manifest = self._manifest()
        if manifest is None:
            return {"indexed": False, "index": str(self._index), "documents": 0, "passages": 0}
        with self._generations.lease() as generation:
            assert generation is not None
            db = generation.db
            groups = db.execute("SELECT collection, language, count(*) FROM documents GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2").fetchall()
            collections: dict[str, dict[str, int]] = {}
            for collection, language, count in groups:
                collections.setdefault(collection, {})[language] = count
            return {
                "indexed": True,
                "index": str(self._index),
                "generation": manifest.number,
                "encoder": manifest.encoder,
                "documents": manifest.documents,
                "passages": manifest.passages,
                "collections": collections,
                "newest": db.execute("SELECT max(date) FROM documents").fetchone()[0] or "",
                "undated": [row[0] for row in db.execute("SELECT id FROM documents WHERE date = '' ORDER BY id")],
                "failures": [
                    {"path": p, "reason": r, "message": m, "partial": bool(x)}
                    for p, r, m, x in db.execute("SELECT path, reason, message, partial FROM failures ORDER BY path")
                ],
                "deleted": [row[0] for row in db.execute("SELECT document_id FROM tombstones ORDER BY document_id")],
                "bytes": size(self._index),
            }

    def passages(self, document_id: str) -> list[Chunk]:
        """A document's passages, in order; none of a document that is not there. Raises IndexNotFound."""
        self._whole()
        with self._leased() as generation:
            return generation.passages(document_id)

    def listed(self, search: str = "", first: int = 0, most: int = 50) -> tuple[list[dict[str, str]], int]:
        """Documents whose title or id holds the words of a search, by id: `most` of them after the `first`, and how many there are."""
        self._whole()
        with self._generations.lease() as generation:
            if generation is None:
                return [], 0
            condition = " AND ".join(["(instr(lower(title), lower(?)) OR instr(lower(id), lower(?)))"] * len(search.split())) or "1"
            values = [word for word in search.split() for _ in range(2)]
            count = generation.db.execute(f"SELECT count(*) FROM documents WHERE {condition}", values).fetchone()[0]
            columns = ("id", "title", "language", "date", "collection")
            rows = generation.db.execute(f"SELECT {', '.join(columns)} FROM documents WHERE {condition} ORDER BY id LIMIT ? OFFSET ?", [*values, most, first])
            return [dict(zip(columns, row, strict=True)) for row in rows], int(count)

    def generation(self) -> int:
        """The number of the published generation. Raises IndexNotFound."""
        with self._leased() as generation:
            return generation.manifest.number

    def document_ids(self) -> list[str]:
        """Ids of all documents of the published index, or of the scope, in order."""
        with self._leased() as generation:
            return [row[0] for row in generation.documents("d.id", self._scope or Filters(), "ORDER BY d.id")]


def _existing(generation: Generation, document_id: str) -> Document:
    document = generation.document(document_id)
    if document is None:
        raise _no_document(document_id)
    return document


def _no_document(document_id: str) -> DocumentNotFound:
    return DocumentNotFound(f"there is no document {document_id}", fix="assistant status --json lists the documents' ids")


def _checked(question: str) -> str:
    # Half a surrogate pair, as JSON may carry it, stands for no character and cannot be written anywhere.
    text = question.encode("utf-8", "replace").decode("utf-8").strip()
    if not text:
        raise QuestionError("the question is empty", fix="ask something")
    if len(text) > LONGEST_QUESTION:
        raise QuestionError(f"the question has {len(text)} characters", fix=f"ask in at most {LONGEST_QUESTION}")
    return text


