"""The error family. Every error a person can meet says what happened and what to do about it.

It knows nothing of where errors are shown: the command line prints one line, the web turns them into
problem documents.
"""

from __future__ import annotations


class AssistantError(Exception):
    """What happened (`message`) and what to do about it (`fix`).

    Neither may hold a secret. `public` is the sentence that may be shown to a stranger: it names no
    path, key, or text of a user.
    """

    public = "Something went wrong on our side. Please try again."

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}. Fix: {self.fix}" if self.fix else self.message


class SettingsError(AssistantError):
    """A setting that is unknown, has the wrong type, or contradicts another."""


class ReadError(AssistantError):
    """A file or record that could not be read. `reason` is one word for reports and tests."""

    def __init__(self, message: str, *, reason: str = "broken", fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.reason = reason


class SourceError(AssistantError):
    """A configured source that cannot be walked or loaded as a whole."""


class PruneRefused(AssistantError):
    """Pruning would remove suspiciously much; nothing was removed."""


class DocumentCollision(AssistantError):
    """Two different files claim the same document id."""


class DocumentNotFound(AssistantError):
    """No document has this id."""

    public = "There is no such document."


class NameNotFound(AssistantError):
    """No suggested name has this id."""


class IndexNotFound(AssistantError):
    """Nothing has been indexed yet."""

    public = "Nothing is indexed yet."


class IndexMismatch(AssistantError):
    """The index was built with another encoder, chunking or schema than the settings ask for."""


class IndexBroken(AssistantError):
    """The index cannot be opened or fails its own checks."""


class IndexBusy(AssistantError):
    """Another process is writing to this index."""


class DeleteUnproven(AssistantError):
    """A delete ran, but something of the document could still be found."""


class ModelUnavailable(AssistantError):
    """An encoder, reranker or language model could not be loaded or did not answer."""


class ScopeError(AssistantError):
    """Something was asked of a limited assistant that only the whole one may do."""


class QuestionError(AssistantError):
    """A question that cannot be asked as it stands (empty, too long)."""

    public = "Please ask a question of at most 2,000 characters."


class FeedbackError(AssistantError):
    """Feedback that cannot be kept as it stands, or at all."""

    public = "Your feedback could not be kept."


class EvaluationError(AssistantError):
    """A question set, a run or a gate that cannot be used."""
