"""What a follow-up carries over without a model, and when it begins anew."""

from __future__ import annotations

import pytest

from assistant.retrieval.followups import carried, refers
from assistant.retrieval.names import Names

NAMES = Names([["Lake Health Forum", "湖畔健康论坛"], ["Copper Cluster"]])


def test_the_newest_names_are_carried_as_they_were_written() -> None:
    asked = ["Where is the Copper Cluster?", "湖畔健康论坛何时开幕？", "How many delegates?"]
    assert carried("Who organised it?", asked, NAMES) == ("湖畔健康论坛",)
    assert carried("And the Copper Cluster?", asked, NAMES) == ()
    assert carried("Who organised it?", ["Hello"], NAMES) == ()


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "And who organised it?"), ("de", "Und wer hat sie organisiert?"), ("fr", "Et combien de visiteurs ?"), ("ja", "その主催者は誰ですか"), ("zh", "那它是什么时候成立的？"), ("es", "¿Y quién lo organiza?")],
)
def test_a_follow_up_says_that_it_goes_on(language: str, text: str) -> None:
    assert refers(text, language)


@pytest.mark.parametrize(("language", "text"), [("en", "Which clusters are in Japan?"), ("de", "Welche Foren fanden in Peking statt?"), ("zh", "中国有哪些论坛？")])
def test_a_question_of_its_own_does_not(language: str, text: str) -> None:
    assert not refers(text, language)
