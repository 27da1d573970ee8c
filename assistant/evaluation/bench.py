"""Benchmark: how fast and how heavy the whole path is, by stage, and plain llama-index beside it in the same run.

    python -m assistant.evaluation.bench [--passages 1000,10000,100000] [--compare 10000] [--out FILE] [--work FOLDER]

The text is synthetic, multilingual and seeded. Each size, and each llama-index row, runs in a process of its own, so
that its peak memory is its own. Figures depend on the machine: they are reported and compared, never asserted. It knows only
the pipeline's public door (and the chunker, timed on a sample), and nothing of answers' quality.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.pipeline import Assistant
    from assistant.settings import Settings

SEED = 7
QUESTIONS = 200
TOP_K = 5
PASSAGES_PER_DOCUMENT = 10
_SENTENCES_PER_SECTION = 9
_SAMPLE = 40
_LIBRARIES = ("chromadb", "tantivy", "numpy", "llama-index-core", "llama-index-vector-stores-chroma")


# -- synthetic text -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Words:
    """A language's word lists. `syllables` make its names; in the patterns {a} {b} are names, {n} {m} nouns,
    {q} a quality, {k} a number, {d} a day, {y} a year."""

    language: str
    syllables: str
    nouns: str
    qualities: str
    headings: str
    sentences: tuple[str, ...]
    questions: tuple[str, ...]
    space: str = " "


_LATIN = (
    "ba be bo da den do fa fel ga gor ha hel ka kir la len lo ma mer mi na nor pa ra ril sa sol ta tur va vel wen zo"
)
WORDS = (
    Words(
        "en", _LATIN,
        "forum laboratory vaccine hospital platform cluster programme report incubator patent device clinic therapy antibody register network sensor study grant campus",
        "new regional digital international clinical joint open annual early independent", "Overview Partners Programme Results Outlook",
        (
            "{a} opened the {q} {n} in {b} on {d} May {y}.",
            "More than {k} guests from {b} saw how {a} showed its {n} for the {m}.",
            "According to {a}, the {q} {n} costs {k} million euros and serves every {m} in {b}.",
            "The {n} of {a} works with a {q} {m}, which was moved to {b} in {y}.",
            "In {b} the {n} and the {m} share {k} rooms, although {a} had asked for more.",
        ),
        ("When did {a} open the {q} {n} in {b}?", "How many guests from {b} saw the {n} of {a}?", "What does the {q} {n} of {a} cost?"),
    ),
    Words(
        "de", _LATIN,
        "Forum Labor Impfstoff Krankenhaus Plattform Netzwerk Programm Bericht Gründerzentrum Patent Gerät Klinik Therapie Antikörper Register Messgerät Studie Förderung Standort Verfahren",
        "neue regionale digitale internationale klinische gemeinsame offene jährliche frühe unabhängige", "Überblick Partner Ablauf Ergebnisse Ausblick",
        (
            "{a} hat am {d}. Mai {y} das Vorhaben {n} in {b} eröffnet.",
            "Mehr als {k} Gäste aus {b} sahen, wie {a} das Thema {n} und die {q} Seite von {m} vorstellte.",
            "Laut {a} kostet die {q} Anlage für {n} rund {k} Mio. Euro und dient dem Bereich {m} in {b}.",
            "Die {q} Arbeit von {a} an {n} und {m} wurde {y} nach {b} verlegt.",
            "In {b} teilen sich {n} und {m} etwa {k} Räume, obwohl {a} mehr verlangt hatte.",
        ),
        ("Wann hat {a} das Vorhaben {n} in {b} eröffnet?", "Wie viele Gäste aus {b} sahen {n} von {a}?", "Was kostet die {q} Anlage für {n} laut {a}?"),
    ),
    Words(
        "fr", _LATIN,
        "forum laboratoire vaccin hôpital réseau programme rapport incubateur brevet dispositif traitement anticorps registre capteur essai financement campus médicament colloque centre",
        "nouveau régional numérique clinique commun ouvert annuel précoce indépendant public", "Aperçu Partenaires Programme Résultats Perspectives",
        (
            "{a} a ouvert le {n} {q} à {b} le {d} mai {y}.",
            "Plus de {k} invités de {b} ont vu comment {a} a présenté son {n} pour le {m}.",
            "Selon {a}, le {n} {q} coûte {k} millions d’euros et sert chaque {m} de {b}.",
            "Le {n} de {a} travaille avec un {m} {q}, installé à {b} en {y}.",
            "À {b}, le {n} et le {m} partagent {k} salles, bien que {a} en ait demandé davantage.",
        ),
        ("Quand {a} a-t-il ouvert le {n} {q} à {b} ?", "Combien d’invités de {b} ont vu le {n} de {a} ?", "Combien coûte le {n} {q} de {a} ?"),
    ),
    Words(
        "es", _LATIN,
        "foro laboratorio hospital programa informe centro registro sensor estudio medicamento proyecto tratamiento anticuerpo parque instituto consorcio ensayo fondo equipo congreso",
        "nuevo regional digital internacional clínico conjunto abierto anual temprano independiente", "Resumen Socios Programa Resultados Perspectivas",
        (
            "{a} abrió el {n} {q} en {b} el {d} de mayo de {y}.",
            "Más de {k} invitados de {b} vieron cómo {a} presentaba su {n} para el {m}.",
            "Según {a}, el {n} {q} cuesta {k} millones de euros y sirve a cada {m} de {b}.",
            "El {n} de {a} trabaja con un {m} {q}, trasladado a {b} en {y}.",
            "En {b} el {n} y el {m} comparten {k} salas, aunque {a} había pedido más.",
        ),
        ("¿Cuándo abrió {a} el {n} {q} en {b}?", "¿Cuántos invitados de {b} vieron el {n} de {a}?", "¿Cuánto cuesta el {n} {q} de {a}?"),
    ),
    Words(
        "ru", "ба бе бо ва вел га гор да дон ка кир ла лен ма мер ми на нор па ра рил са сол та тур фа фел ха",
        "форум центр институт препарат проект отчёт прибор реестр патент кластер договор фонд завод конгресс метод анализ датчик тест совет парк",
        "новый региональный цифровой международный клинический совместный открытый ежегодный ранний независимый", "Обзор Партнёры Программа Итоги Планы",
        (
            "{a} открыл {q} {n} в городе {b} {d} мая {y} года.",
            "Более {k} гостей из города {b} увидели, как {a} представил {n} и {m}.",
            "По данным {a}, {q} {n} стоит {k} млн евро и обслуживает каждый {m} в городе {b}.",
            "{n} компании {a} использует {q} {m}, перенесённый в город {b} в {y} году.",
            "В городе {b} {n} и {m} делят {k} залов, хотя {a} просил больше.",
        ),
        ("Когда {a} открыл {q} {n} в городе {b}?", "Сколько гостей из города {b} увидели {n} компании {a}?", "Сколько стоит {q} {n} компании {a}?"),
    ),
    Words(
        "ar", "با بي دا دو را ري سا سو كا كو لا لو ما مي نا نو هال فار زان تور جان مار",
        "منتدى مختبر مستشفى برنامج تقرير مركز جهاز سجل معهد دواء مشروع مؤتمر صندوق مصنع علاج فحص مجلس لقاح",
        "جديد إقليمي رقمي دولي سريري مشترك مفتوح سنوي مبكر مستقل", "نظرة الشركاء البرنامج النتائج الآفاق",
        (
            "افتتحت {a} {n} {q} في {b} في {d} مايو {y}.",
            "شاهد أكثر من {k} ضيف من {b} كيف عرضت {a} {n} مع {m}.",
            "تقول {a} إن {n} {q} يكلف {k} مليون يورو ويخدم كل {m} في {b}.",
            "يعمل {n} التابع إلى {a} مع {m} {q} انتقل إلى {b} عام {y}.",
        ),
        ("متى افتتحت {a} {n} {q} في {b}؟", "كم ضيف من {b} شاهد {n} من {a}؟", "كم يكلف {n} {q} في {b}؟"),
    ),
    Words(
        "ja", "青 赤 石 岩 梅 大 岡 川 北 木 小 坂 佐 島 高 田 谷 中 西 野 橋 浜 東 藤 星 松 南 宮 村 森 山 吉",
        "研究所 病院 会議 報告書 新薬 特許 装置 治療法 抗体 登録簿 計測器 臨床試験 助成金 拠点 技術 工場 講座 ワクチン プラットフォーム データベース",
        "新しい 地域の 国際的な 共同の 公開された 独立した 早期の 先端的な", "概要 協力機関 日程 成果 展望",
        (
            "{a}は{y}年5月{d}日に{b}で{q}{n}を開設しました。",
            "{b}から来た{k}人を超える来賓が、{a}による{n}と{m}の紹介を見学した。",
            "{a}によると、{q}{n}の費用は{k}億円で、{b}のすべての{m}に役立つという。",
            "{a}の{n}は、{y}年に{b}へ移された{q}{m}とともに運営されている。",
            "{b}では{n}と{m}が{k}室を共有しているが、{a}はさらに多くを求めていた。",
        ),
        ("{a}が{b}で{q}{n}を開設したのはいつですか。", "{b}から来た何人の来賓が{a}の{n}を見学しましたか。", "{a}の{q}{n}の費用はいくらですか。"),
        "",
    ),
    Words(
        "zh", "安 北 昌 长 成 东 福 高 广 海 杭 和 河 湖 华 江 金 京 宁 南 平 青 山 上 深 沈 苏 天 武 西 新 阳",
        "研究所 医院 论坛 报告 新药 专利 设备 疗法 抗体 数据库 传感器 临床试验 基金 园区 技术 工厂 课程 疫苗 平台 实验室",
        "全新的 区域性的 国际化的 联合的 开放的 独立的 早期的 数字化的", "概况 合作伙伴 日程 成果 展望",
        (
            "{a}于{y}年5月{d}日在{b}启用了{q}{n}。",
            "来自{b}的{k}多位嘉宾参观了{a}展示的{n}和{m}。",
            "据{a}介绍，{q}{n}耗资{k}万元，为{b}的每一个{m}提供服务。",
            "{a}的{n}与{y}年迁至{b}的{q}{m}共同运行。",
            "在{b}，{n}和{m}共用{k}间房间，尽管{a}曾要求更多。",
        ),
        ("{a}什么时候在{b}启用了{q}{n}？", "有多少位来自{b}的嘉宾参观了{a}的{n}？", "{a}的{q}{n}耗资多少？"),
        "",
    ),
    Words(
        "ko", "가 강 경 고 광 구 금 나 남 다 대 도 동 라 마 명 미 바 백 보 부 사 산 서 성 수 안 양 영 원 인 주 진 천 청 한",
        "포럼 연구소 병원 보고서 신약 특허 장비 치료법 항체 등록부 센서 임상시험 기금 단지 기술 공장 강좌 백신 플랫폼 실험실",
        "새로운 지역적인 국제적인 공동의 개방된 독립적인 초기의 디지털", "개요 협력기관 일정 성과 전망",
        (
            "{a} 기관은 {y}년 5월 {d}일 {b} 지역에서 {q} {n} 시설을 열었다.",
            "{b} 지역에서 온 {k}명 이상의 손님이 {a} 기관의 {n} 및 {m} 발표를 보았다.",
            "{a} 기관에 따르면 {q} {n} 비용은 {k}억 원이며 {b} 지역의 모든 {m} 분야를 지원한다.",
            "{a} 기관의 {n} 시설은 {y}년에 {b} 지역으로 옮긴 {q} {m} 시설과 함께 운영된다.",
        ),
        ("{a} 기관은 언제 {b} 지역에서 {q} {n} 시설을 열었나요?", "{b} 지역에서 온 손님 몇 명이 {a} 기관의 {n} 발표를 보았나요?", "{a} 기관의 {q} {n} 비용은 얼마인가요?"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A made-up document: its Markdown file, and questions that sentences of it answer."""

    language: str
    title: str
    markdown: str
    questions: tuple[str, ...]


def synthetic(number: int, seed: int = SEED) -> Synthetic:
    """Document `number`: about ten passages. The same for the same number and seed, on every machine."""
    draw = random.Random(f"{seed}-{number}")  # noqa: S311 - not a secret
    words = WORDS[number % len(WORDS)]
    syllables, nouns, qualities, headings = (
        text.split() for text in (words.syllables, words.nouns, words.qualities, words.headings)
    )

    def name() -> str:
        made = "".join(draw.choices(syllables, k=3))
        return made.capitalize() if words.space else made

    def slots() -> dict[str, Any]:
        n, m = draw.sample(nouns, 2)
        return {
            "a": name(), "b": name(), "n": n, "m": m, "q": draw.choice(qualities), "k": draw.randrange(12, 9800), "d": draw.randrange(1, 29),
            "y": draw.randrange(2001, 2026),
        }  # fmt: skip

    title = f"{name()}{words.space}{draw.choice(nouns)}{words.space}{number}"
    lines = [
        "---",
        f"title: {title}",
        f"language: {words.language}",
        f"date: {draw.randrange(2005, 2026)}-05-{draw.randrange(1, 29):02}",
        "---",
        "",
    ]
    asked = []
    for section in range(PASSAGES_PER_DOCUMENT):
        lines += [f"## {headings[section % len(headings)]} {section + 1}", ""]
        sentences = []
        for _ in range(_SENTENCES_PER_SECTION):
            filled = slots()
            sentences.append(draw.choice(words.sentences).format(**filled))
        asked.append(draw.choice(words.questions).format(**filled))
        lines += [words.space.join(sentences), ""]
    return Synthetic(words.language, title, "\n".join(lines), tuple(asked))


def write_documents(folder: Path, count: int, seed: int = SEED) -> list[Path]:
    """Synthetic documents 0 … count − 1 as files, at most 500 in a folder."""
    files = []
    for number in range(count):
        file = folder / f"{number // 500:03}" / f"{number:06}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(synthetic(number, seed).markdown, encoding="utf-8")
        files.append(file)
    return files


def drawn_questions(documents: int, count: int, seed: int = SEED) -> list[tuple[str, str]]:
    """(question, file name of the document it was drawn from), languages in turn."""
    draw = random.Random(f"{seed}-questions")  # noqa: S311
    found = []
    for turn in range(count):
        number = draw.randrange(documents)
        if documents >= len(WORDS):
            number = (number - number % len(WORDS) + turn % len(WORDS)) % documents
        found.append((draw.choice(synthetic(number, seed).questions), f"{number:06}.md"))
    return found


# -- figures --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """What one process measured. Units are the ends of the figures' names; `stages` has {p50, p95 or total} in ms."""

    name: str
    documents: int
    passages: int
    figures: dict[str, float] = field(default_factory=dict)
    stages: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bench:
    """One run of the benchmark. `ratios` are llama-index ÷ ours: above 1 ours is ahead."""

    machine: dict[str, str]
    ours: list[Part]
    llama_index: list[Part]
    compared_with: Part | None
    ratios: dict[str, dict[str, float]]
    cold_start: dict[str, float]
    seconds: float


def percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(milliseconds)
    return {
        "p50": round(statistics.median(ordered), 3),
        "p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 3),
    }


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def _memory_mb(who: int) -> float:
    """Peak resident memory; of children, that of the largest one. macOS counts bytes, Linux kilobytes."""
    return round(resource.getrusage(who).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1024), 1)


def machine() -> dict[str, str]:
    libraries = {name: version(name) for name in _LIBRARIES}
    return {
        "cores": str(os.cpu_count()),
        "processor": platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        **libraries,
    }


# -- ours -----------------------------------------------------------------------------------------------------------


def _settings(index: Path, corpus: Path) -> Settings:
    from assistant.settings import CorpusSettings, IndexSettings, Settings

    return Settings(corpus=CorpusSettings(paths=[corpus]), index=IndexSettings(path=index))  # type: ignore[call-arg]


def measure_ours(folder: Path, documents: int, questions: int = QUESTIONS) -> Part:
    """Ingest, search, ask, ingest again unchanged and with one changed document, in `folder`/ours."""
    from assistant.pipeline import Assistant

    corpus = folder / "corpus"
    files = sorted(corpus.rglob("*.md")) or write_documents(corpus, documents)
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        # Imports and tables that are loaded once are the cold start's business.
        write_documents(Path(aside) / "corpus", 1)
        with Assistant.open(_settings(Path(aside) / "index", Path(aside) / "corpus")) as assistant:
            assistant.ingest()
    settings = _settings(folder / "ours", corpus)
    figures: dict[str, float] = {}
    with Assistant.open(settings) as assistant:
        seconds, report = _timed(assistant.ingest)
    assert len(report.added) == documents, (
        f"{len(report.added)} of {documents} documents were added: {report.failed[:3]}"
    )
    stages = {f"ingest.{stage}": {"total": ms} for stage, ms in report.timings_ms.items()}
    passages = report.passages
    figures |= {
        "ingest_s": seconds,
        "ingest_documents_per_s": documents / seconds,
        "ingest_passages_per_s": passages / seconds,
    }
    figures |= {
        "ingest_memory_mb": _memory_mb(resource.RUSAGE_SELF),
        "reader_process_memory_mb": _memory_mb(resource.RUSAGE_CHILDREN),
    }
    reading, chunking, sampled = _reading_and_chunking(settings, files)
    stages |= {
        "one_process.read": {"total": reading * documents / sampled},
        "one_process.chunk": {"total": chunking * documents / sampled},
    }

    with Assistant.open(settings) as assistant:
        search, asked = _ask_all(assistant, drawn_questions(documents, questions), figures)
        stages |= {
            f"search.{stage}": percentiles(values)
            for stage, values in asked.items()
            if stage not in ("total", "answer")
        }
        stages |= {
            "search": percentiles(search),
            "ask": percentiles(asked["total"]),
            "ask.answer": percentiles(asked["answer"]),
        }
        figures["unchanged_s"], again = _timed(assistant.ingest)
        assert not any((again.added, again.updated, again.embedded)), "an unchanged ingest did something"
        stages |= {f"unchanged.{stage}": {"total": ms} for stage, ms in again.timings_ms.items()}
        middle = files[len(files) // 2]
        middle.write_text(
            middle.read_text(encoding="utf-8") + "\n## Changed\n\nThis paragraph was written for the benchmark.\n",
            encoding="utf-8",
        )
        figures["one_changed_s"], changed = _timed(assistant.ingest)
        assert len(changed.updated) == 1, "one document was changed"
        stages |= {f"one_changed.{stage}": {"total": ms} for stage, ms in changed.timings_ms.items()}
    figures["index_mb"] = sum(f.stat().st_size for f in (folder / "ours").rglob("*") if f.is_file()) / (1 << 20)
    figures["memory_mb"] = _memory_mb(resource.RUSAGE_SELF)
    return Part("ours", documents, passages, {name: round(value, 3) for name, value in figures.items()}, stages)


def _ask_all(
    assistant: Assistant, questions: Sequence[tuple[str, str]], figures: dict[str, float]
) -> tuple[list[float], dict[str, list[float]]]:
    """Milliseconds of each search, and of each ask by stage; the first ones warm up and don't count."""
    for text, _ in questions[:5]:
        assistant.ask(text)
    search, found = [], 0
    for text, name in questions:
        seconds, hits = _timed(partial(assistant.search, text, top_k=TOP_K))
        search.append(seconds * 1000)
        found += any(hit.chunk.document_id.endswith(name) for hit in hits)
    figures["found_share"] = found / len(questions)
    asked: dict[str, list[float]] = {}
    for text, _ in questions:
        for stage, ms in assistant.ask(text).timings_ms.items():
            asked.setdefault(stage, []).append(ms)
    return search, asked


def _reading_and_chunking(settings: Settings, files: Sequence[Path]) -> tuple[float, float, int]:
    """Milliseconds that reading and chunking a sample of files take in this process, and the sample's size."""
    from assistant.ingestion.chunking import chunk
    from assistant.ingestion.documents import Task, prepare
    from assistant.ingestion.reading import Limits
    from assistant.ingestion.sources import Item

    sample = files[:: max(1, len(files) // _SAMPLE)][:_SAMPLE]
    size, minimum = settings.chunking.size, settings.chunking.minimum

    def prepared(file: Path) -> Any:
        return prepare(Task(Item(file.name, str(file), ""), "default", "staff", size, minimum), Limits()).document

    prepared(sample[0])
    both, documents = _timed(lambda: [prepared(file) for file in sample])
    chunking, _ = _timed(lambda: [chunk(document, size, minimum) for document in documents])
    return (both - chunking) * 1000, chunking * 1000, len(sample)


# -- plain llama-index ----------------------------------------------------------------------------------------------


def _embedding() -> Any:
    """The package's encoder as llama-index wants it."""
    from llama_index.core.embeddings import BaseEmbedding

    from assistant.index.encoders import load_encoder
    from assistant.settings import Settings

    encoder = load_encoder(Settings().embedding)

    class Embedded(BaseEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            return self._get_text_embeddings([text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            rows: list[list[float]] = encoder.encode_passages(texts).tolist()
            return rows

        def _get_query_embedding(self, query: str) -> list[float]:
            row: list[float] = encoder.encode_questions([query])[0].tolist()
            return row

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    return Embedded(model_name="embedded", embed_batch_size=1024)


def _splitter(documents: Sequence[Any], passages: int) -> Any:
    """SentenceSplitter as it comes (`passages` = 0), or with the chunk size that makes about so many nodes."""
    from llama_index.core.node_parser import SentenceSplitter

    if not passages:
        return SentenceSplitter()
    sample = documents[:: max(1, len(documents) // _SAMPLE)][:_SAMPLE]
    wanted = passages * len(sample) / len(documents)

    def made(size: int) -> Any:
        # The overlap keeps the default's share: 200 of 1024.
        return SentenceSplitter(chunk_size=size, chunk_overlap=size * 200 // 1024)

    sizes = range(96, 801, 32)
    return made(min(sizes, key=lambda size: abs(len(made(size).get_nodes_from_documents(sample)) - wanted)))


def measure_llama_index(folder: Path, documents: int, passages: int, questions: int = QUESTIONS) -> Part:
    """The same texts, already read (its clock starts later than ours), into VectorStoreIndex and ChromaVectorStore."""
    import chromadb
    from chromadb.config import Settings as ChromaSettings
    from llama_index.core import Document, StorageContext, VectorStoreIndex
    from llama_index.vector_stores.chroma import ChromaVectorStore

    from assistant.ingestion.reading import Limits, read_file

    texts = []
    for file in sorted((folder / "corpus").rglob("*.md")):
        raw = read_file(file, Limits())
        texts.append(
            Document(text=raw.text, id_=file.name, metadata={"title": raw.metadata["title"], "file": file.name})
        )
    assert len(texts) == documents, f"{len(texts)} of {documents} documents are there"
    splitter = _splitter(texts, passages)
    kind = f"chunk_size {splitter.chunk_size}" if passages else "defaults"
    store = folder / f"llama-index-{splitter.chunk_size}"

    def ingest(place: Path, given: Sequence[Any]) -> tuple[Any, Any]:
        client = chromadb.PersistentClient(str(place), settings=ChromaSettings(anonymized_telemetry=False))
        collection = client.get_or_create_collection("bench")
        context = StorageContext.from_defaults(vector_store=ChromaVectorStore(chroma_collection=collection))
        index = VectorStoreIndex.from_documents(
            given, storage_context=context, embed_model=_embedding(), transformations=[splitter]
        )
        return index, collection

    ingest(folder / f"aside-{splitter.chunk_size}", texts[:1])
    seconds, (index, collection) = _timed(partial(ingest, store, texts))
    nodes = collection.count()
    figures = {
        "ingest_s": seconds,
        "ingest_documents_per_s": documents / seconds,
        "ingest_passages_per_s": nodes / seconds,
    }
    figures["ingest_memory_mb"] = _memory_mb(resource.RUSAGE_SELF)
    retriever = index.as_retriever(similarity_top_k=TOP_K)
    drawn = drawn_questions(documents, questions)
    for text, _ in drawn[:5]:
        retriever.retrieve(text)
    search, found = [], 0
    for text, name in drawn:
        elapsed, hits = _timed(partial(retriever.retrieve, text))
        search.append(elapsed * 1000)
        found += any(hit.node.metadata["file"] == name for hit in hits)
    figures |= {"found_share": found / len(drawn), "memory_mb": _memory_mb(resource.RUSAGE_SELF)}
    figures["index_mb"] = sum(f.stat().st_size for f in store.rglob("*") if f.is_file()) / (1 << 20)
    return Part(
        f"llama-index, {kind}",
        documents,
        nodes,
        {name: round(value, 3) for name, value in figures.items()},
        {"search": percentiles(search)},
    )


def ratios(ours: Part, theirs: Part) -> dict[str, float]:
    """How many times as long, or as much memory, the other took: above 1 ours is ahead."""
    return {
        "ingest": round(theirs.figures["ingest_s"] / ours.figures["ingest_s"], 2),
        "search_p50": round(theirs.stages["search"]["p50"] / ours.stages["search"]["p50"], 2),
        "search_p95": round(theirs.stages["search"]["p95"] / ours.stages["search"]["p95"], 2),
        "memory": round(theirs.figures["memory_mb"] / ours.figures["memory_mb"], 2),
    }


# -- cold start -----------------------------------------------------------------------------------------------------


def _environment(**more: str) -> dict[str, str]:
    """This process's, without the user's settings, able to import this package from any folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSISTANT_")}
    paths = [str(Path(__file__).parents[2]), *filter(None, [kept.get("PYTHONPATH", "")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "ANONYMIZED_TELEMETRY": "False", **more}


def cold_start(folder: Path, question: str, runs: int) -> dict[str, float]:
    """Seconds from starting `python -m assistant ask` to its answer and its end: median, fastest and slowest."""
    taken = []
    command = [sys.executable, "-m", "assistant", "ask", question, "--json"]
    for _ in range(runs):
        started = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=folder,
            env=_environment(ASSISTANT_INDEX__PATH=str(folder / "ours")),
            capture_output=True,
            check=False,
        )
        taken.append(time.perf_counter() - started)
        if done.returncode:
            raise SystemExit(f"assistant ask failed: {done.stderr.decode(errors='replace').strip()[-500:]}")
        json.loads(done.stdout)
    return {
        "median_s": round(statistics.median(taken), 3),
        "fastest_s": round(min(taken), 3),
        "slowest_s": round(max(taken), 3),
        "runs": runs,
    }


# -- the run --------------------------------------------------------------------------------------------------------


def _in_own_process(part: str, folder: Path, documents: int, passages: int, questions: int) -> Part:
    arguments = [
        "--part",
        part,
        "--work",
        str(folder),
        "--documents",
        str(documents),
        "--passages",
        str(passages),
        "--questions",
        str(questions),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "assistant.evaluation.bench", *arguments],
        env=_environment(),
        stdout=subprocess.PIPE,
        cwd=folder,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the part {part!r} failed with status {done.returncode}")
    return Part(**json.loads(done.stdout.decode().splitlines()[-1]))


def run(folder: Path, sizes: Sequence[int], compare: int, *, questions: int = QUESTIONS, cold_runs: int = 5) -> Bench:
    """Every size, the comparison at `compare` passages (0: none), and the cold start over the smallest index."""
    started = time.perf_counter()
    ours: list[Part] = []
    theirs: list[Part] = []
    compared: Part | None = None
    cold: dict[str, float] = {}
    for size in sorted({*sizes, *([compare] if compare else [])}):
        documents = max(1, round(size / PASSAGES_PER_DOCUMENT))
        with _scratch(folder) as place:
            _say(f"{size:,} passages: writing {documents:,} documents")
            write_documents(place / "corpus", documents)
            if size == compare:
                # Before ours changes a document.
                _say(f"{size:,} passages: llama-index, defaults")
                theirs.append(_in_own_process("llama-index", place, documents, 0, questions))
            _say(f"{size:,} passages: ours")
            part = _in_own_process("ours", place, documents, 0, questions)
            ours.append(part)
            if not cold and cold_runs:
                cold = cold_start(place, drawn_questions(documents, 1)[0][0], cold_runs)
            if size == compare:
                compared = part
                _say(f"{size:,} passages: llama-index, about as many nodes")
                theirs.append(_in_own_process("llama-index", place, documents, part.passages, questions))
    found = {other.name: ratios(compared, other) for other in theirs} if compared else {}
    return Bench(machine(), ours, theirs, compared, found, cold, round(time.perf_counter() - started, 1))


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="bench-") as place:
        yield Path(place)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def report(bench: Bench) -> str:
    """The run as Markdown tables."""
    libraries = ", ".join(f"{name} {value}" for name, value in bench.machine.items() if name in _LIBRARIES)
    lines = [
        f"{bench.machine['cores']} cores, {bench.machine['system']}, Python {bench.machine['python']}; {libraries}. "
        f"{bench.seconds:.0f} s in all.",
        "",
    ]
    lines += _table("ours", bench.ours)
    if bench.compared_with:
        lines += [
            "",
            f"The same {bench.compared_with.documents:,} documents through plain llama-index (VectorStoreIndex, "
            "ChromaVectorStore, the same encoder; ",
        ]
        lines[-1] += "its clock starts with the texts in memory, ours with the files):"
        lines += [
            "",
            "| | passages | ingest s | passages/s | search p50 ms | search p95 ms | peak memory MB | document found |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for part in (bench.compared_with, *bench.llama_index):
            f, s = part.figures, part.stages["search"]
            cells = (
                f"{part.passages:,}",
                f"{f['ingest_s']:.1f}",
                f"{f['ingest_passages_per_s']:.0f}",
                f"{s['p50']:.1f}",
                f"{s['p95']:.1f}",
                f"{f['memory_mb']:.0f}",
                f"{f['found_share']:.0%}",
            )
            lines.append(f"| {part.name} | " + " | ".join(cells) + " |")
        lines += [
            "",
            "| llama-index ÷ ours (above 1: ours ahead) | ingest | search p50 | search p95 | peak memory |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {name} | " + " | ".join(f"{value:.2f}" for value in found.values()) + " |"
            for name, found in bench.ratios.items()
        ]
    if bench.cold_start:
        c = bench.cold_start
        lines += [
            "",
            f"`assistant ask`, cold, over {bench.ours[0].passages:,} passages: {c['median_s']:.2f} s "
            f"(median of {c['runs']}; {c['fastest_s']:.2f} to {c['slowest_s']:.2f}).",
        ]
    return "\n".join(lines)


def _table(title: str, parts: Sequence[Part]) -> list[str]:
    lines = [
        f"| {title} | "
        + " | ".join(f"{part.passages:,} passages, {part.documents:,} documents" for part in parts)
        + " |",
        "|---|" + "---|" * len(parts),
    ]
    for figure in dict.fromkeys(name for part in parts for name in part.figures):
        lines.append(
            f"| {figure} | "
            + " | ".join(f"{part.figures[figure]:,.2f}" if figure in part.figures else "" for part in parts)
            + " |"
        )
    for stage in dict.fromkeys(name for part in parts for name in part.stages):
        cells = []
        for part in parts:
            values = part.stages.get(stage, {})
            cells.append(
                f"{values['total']:,.0f} ms"
                if "total" in values
                else f"{values['p50']:.2f} / {values['p95']:.2f} ms"
                if values
                else ""
            )
        timed = "p50 / p95" if any("p50" in part.stages.get(stage, {}) for part in parts) else "total"
        lines.append(f"| {stage}, {timed} | " + " | ".join(cells) + " |")
    return lines


def _numbers(text: str) -> list[int]:
    return [int(part.replace("_", "")) for part in text.split(",") if part.strip()]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m assistant.evaluation.bench",
        description="Measure the whole path, and plain llama-index beside it.",
    )
    parser.add_argument("--passages", type=_numbers, default=[1000, 10_000, 100_000], help="sizes, with commas")
    parser.add_argument(
        "--compare", type=int, default=10_000, help="passages at which llama-index runs beside ours; 0: not at all"
    )
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="questions asked at each size")
    parser.add_argument("--cold", type=int, default=5, help="cold starts of `assistant ask`")
    parser.add_argument("--out", type=Path, help="write every figure to this JSON file")
    parser.add_argument(
        "--work", type=Path, help="folder for documents and indexes; a temporary one by default, emptied afterwards"
    )
    parser.add_argument("--part", choices=("ours", "llama-index"), help=argparse.SUPPRESS)
    parser.add_argument("--documents", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.part:
        if chosen.part == "ours":
            part = measure_ours(chosen.work, chosen.documents, chosen.questions)
        else:
            part = measure_llama_index(chosen.work, chosen.documents, chosen.passages[0], chosen.questions)
        print(json.dumps(asdict(part)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        bench = run(
            (chosen.work or Path(temporary)).resolve(),
            chosen.passages,
            chosen.compare,
            questions=chosen.questions,
            cold_runs=chosen.cold,
        )
    print(report(bench))
    if chosen.out:
        chosen.out.write_text(json.dumps(asdict(bench), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
