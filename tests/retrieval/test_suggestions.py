"""Pairs of spellings in running text: what is suggested and what is not."""

from __future__ import annotations

import time

import pytest

from assistant.retrieval.glossary import Glossary
from assistant.retrieval.names import Names
from assistant.retrieval.suggestions import Suggestion, suggest

PAIRS = [
    ("The park lies in Future Science City(未来科学城).", {"Future Science City", "未来科学城"}),
    ("An der Charité – Universitätsmedizin Berlin (柏林夏里特医学院) forschen viele.", {"Universitätsmedizin Berlin", "柏林夏里特医学院"}),
    ("The Institute of Cancer Research (癌症研究所) opened.", {"Institute of Cancer Research", "癌症研究所"}),
    ("The Beijing Institute of Life Science, Beijing (北京生命科学研究所) agreed.", {"Beijing Institute of Life Science, Beijing", "北京生命科学研究所"}),
    ("Das Treffen in Heidelberg (ハイデルベルク) beginnt.", {"Heidelberg", "ハイデルベルク"}),
    ("Le Genopole (ジェノポール) accueille des entreprises.", {"Genopole", "ジェノポール"}),
    ("Qiantan (前滩) is a quarter of Shanghai.", {"Qiantan", "前滩"}),
    ("論文は理化学研究所（Institute of Physical and Chemical Research）が発表した。", {"理化学研究所", "Institute of Physical and Chemical Research"}),
    ("会場は昌平（チャンピン）にある。", {"昌平", "チャンピン"}),
    ("開催地は神戸医療産業都市（Kobe Biomedical Innovation Cluster）です。", {"神戸医療産業都市", "Kobe Biomedical Innovation Cluster"}),
    ("会議は「健康中国」（Healthy China）を掲げる。", {"健康中国", "Healthy China"}),
    ("東京の京橋（Kyobashi）で開く。", {"京橋", "Kyobashi"}),
    ("ライフサイエンスバレー(Life Science Valley)を建設する。", {"ライフサイエンスバレー", "Life Science Valley"}),
    ("位于张江的药谷（Medicine Valley）已有企业。", {"药谷", "Medicine Valley"}),
    ("本次大会在“前滩”（Qiantan）举行。", {"前滩", "Qiantan"}),
    ("会议由博鳌论坛（Boao Forum）主办。", {"博鳌论坛", "Boao Forum"}),
    ("企业聚集在中关村（Zhongguancun）。", {"中关村", "Zhongguancun"}),
    ("参观了陆家嘴（Lujiazui）。", {"陆家嘴", "Lujiazui"}),
    ("행사는 상하이(上海)에서 열린다.", {"상하이", "上海"}),
    ("오송(Osong)에 생명과학단지가 있다.", {"오송", "Osong"}),
    ("행사장은 송도(松島)에 있다.", {"송도", "松島"}),
    ("창핑(昌平)은 베이징의 구이다.", {"창핑", "昌平"}),
    ("Конференция в Цяньтане прошла; Сколково (Skolkovo) участвует.", {"Сколково", "Skolkovo"}),
    ("Форум проходит в городе Новосибирск (Novosibirsk).", {"Новосибирск", "Novosibirsk"}),
    ("Иннополис (イノポリス) открыт.", {"Иннополис", "イノポリス"}),
    ("El Parc Científic de Barcelona (巴塞罗那科学园) creció.", {"Parc Científic de Barcelona", "巴塞罗那科学园"}),
    ("Changping（昌平、チャンピン） hosts the forum.", {"Changping", "昌平", "チャンピン"}),
    ("O Instituto Butantan (布坦坦研究所) produz vacinas.", {"Instituto Butantan", "布坦坦研究所"}),
    ("The Springer Nature Group (シュプリンガーネイチャー) publishes it.", {"Springer Nature Group", "シュプリンガーネイチャー"}),
    ("La Fondazione Toscana Life Sciences (トスカーナ生命科学財団) ospita.", {"Fondazione Toscana Life Sciences", "トスカーナ生命科学財団"}),
]
NONE = [
    "The World Health Organization (WHO) met.", "Das Bundesministerium (BMG) fördert.", "会議（2024年11月）は終わった。", "The forum (see page 3) opens.",
    "参加者は300人（前年比20%増）。", "国際会議（以下「会議」）を開く。", "公司（以下简称“公司”）成立。", "トヨタ(株)が出展した。", "Write to us (info@example.org).",
    "The list (https://example.org/a) is long.", "図1（Figure 2）を参照。", "Es regnete (leider).", "it was cold (寒い日だった。)", "the city (the old one) grew.",
    "价格（含税）上涨。", "会议（线上）举行。", "Zhang (2021) showed it.", "He paid 300 dollars (三百ドル).", "第3回（2025）フォーラム", "新しい病院（仮称）",
    "Preis (inkl. Steuer) 3 €", "A (B) C", "（Changping）", "Changping()", "昌平 (", "대표(회장)는 말했다.", "АО (ОАО) работает.", "Die Tagung (am 3. Mai) begann.",
    "rooms (12)", "the park( )",
]  # fmt: skip


def found_in(*texts: str, known: Names | None = None, glossary: Glossary | None = None) -> list[Suggestion]:
    return suggest([(f"d{i}", text) for i, text in enumerate(texts)], known or Names([]), glossary or Glossary())


@pytest.mark.parametrize(("text", "spellings"), PAIRS)
def test_a_pair_is_suggested(text: str, spellings: set[str]) -> None:
    assert [set(s.spellings) for s in found_in(text)] == [spellings]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_pair_is_not(text: str) -> None:
    assert found_in(text) == []


def test_the_same_pair_is_counted_whatever_its_order_and_brackets() -> None:
    (one,) = found_in("In Qiantan (前滩) it began.", "会议在“前滩”（Qiantan）举行。", "Is it QianTan(前滩)? It is Qiantan（前滩）.")
    assert one.count >= 3
    assert one.seen_in == "d0"
    assert found_in("It is Qiantan（前滩）.")[0].id == one.id


def test_what_is_known_accepted_or_ignored_is_left_out() -> None:
    text = "In Qiantan (前滩) it began."
    assert found_in(text, known=Names([["Qiantan", "前滩", "チェンタン"]])) == []
    assert found_in(text, known=Names([["Qiantan", "Qian Tan"], ["前滩", "前灘新区"]]))
    assert found_in(text, glossary=Glossary(groups=(("前滩", "Qiantan"),))) == []
    assert found_in(text, glossary=Glossary(ignored=(("qiantan", "前滩"),))) == []


@pytest.mark.parametrize("text", ["Aa " * 100_000 + "(未来)", "(" * 200_000, "A, " * 100_000, "昌" * 300_000 + "（Changping）", "Abc (" * 60_000])
def test_odd_texts_cost_linear_time(text: str) -> None:
    started = time.perf_counter()
    found_in(text)
    assert time.perf_counter() - started < 5
