"""A call of a language model that ends: one deadline for all of it, its end checked, and closed when nobody listens any more.

Every fault becomes a ModelFault with a reason of this module's. It knows llama-index's interface; what was asked, and what becomes of a
fault, is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from assistant.errors import ModelUnavailable

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage
    from llama_index.core.llms import LLM

NOT_RECORDED = "no recorded answer"  # of a replay: no fault to be answered for by quotations
LONGEST = 20_000  # characters of one answer
_RETRIED = ("unreachable", "server error", "rate limited")
_PATIENCE = 2.0  # the longest wait before the one retry, in seconds
_BEAT = 0.5
_OK = ("stop", "end_turn", "eos", "complete", "completed", "stop_sequence", "end")
_log = logging.getLogger("assistant.model")


class ModelFault(ModelUnavailable):
    """A call that failed. `reason` is short and fixed, such as "timeout"; `retry_after` is what the server asked for, in seconds."""

    public = "The language model did not answer."

    def __init__(self, reason: str, detail: str = "", *, retry_after: float = 0.0) -> None:
        fixes = {
            "unauthorised": "check the key that llm.api_key_env names", "no such model": "check llm.model and llm.base_url",
            "unreachable": "check llm.base_url, and that the server runs", "timeout": "raise llm.timeout_s, or take a faster model",
            "cut short": "raise max_tokens in [llm.options]",
        }  # fmt: skip
        super().__init__(f"the language model failed: {reason}{f' ({detail})' if detail else ''}", fix=fixes.get(reason, "look at the model's server"))
        self.reason = reason
        self.retry_after = retry_after


class Breaker:
    """Stops asking a model that keeps failing: after `limit` faults in a row nothing is asked for `pause` seconds, then one call is tried.

    Thread-safe. `clock` is in seconds.
    """

    def __init__(self, limit: int = 3, pause: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._pause, self._clock = limit, pause, clock
        self._faults, self._until = 0, 0.0
        self._guard = threading.Lock()

    def check(self) -> None:
        """Raises ModelFault while the model is left alone."""
        with self._guard:
            if self._clock() < self._until:
                raise ModelFault("left alone", "it failed several times in a row")
            if self._faults >= self._limit:
                # The one that tries; others wait until it is known how that ends.
                self._until = self._clock() + self._pause

    def succeeded(self) -> None:
        with self._guard:
            self._faults, self._until = 0, 0.0

    def failed(self, fault: ModelFault) -> None:
        with self._guard:
            self._faults += 1
            if fault.retry_after or self._faults >= self._limit:
                self._until = self._clock() + max(self._pause if self._faults >= self._limit else 0.0, min(fault.retry_after, 600.0))


def stream(llm: LLM, messages: Sequence[ChatMessage], seconds: float, breaker: Breaker, *, strict_end: bool = True) -> Iterator[str]:
    """The model's words in pieces, an empty one while it is silent, so that whoever listens may stop; closing the iterator closes the call. At most one retry, and none after the first piece.

    `strict_end` takes a stream that never says why it ended for one that broke off. Raises ModelFault.
    """
    breaker.check()
    deadline = time.monotonic() + seconds
    tries = 0
    while True:
        begun = False
        try:
            for piece in _once(llm, messages, deadline, strict_end):
                begun = begun or bool(piece)
                yield piece
            breaker.succeeded()
            return
        except ModelFault as fault:
            wait = max(fault.retry_after, 0.3)
            if begun or tries or fault.reason not in _RETRIED or wait > _PATIENCE or time.monotonic() + wait > deadline:
                _log.warning("%s", fault)
                breaker.failed(fault)
                raise
            tries += 1
            time.sleep(wait)


def complete(llm: LLM, messages: Sequence[ChatMessage], seconds: float, breaker: Breaker, *, strict_end: bool = True) -> str:
    """All of the model's words. Raises ModelFault."""
    return "".join(stream(llm, messages, seconds, breaker, strict_end=strict_end))


def _once(llm: LLM, messages: Sequence[ChatMessage], deadline: float, strict_end: bool) -> Iterator[str]:
    pieces: queue.Queue[str | BaseException | None] = queue.Queue()

    async def run() -> None:
        length, finish, tools = 0, "", False
        async with asyncio.timeout(max(0.05, deadline - time.monotonic())):
            answers = await llm.astream_chat(messages)
            async with contextlib.aclosing(answers) as open_answers:
                async for response in open_answers:
                    finish = _finish(response.raw) or finish
                    tools = tools or bool(response.message.additional_kwargs.get("tool_calls"))
                    if delta := response.delta or "":
                        length += len(delta)
                        pieces.put(delta)
                    if length > LONGEST:
                        raise ModelFault("too long", f"more than {LONGEST} characters")
        if not length:
            raise ModelFault("a tool call instead of words" if tools or "tool" in finish else "empty")
        if finish and finish not in _OK:
            raise ModelFault("cut short", finish[:40])
        if not finish and strict_end:
            raise ModelFault("broke off")

    async def guarded() -> None:
        try:
            await run()
            pieces.put(None)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - it is handed to the thread that waits
            pieces.put(error)

    future = asyncio.run_coroutine_threadsafe(guarded(), _loop())
    try:
        while True:
            try:
                piece = pieces.get(timeout=_BEAT)
            except queue.Empty:
                if time.monotonic() > deadline + 1:
                    raise ModelFault("timeout") from None
                yield ""
                continue
            if piece is None:
                return
            if isinstance(piece, BaseException):
                raise _fault(piece) from None
            yield piece
    finally:
        future.cancel()


def hang_up(llm: LLM) -> None:
    """Closes the connections that a model's client keeps open; LlamaIndex's interface has no word for that."""
    client = getattr(llm, "_aclient", None)
    if client is not None and hasattr(client, "close"):
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(client.close(), _loop()).result(timeout=2)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One event loop for all calls, in a thread of its own: the clients that models keep are bound to the loop they began in."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="language-model", daemon=True).start()
    return loop


def _finish(raw: Any) -> str:
    """Why a stream ended, as providers say it; "" where this piece does not."""

    def of(value: Any, name: str) -> Any:
        return value.get(name) if isinstance(value, dict) else getattr(value, name, None)

    choices = of(raw, "choices")
    places = [choices[0]] if isinstance(choices, (list, tuple)) and choices else []
    for place in (*places, raw):
        for name in ("finish_reason", "stop_reason", "done_reason"):
            if found := of(place, name):
                return str(getattr(found, "value", found)).lower()
    return ""


def _fault(error: BaseException) -> ModelFault:
    """A provider's exception as ours; its message stays behind, since it may hold keys, addresses or the question."""
    if isinstance(error, ModelFault):
        return error
    if isinstance(error, ModelUnavailable):
        return ModelFault(NOT_RECORDED)
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}
    status = next((code for one in chain if isinstance(code := getattr(one, "status_code", None), int)), 0)
    if status in (401, 403):
        return ModelFault("unauthorised", str(status))
    if status == 404:
        return ModelFault("no such model", "404")
    if status == 429:
        return ModelFault("rate limited", "429", retry_after=_retry_after(chain))
    if status >= 500:
        return ModelFault("server error", str(status), retry_after=_retry_after(chain))
    if status >= 400:
        return ModelFault("refused the request", str(status))
    if names & {"TimeoutError", "TimeoutException", "APITimeoutError"}:
        return ModelFault("timeout")
    if names & {"RemoteProtocolError", "ReadError", "IncompleteRead"}:
        return ModelFault("broke off")
    if names & {"ConnectError", "ConnectionError", "APIConnectionError", "OSError"}:
        return ModelFault("unreachable", type(error).__name__)
    return ModelFault("unreadable", type(error).__name__)


def _retry_after(chain: Sequence[BaseException]) -> float:
    for one in chain:
        headers = getattr(getattr(one, "response", None), "headers", None)
        with contextlib.suppress(TypeError, ValueError):
            if headers is not None and (value := headers.get("retry-after")):
                return max(0.0, float(value))
    return 0.0
