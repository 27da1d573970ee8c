"""A pool of bounded worker processes: a task that hangs, eats memory or dies costs its own result and nothing else.

It knows payloads, results and limits; what the task does is its own business. Workers are plain subprocesses
that talk over pipes, not multiprocessing's: those import the caller's `__main__`, which may be a notebook, a
script without a guard, or standard input.
"""

from __future__ import annotations

import gc
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from assistant.errors import AssistantError, ReadError
from assistant.ingestion import formats

if TYPE_CHECKING:
    from assistant.ingestion.reading import Limits, RawDocument

P = TypeVar("P")

READ = "assistant.ingestion.reading:read_file"
_MB = 1024 * 1024
_HEADER = struct.Struct(">Q?")
_START_SECONDS = 60.0
_ORPHAN_SECONDS = 5.0
_SPLIT = "split it, or raise the limit"
_ANEW = "open it in its program and save it anew"


class ReaderPool:
    """Runs one task ("module:function", called with a payload and the limits) over many payloads.

    Payloads and results are whatever pickles. Workers start when there is work for them and stay for the next
    run; `close` ends them. Threads may call `run` at the same time.
    """

    def __init__(self, limits: Limits, size: int | None = None, task: str = READ) -> None:
        self.size = max(1, size or min(os.cpu_count() or 1, 4))
        self._setup = (task, limits)
        self._limits = limits
        self._jobs: queue.SimpleQueue[tuple[Any, queue.SimpleQueue[Any], threading.Event] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._workers: set[_Worker] = set()
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = False

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, paths: Iterable[Path]) -> Iterator[tuple[Path, RawDocument | ReadError]]:
        """Each path with its document or the reason there is none, in the order in which they are done."""
        return self.run(paths)

    def run(self, payloads: Iterable[P]) -> Iterator[tuple[P, Any | ReadError]]:
        """Each payload with its result, in the order in which they are done; at most 2 × size are taken in advance.

        A task's failure is a result: a ReadError whose reason is the task's own, or "broken" (it raised something
        else), "timeout", "memory" or "crashed". Raises AssistantError when no worker can be started.
        """
        results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        given_up = threading.Event()
        pending = iter(payloads)
        under_way, exhausted = 0, False
        try:
            while True:
                while not exhausted and under_way < 2 * self.size:
                    try:
                        payload = next(pending)
                    except StopIteration:
                        exhausted = True
                        break
                    self._submit((payload, results, given_up))
                    under_way += 1
                if not under_way:
                    return
                payload, result, fault = results.get()
                under_way -= 1
                if fault is not None:
                    raise fault
                yield payload, result
        finally:
            given_up.set()

    def close(self) -> None:
        """Ends the workers, whatever they are doing."""
        with self._lock:
            self._closed = True
            workers, threads = list(self._workers), list(self._threads)
        for _ in threads:
            self._jobs.put(None)
        for worker in workers:
            worker.kill()
        for thread in threads:
            thread.join()

    def _submit(self, job: tuple[Any, queue.SimpleQueue[Any], threading.Event]) -> None:
        with self._lock:
            if self._closed:
                raise AssistantError("the pool of readers is closed", fix="open a new one")
            self._waiting += 1
            if self._waiting > len(self._threads) and len(self._threads) < self.size:
                thread = threading.Thread(target=self._serve, name=f"reader-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
        self._jobs.put(job)

    def _serve(self) -> None:
        """One thread: feeds one worker, and replaces it when it is gone."""
        worker: _Worker | None = None
        while job := self._jobs.get():
            payload, results, given_up = job
            result: Any = None
            fault: BaseException | None = None
            if not given_up.is_set() and not self._closed:
                try:
                    worker = self._replaced(worker)
                    result = worker.call(payload, self._limits.seconds)
                except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
                    fault = error
            with self._lock:
                self._waiting -= 1
            if self._closed:
                fault = AssistantError("the pool of readers was closed during a run", fix="open a new one")
            results.put((payload, result, fault))
        if worker is not None:
            self._forget(worker)

    def _replaced(self, worker: _Worker | None) -> _Worker:
        if worker is not None:
            if worker.ready:
                return worker
            self._forget(worker)
        worker = _Worker(self._setup)
        with self._lock:
            self._workers.add(worker)
            closed = self._closed
        if closed:
            worker.kill()
        try:
            worker.greet()
        except BaseException:
            self._forget(worker)
            raise
        return worker

    def _forget(self, worker: _Worker) -> None:
        worker.kill()
        with self._lock:
            self._workers.discard(worker)
        worker.reap()


class _Worker:
    """One subprocess, as its parent sees it. `alive` turns false when it can take no further task."""

    def __init__(self, setup: tuple[str, Limits]) -> None:
        # Importing numpy (openpyxl does) would otherwise reserve address space for every core.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
        self.alive = True
        self._setup = (*setup, dict(formats.FORMATS))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "assistant.ingestion.workers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # what the parser starts dies with it, and Ctrl-C is the parent's to handle
        )

    @property
    def ready(self) -> bool:
        return self.alive and self._process.poll() is None

    def greet(self) -> None:
        """Sets the worker up. Raises AssistantError when it can't work."""
        answer, _ = self._exchange(self._setup, _START_SECONDS)
        problem = "it died" if answer is None else _loads(answer)
        if problem:
            raise AssistantError(f"a worker process cannot start: {problem}", fix="run: assistant doctor")

    def call(self, payload: object, seconds: float) -> Any:
        """The task's result, or the ReadError for which there is none."""
        answer, expired = self._exchange(payload, seconds)
        if expired:
            return ReadError(f"not read within {seconds:g} seconds", reason="timeout", fix=_SPLIT)
        if answer is None:
            self.kill()
            status = self._process.wait()
            how = f"exit status {status}" if status >= 0 else f"signal {-status}"
            return ReadError(f"the reader died of it ({how})", reason="crashed", fix=_ANEW)
        try:
            return _loads(answer)
        except Exception as error:  # noqa: BLE001 - unpickling runs the result's own code
            return ReadError(f"its result cannot be taken over: {type(error).__name__}", reason="broken", fix=_ANEW)

    def _exchange(self, message: object, seconds: float) -> tuple[bytes | None, bool]:
        """The answer, None when the process died over it, and whether it was killed for being late."""
        data = pickle.dumps(message)
        lock, answered, expired = threading.Lock(), threading.Event(), threading.Event()

        def expire() -> None:
            with lock:
                if not answered.is_set():
                    expired.set()
                    self.kill()

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        answer = None
        try:
            _send(cast("IO[bytes]", self._process.stdin), data)
            answer, stays = _receive(cast("IO[bytes]", self._process.stdout))
            self.alive = self.alive and stays
        except (OSError, EOFError, ValueError):
            self.alive = False
        with lock:
            answered.set()
        timer.cancel()
        return answer, expired.is_set()

    def kill(self) -> None:
        self.alive = False
        if self._process.returncode is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self._process.kill()

    def reap(self) -> None:
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was still to be written to a dead process
                cast("IO[bytes]", pipe).close()


def _loads(data: bytes) -> Any:
    return pickle.loads(data)  # noqa: S301 - both ends of the pipe are this program


def _send(pipe: IO[bytes], data: bytes, stays: bool = True) -> None:
    pipe.write(_HEADER.pack(len(data), stays))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> tuple[bytes, bool]:
    """One frame, and whether its sender takes further ones. Raises EOFError when the other side is gone."""
    header = pipe.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise EOFError
    length, stays = _HEADER.unpack(header)
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return data, stays


# --- the worker's side ---------------------------------------------------------------------------------------------


def _main() -> None:
    """Answers frames until standard input ends, as it does when the parent dies."""
    inlet, outlet = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # A parser that prints, or reads standard input, would spoil the frames.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    try:
        name, limits, registered = _loads(_receive(inlet)[0])
        formats.FORMATS.update(registered)
        task = formats.resolve(name)
        ceiling = _bound(limits)
    except Exception as error:  # noqa: BLE001 - the parent says it
        _send(outlet, pickle.dumps(f"{type(error).__name__}: {error}"), stays=False)
        return
    _send(outlet, pickle.dumps(""))
    while True:
        try:
            payload, _ = _receive(inlet)
            # The parent's deadline comes first. This one is for orphans: the kernel keeps it whatever a parser is at.
            signal.setitimer(signal.ITIMER_REAL, limits.seconds + _ORPHAN_SECONDS)
            answer, stays = _attempt(task, payload, limits)
            signal.setitimer(signal.ITIMER_REAL, 0)
            # A worker that keeps much memory would fail the next file for it.
            stays = stays and not (ceiling and _address_space() > ceiling - limits.memory_mb * _MB // 2)
            _send(outlet, answer, stays)
        except (EOFError, BrokenPipeError):
            return
        if not stays:
            return


def _attempt(task: Callable[[Any, Limits], Any], payload: bytes, limits: Limits) -> tuple[bytes, bool]:
    """The pickled result or ReadError, and whether this process is fit for another task."""
    try:
        return pickle.dumps(task(_loads(payload), limits)), True
    except ReadError as error:
        failure = error
    except MemoryError:
        what = f"too large: it takes more than {limits.memory_mb} MB of memory"
        failure = ReadError(what, reason="memory", fix=_SPLIT)
    except BaseException as error:  # noqa: BLE001 - SystemExit too: parsers raise whatever they like
        failure = ReadError(f"cannot be read: {type(error).__name__}", reason="broken", fix=_ANEW)
    # The traceback keeps alive what filled the memory.
    failure.__traceback__ = failure.__cause__ = failure.__context__ = None
    gc.collect()
    return pickle.dumps(failure), failure.reason != "memory"


def _bound(limits: Limits) -> int:
    """Limits this process's address space; returns the limit in bytes, 0 where the system keeps none (macOS)."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    size = _address_space()
    ceiling = size + limits.memory_mb * _MB
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        ceiling = min(ceiling, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    except (ValueError, OSError):
        return 0
    return ceiling if size else 0


def _address_space() -> int:
    """Bytes of address space in use, 0 where /proc is not there to say."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    _main()
