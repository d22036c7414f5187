"""Words from outside do nothing in Slack: whoever writes a title, a branch or a description pings nobody with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.stories import BEGAN, ENDED, REPO, story

HOSTILE = "<!channel> <@U1> *x* `y` <https://evil|ok> @here <!subteam^S1> <#C0GENERAL> & &lt;!here&gt;"
HARMFUL = ("<!channel", "<!here", "<!everyone", "<!subteam", "<@U1>", "<#C", "<https://evil")


async def test_hostile_words_ping_nobody_in_blocks_and_in_text(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """In the card, the direct message, its reply, the red build, the stuck note: everywhere they are shown."""
    async with story(sandbox, database_url, tmp_path) as there:
        await there.something_is_live()
        sha = await there.merge("ana", HOSTILE)
        await sandbox.github.workflow_run(REPO, sha, name=HOSTILE, conclusion="failure")
        await sandbox.github.release(REPO, "v1", sha, HOSTILE)
        production = there.rollout(sha, "production")
        await there.say(production, "in_progress", BEGAN, description=HOSTILE)
        await there.say(production, "failure", ENDED, description=HOSTILE)
        await there.roll_out(sha, HOSTILE)
        await there.at_rest()
        await sandbox.slack.command("ben", "/ship", "where 801")
        await sandbox.slack.until(lambda: any(one.ephemeral_for for one in sandbox.slack.messages("#general")))
        (reply,) = there.heard("ana", "evil")
        assert "did not go live" in reply

    everything = [
        message for channel in sandbox.world.channels.values() for message in sandbox.world.everything(channel)
    ]
    carrying = [message for message in everything if message.bot and "evil" in watching.words_of(message)]
    assert len(carrying) >= 6
    for message in carrying:
        assert not [harm for harm in HARMFUL if harm in watching.words_of(message)], watching.words_of(message)
        for text in text_objects(message.blocks):
            assert text.get("verbatim") is True or text["type"] == "plain_text", json.dumps(text)
    posts = [
        call for call in sandbox.slack.calls if call.incoming and call.method in ("chat.postMessage", "chat.update")
    ]
    assert {call.args["parse"] for call in posts} == {"none"}
    assert not [call for call in posts if call.args.get("link_names")]


def text_objects(piece: object) -> Iterator[dict[str, Any]]:
    """Every text object within blocks."""
    if isinstance(piece, dict):
        if piece.get("type") in ("mrkdwn", "plain_text"):
            yield piece
        for value in piece.values():
            yield from text_objects(value)
    elif isinstance(piece, list):
        for value in piece:
            yield from text_objects(value)
