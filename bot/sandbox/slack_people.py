"""The Web API's methods about people, the app itself, and Block Kit's own checker."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack_blocks import Fault, check_blocks, check_view
from bot.sandbox.slack_calls import Call, Refusal, answer, invalid_arguments
from bot.sandbox.slack_shapes import bot_user_json, person_json
from bot.sandbox.world import APP_ID, BOT_ID, BOT_NAME, BOT_USER_ID, TEAM_ID, TEAM_NAME, Json


def api_test(call: Call) -> Json:
    """``api.test``: says back what it was told, and fails with ``error`` on demand."""
    error = call.arguments.string("error")
    told = {name: value for name, value in call.arguments.values.items() if name != "token"}
    if error:
        raise Refusal(error, args=told)
    return answer(args=told)


def auth_test(call: Call) -> Json:
    """``auth.test``."""
    return answer(
        url=f"{call.slack.url}/",
        team=TEAM_NAME,
        user=BOT_NAME.lower(),
        team_id=TEAM_ID,
        user_id=BOT_USER_ID,
        bot_id=BOT_ID,
        app_id=APP_ID,
        app_name=BOT_NAME,
        is_enterprise_install=False,
    )


def user_info(call: Call) -> Json:
    """``users.info``; the e-mail only with ``users:read.email``."""
    if call.arguments.string("user") == BOT_USER_ID:
        return answer(user=bot_user_json())
    return answer(user=person_json(call.person("user"), email="users:read.email" in call.scopes))


def user_list(call: Call) -> Json:
    """``users.list``."""
    page, cursor = call.page(list(call.slack.workspace.people.values()))
    email = "users:read.email" in call.scopes
    members = [person_json(person, email=email) for person in page]
    if not cursor:
        members.append(bot_user_json())
    return answer(members=members, cache_ts=1700000000, response_metadata={"next_cursor": cursor})


def lookup_by_email(call: Call) -> Json:
    """``users.lookupByEmail``: verified addresses of active people."""
    person = call.slack.workspace.person_by_email(call.arguments.required("email"))
    if person is None:
        raise Refusal("users_not_found")
    return answer(user=person_json(person, email=True))


def usergroups(call: Call) -> Json:
    """``usergroups.list``: this workspace has none yet."""
    return answer(usergroups=[])


def validate_blocks(call: Call) -> Json:
    """``blocks.validate``: exactly one of blocks, view or message; needs no token."""
    named = [name for name in ("blocks", "view", "message") if name in call.arguments]
    if len(named) != 1:
        raise Refusal(
            "invalid_arguments",
            response_metadata={"messages": ["must provide exactly one of `blocks`, `view`, or `message`"]},
        )
    name = named[0]
    try:
        value: Any = call.arguments.structure(name, error="invalid_arguments")
    except Refusal:
        raise invalid_arguments(f"`{name}` must be valid JSON") from None
    if name == "view":
        faults = check_view(value, at="")
    elif name == "message":
        faults = check_blocks(value.get("blocks", []) if isinstance(value, dict) else None)
    else:
        faults = check_blocks(value, at="")
    if faults:
        raise Refusal(f"invalid_{name}", errors=[_described(fault) for fault in faults])
    return answer()


def _described(fault: Fault) -> Json:
    return {
        "code": "failed_constraint",
        "message": fault.message,
        "pointer": fault.pointer,
        "constraint": {"type": fault.constraint, "expected": fault.expected},
    }
