"""Language models through llama-index: any OpenAI-compatible server, and every `llama-index-llms-*` package, by settings.

It loads one; what is said to it, and what becomes of its faults, is decided elsewhere. Importing it imports nothing heavy.
"""

from __future__ import annotations

import importlib
import os
import re
from typing import TYPE_CHECKING, Any

from assistant.errors import SettingsError

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

    from assistant.settings import LLMSettings

OPENAI_LIKE = "openai-like"
# What llama-index's classes call the same thing.
_FIELDS = {"model": ("model", "model_name"), "base_url": ("api_base", "base_url"), "api_key": ("api_key",), "timeout_s": ("timeout", "request_timeout")}


def load_llm(settings: LLMSettings, section: str = "llm") -> LLM:
    """The language model that a section of the settings names. Nothing is sent to it yet.

    Raises SettingsError, naming the key that is wrong.
    """
    key = _key(settings, section)
    if settings.provider == OPENAI_LIKE:
        from llama_index.llms.openai_like import OpenAILike

        if not settings.base_url or not settings.model:
            raise SettingsError(f"{section}.provider = {OPENAI_LIKE!r} needs {section}.base_url and {section}.model", fix='for instance base_url = "http://127.0.0.1:8080/v1"')
        # Retries and deadlines are this project's: the client's own would add minutes.
        made: LLM = OpenAILike(
            model=settings.model, api_base=settings.base_url, api_key=key or "none", is_chat_model=True, max_retries=0, timeout=settings.timeout_s,
            **{"temperature": 0.0, **settings.options},
        )  # fmt: skip
        return made
    kind = _class(settings.provider, section)
    known = kind.model_fields
    given = {"model": settings.model, "base_url": settings.base_url, "api_key": key, "timeout_s": settings.timeout_s}
    values = {field: value for name, value in given.items() if value for field in _FIELDS[name] if field in known}
    if "max_retries" in known:
        values["max_retries"] = 0
    if "temperature" in known:
        values["temperature"] = 0.0
    try:
        return kind(**{**values, **settings.options})  # type: ignore[no-any-return]
    except Exception as error:
        # Its message may hold the key.
        raise SettingsError(f"{section}.provider = {settings.provider!r} could not be set up ({type(error).__name__})", fix=f"see what that package needs; further arguments go into [{section}.options]") from error


def model_name(llm: LLM) -> str:
    """What the model calls itself."""
    return str(llm.metadata.model_name or llm.class_name())


def _key(settings: LLMSettings, section: str) -> str:
    if not settings.api_key_env:
        return ""
    if settings.api_key_env not in os.environ:
        raise SettingsError(f"{section}.api_key_env names {settings.api_key_env}, which is not in the environment", fix=f"export {settings.api_key_env}=…")
    return os.environ[settings.api_key_env]


def _class(provider: str, section: str) -> Any:
    from llama_index.core.llms import LLM

    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", provider):
        raise SettingsError(f"{section}.provider = {provider!r} is no provider", fix=f"{OPENAI_LIKE!r}, or what stands behind llama-index-llms- in a package's name")
    try:
        module = importlib.import_module(f"llama_index.llms.{provider.replace('-', '_')}")
    except ImportError as error:
        raise SettingsError(f"{section}.provider = {provider!r} is not installed", fix=f"pip install llama-index-llms-{provider}") from error
    kinds = [kind for name in dir(module) if isinstance(kind := getattr(module, name), type) and issubclass(kind, LLM) and kind is not LLM]
    if not kinds:
        raise SettingsError(f"llama-index-llms-{provider} holds no language model", fix="name another provider")
    plain = provider.replace("-", "")
    return min(kinds, key=lambda kind: (kind.__name__.casefold() != plain, len(kind.__name__)))
