"""Settings: defaults < `assistant.toml` < `ASSISTANT_SECTION__KEY`. An unknown key is an error.

It knows the keys, their types and defaults; what they do is the business of the rooms that receive their
section. `docs/settings.md` is made from the descriptions here (`python -m assistant.settings`).
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from assistant.errors import SettingsError
from assistant.schema import Filters

ENVIRONMENT_PREFIX = "ASSISTANT_"
FILE_NAME = "assistant.toml"
# Keys of tables in lists: the environment gives each list as a whole.
_LISTS = ("corpus.sources.", "web.keys.", "web.auth.", "portals.")


KeyScope = Literal["ask", "search", "documents", "feedback", "metrics"]
Role = Literal["reader", "evaluator", "admin"]


def _origin(value: str) -> str:
    """An origin as browsers send it: scheme, host in lower case and ASCII, port unless it is the scheme's own."""
    try:
        parts = urlsplit(value)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port and parts.port != {"http": 80, "https": 443}.get(parts.scheme) else ""
    except ValueError:
        host = port = ""
    whole = parts.scheme in ("http", "https") and re.fullmatch(r"[a-z0-9.:-]+", host) and not parts.username and parts.path in ("", "/")
    if not whole or parts.query or parts.fragment:
        raise ValueError(f"{value!r} is no origin; write scheme and host, as in https://www.example.org")
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _quota(value: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,6}/(?:second|minute|hour|day)", value):
        raise ValueError("a quota is written as in 20/minute: a number, and second, minute, hour or day")
    return value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Source(_Section):
    """One place that documents come from: a folder or file, or a LlamaIndex reader."""

    path: Path | None = Field(None, description="Folder or file to read.")
    reader: str = Field("", description="A LlamaIndex reader class, as `package.module.Class`, instead of `path`.")
    arguments: dict[str, Any] = Field({}, description="Keyword arguments for the reader's constructor.")
    load: dict[str, Any] = Field({}, description="Keyword arguments for its `load_data`.")
    id_field: str = Field("", description="Metadata field that is a record's stable id (`doc_id`: the reader's own).")
    title_field: str = Field("title", description="Metadata field that holds a record's title.")
    date_field: str = Field("date", description="Metadata field that holds a record's publication date.")
    name: str = Field("", description="Name used in document ids; the folder's name by default.")
    collection: str = Field("default", description="Collection the documents belong to.", pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    visibility: Literal["staff", "public"] = Field("staff", description="Who may see them: `staff` or `public`.")

    def model_post_init(self, context: Any) -> None:
        if bool(self.path) == bool(self.reader):
            raise ValueError("a source has either a path or a reader")
        if self.reader and not (self.id_field and self.name):
            raise ValueError("a reader source needs a name and an id_field, so that its records keep their ids")


class CorpusSettings(_Section):
    paths: list[Path] = Field([Path("corpus")], description="Folders or files to index; short for `sources`.")
    sources: list[Source] = Field([], description="Sources with their collection and visibility (`[[corpus.sources]]`).")
    prune_limit: float = Field(0.2, ge=0, le=1, description="`--prune` stops when more than this share of a source would go.")

    @model_validator(mode="before")
    @classmethod
    def _only_sources(cls, values: Any) -> Any:
        """Sources given and no paths: the default corpus folder is not meant as well."""
        return {"paths": [], **values} if isinstance(values, Mapping) and "sources" in values else values


class ReadingSettings(_Section):
    workers: int = Field(0, ge=0, le=64, description="Reader processes; 0 means one per core, at most 4.")
    file_mb: int = Field(100, ge=1, description="Largest file that is read, in MB.")
    expanded_mb: int = Field(200, ge=1, description="Largest unpacked size of a DOCX, PPTX or XLSX, in MB.")
    memory_mb: int = Field(512, ge=64, description="Memory one file may take while it is read, in MB.")
    seconds: float = Field(30.0, gt=0, description="Time one file may take to be read.")
    formats: dict[str, str] = Field({}, description='Further formats: suffix to `module:function`, as in `{".srt" = "our_formats:read_srt"}`.')

    def model_post_init(self, context: Any) -> None:
        for suffix, function in self.formats.items():
            if not re.fullmatch(r"\.?\w+", suffix) or not re.fullmatch(r"[\w.]+:\w+", function):
                raise ValueError(f"{suffix} = {function} does not name a function as module:function")


class ChunkingSettings(_Section):
    size: int = Field(160, ge=16, le=2000, description="Largest passage, in tokens (a word, or a character of Han, kana, Hangul or Thai counted as half).")
    minimum: int = Field(24, ge=0, description="Passages smaller than this join their neighbour under the same heading.")


class IndexSettings(_Section):
    path: Path = Field(Path("indexes/default"), description="Folder of the index.")
    chroma_url: str = Field("", description="A Chroma server; not supported yet, leave empty.")


class EmbeddingSettings(_Section):
    model: str = Field("embedded", description="`embedded` (the multilingual table in the package), `hashed` (no weights, spellings only), or any sentence-transformers model by name or folder.")
    revision: str = Field("", description="Revision of the model, where it comes from a hub.")
    dimensions: int = Field(512, ge=32, le=4096, description="Width of the hashed encoder's vectors.")
    query_prefix: str | None = Field(None, description="Put before questions; by default what the model is known to want (E5: `query: `).")
    passage_prefix: str | None = Field(None, description="Put before passages; by default what the model is known to want.")
    batch_size: int = Field(64, ge=1, description="Texts per call of the encoder.")


class RetrievalSettings(_Section):
    candidates: int = Field(200, ge=10, le=2000, description="Passages that dense and lexical search each put forward.")
    dense_weight: float | None = Field(None, ge=0, description="Weight of the dense score (z-scored over the candidates); by default what held-out questions chose for the kind of encoder.")
    late_weight: float | None = Field(None, ge=0, description="Weight of late interaction, where the encoder has it; default as above.")
    lexical_weight: float | None = Field(None, ge=0, description="Weight of the lexical score; default as above.")
    reranker: str = Field("", description="A sentence-transformers CrossEncoder, by name or folder, that puts the best candidates in order; empty for none.")
    rerank: int = Field(30, ge=1, le=200, description="Passages that the reranker reads.")


class NamesSettings(_Section):
    glossary: Path = Field(Path("glossary.toml"), description="File of names that belong together, beside those in front matter.")


class AnsweringSettings(_Section):
    top_k: int = Field(8, ge=1, le=50, description="Passages shown beside an answer.")
    considered: int = Field(24, ge=1, le=200, description="Passages whose sentences are considered for an answer.")
    quotes: int = Field(4, ge=1, le=10, description="Most quotes in an answer without a language model.")
    confidence: float | None = Field(None, ge=0, le=1, description="How likely an answer must be right to be given; below it the assistant abstains. By default what `assistant eval calibrate` chose.")
    unsupported: Literal["drop", "mark"] = Field("drop", description="What becomes of a language model's sentence that the documents do not support: `drop` leaves it out, `mark` shows it marked and without a citation.")
    prompts: Path | None = Field(None, description="Folder with prompts of your own, one file for each task; what it lacks is the package's.")
    clock: datetime | None = Field(None, description="A fixed time for embargo, expiry, “next” and “last year”, for tests and demonstrations.")


class FeedbackSettings(_Section):
    path: Path = Field(Path("feedback.sqlite"), description="File that keeps what people say of answers.")
    days: int = Field(365, ge=1, description="Days after which it is forgotten.")
    refused: Literal["all", "staff", "none"] = Field("staff", description="Whose questions are kept, in the same file and for as long, when the documents do not answer them: `all`, `staff` only, or `none`. Of the others it is counted how many there were.")


class LLMSettings(_Section):
    provider: str = Field("", description="`openai-like` for any OpenAI-compatible server (vLLM, llama.cpp, Ollama, LM Studio), or what stands behind `llama-index-llms-` in an installed package's name; empty for none.")
    model: str = Field("", description="Name of the language model.")
    base_url: str = Field("", description="Address of an OpenAI-compatible server.")
    api_key_env: str = Field("", description="Environment variable that holds the key.")
    timeout_s: float = Field(18.0, gt=0, description="Time an answer of the model may take, in seconds, from the question to its last word.")
    options: dict[str, Any] = Field({}, description="Further arguments of the model's class, such as max_tokens.")

    @property
    def name(self) -> str:
        """What readers are told of the model; empty without one."""
        return (self.model or self.provider) if self.provider else ""


class ApiKey(_Section):
    """A program that may use the API. Only the key's hash is written down; `assistant key new NAME` makes both."""

    name: str = Field(description="What the key is called in logs and lists.", pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$")
    sha256: str = Field(description="SHA-256 of the key, in hexadecimal.", pattern=r"^[0-9a-f]{64}$")
    scopes: list[KeyScope] = Field(["ask", "search", "documents"], description="What it may do: `ask` (the chat completions too), `search`, `documents`, `feedback`, `metrics`.", min_length=1)
    collections: list[str] = Field([], description="Collections it may see; all when empty.")
    visibility: Literal["staff", "public"] = Field("public", description="`public` sees public documents only, `staff` every one.")
    quota: str = Field("120/minute", description="How often it may ask, as in `20/minute` or `500/day`.")

    @property
    def scope(self) -> Filters:
        """All that it may see."""
        return Filters(collections=tuple(self.collections), public=self.visibility == "public")

    _check_quota = field_validator("quota")(_quota)


class User(_Section):
    """Someone who signs in with a password. Only its hash is written down; `assistant user new NAME` makes it."""

    name: str = Field(description="Name to sign in with.", pattern=r"^[^\s,;:]{1,80}$")
    password: str = Field(description="The password's hash.", pattern=r"^scrypt:[0-9a-f]{32}:[0-9a-f]{64}$")
    role: Role = Field("reader", description="What they may do: `reader` asks, `evaluator` sees reports, feedback and refused questions too, `admin` also uploads, deletes and judges names.")
    groups: list[str] = Field([], description="Groups they belong to.")


class Group(_Section):
    """Users who may see the same. Members of several see what any of them sees."""

    name: str = Field(description="Name, as users or the proxy's header give it.", min_length=1, max_length=200)
    role: Role | None = Field(None, description="Role of its members, where it is higher than their own.")
    collections: list[str] = Field([], description="Collections its members may see; all when empty.")


class AuthSettings(_Section):
    mode: Literal["none", "users", "proxy"] = Field("none", description="Who is staff: `none` (everyone who reaches the server, where `web.console` allows it), `users` (who signs in), `proxy` (whom a trusted proxy names, which is how single sign-on comes in).")
    users: list[User] = Field([], description="Users (`[[web.auth.users]]`).")
    groups: list[Group] = Field([], description="Groups (`[[web.auth.groups]]`).")
    session_hours: int = Field(12, ge=1, le=720, description="Hours after which a user signs in anew.")
    user_header: str = Field("X-Forwarded-User", pattern=r"^[A-Za-z0-9-]{1,60}$", description="Header in which the proxy names the user.")
    groups_header: str = Field("X-Forwarded-Groups", pattern=r"^[A-Za-z0-9-]{1,60}$", description="Header in which the proxy names the user's groups, parted by commas.")
    default_role: Role | None = Field(None, description="Role of a user whom the proxy names and none of whose groups is listed; by default they are turned away.")
    sign_out: str = Field("", pattern=r"^(|/[^\s]*|https://[^\s]+)$", description="Address of the proxy where users sign out.")


class WebSettings(_Section):
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(7860, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: str = Field("", description="Address under which this server is reached, as in `https://ask.example.org` or, below a path, `https://www.example.org/assistant`. Where it is set, the chat is open to staff who sign in, and without `web.auth` closed.")
    console: bool | None = Field(None, description="Whether the chat, and the API without a key, are open to everyone who reaches the server, where `web.auth` is off; by default on loopback without a `public_url`.")
    demo: bool | None = Field(None, description="Whether `/demo` shows the portals; by default where the chat is open.")
    proxies: list[str] = Field([], description="Addresses of reverse proxies whose word on a client's address is taken.")
    secret_env: str = Field("", description="Environment variable that holds the secret which visitors' tokens are signed with (32 characters or more); without one they hold until a restart.")
    token_minutes: int = Field(15, ge=1, le=1440, description="Minutes a visitor's token is good for.")
    at_once: int = Field(0, ge=0, le=256, description="Answers made at the same time; 0 means one per core, and 16 with a language model.")
    waiting: int = Field(48, ge=0, le=10_000, description="Questions that may wait for their turn; more are turned away at once.")
    questions: dict[str, list[str]] = Field({}, description="Questions the chat suggests, by language (`[web.questions]`); by default some that the documents answer.")
    shutdown_seconds: int = Field(20, ge=1, le=600, description="Seconds that answers under way are given when the server is stopped.")
    log: Literal["text", "json", "off"] = Field("off", description="A line on stderr for each request and answer: `text`, `json`, or none. Without questions, names or addresses.")
    log_questions: bool = Field(False, description="Whether that line holds the question.")
    traces: bool = Field(False, description="Send OpenTelemetry traces to where OTEL_EXPORTER_OTLP_ENDPOINT says (needs the extra `otel`).")
    upload_mb: int = Field(200, ge=1, le=10_000, description="Largest upload of documents, in MB.")
    keys: list[ApiKey] = Field([], description="Programs that may use the API (`[[web.keys]]`).")
    auth: AuthSettings = Field(AuthSettings(), description="Who is staff (`[web.auth]`).")  # type: ignore[call-arg]

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str) -> str:
        address = value.rstrip("/")
        found = re.fullmatch(r"(https?://[^/?#]+)((?:/[A-Za-z0-9._~-]+)*)", address)
        if address and not found:
            raise ValueError(f"{value!r} is no address; write it as in https://ask.example.org or https://www.example.org/assistant")
        return _origin(found[1]) + found[2] if found else ""

    @property
    def origin(self) -> str:
        """The public address's origin; empty without one."""
        return "/".join(self.public_url.split("/")[:3])

    @property
    def prefix(self) -> str:
        """The path below which the server stands, as in `/assistant`; empty at the root."""
        return self.public_url.removeprefix(self.origin)


class PortalQuotas(_Section):
    per_client: str = Field("20/minute", description="How often one visitor's address may ask, as in `20/minute`.")
    per_portal: str = Field("2000/hour", description="How often all visitors together may ask.")

    _check_quotas = field_validator("per_client", "per_portal")(_quota)


class PortalTexts(_Section):
    title: str = Field("", max_length=80, description="Title of the widget; by default the assistant's.")
    welcome: str = Field("", max_length=600, description="What the widget says before the first question.")
    placeholder: str = Field("", max_length=120, description="What stands in the empty field.")
    questions: list[str] = Field([], max_length=6, description="Questions to choose from.")


class PortalTheme(_Section):
    scheme: Literal["auto", "light", "dark"] = Field("auto", description="`light`, `dark`, or `auto`: as the visitor's system has it.")
    accent: str = Field("#0f766e", pattern=r"^#[0-9a-fA-F]{6}$", description="Colour of buttons and links, as `#0f766e`; the text upon it is chosen to be readable.")
    radius: int = Field(14, ge=0, le=32, description="Roundness of corners, in pixels.")
    position: Literal["right", "left"] = Field("right", description="Corner in which the button floats, in a page that runs from left to right.")


class Portal(_Section):
    """A page, or several, on which visitors ask. What it may see is public documents of its collections, nothing else."""

    id: str = Field(description="Name of the portal in addresses and in the tag.", pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    origins: list[str] = Field(description="Origins of the pages that may hold the widget, as in `https://www.example.org`; with none the portal is closed.")
    collections: list[str] = Field(description="Collections its visitors may ask of; of these only documents that are public.", min_length=1)
    languages: list[str] = Field([], description="Languages of the widget; all that have a pack when empty. The first stands in for others.")
    ai_notice: dict[str, str] | Literal["standard"] = Field(description="Notice by language that a machine answers; `standard` takes the packs' words.")
    privacy: str = Field(description="Address of the privacy notice.")
    contact: str = Field("", description="Where a refusal sends visitors: a web address or `mailto:`.")
    feedback: bool = Field(True, description="Whether visitors may rate answers.")
    texts: dict[str, PortalTexts] = Field({}, description="Texts by language (`[portals.texts.de]`).")
    theme: PortalTheme = Field(PortalTheme(), description="Colours and place (`[portals.theme]`).")  # type: ignore[call-arg]
    quotas: PortalQuotas = Field(PortalQuotas(), description="Limits (`[portals.quotas]`).")  # type: ignore[call-arg]

    @property
    def scope(self) -> Filters:
        """All that its visitors may see."""
        return Filters(collections=tuple(self.collections), public=True)

    @field_validator("origins")
    @classmethod
    def _origins(cls, values: list[str]) -> list[str]:
        return [_origin(value) for value in values]

    @field_validator("privacy", "contact")
    @classmethod
    def _links(cls, value: str, info: ValidationInfo) -> str:
        if not re.fullmatch(r"https?://[^\s<>\"']+" + (r"|mailto:[^\s<>\"'@]+@[^\s<>\"']+|" if info.field_name == "contact" else ""), value):
            raise ValueError("it is a whole web address, as in https://www.example.org/privacy")
        return value

    @field_validator("ai_notice")
    @classmethod
    def _says_something(cls, value: dict[str, str] | str) -> dict[str, str] | str:
        if isinstance(value, dict) and not (value and all(text.strip() for text in value.values())):
            raise ValueError("it says nothing")
        return value


class Settings(BaseModel):
    """All settings. `Settings()` has the defaults; `Settings.load(path)` adds a file and the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    corpus: CorpusSettings = CorpusSettings()  # type: ignore[call-arg]
    reading: ReadingSettings = ReadingSettings()  # type: ignore[call-arg]
    chunking: ChunkingSettings = ChunkingSettings()  # type: ignore[call-arg]
    index: IndexSettings = IndexSettings()  # type: ignore[call-arg]
    embedding: EmbeddingSettings = EmbeddingSettings()  # type: ignore[call-arg]
    retrieval: RetrievalSettings = RetrievalSettings()  # type: ignore[call-arg]
    names: NamesSettings = NamesSettings()  # type: ignore[call-arg]
    answering: AnsweringSettings = AnsweringSettings()  # type: ignore[call-arg]
    feedback: FeedbackSettings = FeedbackSettings()  # type: ignore[call-arg]
    llm: LLMSettings = LLMSettings()  # type: ignore[call-arg]
    judge: LLMSettings = LLMSettings()  # type: ignore[call-arg]
    web: WebSettings = WebSettings()  # type: ignore[call-arg]
    portals: list[Portal] = Field([], description="Portals with a widget (`[[portals]]`).")

    def __init__(self, **values: Any) -> None:
        check_keys(values)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _settings_error(error) from None

    def model_post_init(self, context: Any) -> None:
        if self.index.chroma_url:
            raise SettingsError("index.chroma_url is not supported yet", fix="remove it: the index keeps its own Chroma")
        auth = self.web.auth
        named = (("portals", [portal.id for portal in self.portals]), ("web.keys", [key.name for key in self.web.keys]), ("web.auth.users", [user.name for user in auth.users]), ("web.auth.groups", [group.name for group in auth.groups]))
        for what, names in named:
            if twice := next((name for name in names if names.count(name) > 1), ""):
                raise SettingsError(f"two [[{what}]] are called {twice}", fix="give each a name of its own")
        groups = {group.name for group in auth.groups}
        for user in auth.users:
            if strange := next((name for name in user.groups if name not in groups), ""):
                raise SettingsError(f"the user {user.name} is in the group {strange}, which is not set up", fix="add it to [[web.auth.groups]], or take it from the user")
        if auth.mode == "users" and not auth.users:
            raise SettingsError("web.auth lets users sign in and has none", fix="assistant user new NAME makes one")
        if auth.mode == "proxy" and not self.web.proxies:
            raise SettingsError("web.auth trusts a proxy, and none is named", fix='name its address in web.proxies, as in ["127.0.0.1"]')

    @classmethod
    def load(cls, path: str | Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
        """Settings from a file and the environment.

        Without a path, `assistant.toml` in the current folder is read if there is one. Paths in the file are
        relative to the file, paths in the environment to the current folder. Raises SettingsError.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        file = Path(path) if path is not None else Path(FILE_NAME)
        if path is not None and not file.is_file():
            raise SettingsError(f"there is no settings file {file}", fix="name an existing file, or leave it out for the defaults")
        if file.is_file():
            values = _resolve_paths(_read_file(file), file.resolve().parent)
        _merge(values, _from_environment(environment))
        return cls(**values)

    def sources(self) -> list[Source]:
        """Every configured source; `corpus.paths` become staff sources of the collection `default`."""
        return [Source(path=path) for path in self.corpus.paths] + list(self.corpus.sources)  # type: ignore[call-arg]


def _read_file(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not valid TOML: {error}", fix="mend that line") from error


def _resolve_paths(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    def resolved(value: Any) -> Any:
        return str(folder / Path(value).expanduser()) if isinstance(value, str) else value

    corpus = values.get("corpus", {})
    if isinstance(corpus, dict):
        if isinstance(corpus.get("paths"), list):
            corpus["paths"] = [resolved(path) for path in corpus["paths"]]
        for source in corpus.get("sources", []) if isinstance(corpus.get("sources"), list) else []:
            if isinstance(source, dict) and "path" in source:
                source["path"] = resolved(source["path"])
    for section, key in (("index", "path"), ("names", "glossary"), ("feedback", "path"), ("answering", "prompts")):
        if isinstance(values.get(section), dict) and key in values[section]:
            values[section][key] = resolved(values[section][key])
    # A model may be a name as well as a folder.
    for section, key in (("embedding", "model"), ("retrieval", "reranker")):
        model = values[section].get(key) if isinstance(values.get(section), dict) else None
        if isinstance(model, str) and model.startswith((".", "~")):
            values[section][key] = resolved(model)
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        parts = variable.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        if parts[0] not in Settings.model_fields:
            raise _unknown(variable, _environment_names(), "in the environment")
        if len(parts) == 1 and parts[0] != "portals":
            raise _unknown(variable, _environment_names(), "in the environment")
        model = _section_model(parts[0])
        if model is not None and (len(parts) != 2 or parts[1] not in model.model_fields):
            raise _unknown(variable, _environment_names(), "in the environment")
        annotation = model.model_fields[parts[1]].annotation if model else list
        value: Any = text
        if str(annotation).startswith(("list", "dict")) or _tables(annotation) is not None or annotation is list:
            try:
                value = json.loads(text)
            except json.JSONDecodeError as error:
                raise SettingsError(f"{variable} is not valid JSON", fix=f'write it as JSON, as in {variable}=["a"]') from error
        if len(parts) == 1:
            values[parts[0]] = value
        else:
            values.setdefault(parts[0], {})[parts[1]] = value
    return values


def _merge(values: dict[str, Any], over: dict[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            values[key] = {**values[key], **value}
        else:
            values[key] = value


def _section_model(name: str) -> type[BaseModel] | None:
    annotation = Settings.model_fields[name].annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _tables(annotation: Any) -> tuple[str, type[BaseModel]] | None:
    """What tables a key holds: ("", model) for one, ("list", model) for [[several]], ("dict", model) for one by name; None for a value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "", annotation
    inner = get_args(annotation)[-1:]
    if get_origin(annotation) in (list, dict) and isinstance(inner[0], type) and issubclass(inner[0], BaseModel):
        return get_origin(annotation).__name__, inner[0]
    return None


def keys() -> dict[str, Any]:
    """Every key as `section.key` with its pydantic field; those of tables in lists as `corpus.sources.key`, by name as `portals.texts.NAME.key`."""
    return dict(_keys_of(Settings, ""))


def _keys_of(model: type[BaseModel], path: str) -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        tables = _tables(field.annotation)
        if tables is None or tables[0]:
            yield path + name, field
        if tables is not None:
            yield from _keys_of(tables[1], f"{path}{name}.{'NAME.' if tables[0] == 'dict' else ''}")


def _environment_names() -> list[str]:
    return [ENVIRONMENT_PREFIX + key.replace(".", "__").upper() for key in keys() if not key.startswith(_LISTS)]


def check_keys(values: Mapping[str, Any]) -> None:
    """Raise SettingsError for the first key that does not exist, naming it and the nearest known one."""
    _check_keys(values, Settings, "")


def _check_keys(values: Mapping[str, Any], model: type[BaseModel], path: str) -> None:
    for key, value in values.items():
        if key not in model.model_fields:
            raise _unknown(path + key, list(keys()) if path else list(Settings.model_fields), "")
        tables = _tables(model.model_fields[key].annotation)
        if tables is None:
            continue
        many, inner = tables
        held = value if many == "list" and isinstance(value, list) else list(value.values()) if many == "dict" and isinstance(value, Mapping) else [] if many else [value]
        for table in held:
            if isinstance(table, Mapping):
                _check_keys(table, inner, f"{path}{key}.{'NAME.' if many == 'dict' else ''}")


def _unknown(key: str, known: list[str], where: str) -> SettingsError:
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    if "." in key:
        # The same section first: a misspelt key is likelier than a misplaced one.
        section = key.rsplit(".", 1)[0]
        nearest = difflib.get_close_matches(key, [k for k in known if k.startswith(section + ".")], n=1, cutoff=0.5) or nearest
    place = f" {where}" if where else ""
    return SettingsError(f"unknown setting {key}{place}", fix=f"did you mean {nearest[0]}? All keys: docs/settings.md")


def _settings_error(error: ValidationError) -> SettingsError:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "settings"
    reason = str(first["msg"]).removeprefix("Value error, ")
    return SettingsError(f"{place}: {reason[0].lower()}{reason[1:]}", fix="see docs/settings.md")


def table() -> str:
    """All keys as a Markdown table: key, default, environment variable, meaning."""
    rows = ["| key | default | environment | what it does |", "|---|---|---|---|"]
    for key, field in keys().items():
        default = field.get_default(call_default_factory=True)
        if field.is_required():
            shown = "required"
        elif isinstance(default, list):
            shown = json.dumps([str(item) for item in default])
        elif default is None:
            shown = "none"
        else:
            shown = f'"{default}"' if isinstance(default, (str, Path)) else str(default).lower()
            shown = "{}" if default == {} else shown
        whole = next((name for name in _LISTS if key.startswith(name)), "")
        variable = f"as part of `{ENVIRONMENT_PREFIX}{whole[:-1].replace('.', '__').upper()}`" if whole else f"`{ENVIRONMENT_PREFIX}{key.replace('.', '__').upper()}`"
        choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
        text = field.description or ""
        if choices and not all(str(choice) in text for choice in choices):
            text += f" One of {', '.join(map(str, choices))}."
        rows.append(f"| `{key}` | `{shown}` | {variable} | {text} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(table(), end="")
