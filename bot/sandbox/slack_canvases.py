"""The Web API's canvases, of channels and alone: Markdown documents. Errors: docs.slack.dev/reference/methods.

Limits: a canvas that stands alone is shared with nobody; of the operations that ``canvases.edit`` knows, those on the
whole document; of sections, headings are found; what a canvas cannot hold is not checked, but for its size.
"""

from __future__ import annotations

from bot.sandbox.documents import Canvas
from bot.sandbox.slack_calls import Call, Refusal, answer, invalid_arguments
from bot.sandbox.world import Channel, Json

LARGEST = 1_048_576
"""Characters of Markdown."""

_HEADINGS = {"h1": "#", "h2": "##", "h3": "###"}


def create(call: Call) -> Json:
    """``conversations.canvases.create``: one for each channel, where the plan has them."""
    if not call.slack.paid_plan:
        raise Refusal("team_tier_cannot_create_channel_canvases")
    channel = call.ours(call.channel("channel_id"))
    if channel.canvas is not None:
        raise Refusal("channel_canvas_already_exists")
    if channel.archived:
        raise Refusal("channel_canvas_creation_failed")
    return _put(call, channel)


def create_standalone(call: Call) -> Json:
    """``canvases.create``: a channel's, or one that stands alone, where the plan has these."""
    if "channel_id" not in call.arguments:
        if not call.slack.paid_plan:
            raise Refusal("free_teams_cannot_create_non_tabbed_canvases")
        made = _new(call, "Untitled")
        call.slack.canvases[made.id] = made
        return answer(canvas_id=made.id)
    channel = call.ours(call.channel("channel_id"))
    if channel.canvas is not None:
        raise Refusal("canvas_creation_failed" if call.slack.paid_plan else "free_team_canvas_tab_already_exists")
    if channel.archived:
        raise Refusal("canvas_creation_failed")
    return _put(call, channel)


def _put(call: Call, channel: Channel) -> Json:
    channel.canvas = _new(call, channel.name)
    call.slack.workspace.place_changed(channel)
    return answer(canvas_id=channel.canvas.id)


def _new(call: Call, title: str) -> Canvas:
    content = _markdown(call.arguments.structure("document_content", error="invalid_arguments"), optional=True)
    title = call.arguments.string("title") or title
    return Canvas(id=f"F0{call.slack.workspace.fresh()}", title=title, markdown=content)


def lookup(call: Call) -> Json:
    """``canvases.sections.lookup``: the headings of these kinds that contain a text; their ids are of our making."""
    _, canvas = _asked(call)
    criteria = call.arguments.structure("criteria", error="invalid_arguments")
    if not isinstance(criteria, dict):
        raise invalid_arguments("must be an object [json-pointer:/criteria]")
    kinds, words = criteria.get("section_types", ["any_header"]), criteria.get("contains_text", "")
    if not isinstance(kinds, list) or not isinstance(words, str) or not set(kinds) <= {*_HEADINGS, "any_header"}:
        raise invalid_arguments("must be section_types, contains_text or both [json-pointer:/criteria]")
    wanted = {_HEADINGS[one] for one in kinds if one in _HEADINGS} or set(_HEADINGS.values())
    lines = [line.partition(" ") for line in canvas.markdown.splitlines()]
    found = [number for number, (mark, _, text) in enumerate(lines) if mark in wanted and words in text]
    return answer(sections=[{"id": f"temp:C:{canvas.id}{number}"} for number in found])


def edit(call: Call) -> Json:
    """``canvases.edit``: one change at a time."""
    channel, canvas = _asked(call)
    changes = call.arguments.structure("changes", error="invalid_arguments")
    if not isinstance(changes, list) or len(changes) != 1 or not isinstance(changes[0], dict):
        raise invalid_arguments("must provide exactly 1 item [json-pointer:/changes]")
    change = changes[0]
    content = _markdown(change.get("document_content"))
    match change.get("operation"), change.get("section_id"):
        case "replace", None:
            written = content
        case "insert_at_end", None:
            written = f"{canvas.markdown}\n{content}"
        case "insert_at_start", None:
            written = f"{content}\n{canvas.markdown}"
        case _:
            raise Refusal("canvas_editing_failed", detail="this operation is not known here")
    if len(written) > LARGEST:
        raise Refusal("canvas_too_large")
    canvas.markdown = written
    if channel is not None:
        call.slack.workspace.place_changed(channel)
    return answer()


def _asked(call: Call) -> tuple[Channel | None, Canvas]:
    """The canvas that a call names, and the channel that has it, if it does not stand alone."""
    wanted = call.arguments.required("canvas_id")
    if wanted in call.slack.canvases:
        return None, call.slack.canvases[wanted]
    channels = call.slack.workspace.channels.values()
    channel = next((one for one in channels if one.canvas is not None and one.canvas.id == wanted), None)
    if channel is None or channel.canvas is None or not call.visible(channel):
        raise Refusal("canvas_not_found")
    return channel, channel.canvas


def _markdown(document: object, *, optional: bool = False) -> str:
    if document is None and optional:
        return ""
    if not isinstance(document, dict) or document.get("type") != "markdown":
        raise invalid_arguments("must be a document of the type markdown [json-pointer:/document_content]")
    content = document.get("markdown")
    if not isinstance(content, str):
        raise invalid_arguments("missing required field: markdown [json-pointer:/document_content/markdown]")
    if len(content) > LARGEST:
        raise Refusal("canvas_too_large")
    return content
