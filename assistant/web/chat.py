"""The chat page, in Gradio: question in, streamed answer with numbered citations, and beside it the passages.

It hands questions to the assistant and shows what comes back; it knows nothing of retrieval. Importing it imports
Gradio, so only the server does.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.errors import AssistantError
from assistant.feedback import LONGEST_COMMENT, REASONS
from assistant.language.packs import pack_or_english
from assistant.pipeline import LONGEST_QUESTION, Assistant
from assistant.schema import Answer, Message
from assistant.web.rendering import answer_html, asked_text, finished_html, preferred, sources_html

STATIC = Path(__file__).parent / "static"

# Questions that the starter corpus answers, one per language; shown when its documents are indexed.
EXAMPLES = (
    ("de", "Wie viele Besucher hatte die DMEA 2024?"),
    ("ja", "アムステルダム・スキルズ・センターはいつ開所しましたか？"),
    ("zh", "中关村生命科学园有多少家企业？"),
    ("en", "Which forums took place in Beijing in 2024?"),
    ("es", "¿Cuándo abrió el Amsterdam Skills Centre?"),
)
_HISTORY_TURNS = 6


def build(assistant: Assistant) -> Any:
    """The page as Gradio Blocks, not yet mounted."""
    with gr.Blocks(title="Forum Assistant", analytics_enabled=False, fill_width=True) as page:
        turns = gr.State([])
        english = pack_or_english("en").interface
        model = assistant.settings.llm.model if assistant.settings.llm.provider else ""
        top = gr.HTML(_top("en", model), elem_id="top")
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=320):
                chat = gr.Chatbot(
                    elem_id="chat", show_label=False, height="62vh", buttons=["copy"], latex_delimiters=[], sanitize_html=True,
                    feedback_options=("Like", "Dislike"), allow_file_downloads=False, placeholder=english["placeholder"], editable="user",
                )  # fmt: skip
                with gr.Row(elem_id="feedback", equal_height=True, visible=False) as feedback:
                    reason = gr.Dropdown(_reasons("en"), value=None, label=english["feedback_ask"], scale=3, min_width=160, elem_id="feedback-reason")
                    comment = gr.Textbox(label=english["feedback_comment"], max_length=LONGEST_COMMENT, scale=4, min_width=160, elem_id="feedback-comment")
                    tell = gr.Button(english["feedback_send"], size="sm", scale=1, min_width=88, elem_id="feedback-send")
                with gr.Row(equal_height=True):
                    box = gr.Textbox(
                        elem_id="ask", show_label=False, placeholder=english["placeholder"], container=False, scale=8, autofocus=True, max_length=LONGEST_QUESTION,
                    )  # fmt: skip
                    send = gr.Button(english["send"], variant="primary", elem_id="send", scale=1, min_width=88)
                    stop = gr.Button(english["stop"], elem_id="stop", scale=0, min_width=72)
                with gr.Row(elem_id="examples"):
                    buttons = [gr.Button(question, size="sm", variant="secondary") for _, question in EXAMPLES]
                    clear = gr.Button(english["clear"], size="sm", variant="stop", elem_id="clear")
            with gr.Column(scale=2, min_width=320):
                sources = gr.HTML(sources_html(None, "en"), elem_id="sources")
        language = gr.State("en")
        rated = gr.State("")

        def greet(request: gr.Request) -> Any:
            code = preferred(request.headers.get("accept-language", ""))
            words = pack_or_english(code).interface
            return (
                code, _top(code, model), gr.update(placeholder=words["placeholder"]), gr.update(value=words["send"]), gr.update(value=words["clear"]),
                gr.update(placeholder=words["placeholder"]), sources_html(None, code), gr.update(choices=_reasons(code), value=None, label=words["feedback_ask"]),
                gr.update(label=words["feedback_comment"]), gr.update(value=words["feedback_send"]), gr.update(value=words["stop"]),
            )  # fmt: skip

        def rate(liked: gr.LikeData, past: list[tuple[str, Answer | None]], code: str) -> Any:
            turn = _turn(liked.index)
            rated_answer = past[turn][1] if 0 <= turn < len(past) else None
            if rated_answer is None:
                return "", gr.update(visible=False)
            up = liked.liked is True or liked.liked == "Like"
            given = assistant.feedback.give(rated_answer, "up" if up else "down")
            if up:
                gr.Info(pack_or_english(code).interface["feedback_thanks"])
            return given.id, gr.update(visible=not up)

        def explain(identity: str, why: str | None, said: str, code: str) -> Any:
            if identity:
                assistant.feedback.amend(identity, reason=why or "", comment=said or "")
                gr.Info(pack_or_english(code).interface["feedback_thanks"])
            return "", gr.update(visible=False), None, ""

        def respond(question: str, shown: list[dict[str, Any]], past: list[tuple[str, Answer | None]], code: str) -> Iterator[Any]:
            question = (question or "").strip()
            if not question:
                yield "", shown, past, gr.update()
                return
            shown = [*shown, {"role": "user", "content": asked_text(question)}]
            # From here on the turn has its place, which it keeps when it fails or is stopped: what is rated or asked again is found by that.
            held = [*past, (question, None)]
            yield "", [*shown, {"role": "assistant", "content": pack_or_english(code).interface["thinking"]}], held, gr.update()
            history = [message for asked, told in past[-_HISTORY_TURNS:] if told for message in (Message("user", asked), Message("assistant", told.text))]
            text = ""
            try:
                for event in assistant.stream(question, history):
                    if isinstance(event, Answer):
                        content = finished_html(event)
                        yield "", [*shown, {"role": "assistant", "content": content}], [*past, (question, event)], sources_html(event, event.language)
                    else:
                        text += event
                        words = answer_html(text, code) if text else pack_or_english(code).interface["thinking"]
                        yield "", [*shown, {"role": "assistant", "content": words}], held, gr.update()
            except AssistantError as error:
                yield "", [*shown, {"role": "assistant", "content": answer_html(error.public, "en")}], held, gr.update()
            except Exception:
                yield "", [*shown, {"role": "assistant", "content": answer_html(pack_or_english(code).interface["failed"], code)}], held, gr.update()
                raise

        def again(which: gr.RetryData, shown: list[dict[str, Any]], past: list[tuple[str, Answer | None]], code: str) -> Iterator[Any]:
            """The question of a turn is asked once more; what came after it goes."""
            turn = _turn(which.index)
            if turn < len(past):
                yield from respond(past[turn][0], shown[: 2 * turn], past[:turn], code)

        def edited(changed: gr.EditData, shown: list[dict[str, Any]], past: list[tuple[str, Answer | None]], code: str) -> Iterator[Any]:
            """A question of an earlier turn is asked in other words; what came after it goes."""
            turn = _turn(changed.index)
            yield from respond(html.unescape(str(changed.value)), shown[: 2 * turn], past[:turn], code)

        def take_back(which: gr.UndoData, shown: list[dict[str, Any]], past: list[tuple[str, Answer | None]], code: str) -> Any:
            """The question of a turn goes back into the box, to be asked otherwise."""
            turn = _turn(which.index)
            return past[turn][0] if turn < len(past) else "", shown[: 2 * turn], past[:turn], sources_html(None, code)

        inputs, outputs = [box, chat, turns, language], [box, chat, turns, sources]
        running = [gr.on([box.submit, send.click], respond, inputs, outputs, concurrency_limit=8, api_visibility="private")]
        for button in buttons:
            running.append(button.click(respond, [button, chat, turns, language], outputs, concurrency_limit=8, api_visibility="private"))
        running.append(chat.retry(again, [chat, turns, language], outputs, concurrency_limit=8, api_visibility="private"))
        running.append(chat.edit(edited, [chat, turns, language], outputs, concurrency_limit=8, api_visibility="private"))
        chat.undo(take_back, [chat, turns, language], outputs, api_visibility="private")
        stop.click(None, cancels=running, api_visibility="private")
        chat.like(rate, [turns, language], [rated, feedback], api_visibility="private")
        tell.click(explain, [rated, reason, comment, language], [rated, feedback, reason, comment], api_visibility="private")
        clear.click(lambda code: ([], [], sources_html(None, code), gr.update(visible=False)), [language], [chat, turns, sources, feedback], api_visibility="private")
        page.load(greet, None, [language, top, box, send, clear, chat, sources, reason, comment, tell, stop], api_visibility="private")
    return page


def _turn(index: int | tuple[int, int] | list[int]) -> int:
    """Which turn a message of the chat belongs to; each is a question and an answer."""
    return (index if isinstance(index, int) else index[0]) // 2


def _reasons(code: str) -> list[tuple[str, str]]:
    """What may be wrong with an answer, in the reader's words."""
    words = pack_or_english(code).interface
    return [(words[f"feedback_{reason}"], reason) for reason in REASONS]


def _top(code: str, model: str) -> str:
    """Title, what the page is for, and the language model that writes the answers, if one does."""
    words = pack_or_english(code).interface
    named = f'<p class="model">{html.escape(words["model_named"].format(model=model))}</p>' if model else ""
    return f'<div lang="{code}" dir="{pack_or_english(code).direction}"><h1>{words["title"]}</h1><p>{words["subtitle"]}</p>{named}</div>'
