"""Work on the index that an admin begins in the browser: one piece at a time, in a thread of its own, and how far it is.

It runs what it is given; it knows nothing of HTTP.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from assistant.errors import AssistantError
from assistant.schema import DeleteReport, IngestReport, Progress

_log = logging.getLogger(__name__)
Report = IngestReport | DeleteReport


@dataclass(frozen=True, slots=True)
class Work:
    """`done` of `total` in a stage that has a name; `report` when it is finished, `reason` where it failed."""

    kind: Literal["ingest", "delete"]
    running: bool = True
    stage: str = ""
    done: int = 0
    total: int = 0
    about: str = ""
    report: Report | None = None
    reason: str = ""


class Works:
    """The last piece of work, running or finished."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last: Work | None = None

    @property
    def last(self) -> Work | None:
        return self._last

    def begin(self, kind: Literal["ingest", "delete"], about: str, call: Callable[[Progress], Report]) -> bool:
        """Start a piece of work; False where another is running."""
        with self._guard:
            if self._last is not None and self._last.running:
                return False
            self._last = Work(kind, about=about)
            self._thread = threading.Thread(target=self._run, args=(call,), name="work")
            self._thread.start()
            return True

    def wait(self) -> None:
        """Return when nothing runs: what is being published is not cut off."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, call: Callable[[Progress], Report]) -> None:
        try:
            report = call(lambda stage, done, total: self._change(stage=stage, done=done, total=total))
        except AssistantError as error:
            # An admin may read what the command line would say.
            self._change(running=False, reason=" ".join(str(error).split()))
        except Exception:  # noqa: BLE001 - it ends in a thread that nobody waits for: said where the work is shown
            _log.exception("work on the index failed")
            self._change(running=False, reason=AssistantError.public)
        else:
            self._change(running=False, report=report)

    def _change(self, **changes: Any) -> None:
        assert self._last is not None
        self._last = replace(self._last, **changes)
