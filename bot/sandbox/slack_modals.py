"""What people do in modals and home tabs: fill in, submit, close, use an element; and what the app answers to it.

docs.slack.dev/surfaces/modals, /reference/interaction-payloads/view-interactions-payload and /block_suggestion-payload.
Decided here: closing all by the cross tells of the modal on top only; an answer that Slack cannot use (an unknown
action, errors for inputs that are not there, blocks that break a rule) leaves the modal open, as a time-out does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack_calls import Refusal
from bot.sandbox.slack_checks import Shape, items
from bot.sandbox.slack_elements import OPTION, OPTION_GROUP
from bot.sandbox.slack_forms import State, faults_of, filled
from bot.sandbox.slack_payloads import Payloads
from bot.sandbox.slack_sending import Answer, Sender
from bot.sandbox.slack_shapes import find_element
from bot.sandbox.slack_views import checked_view
from bot.sandbox.world import Json, Person

if TYPE_CHECKING:
    from bot.sandbox.slack import Slack

Values = Mapping[str, Any]
"""What a person fills in: simple values by block id, action id, or both nested."""


@dataclass(frozen=True, kw_only=True)
class SubmitResult:
    """How a submission went.

    ``action`` is what the modal did: ``close``, ``clear``, ``update`` or ``push``; or ``errors`` (the app's own),
    ``incomplete`` (not sent: Slack's client saw the faults), ``failed`` (the app gave no good answer).
    ``errors`` are texts by block id; ``view`` is the modal then on top, if any.
    """

    action: str
    answer: Answer
    errors: Mapping[str, str] = field(default_factory=dict)
    view: Json | None = None

    @property
    def ok(self) -> bool:
        """Whether the app took it."""
        return self.action in ("close", "clear", "update", "push")


@dataclass(frozen=True, kw_only=True)
class Suggestions:
    """What an external select offers: options, or groups of them."""

    answer: Answer
    options: list[Json] = field(default_factory=list)
    option_groups: list[Json] = field(default_factory=list)

    @property
    def values(self) -> list[str]:
        """The values of everything offered."""
        return [one["value"] for one in [*self.options, *_grouped(self.option_groups)]]


class Modals:
    """People and the views of one Slack."""

    def __init__(self, slack: Slack, sender: Sender, payloads: Payloads) -> None:
        self._slack = slack
        self._sender = sender
        self._payloads = payloads

    def view(self, person: Person, view_id: str) -> Json:
        """A view this person has before them; LookupError if it is not theirs, or hidden below another."""
        home = self._slack.views.homes.get(person.slack_id)
        if home is not None and home["id"] == view_id:
            return home
        stack = self._slack.views.stack(person.slack_id)
        if not stack or stack[-1]["id"] != view_id:
            known = [one["id"] for one in stack[-1:]]
            raise LookupError(f"{person.name} does not see the view {view_id!r}; there is {known or 'none'}")
        return stack[-1]

    def fill(self, person: Person, view: Json, values: Values) -> State:
        """Put values into a view, and keep them; LookupError for an input or option that is not there."""
        views = self._slack.views
        known = views.suggested.get(person.slack_id, {})
        views.states[view["id"]] = filled(view["blocks"], views.states[view["id"]], values, known)
        return views.states[view["id"]]

    # Submit and close

    async def submit(self, person: Person, view_id: str, values: Values) -> SubmitResult:
        """Press the modal's submit button."""
        view = self.view(person, view_id)
        if view["type"] != "modal" or view["submit"] is None or view["submit_disabled"]:
            raise LookupError("this view has no submit button to press")
        state = self.fill(person, view, values)
        faults = faults_of(view["blocks"], state)
        if faults:
            return SubmitResult(action="incomplete", answer=Answer(0), errors=faults, view=view)
        payload = self._payloads.submission(person, view, state)
        answer = await self._sender.interaction(payload)
        return self._submitted(person, view, answer)

    def _submitted(self, person: Person, view: Json, answer: Answer) -> SubmitResult:
        views = self._slack.views
        action, errors = "failed", dict[str, str]()
        with contextlib.suppress(Refusal):
            action, errors = self._do(person, view, answer)
        stack = views.stack(person.slack_id)
        return SubmitResult(action=action, answer=answer, errors=errors, view=stack[-1] if stack else None)

    def _do(self, person: Person, view: Json, answer: Answer) -> tuple[str, dict[str, str]]:
        views = self._slack.views
        if not answer.ok:
            return "failed", {}
        if not answer.body:
            views.pop(person.slack_id)
            return "close", {}
        body: Json = answer.body if isinstance(answer.body, dict) else {}
        errors: dict[str, str] = {}
        match body.get("response_action"):
            case "clear":
                views.clear(person.slack_id)
            case "update":
                views.replace(view, checked_view(body.get("view"), "modal"))
            case "push":
                views.push(checked_view(body.get("view"), "modal"), person.slack_id)
            case "errors" if _errors_fit(body.get("errors"), view):
                errors = body["errors"]
            case _:
                return "failed", {}
        return str(body["response_action"]), errors

    async def close(self, person: Person, view_id: str, *, everything: bool) -> Answer:
        """Press Cancel, or with ``everything`` the cross, which closes what is below it, too."""
        view = self.view(person, view_id)
        state = self._slack.views.states[view_id]
        cleared = everything or bool(view["clear_on_close"])
        if cleared:
            self._slack.views.clear(person.slack_id)
        else:
            self._slack.views.pop(person.slack_id)
        if not view["notify_on_close"]:
            return Answer(0, reason="not asked for")
        return await self._sender.interaction(self._payloads.closed(person, view, state, cleared=cleared))

    # Elements

    async def click(
        self, person: Person, view_id: str, action_id: str, *, block_id: str | None, use: Json, values: Values
    ) -> Answer:
        """Use an element; ``use`` is as for ``Payloads.action``; ``values`` are what else is filled in by now."""
        view = self.view(person, view_id)
        self.fill(person, view, values)
        block, element = find_element(view["blocks"], action_id, block_id)
        known = self._slack.views.suggested.get(person.slack_id, {})
        action = self._payloads.action(block, element, use, known=known)
        state = self._slack.views.states[view_id]
        self._payloads.remember(state, block, element, action)
        return await self._sender.interaction(self._payloads.view_action(person, view, state, action))

    async def suggest(self, person: Person, payload: Json, element: Json, text: str) -> Suggestions:
        """Type into an external select; what is too short for it is not asked."""
        if len(text) < element.get("min_query_length", 3):
            return Suggestions(answer=Answer(0, reason="too short"))
        answer = await self._sender.interaction(payload)
        body = answer.body if isinstance(answer.body, dict) else {}
        options, groups = body.get("options"), body.get("option_groups")
        shape = Shape({}, {"options": items(OPTION, 100, shortest=0), "option_groups": items(OPTION_GROUP, 100)})
        if not answer.ok or list(shape(body, "")):
            return Suggestions(answer=answer)
        found = Suggestions(answer=answer, options=options or [], option_groups=groups or [])
        known = self._slack.views.suggested.setdefault(person.slack_id, {})
        known |= {one["value"]: one for one in [*found.options, *_grouped(found.option_groups)]}
        return found


def _errors_fit(errors: Any, view: Json) -> bool:
    """Errors are texts for inputs that are there."""
    if not isinstance(errors, dict) or not errors:
        return False
    inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    return errors.keys() <= inputs and all(isinstance(one, str) for one in errors.values())


def _grouped(groups: list[Json]) -> list[Json]:
    return [option for group in groups for option in group["options"]]
