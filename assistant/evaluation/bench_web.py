"""Benchmark of the web: how soon an answer's text begins, how many are answered, what happens beyond that, staff who ask at once, memory after
many conversations, and Gradio's queue beside it.

    python -m assistant.evaluation.bench_web [--seconds 20] [--conversations 1000] [--out FILE] [--corpus corpus]

It starts `assistant serve` over the starter corpus in a process of its own and asks it over loopback, open loop (questions arrive when they
are due, whatever the answers do) and closed loop. Figures depend on the machine: they are reported and compared, never asserted. It knows
the HTTP API and pages, and nothing of the rooms behind them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx

from assistant.evaluation.sets import load

SEED = 11
_SETTINGS = """
[index]
path = "index"

[feedback]
path = "feedback.sqlite"

[[corpus.sources]]
path = {corpus}
collection = "forums"
visibility = "public"

[[portals]]
id = "bench"
origins = ["https://portal.example.org"]
collections = ["forums"]
ai_notice = "standard"
privacy = "https://portal.example.org/privacy"
[portals.quotas]
per_client = "9999999/minute"
per_portal = "9999999/minute"
"""
_ORIGIN = {"Origin": "https://portal.example.org"}
STAFF = 20
# The same assistant behind an event of Gradio, as many at once as there are cores: what the console would be like through Gradio's queue.
_QUEUE = """
import os, sys
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
import gradio as gr
from assistant import Assistant, Settings
from assistant.schema import Answer

assistant = Assistant.open(Settings.load("assistant.toml"))
assistant.warm()

def respond(question):
    text = ""
    for event in assistant.stream(question):
        if not isinstance(event, Answer):
            text += event
            yield "answer: " + text

with gr.Blocks(analytics_enabled=False) as page:
    box, told = gr.Textbox(), gr.HTML()
    box.submit(respond, box, told, concurrency_limit=os.cpu_count())
page.queue(max_size=None).launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), quiet=True, ssr_mode=False)
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: seconds until the first event with text and until the end (from when it was due), and the HTTP status; 0 where none came."""

    first: float
    whole: float
    status: int


@dataclass(frozen=True, slots=True)
class Load:
    """What a load did. Times in seconds; `turned_away` are 503, `failed` everything that was neither answered nor turned away."""

    name: str
    clients: int
    rate: float
    seconds: float
    answered: int
    turned_away: int
    failed: int
    first_p50: float
    first_p95: float
    whole_p95: float
    rejected_p95: float
    memory_mb: tuple[float, float]


@dataclass(slots=True)
class Bench:
    """All figures of a run."""

    machine: dict[str, Any]
    loads: list[Load] = field(default_factory=list)
    capacity: float = 0.0
    gradio: dict[str, Any] = field(default_factory=dict)
    widget: dict[str, Any] = field(default_factory=dict)
    staff: dict[str, Any] = field(default_factory=dict)
    conversations: dict[str, Any] = field(default_factory=dict)
    console: dict[str, Any] = field(default_factory=dict)


def questions(folder: Path) -> list[str]:
    """The questions of a set, in all its languages, in an order of chance."""
    found = [text for item in load(folder) for text in item.ask.values()]
    random.Random(SEED).shuffle(found)  # noqa: S311
    return found


@contextmanager
def serving(folder: Path, *, chat: bool) -> Iterator[tuple[str, int]]:
    """The address and process of `assistant serve`."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ASSISTANT_")} | {"ASSISTANT_WEB__CONSOLE": str(chat).lower()}
    command = [sys.executable, "-m", "assistant", "serve", "--port", "0"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        assert process.stderr is not None
        address = next((m.group() for line in process.stderr if (m := re.search(r"http://127\.0\.0\.1:\d+", line))), "")
        if not address:
            raise RuntimeError("the server did not start")
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def memory_mb(pid: int) -> float:
    """Resident memory of a process (Linux)."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    return int(found[1]) / 1024 if found else 0.0


class Visitors:
    """Clients of a portal, or staff, each with a connection that stays open."""

    def __init__(self, server: str, clients: int, *, staff: bool = False) -> None:
        # aiohttp, since its client takes a tenth of httpx's time: what asks must not be what is measured.
        connector = aiohttp.TCPConnector(limit=clients, keepalive_timeout=120)
        self._http = aiohttp.ClientSession(server, connector=connector, headers={} if staff else _ORIGIN, timeout=aiohttp.ClientTimeout(total=60))
        self._token = ""
        self._staff = staff

    async def __aenter__(self) -> Visitors:
        if self._staff:
            return self
        async with self._http.post("/api/v1/portals/bench/visits") as response:
            self._token = (await response.json())["token"]
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._http.close()

    async def connect(self, clients: int) -> None:
        """Open so many connections."""

        async def one() -> None:
            async with self._http.get("/healthz") as response:
                await response.read()

        await asyncio.gather(*(one() for _ in range(clients)))

    async def ask(self, question: str, due: float, history: Sequence[dict[str, str]] = ()) -> Asked:
        """Ask, and read to the end."""
        first, status = 0.0, 0
        try:
            headers = {"Accept": "text/event-stream"} | ({} if self._staff else {"X-Visitor-Token": self._token})
            async with self._http.post("/api/v1/ask", json={"question": question, "history": list(history)}, headers=headers) as response:
                status, begin = response.status, b""
                async for piece in response.content.iter_any():
                    begin = begin[-64:] + piece
                    if not first and b"event: text" in begin:
                        first = time.perf_counter() - due
        except (aiohttp.ClientError, TimeoutError):
            status = 0
        return Asked(first, time.perf_counter() - due, status)


def summed(name: str, clients: int, rate: float, seconds: float, asked: Sequence[Asked], memory: tuple[float, float]) -> Load:
    answered = [one for one in asked if one.status == 200 and one.first]
    away = [one for one in asked if one.status == 503]
    return Load(
        name, clients, round(rate, 2), round(seconds, 1), len(answered), len(away), len(asked) - len(answered) - len(away),
        round(quantile([o.first for o in answered], 0.5), 3), round(quantile([o.first for o in answered], 0.95), 3), round(quantile([o.whole for o in answered], 0.95), 3), round(quantile([o.whole for o in away], 0.95), 3), (round(memory[0], 1), round(memory[1], 1)),
    )  # fmt: skip


def quantile(values: Sequence[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(q * len(values)))] if values else 0.0


async def closed_loop(server: str, pid: int, clients: int, seconds: float, asking: list[str]) -> Load:
    """Each client asks again as soon as it is answered."""
    before, start = memory_mb(pid), time.perf_counter()
    async with Visitors(server, clients) as visitors:
        found: list[Asked] = []

        async def one(number: int) -> None:
            chance = random.Random(SEED + number)  # noqa: S311
            while time.perf_counter() - start < seconds:
                found.append(await visitors.ask(chance.choice(asking), time.perf_counter()))

        await asyncio.gather(*(one(number) for number in range(clients)))
    took = time.perf_counter() - start
    return summed(f"closed loop, {clients} clients", clients, len([f for f in found if f.status == 200]) / took, took, found, (before, memory_mb(pid)))


async def open_loop(server: str, pid: int, clients: int, rate: float, seconds: float, asking: list[str], name: str) -> Load:
    """Questions come at a rate, at times of chance (Poisson), over as many open connections as there are clients."""
    before = memory_mb(pid)
    async with Visitors(server, clients) as visitors:
        # All connections are opened first, so that so many stand at the server when the load begins.
        await visitors.connect(clients)
        chance, tasks, start = random.Random(SEED), [], time.perf_counter()  # noqa: S311
        due = start
        while due - start < seconds:
            due += chance.expovariate(rate)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(visitors.ask(chance.choice(asking), due)))
        found = await asyncio.gather(*tasks)
    return summed(name, clients, rate, time.perf_counter() - start, found, (before, memory_mb(pid)))


async def through_gradio(server: str, clients: int, seconds: float, asking: list[str]) -> dict[str, Any]:
    """The same questions, closed loop, through Gradio's queue: answers a second and the first event that carries an answer's text."""
    config = httpx.get(f"{server}/config", timeout=30).json()
    index = next(i for i, d in enumerate(config["dependencies"]) if any(event == "submit" for _, event in d["targets"]))
    function = config["dependencies"][index].get("id", index)
    firsts: list[float] = []
    wholes: list[float] = []
    start = time.perf_counter()
    connector = aiohttp.TCPConnector(limit=2 * clients, keepalive_timeout=120)
    async with aiohttp.ClientSession(server, connector=connector, timeout=aiohttp.ClientTimeout(total=120)) as http:

        async def one(number: int) -> None:
            chance, turn = random.Random(SEED + number), 0  # noqa: S311
            while time.perf_counter() - start < seconds:
                turn += 1
                session, due, first = f"bench{number}x{turn}", time.perf_counter(), 0.0
                body = {"data": [chance.choice(asking)], "fn_index": function, "session_hash": session, "event_data": None, "trigger_id": None}
                async with http.post("/gradio_api/queue/join", json=body) as joined:
                    joined.raise_for_status()
                async with http.get("/gradio_api/queue/data", params={"session_hash": session}) as response:
                    begin = b""
                    async for piece in response.content.iter_any():
                        begin = begin[-200:] + piece
                        if not first and b"answer: " in begin:
                            first = time.perf_counter() - due
                        if b"process_completed" in begin or b"close_stream" in begin:
                            break
                wholes.append(time.perf_counter() - due)
                if first:
                    firsts.append(first)

        await asyncio.gather(*(one(number) for number in range(clients)))
    took = time.perf_counter() - start
    return {"clients": clients, "answers_per_second": round(len(firsts) / took, 2), "first_p50": round(quantile(firsts, 0.5), 3), "first_p95": round(quantile(firsts, 0.95), 3), "whole_p95": round(quantile(wholes, 0.95), 3)}


async def staff_at_once(server: str, rounds: int, asking: list[str]) -> dict[str, Any]:
    """`STAFF` people who all ask in the same moment, again and again: the first text of each answer."""
    chance = random.Random(SEED)  # noqa: S311
    async with Visitors(server, STAFF, staff=True) as people:
        found: list[Asked] = []
        for _ in range(rounds):
            due = time.perf_counter()
            found += await asyncio.gather(*(people.ask(chance.choice(asking), due) for _ in range(STAFF)))
    firsts = [one.first for one in found if one.first]
    return {"people": STAFF, "asked": len(found), "failed": len(found) - len(firsts), "first_p50": round(quantile(firsts, 0.5), 3), "first_p95": round(quantile(firsts, 0.95), 3)}


async def many_conversations(server: str, pid: int, count: int, asking: list[str]) -> dict[str, Any]:
    """Conversations of two questions, eight at once: the server's memory on the way."""
    chance, places = random.Random(SEED), asyncio.Semaphore(8)  # noqa: S311
    memory = [round(memory_mb(pid), 1)]
    async with Visitors(server, 8, staff=True) as people:

        async def one() -> int:
            first, second = chance.choice(asking), chance.choice(asking)
            async with places:
                await people.ask(first, time.perf_counter())
                done = await people.ask(second, time.perf_counter(), [{"role": "user", "text": first}, {"role": "assistant", "text": "…"}])
            return done.status

        failed = 0
        for _ in range(4):
            failed += sum(status != 200 for status in await asyncio.gather(*(one() for _ in range(count // 4))))
            memory.append(round(memory_mb(pid), 1))
    return {"conversations": count // 4 * 4, "failed": failed, "memory_mb": memory}


def interactive(address: str, ready: str, loads: int = 9) -> dict[str, int]:
    """Milliseconds from navigation until what `ready` selects is visible, over some cold loads; nothing without chromium."""
    import shutil

    chromium = shutil.which("chromium")
    if chromium is None:
        return {}
    from playwright.sync_api import sync_playwright

    times = []
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(loads):
            context = browser.new_context()
            page = context.new_page()
            page.goto(address, wait_until="commit")
            page.locator(ready).first.wait_for(state="visible")
            times.append(page.evaluate("performance.now()"))
            context.close()
        browser.close()
    return {"interactive_ms_p50": round(statistics.median(times)), "interactive_ms_max": round(max(times))}


def widget_figures(server: str) -> dict[str, Any]:
    """Weight of the widget, and when its button can be pressed."""
    import gzip

    script = httpx.get(f"{server}/widget.js", timeout=30).content
    return {"bytes": len(script), "gzipped": len(gzip.compress(script, 9)), **interactive(f"{server}/demo?portal=bench", "forum-assistant .launch")}


@contextmanager
def queueing(folder: Path) -> Iterator[str]:
    """The address of the same assistant behind Gradio's queue."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", _QUEUE, str(port)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 90
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/config", timeout=5).raise_for_status()
                break
            except httpx.HTTPError:
                if time.monotonic() > until or process.poll() is not None:
                    raise RuntimeError("Gradio did not start") from None
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def run(corpus: Path, sets: Path, seconds: float, conversations: int) -> Bench:
    bench = Bench({"python": platform.python_version(), "cores": os.cpu_count(), "system": platform.platform()})
    asking = questions(sets)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "assistant.toml").write_text(_SETTINGS.format(corpus=json.dumps(str(corpus.resolve()))), encoding="utf-8")
        with serving(folder, chat=False) as (server, pid):
            asyncio.run(closed_loop(server, pid, 4, seconds / 2, asking))
            bench.loads.append(asyncio.run(closed_loop(server, pid, 1, seconds, asking)))
            for clients in (8, 50):
                bench.loads.append(asyncio.run(closed_loop(server, pid, clients, seconds, asking)))
            bench.capacity = max(load.rate for load in bench.loads)
            for clients in (50, 200):
                bench.loads.append(asyncio.run(open_loop(server, pid, clients, bench.capacity / 2, seconds, asking, f"open loop at half capacity, {clients} connections")))
            bench.loads.append(asyncio.run(open_loop(server, pid, 400, bench.capacity * 10, seconds, asking, "overload, ten times capacity")))
            bench.loads.append(asyncio.run(open_loop(server, pid, 400, bench.capacity * 10, seconds, asking, "the same once more")))
            bench.loads.append(asyncio.run(open_loop(server, pid, 50, bench.capacity / 2, seconds / 2, asking, "half capacity, after the overload")))
        with serving(folder, chat=True) as (server, pid):
            time.sleep(3)
            asyncio.run(staff_at_once(server, 2, asking))
            bench.staff = asyncio.run(staff_at_once(server, max(3, int(seconds)), asking))
            bench.console = interactive(server, "forum-console[ready] textarea")
            bench.widget = widget_figures(server)
            with queueing(folder) as queue:
                for clients in (8, 50):
                    asyncio.run(through_gradio(queue, clients, seconds / 4, asking))
                    queued = asyncio.run(through_gradio(queue, clients, seconds, asking))
                    ours = asyncio.run(closed_loop(server, pid, clients, seconds, asking))
                    bench.gradio[str(clients)] = {"queue": queued, "ours": asdict(ours), "answers_ratio": round(ours.rate / max(queued["answers_per_second"], 1e-9), 2), "first_p95_ratio": round(queued["first_p95"] / max(ours.first_p95, 1e-9), 2)}
            bench.conversations = asyncio.run(many_conversations(server, pid, conversations, asking))
    return bench


def report(bench: Bench) -> str:
    lines = [f"capacity {bench.capacity:.1f} answers a second on {bench.machine['cores']} cores", ""]
    lines += ["| load | asked a second | answered | turned away | failed | first text p50 / p95 | whole p95 | turned away within, p95 | memory before, after (MB) |", "|---|---|---|---|---|---|---|---|---|"]
    for one in bench.loads:
        lines.append(f"| {one.name} | {one.rate} | {one.answered} | {one.turned_away} | {one.failed} | {one.first_p50} / {one.first_p95} s | {one.whole_p95} s | {one.rejected_p95} s | {one.memory_mb[0]}, {one.memory_mb[1]} |")
    for clients, beside in bench.gradio.items():
        lines += ["", f"{clients} clients, closed loop, beside Gradio's queue: {beside['ours']['rate']} against {beside['queue']['answers_per_second']} answers a second ({beside['answers_ratio']} times), first text p95 {beside['ours']['first_p95']} against {beside['queue']['first_p95']} s"]
    for title, figures in (("staff at once", bench.staff), ("conversations", bench.conversations), ("console", bench.console)):
        lines += ["", f"{title}: " + ", ".join(f"{name} {value}" for name, value in figures.items())]
    lines += ["", "widget: " + ", ".join(f"{name} {value}" for name, value in bench.widget.items())]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m assistant.evaluation.bench_web", description="Measure the web: first text, capacity, overload, and Gradio's queue beside it.")
    parser.add_argument("--corpus", type=Path, default=Path("corpus"))
    parser.add_argument("--sets", type=Path, default=Path("evals/forums"), help="folder with the questions to ask")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each load")
    parser.add_argument("--conversations", type=int, default=1000, help="how many conversations the memory is watched over")
    parser.add_argument("--out", type=Path, help="write every figure to this JSON file")
    chosen = parser.parse_args(arguments)
    bench = run(chosen.corpus, chosen.sets, chosen.seconds, chosen.conversations)
    print(report(bench))
    if chosen.out:
        chosen.out.write_text(json.dumps(asdict(bench), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
