"""Hand-labelled sentence boundaries in thirteen languages, for tests and for comparing splitters.

In `marked`, "‖" stands where one sentence ends and the next begins; it is no part of the text. The labels say what a
reader of the language takes as one sentence, whether or not a splitter that knows only marks can tell.
"""

from __future__ import annotations

from dataclasses import dataclass

MARK = "‖"


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled text. `about` names what makes it hard."""

    language: str
    about: str
    marked: str

    @property
    def text(self) -> str:
        return self.marked.replace(MARK, "")

    @property
    def sentences(self) -> list[str]:
        return [part.strip() for part in self.marked.split(MARK)]

    @property
    def id(self) -> str:
        return f"{self.language}-{self.about.replace(' ', '-')}"


CASES = [
    Case(language, about, marked)
    for language, about, marked in (
        # English
        ("en", "plain", "The forum opens in May. ‖It closes in June."),
        ("en", "dotted country", "The U.S. team presented first. ‖The U.K. team followed."),
        ("en", "decimals", "About 2.5 million people took part. ‖Costs fell by 3.7%. ‖That is all."),
        ("en", "number abbreviation", "It was held at 9 a.m. in hall no. 4 of the fair. ‖Entry was free."),
        ("en", "abbreviation at the end", "The panel closed at 5 p.m. ‖The next panel opened at once."),
        ("en", "enumeration at the end", "There were talks, workshops, posters, etc. ‖The audience was pleased."),
        ("en", "species", "The panel on E. coli met at noon. ‖It was short."),
        ("en", "single letter at the end", "Patients received vitamin C. ‖They recovered quickly."),
        ("en", "quoted question", "Delegates asked, “Who pays for it?” ‖The answer was short."),
        ("en", "quoted question goes on", "“Is it open?” asked the host. ‖It was."),
        ("en", "quoted sentence", "The host said: \"It went well.\" ‖Then the hall emptied."),
        ("en", "latin abbreviations", "Topics include cell therapy, e.g. CAR-T, and vaccines, i.e. mRNA products. ‖Both are new."),
        ("en", "ellipsis ends", "Wait... ‖Was that all? ‖Yes!"),
        ("en", "ellipsis goes on", "The talk was … short. ‖Everyone left early."),
        ("en", "list", "The forum has three goals:\n‖- share data\n‖- train staff\n‖- reach patients"),
        ("en", "wrapped prose", "The platform connects hospitals, laboratories and companies in\nsix countries and was opened in the spring of last year. ‖It is free."),
        ("en", "figures and volumes", "See Fig. 3 and Table 2. ‖Details are in vol. 7, pp. 12–15."),
        ("en", "company forms", "The prize went to Alpha Co. and Beta Ltd. in equal parts. ‖It is worth $1.5 billion."),
        ("en", "addresses and versions", "Visit www.example.org for news. ‖Version 2.0.1 is out."),
        ("en", "brackets", "Is it free?! ‖Yes. ‖(Registration is needed.) ‖Seats are few."),
        ("en", "heading", "Programme\n‖The forum opens with a speech on public health. ‖It ends at noon."),
        ("en", "initial", "The laboratory was named after L. Pasteur in 1888. ‖It is still open."),
        ("en", "year before a number", "The first series ended in 2019. ‖12 countries joined later."),
        ("en", "paragraphs", "Health for all\n\n‖The forum brings people together.\n\n‖It is held each year."),
        # German
        ("de", "plain", "Das Forum beginnt im Mai. ‖Es endet im Juni."),
        ("de", "ordinal date", "Am 9. Dezember beginnt das Forum. ‖Es endet am 11. Dezember."),
        ("de", "two ordinals", "Die Veranstaltung findet am 3. und 4. Mai statt. ‖Der Eintritt ist frei."),
        ("de", "century", "Das 21. Jahrhundert beginnt mit Daten. ‖Niemand weiß warum."),
        ("de", "spaced abbreviation", "Es gibt z. B. Workshops und d. h. auch Übungen. ‖Alle sind offen."),
        ("de", "thousands", "Rund 1.000 Gäste kamen, also ca. 2,5 Prozent mehr. ‖Das freut den Verband."),
        ("de", "closing quote", "„Das Forum ist wichtig.“ ‖So endete die Rede."),
        ("de", "guillemets inwards", "»Das Forum ist wichtig.« ‖So endete die Rede."),
        ("de", "quoted question goes on", "„Wann beginnt es?“, fragte das Publikum. ‖Niemand antwortete."),
        ("de", "association", "Der Verein Gesundes Land e. V. wurde 1998 gegründet. ‖Er hat 40 Mitglieder."),
        ("de", "millions", "Die Studie umfasst 3 Mio. Datensätze. ‖Sie läuft bis 2026."),
        ("de", "year at the end", "Der Vertrag endet im Jahr 2025. ‖Danach folgt eine Pause."),
        ("de", "small number at the end", "Auf Phase 1 folgt Phase 2. ‖Sie dauert drei Jahre."),
        ("de", "references", "Vgl. Abb. 3 auf S. 12 des Berichts. ‖Weitere Angaben fehlen."),
        ("de", "numbered list", "Ziele:\n‖1. Daten teilen\n‖2. Fachkräfte ausbilden\n‖3. Patienten erreichen"),
        ("de", "wrapped prose", "Die Plattform verbindet Krankenhäuser, Labore und Unternehmen aus\nsechs Ländern und wurde im Frühjahr eröffnet. ‖Sie ist kostenlos."),
        ("de", "wrapped before a noun", "Die Plattform verbindet seit vielen Jahren Krankenhäuser, Labore und\nUnternehmen aus sechs Ländern. ‖Sie ist kostenlos."),
        ("de", "month abbreviation", "Der Kongress – ein Treffen von ca. 500 Fachleuten – findet im Sept. statt. ‖Anmeldung ist nötig!"),
        ("de", "short questions", "Wer kommt? ‖Wann? ‖Das ist offen …"),
        ("de", "titles", "Den Titel Prof. Dr. med. verleiht die Universität. ‖Er ist selten."),
        ("de", "et cetera at the end", "Es gibt Vorträge, Führungen usw. ‖Sie sind alle kostenlos."),
        # Japanese
        ("ja", "plain", "フォーラムは5月に開催されます。‖参加費は無料です。"),
        ("ja", "quote goes on", "「大きな一歩だ。」と主催者は述べた。‖会場は拍手に包まれた。"),
        ("ja", "question in quotes goes on", "「なぜ今なのか？」という問いが出た。‖答えはない。"),
        ("ja", "quote then comma", "「始めます。」、そう告げて開会した。‖拍手が起きた。"),
        ("ja", "decimals", "参加者は2.5万人！‖昨年の3倍だった。"),
        ("ja", "question", "本当に始まるのか？‖答えは「はい」だ。"),
        ("ja", "stop inside brackets", "詳細は後日発表します（日程は未定です。）。‖以上です。"),
        ("ja", "ellipsis goes on", "しかし……まだ分からない。‖結果を待つ。"),
        ("ja", "list", "目的は次の通り：\n‖・データ共有\n‖・人材育成\n‖・患者支援"),
        ("ja", "wrapped prose", "このプラットフォームは六か国の病院、研究所、企業を結び付けるものであり、\n昨年の春に公開された。‖利用は無料である。"),
        ("ja", "versions", "バージョン2.0を公開した。‖次は3.0だ。"),
        ("ja", "full-width full stop", "研究を開始した．‖結果は良好である．"),
        ("ja", "double marks", "やった！！‖成功だ。"),
        ("ja", "half-width marks", "開始した｡‖終了した｡"),
        ("ja", "heading", "開催概要\n‖フォーラムは東京で開催される。"),
        ("ja", "latin abbreviations", "A.I.技術が焦点となった。‖No. 5の提案が採択された。"),
        # Chinese
        ("zh", "plain", "论坛于2019年5月举行。‖共有300人参加。"),
        ("zh", "quote ends", "主席说：“论坛很成功。”‖会议随后结束。"),
        ("zh", "quote goes on", "“欢迎！”主持人说。‖掌声响起。"),
        ("zh", "quote as attribute", "会上提出了“健康是什么？”的问题。‖没有人回答。"),
        ("zh", "questions", "何时举行？‖地点在哪里？‖请查看日程。"),
        ("zh", "decimals", "投资达2.5亿元！‖同比增长3.7%。"),
        ("zh", "ellipsis goes on", "结果……还没有决定。‖下周再议。"),
        ("zh", "traditional", "論壇將於九月舉行；主題是健康。‖報名免費。"),
        ("zh", "traditional quotes", "主辦方表示：「歡迎各界參加。」‖報名已經開始。"),
        ("zh", "numbered list", "目标包括：\n‖（一）共享数据；\n‖（二）培养人才；\n‖（三）服务患者。"),
        ("zh", "wrapped prose", "该平台连接六个国家的医院、实验室和企业，致力于共享数据和培养人才，\n并于去年春天正式开放。‖平台免费使用。"),
        ("zh", "brackets first", "（本报讯）论坛昨日开幕。‖嘉宾来自12个国家。"),
        ("zh", "double marks", "什么？！‖真的吗？"),
        ("zh", "latin names", "平台采用V2.0标准。‖No. 5提案获得通过。"),
        ("zh", "brackets with a stop", "论坛将延期（新日期另行通知。）。‖敬请谅解。"),
        # Korean
        ("ko", "plain", "포럼은 5월에 열립니다. ‖참가비는 없습니다."),
        ("ko", "decimals", "약 2.5%가 증가했다. ‖참가자는 1,000명이다."),
        ("ko", "question", "언제 열립니까? ‖5월에 열립니다!"),
        ("ko", "quote goes on", "주최 측은 “중요한 자리입니다.”라고 밝혔다. ‖행사는 끝났다."),
        ("ko", "quoted question goes on", "“왜 지금인가?”라는 질문이 나왔다. ‖답은 없었다."),
        ("ko", "dotted date", "행사는 2024. 5. 9. 서울에서 열린다. ‖참가는 무료다."),
        ("ko", "list", "목표는 다음과 같다:\n‖- 자료 공유\n‖- 인재 양성\n‖- 환자 지원"),
        ("ko", "numbered list", "일정\n‖1. 개회식\n‖2. 강연\n‖3. 폐회식"),
        ("ko", "wrapped prose", "이 플랫폼은 여섯 나라의 병원과 연구소와 기업을 서로 연결하고 자료를 나누기 위하여\n지난해 봄에 문을 열었다. ‖이용은 무료다."),
        ("ko", "latin abbreviation", "이 회의는 Dr. 학위 과정과 연계된다. ‖신청은 내일까지다."),
        ("ko", "quoted sentence", "“시작합니다.” ‖모두가 박수를 쳤다."),
        # French
        ("fr", "plain", "Le forum ouvre en mai. ‖Il ferme en juin."),
        ("fr", "hours", "Le forum ouvre à 9 h. ‖Il ferme à 18 h."),
        ("fr", "titles and pages", "M. le ministre a parlé, cf. p. 12 du programme. ‖La salle était pleine."),
        ("fr", "spaced guillemets", "« Le forum est essentiel. » ‖Ce sont les mots du réseau."),
        ("fr", "guillemets go on", "« Est-ce ouvert ? » demande le public. ‖Oui."),
        ("fr", "spaced marks", "Quel est le but ? ‖Partager les données ! ‖C'est tout."),
        ("fr", "decimals", "Environ 2,5 millions d'euros, soit 1.200 dossiers, ont été traités. ‖Le reste attend."),
        ("fr", "for example", "Le réseau (p. ex. les hôpitaux) s'agrandit. ‖Il compte 12 villes."),
        ("fr", "month abbreviation", "Le 1er janv. 2024, la plateforme a ouvert. ‖Elle est gratuite."),
        ("fr", "enumeration at the end", "On y trouve des ateliers, des débats, etc. ‖L'entrée est libre."),
        ("fr", "ellipsis", "Et puis… plus rien. ‖Le débat reprit."),
        ("fr", "accented capital", "Le débat est clos. ‖Évidemment, il reprendra. ‖À bientôt."),
        ("fr", "list", "Les objectifs :\n‖- partager les données\n‖- former le personnel\n‖- aider les patients"),
        ("fr", "wrapped prose", "La plateforme relie des hôpitaux, des laboratoires et des entreprises de\nsix pays et a ouvert au printemps. ‖Elle est gratuite."),
        # Spanish
        ("es", "inverted marks", "¿Cuándo empieza el foro? ‖Empieza el 9 de mayo."),
        ("es", "exclamation", "¡Bienvenidos! ‖El foro abre a las 9 a. m. en la sala núm. 4 del centro. ‖Pasen."),
        ("es", "country", "EE. UU. participó con 40 expertos. ‖México envió doce."),
        ("es", "titles", "La Dra. responsable, p. ej., habló de datos. ‖El Sr. Rector respondió."),
        ("es", "decimals", "Asistieron 1.000 personas, un 2,5 % más. ‖Fue un éxito."),
        ("es", "guillemets", "«El foro es vital.» ‖Así cerró el acto."),
        ("es", "stop outside guillemets", "El lema es «salud para todos». ‖Así cerró el acto."),
        ("es", "pages", "Véase la pág. 12 y la fig. 3 del anexo. ‖Luego, el índice."),
        ("es", "enumeration at the end", "Hubo charlas, talleres, etc. ‖El público aplaudió."),
        ("es", "inverted mark in the middle", "Y entonces, ¿quién paga? ‖Nadie lo sabe."),
        ("es", "list", "Objetivos:\n‖• compartir datos\n‖• formar al personal\n‖• ayudar a los pacientes"),
        ("es", "wrapped prose", "La plataforma conecta hospitales, laboratorios y empresas de\nseis países y abrió en primavera. ‖Es gratuita."),
        # Italian
        ("it", "plain", "Il forum apre a maggio. ‖È gratuito."),
        ("it", "titles", "Il dott. responsabile e la prof.ssa ordinaria hanno parlato. ‖La sala era piena."),
        ("it", "company form", "Alfa S.p.A. partecipa al forum. ‖Beta S.r.l. lo sostiene."),
        ("it", "decimals", "Circa 2,5 milioni di euro, cioè 1.200 pratiche, sono stati trattati. ‖Il resto attende."),
        ("it", "for example", "La rete (ad es. gli ospedali) cresce. ‖Conta 12 città."),
        ("it", "guillemets", "«Il forum è vitale.» ‖Così si chiuse l'evento."),
        ("it", "enumeration at the end", "Ci sono dibattiti, corsi, ecc. ‖L'ingresso è libero."),
        ("it", "question", "Quando comincia? ‖Il 9 maggio! ‖Perché no?"),
        ("it", "article number", "L'art. 5 e la fig. 3 sono a pag. 12 del testo. ‖Il resto è in allegato."),
        ("it", "list", "Obiettivi:\n‖1) condividere i dati\n‖2) formare il personale\n‖3) aiutare i pazienti"),
        ("it", "wrapped prose", "La piattaforma collega ospedali, laboratori e imprese di sei\npaesi e ha aperto in primavera. ‖È gratuita."),
        # Portuguese
        ("pt", "plain", "O fórum abre em maio. ‖É gratuito."),
        ("pt", "titles", "A Dra. responsável e o Sr. Reitor falaram. ‖A sala estava cheia."),
        ("pt", "decimals", "Cerca de 2,5 milhões de euros, ou 1.200 processos, foram tratados. ‖O resto espera."),
        ("pt", "for example", "A rede (p. ex. os hospitais) cresce. ‖Conta 12 cidades."),
        ("pt", "ordinal number", "O n.º 5 da revista saiu. ‖Traz o art. 3 na pág. 12 do anexo."),
        ("pt", "enumeration at the end", "Há debates, cursos, etc. ‖A entrada é livre."),
        ("pt", "quotes", "“O fórum é vital.” ‖Assim terminou o evento."),
        ("pt", "quoted question goes on", "“Está aberto?” perguntou o público. ‖Estava."),
        ("pt", "list", "Objetivos:\n‖- partilhar dados\n‖- formar pessoal\n‖- ajudar doentes"),
        ("pt", "wrapped prose", "A plataforma liga hospitais, laboratórios e empresas de seis\npaíses e abriu na primavera. ‖É gratuita."),
        # Russian
        ("ru", "plain", "Форум откроется в мае. ‖Вход свободный."),
        ("ru", "year abbreviation", "В 2019 г. форум прошёл в Казани. ‖Он длился 2 дня."),
        ("ru", "year abbreviation at the end", "Это было в 2020 г. ‖Позже открылся центр."),
        ("ru", "that is", "Форум открыт для всех, т. е. и для студентов. ‖Приходите."),
        ("ru", "enumeration at the end", "Были лекции, семинары и т. д. ‖Список открыт."),
        ("ru", "millions", "Участвовали 2,5 млн. человек. ‖Это рекорд."),
        ("ru", "initials", "Университет им. Н. И. Пирогова участвует. ‖Он основан давно."),
        ("ru", "stop outside guillemets", "Девиз — «здоровье для всех». ‖Так сказано в отчёте."),
        ("ru", "guillemets go on", "«Кто платит?» — спросили гости. ‖Ответа не было."),
        ("ru", "dialogue", "— Когда откроется форум? ‖— Завтра."),
        ("ru", "city", "Форум прошёл в г. Казань. ‖Гости уехали."),
        ("ru", "list", "Цели:\n‖- обмен данными\n‖- обучение персонала\n‖- помощь пациентам"),
        ("ru", "wrapped prose", "Платформа объединяет больницы, лаборатории и компании из\nшести стран и открылась весной. ‖Она бесплатна."),
        # Arabic
        ("ar", "plain", "يبدأ المنتدى في مايو. ‖ينتهي في يونيو."),
        ("ar", "question", "متى يبدأ المنتدى؟ ‖يبدأ في مايو."),
        ("ar", "decimals", "شارك 2.5 مليون شخص. ‖هذا رقم قياسي."),
        ("ar", "title", "تحدث د. المدير عن البيانات. ‖كانت القاعة ممتلئة."),
        ("ar", "semicolon and comma", "المنتدى مفتوح؛ الدخول مجاني، والتسجيل مطلوب. ‖أهلا بكم!"),
        ("ar", "quotes", "قال المنظمون: \"المنتدى مهم.\" ‖ثم انتهى اللقاء."),
        ("ar", "guillemets", "الشعار هو «الصحة للجميع». ‖هكذا انتهى اللقاء."),
        ("ar", "list", "الأهداف:\n‖- مشاركة البيانات\n‖- تدريب الموظفين\n‖- مساعدة المرضى"),
        ("ar", "year", "عقد المنتدى في 2019. ‖شاركت فيه 12 دولة."),
        # Hindi
        ("hi", "plain", "मंच मई में खुलेगा। ‖प्रवेश निःशुल्क है।"),
        ("hi", "question", "मंच कब खुलेगा? ‖मई में खुलेगा।"),
        ("hi", "decimals", "लगभग 2.5 लाख लोग आए। ‖यह एक रिकॉर्ड है!"),
        ("hi", "title", "डॉ. निदेशक ने आँकड़ों पर बात की। ‖सभागार भरा हुआ था।"),
        ("hi", "quotes", "आयोजकों ने कहा, “मंच महत्वपूर्ण है।” ‖फिर बैठक समाप्त हुई।"),
        ("hi", "no space", "मंच खुला।‖लोग आए।"),
        ("hi", "list", "उद्देश्य:\n‖- आँकड़े साझा करना\n‖- प्रशिक्षण देना\n‖- रोगियों की सहायता"),
        # Thai: a space ends a clause or a sentence, or parts a number; a full stop stands in abbreviations only.
        ("th", "era", "การประชุมจัดขึ้นในปี พ.ศ. 2567 ที่กรุงเทพมหานคร"),
        ("th", "time", "การประชุมเริ่มเวลา 9.00 น. และสิ้นสุดเวลา 17.00 น. ที่ห้องประชุมใหญ่"),
        ("th", "title", "ดร. ผู้อำนวยการกล่าวเปิดงาน"),
        ("th", "lines", "กำหนดการ\n‖พิธีเปิดการประชุม\n‖การบรรยายพิเศษ"),
        ("th", "question", "การประชุมจัดขึ้นเมื่อใด? ‖จัดขึ้นในเดือนพฤษภาคม"),
        ("th", "short clauses", "การประชุมสิ้นสุดลงแล้ว ‖ผู้เข้าร่วมเดินทางกลับ"),
        ("th", "two sentences", "แพลตฟอร์มนี้เชื่อมโยงโรงพยาบาลห้องปฏิบัติการและบริษัทในหกประเทศเข้าด้วยกัน ‖ผู้ใช้งานสามารถเข้าถึงข้อมูลทั้งหมดได้โดยไม่เสียค่าใช้จ่าย"),
        ("th", "list", "วัตถุประสงค์:\n‖- แบ่งปันข้อมูล\n‖- อบรมบุคลากร\n‖- ช่วยเหลือผู้ป่วย"),
    )
]

# Written after the rules were settled on CASES, and never used to change them: what a new text may expect.
HELD_OUT = [
    Case(language, about, marked)
    for language, about, marked in (
        ("en", "units", "The site covers 3.2 sq. km near the port. ‖Work began in Sept. 2021. ‖It cost approx. $40 million."),
        ("en", "nested quote", "“We are ready,” the organisers said. ‖“Are you?” ‖No one spoke."),
        ("en", "initialism ends", "Guests came from the U.S.A. ‖Others came from Japan."),
        ("en", "numbered list", "Agenda\n‖1. Opening\n‖2. Panel on vaccines\n‖3. Closing"),
        ("en", "dash and time", "Doors open at 8:30 a.m. – please bring a badge. ‖Lunch is served at noon!"),
        ("en", "citation", "Results were confirmed (cf. Table 4). ‖See also ch. 2 of the report."),
        ("de", "street", "Treffpunkt ist die Königstr. 12 in Halle 4. ‖Der Einlass beginnt um 9.30 Uhr."),
        ("de", "inhabitants", "Die Stadt hat 2,1 Mio. Einwohner und 14 Kliniken. ‖Davon sind 3 neu."),
        ("de", "ordinal ruler", "Das 3. Forum folgt auf das 2. Forum. ‖Beide sind öffentlich."),
        ("de", "quote goes on", "„Wir sind bereit!“, rief das Team. ‖Dann ging es los."),
        ("de", "see above", "Die Frist endet am 30. Juni (s. o.). ‖Spätere Anträge zählen nicht."),
        ("de", "organisation", "Die Dt. Gesellschaft für Hygiene e.V. lädt ein. ‖Der Eintritt kostet 5 Euro."),
        ("ja", "two quotes", "「行きますか？」「はい。」と二人は話した。‖会は終わった。"),
        ("ja", "date and time", "会議は2024.5.9に開かれる。‖受付は9:30から！"),
        ("ja", "bracketed note", "会場は横浜（神奈川県）です。‖※要予約。"),
        ("ja", "song marks", "新棟の名は「モーニング。」である。‖来春に開く。"),
        ("zh", "book title", "《健康报告。2024》已经出版。‖共三百页。"),
        ("zh", "colon and semicolon", "日程如下：上午开幕；下午分组讨论。‖晚上闭幕。"),
        ("zh", "english inside", "会议由WHO主办。‖主题为One Health。‖欢迎参加！"),
        ("zh", "long dash", "论坛——首届——在上海开幕。‖为期三天……‖敬请期待。"),
        ("ko", "percent and date", "2024년 5월 9일 개막했다. ‖참가율은 97.5%였다."),
        ("ko", "single quotes", "주제는 ‘건강한 도시’다. ‖모두 환영합니다."),
        ("ko", "short date", "접수는 5. 9.부터 시작된다. ‖마감은 다음 주다."),
        ("ko", "brackets", "행사는 연기됐다(추후 공지함). ‖양해 바랍니다."),
        ("fr", "company", "La société Alpha S.A. finance le projet. ‖Elle a versé 3,5 M€."),
        ("fr", "question inside", "Pourquoi ici ? ‖« Parce que tout y est », répond le réseau. ‖C'est clair."),
        ("fr", "centuries", "Au XIXe s. la ville comptait 3 hôpitaux. ‖Elle en a 20."),
        ("fr", "time", "Ouverture à 8 h 30, fermeture à 17 h. ‖Tél. 01 23 45 67 89."),
        ("es", "ordinal", "El 1.er foro fue en Lima y el 2.º en Quito. ‖El próximo será en mayo."),
        ("es", "quoted", "“¿Quién viene?”, preguntó el público. ‖Nadie respondió."),
        ("es", "telephone", "Tel. 912 345 678. ‖Horario: de 9.30 a 14.00 h. ‖Entrada libre."),
        ("es", "company", "La empresa Alfa S.A. patrocina el acto. ‖Es la 3.ª vez."),
        ("it", "before christ", "Il sito risale al II sec. a.C. ed è visitabile. ‖Si entra gratis."),
        ("it", "quoted", "“Chi paga?”, chiede il pubblico. ‖Nessuno risponde."),
        ("it", "street", "Il forum è in v.le Roma 12. ‖Apre alle ore 9.30."),
        ("it", "ellipsis", "Forse... ‖Vedremo a maggio. ‖Intanto, buon lavoro!"),
        ("pt", "before christ", "O local data do séc. II a.C. e pode ser visitado. ‖Entra-se de graça."),
        ("pt", "street", "O fórum fica na Av. Central, n.º 12. ‖Abre às 9.30 h."),
        ("pt", "company", "A Alfa S.A. apoia o evento. ‖É a 3.ª vez."),
        ("pt", "ellipsis", "Talvez... ‖Veremos em maio. ‖Até lá, bom trabalho!"),
        ("ru", "street", "Форум пройдёт на ул. Мира, д. 5. ‖Начало в 9.30."),
        ("ru", "and others", "Выступят врачи, учёные и др. специалисты. ‖Вход свободный!"),
        ("ru", "percent", "Рост составил 2,5 %. ‖Это выше плана, см. табл. 3 на стр. 12."),
        ("ru", "quoted sentence", "«Мы готовы!» ‖Так закончилась речь."),
        ("ar", "exclamation", "مرحبا بكم في المنتدى! ‖يبدأ الساعة 9.30 صباحا."),
        ("ar", "quoted question goes on", "«متى نبدأ؟» سأل الحضور. ‖لم يجب أحد."),
        ("ar", "number list", "البرنامج:\n‖1. الافتتاح\n‖2. المحاضرات\n‖3. الختام"),
        ("hi", "exclamation", "आपका स्वागत है! ‖कार्यक्रम 9.30 बजे शुरू होगा।"),
        ("hi", "latin inside", "विषय One Health है। ‖WHO ने इसे आयोजित किया।"),
        ("hi", "number list", "कार्यक्रम\n‖1. उद्घाटन\n‖2. व्याख्यान\n‖3. समापन"),
        ("th", "number with space", "มีผู้เข้าร่วม 1,200 คน จาก 12 ประเทศ"),
        ("th", "exclamation", "ยินดีต้อนรับ! ‖การประชุมเริ่มเวลา 9.30 น."),
        ("th", "month abbreviation", "การประชุมจัดขึ้นวันที่ 9 พ.ค. 2567 ณ กรุงเทพมหานคร"),
    )
]
