"""The language of short questions, of mixed ones, and of longer texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.language.detection import detect
from assistant.language.packs import codes

QUESTIONS = {
    "en": ["When is the forum?", "Where does it take place?", "Who organises the congress?", "How many people attended?", "What are the goals of the platform?", "Why was it founded?", "Which companies took part?", "Is there a fee?", "What is the cluster about?"],
    "de": ["Wann ist das Forum?", "Wo findet es statt?", "Wer organisiert den Kongress?", "Wie viele Gäste kamen?", "Welche Ziele hat die Plattform?", "Warum wurde es gegründet?", "Wer nimmt teil?", "Was kostet der Eintritt?", "Gibt es eine Anmeldung?"],
    "ja": ["フォーラムはいつですか？", "会場はどこですか", "主催者は誰ですか？", "何人が参加しましたか", "プラットフォームの目的は？", "なぜ設立されたのですか", "どの企業が参加しましたか", "参加費はいくらですか", "開催日程", "何社参加"],
    "zh": ["论坛何时举行？", "在哪里举办", "谁主办这次会议？", "有多少人参加？", "平台的目标是什么？", "为什么成立？", "哪些企业参加了论坛", "报名费是多少？", "論壇在哪裡舉行？", "主辦單位是誰？"],
    "fr": ["Quand a lieu le forum ?", "Où se tient le congrès ?", "Qui organise le forum ?", "Combien de personnes ont participé ?", "Quels sont les objectifs de la plateforme ?", "Pourquoi a-t-il été fondé ?", "Quelles entreprises participent ?", "Est-ce gratuit ?"],
    "es": ["¿Cuándo es el foro?", "¿Dónde se celebra?", "¿Quién organiza el congreso?", "¿Cuántas personas asistieron?", "¿Cuáles son los objetivos de la plataforma?", "¿Por qué se fundó?", "Cuando empieza el foro", "¿Hay que pagar?"],
    "ko": ["포럼은 언제 열리나요?", "장소는 어디입니까?", "누가 주최합니까?", "몇 명이 참가했나요?", "플랫폼의 목표는 무엇인가요?", "왜 설립되었나요?", "어떤 기업이 참가했습니까?", "참가비는 얼마입니까?"],
    "pt": ["Quando é o fórum?", "Onde se realiza?", "Quem organiza o congresso?", "Quantas pessoas participaram?", "Quais são os objetivos da plataforma?", "Por que foi fundado?", "Que empresas participam no fórum?", "A inscrição é paga?"],
    "it": ["Quando si tiene il forum?", "Dove si svolge?", "Chi organizza il congresso?", "Quante persone hanno partecipato?", "Quali sono gli obiettivi della piattaforma?", "Perché è stato fondato?", "Quali aziende partecipano?", "L'ingresso è gratuito?"],
    "ru": ["Когда пройдёт форум?", "Где он состоится?", "Кто организует конгресс?", "Сколько человек участвовало?", "Каковы цели платформы?", "Почему она была основана?", "Какие компании участвуют?", "Вход платный?"],
    "ar": ["متى يعقد المنتدى؟", "أين يقام؟", "من ينظم المؤتمر؟", "كم عدد المشاركين؟", "ما هي أهداف المنصة؟", "لماذا تأسست؟", "ما الشركات المشاركة؟", "هل الدخول مجاني؟"],
}  # fmt: skip


def test_every_language_has_eight_questions() -> None:
    assert set(QUESTIONS) >= set(codes())
    assert all(len(questions) >= 8 for questions in QUESTIONS.values())


@pytest.mark.parametrize(("language", "question"), [(code, q) for code, questions in QUESTIONS.items() for q in questions])
def test_short_questions(language: str, question: str) -> None:
    assert detect(question) == language


@pytest.mark.parametrize(("language", "question"), [(code, q) for code, questions in QUESTIONS.items() for q in questions])
def test_case_and_marks_do_not_matter(language: str, question: str) -> None:
    plain = question.strip("?？؟¿ ")
    assert detect(plain) == language
    assert detect(plain.lower()) == language


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("When is the 昌平 forum?", "en"),
        ("What are the goals of the 前滩 platform and who runs it?", "en"),
        ("Wann findet das 昌平 Forum statt?", "de"),
        ("Welche Ziele hat die Plattform チャンピン?", "de"),
        ("Quand a lieu le forum de 昌平 ?", "fr"),
        ("WHOのOne Healthフォーラムはいつですか？", "ja"),
        ("Global Health Innovation Summitの主催者は誰ですか？", "ja"),
        ("BioTech Expo 2024はどこで開催されますか", "ja"),
        ("WHO论坛什么时候举行？", "zh"),
        ("Global Health Innovation Summit在哪里举行？", "zh"),
        ("One Health 포럼은 언제 열리나요?", "ko"),
        ("Когда пройдёт форум One Health?", "ru"),
        ("متى يعقد منتدى One Health؟", "ar"),
        ("東京フォーラムはいつ？", "ja"),
        ("東京論壇何時舉行？", "zh"),
        ("한국의 健康 포럼은 어디서 열립니까?", "ko"),
    ],
)
def test_names_in_another_script_do_not_decide(question: str, language: str) -> None:
    assert detect(question) == language


@pytest.mark.parametrize("text", ["", " ", "2024", "?!", "12.5 % – 30"])
def test_nothing_to_tell_from_gives_the_default(text: str) -> None:
    assert detect(text) == "en"
    assert detect(text, default="de") == "de"


@pytest.mark.parametrize(("text", "language"), [("การประชุมจัดขึ้นเมื่อใด", "th"), ("Πότε είναι το φόρουμ;", "el"), ("מתי הפורום?", "he"), ("मंच कब खुलेगा?", "hi")])
def test_scripts_without_a_pack(text: str, language: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The forum brings together hospitals, laboratories and companies from six countries. It was opened in spring and is free for all visitors.", "en"),
        ("Das Forum bringt Krankenhäuser, Labore und Unternehmen aus sechs Ländern zusammen. Es wurde im Frühjahr eröffnet.", "de"),
        ("Le forum réunit des hôpitaux, des laboratoires et des entreprises de six pays. Il a ouvert au printemps.", "fr"),
        ("El foro reúne hospitales, laboratorios y empresas de seis países. Abrió en primavera y es gratuito.", "es"),
        ("Il forum riunisce ospedali, laboratori e imprese di sei paesi. Ha aperto in primavera ed è gratuito.", "it"),
        ("O fórum reúne hospitais, laboratórios e empresas de seis países. Abriu na primavera e é gratuito.", "pt"),
        ("Het forum brengt ziekenhuizen, laboratoria en bedrijven uit zes landen samen. Het werd in het voorjaar geopend en is gratis toegankelijk voor iedereen. Bezoekers kunnen zich vooraf aanmelden via de website van de organisatie.", "nl"),
    ],
)
def test_running_text(text: str, language: str) -> None:
    assert detect(text) == language


def test_a_long_text_is_told_from_its_opening() -> None:
    assert detect("Das Forum ist für alle offen und wird von der Stadt getragen. " * 100 + "the forum is open " * 1000) == "de"


@given(st.text())
def test_any_text_has_a_language(text: str) -> None:
    code = detect(text)
    assert len(code) == 2 or len(code) == 3
    assert detect(text) == code
