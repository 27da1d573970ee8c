"""Settings: defaults < file < environment, an unknown key names the nearest, the table in the docs is true."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assistant import settings as module
from assistant.errors import SettingsError
from assistant.settings import Settings, Source

DOCS = Path(__file__).parents[1] / "docs" / "settings.md"
KEYS = module.keys()


def write(folder: Path, text: str) -> Path:
    file = folder / "assistant.toml"
    file.write_text(text, encoding="utf-8")
    return file


def load(folder: Path, text: str, **environment: str) -> Settings:
    return Settings.load(write(folder, text), environment)


def test_defaults_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.load(environment={}) == Settings()
    assert Settings().index.path == Path("indexes/default")
    assert [s.path for s in Settings().sources()] == [Path("corpus")]


def test_file_over_defaults_environment_over_file(tmp_path: Path) -> None:
    text = "[retrieval]\ncandidates = 50\ndense_weight = 0.5\n"
    assert load(tmp_path, text).retrieval.candidates == 50
    found = load(tmp_path, text, ASSISTANT_RETRIEVAL__CANDIDATES="70").retrieval
    assert (found.candidates, found.dense_weight, found.lexical_weight) == (70, 0.5, Settings().retrieval.lexical_weight)


def test_a_file_in_the_current_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "[web]\nport = 8000\n")
    monkeypatch.chdir(tmp_path)
    assert Settings.load(environment={}).web.port == 8000


def test_every_key_can_be_set_in_code_file_and_environment(tmp_path: Path) -> None:
    in_code = Settings(index={"path": "x"}, chunking={"size": 100})
    in_file = load(tmp_path, f"[index]\npath = {json.dumps(str(Path.cwd() / 'x'))}\n[chunking]\nsize = 100\n")
    in_environment = Settings.load(write(tmp_path, ""), {"ASSISTANT_INDEX__PATH": "x", "ASSISTANT_CHUNKING__SIZE": "100"})
    assert in_code == in_environment
    assert in_file.index.path == Path.cwd() / "x"
    assert in_file.chunking == in_code.chunking


def test_paths_in_a_file_are_relative_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    text = '[corpus]\npaths = ["docs", "/srv/docs"]\n[[corpus.sources]]\npath = "press"\n[index]\npath = "idx"\n[embedding]\nmodel = "./model"\n'
    found = load(folder, text)
    assert found.corpus.paths == [folder / "docs", Path("/srv/docs")]
    assert found.corpus.sources[0].path == folder / "press"
    assert found.index.path == folder / "idx"
    assert found.embedding.model == str(folder / "model")
    # From elsewhere and through a relative name it is the same.
    assert Settings.load(Path("project/assistant.toml"), {}) == found
    assert Settings.load("project/assistant.toml", {"ASSISTANT_INDEX__PATH": "here"}).index.path == Path("here")


def test_lists_and_tables_in_the_environment_are_json(tmp_path: Path) -> None:
    sources = json.dumps([{"path": "press", "collection": "press", "visibility": "public"}])
    found = load(tmp_path, "", ASSISTANT_CORPUS__PATHS='["a", "b c"]', ASSISTANT_CORPUS__SOURCES=sources)
    assert found.corpus.paths == [Path("a"), Path("b c")]
    assert found.corpus.sources == [Source(path=Path("press"), collection="press", visibility="public")]


def test_a_list_that_is_no_json_says_how_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ASSISTANT_CORPUS__PATHS is not valid JSON.*\[\"a\"\]"):
        load(tmp_path, "", ASSISTANT_CORPUS__PATHS="docs")


@pytest.mark.parametrize("where", ["code", "file", "environment"])
def test_sources_alone_leave_the_default_corpus_out(tmp_path: Path, where: str) -> None:
    if where == "code":
        found = Settings(corpus={"sources": [{"path": "press"}]})
    elif where == "file":
        found = load(tmp_path, '[[corpus.sources]]\npath = "press"\n')
    else:
        found = load(tmp_path, "", ASSISTANT_CORPUS__SOURCES='[{"path": "press"}]')
    assert [s.path.name for s in found.sources() if s.path] == ["press"]


def test_paths_and_sources_together_are_both_meant(tmp_path: Path) -> None:
    found = load(tmp_path, '[corpus]\npaths = ["docs"]\n', ASSISTANT_CORPUS__SOURCES='[{"path": "press"}]')
    assert [s.path.name for s in found.sources() if s.path] == ["docs", "press"]


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("[retreival]\ncandidates = 5\n", "retreival", "retrieval"),
        ("[retrieval]\ncandidate = 5\n", "retrieval.candidate", "retrieval.candidates"),
        ("[answering]\ntopk = 5\n", "answering.topk", "answering.top_k"),
        ("[index]\nport = 1\n", "index.port", "index.path"),
        ('[[corpus.sources]]\npath = "a"\nvisible = "staff"\n', "corpus.sources.visible", "corpus.sources.visibility"),
        ('model = "x"\n', "model", "retrieval"),
    ],
)
def test_an_unknown_key_names_itself_and_the_nearest(tmp_path: Path, text: str, key: str, nearest: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert f"unknown setting {key}" in caught.value.message
    if key != "model":
        assert f"did you mean {nearest}?" in caught.value.fix


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("ASSISTANT_INDEX__PATHS", "ASSISTANT_INDEX__PATH"),
        ("ASSISTANT_INDEX_PATH", "ASSISTANT_INDEX__PATH"),
        ("ASSISTANT_RETREIVAL__CANDIDATES", "ASSISTANT_RETRIEVAL__CANDIDATES"),
        ("ASSISTANT_LLM__API_KEY", "ASSISTANT_LLM__API_KEY_ENV"),
    ],
)
def test_an_unknown_variable_names_itself_and_the_nearest(tmp_path: Path, variable: str, nearest: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, "", **{variable: "x"})
    assert caught.value.message == f"unknown setting {variable} in the environment"
    assert f"did you mean {nearest}?" in caught.value.fix


@given(st.sampled_from(sorted(k for k in KEYS if k.count(".") == 1)), st.integers(0, 40), st.sampled_from("abcdefghijklmnopqrstuvwxyz_"))
def test_a_key_with_one_wrong_letter_is_refused_and_the_right_one_named(key: str, place: int, letter: str) -> None:
    section, name = key.split(".")
    place %= len(name)
    wrong = name[:place] + letter + name[place + 1 :]
    assume(f"{section}.{wrong}" not in KEYS)
    with pytest.raises(SettingsError) as caught:
        Settings(**{section: [{wrong: 1}] if section == "portals" else {wrong: 1}})
    assert f"{section}.{wrong}" in caught.value.message
    assert caught.value.fix.startswith(f"did you mean {section}.")


@given(st.text(min_size=1, max_size=20))
def test_no_unknown_key_gets_through(key: str) -> None:
    assume(key not in Settings.model_fields)
    with pytest.raises(SettingsError, match="unknown setting"):
        Settings(**{key: {}})
    assume(f"index.{key}" not in KEYS)
    with pytest.raises(SettingsError, match="unknown setting"):
        Settings(index={key: 1})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[retrieval]\ncandidates = 'many'\n", "retrieval.candidates"),
        ("[web]\nport = 70000\n", "web.port"),
        ("[[corpus.sources]]\ncollection = 'a'\n", "path or a reader"),
        ("[[corpus.sources]]\npath = 'a'\ncollection = 'With Space'\n", "corpus.sources.0.collection"),
        ("[[corpus.sources]]\nreader = 'a.B'\n", "id_field"),
        ("[answering]\nclock = 'noon'\n", "answering.clock"),
        ("index = 5\n", "index"),
        ("[index]\nchroma_url = 'http://localhost:8000'\n", "index.chroma_url is not supported yet"),
        ("[[portals]]\nname = 'a'\n", "unknown setting portals.name"),
        ("[index\npath = 1\n", "not valid TOML"),
    ],
)
def test_a_wrong_value_is_one_clear_error(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert named in str(caught.value)
    assert caught.value.fix
    assert "\n" not in caught.value.message.strip()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"there is no settings file .*nowhere\.toml"):
        Settings.load(tmp_path / "nowhere.toml", {})


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "assistant.toml").write_bytes("# Übersicht\n".encode("latin-1"))
    with pytest.raises(SettingsError, match="not valid TOML"):
        Settings.load(tmp_path / "assistant.toml", {})


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().index.path = Path("x")  # type: ignore[misc]


def test_the_table_in_the_docs_is_true() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert text.split("<!-- table -->\n")[1].split("<!-- /table -->")[0] == module.table(), "run: make docs"


def test_the_example_in_the_docs_is_valid(tmp_path: Path) -> None:
    example = DOCS.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    assert [s.name or s.collection for s in load(tmp_path, example).sources()] == ["press", "events"]


@pytest.mark.parametrize("key", [k for k in KEYS if not k.startswith(("corpus.sources.", "web.keys.", "web.auth.", "portals."))])
def test_every_key_is_described_and_known_to_the_environment(tmp_path: Path, key: str) -> None:
    assert KEYS[key].description
    variable = "ASSISTANT_" + key.replace(".", "__").upper()
    values = {"chunking.size": "32", "embedding.dimensions": "64", "reading.memory_mb": "64", "retrieval.candidates": "64", "reading.formats": "{}", "llm.options": "{}", "judge.options": "{}", "answering.unsupported": "mark", "web.public_url": "https://ask.example.org", "web.questions": "{}", "web.log": "json", "feedback.refused": "all"}
    value = "[]" if key in ("corpus.paths", "corpus.sources", "web.proxies", "web.keys", "portals") else values.get(key, "1")
    if key == "index.chroma_url":
        with pytest.raises(SettingsError, match="not supported yet"):
            load(tmp_path, "", **{variable: value})
        return
    section, _, name = key.partition(".")
    found = getattr(load(tmp_path, "", **{variable: value}), section)
    assert (name in found.model_fields_set) if name else found == []
