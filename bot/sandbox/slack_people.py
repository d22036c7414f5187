"""The Web API's methods about people, the app itself, and Block Kit's own checker."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack_blocks import check_blocks, check_view
from bot.sandbox.slack_calls import Call, Refusal, answer, invalid_arguments
from bot.sandbox.slack_checks import Fault
from bot.sandbox.slack_shapes import bot_profile, bot_user_json, person_json, profile_json, usergroup_json
from bot.sandbox.world import (
    APP_ID,
    BOT_ID,
    BOT_NAME,
    BOT_USER_ID,
    TEAM_DOMAIN,
    TEAM_ID,
    TEAM_NAME,
    Json,
    Person,
)


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
    person = call.person("user")
    shape = _person(call, person)
    return answer(user=shape | {"is_stranger": True} if person.stranger and not _met(call, person) else shape)


def presence(call: Call) -> Json:
    """``users.getPresence``: of others it is told whether they are active, and no more."""
    if call.arguments.string("user") in (None, BOT_USER_ID):
        return answer(presence="active", online=True, auto_away=False, manual_away=False, connection_count=1)
    person = call.person("user")
    return answer(presence="away" if person.away or person.deactivated else "active")


def _met(call: Call, person: Person) -> bool:
    """Whether somebody is in a channel that the app is in, too."""
    return any({person.slack_id, BOT_USER_ID} <= one.members for one in call.slack.workspace.channels.values())


def _person(call: Call, person: Person) -> Json:
    now = call.slack.workspace.clock.now()
    return person_json(person, email="users:read.email" in call.scopes, now=now)


def user_list(call: Call) -> Json:
    """``users.list``: the workspace's own people, and those of others met in its channels."""
    known = [one for one in call.slack.workspace.people.values() if not one.stranger or _met(call, one)]
    page, cursor = call.page(known)
    members = [_person(call, person) for person in page]
    if not cursor:
        members.append(bot_user_json())
    return answer(members=members, cache_ts=1700000000, response_metadata={"next_cursor": cursor})


def lookup_by_email(call: Call) -> Json:
    """``users.lookupByEmail``: verified addresses of active people of this workspace."""
    person = call.slack.workspace.person_by_email(call.arguments.required("email"))
    if person is None or person.stranger:
        raise Refusal("users_not_found")
    return answer(user=_person(call, person))


def profile(call: Call) -> Json:
    """``users.profile.get``, by default the app's own."""
    if call.arguments.string("user") in (None, BOT_USER_ID):
        return answer(profile=bot_user_json()["profile"])
    return answer(profile=profile_json(call.person("user"), email="users:read.email" in call.scopes))


def bot_info(call: Call) -> Json:
    """``bots.info``: this app; without an id there is nothing to tell, as for Slack."""
    if call.arguments.string("bot") != BOT_ID:
        raise Refusal("bot_not_found")
    shape = bot_profile() | {"user_id": BOT_USER_ID}
    del shape["team_id"]
    return answer(bot=shape)


def team_info(call: Call) -> Json:
    """``team.info``."""
    if call.arguments.string("team") not in (None, TEAM_ID):
        raise Refusal("team_not_found")
    icon = {"image_default": True}
    return answer(
        team={
            "id": TEAM_ID,
            "name": TEAM_NAME,
            "url": f"{call.slack.url}/",
            "domain": TEAM_DOMAIN,
            "email_domain": "example.com",
            "icon": icon,
            "is_verified": False,
        }
    )


def usergroups(call: Call) -> Json:
    """``usergroups.list``: those disabled only where asked for."""
    _paid(call)
    disabled = call.arguments.boolean("include_disabled")
    users, count = call.arguments.boolean("include_users"), call.arguments.boolean("include_count")
    groups = [one for one in call.slack.workspace.usergroups.values() if disabled or not one.disabled]
    return answer(usergroups=[usergroup_json(group, users=users, count=count) for group in groups])


def usergroup_users(call: Call) -> Json:
    """``usergroups.users.list``."""
    _paid(call)
    group = call.slack.workspace.usergroups.get(call.arguments.required("usergroup"))
    if group is None or (group.disabled and not call.arguments.boolean("include_disabled")):
        raise Refusal("no_such_subteam")
    return answer(users=list(group.users))


def _paid(call: Call) -> None:
    """User groups come with a paid plan."""
    if not call.slack.paid_plan:
        raise Refusal("plan_upgrade_required")


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
