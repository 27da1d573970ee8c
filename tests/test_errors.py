"""Every error carries its fix in one line, and its public sentence gives nothing away."""

from __future__ import annotations

import pickle

import pytest

from assistant import errors
from assistant.errors import AssistantError, ReadError

FAMILY = sorted((c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, AssistantError)), key=lambda c: c.__name__)


@pytest.mark.parametrize("kind", FAMILY)
def test_message_and_fix_make_one_line(kind: type[AssistantError]) -> None:
    error = kind("nothing is indexed", fix="assistant ingest")
    assert str(error) == "nothing is indexed. Fix: assistant ingest"
    assert str(kind("nothing is indexed")) == "nothing is indexed"


@pytest.mark.parametrize("kind", FAMILY)
def test_public_sentence_says_nothing_of_the_case(kind: type[AssistantError]) -> None:
    error = kind("/srv/index is broken", fix="look at /srv")
    assert "/srv" not in error.public
    assert error.public.endswith(".")


@pytest.mark.parametrize("kind", FAMILY)
def test_every_error_says_what_it_stands_for(kind: type[AssistantError]) -> None:
    assert kind.__doc__


def test_errors_cross_a_process_boundary_whole() -> None:
    """Reader processes send their errors back pickled."""
    error = pickle.loads(pickle.dumps(ReadError("it is broken", reason="encrypted", fix="save it anew")))
    assert (error.message, error.reason, error.fix) == ("it is broken", "encrypted", "save it anew")
