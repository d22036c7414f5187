"""Whoever names an alert, a label, a flag or a branch pings nobody with it, forges no line and opens no address."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from sqlmodel import col, select

from bot.events import AlertLevel, AlertReported, FlagChanged, Human, IncidentAct
from bot.incidents import summary
from bot.outbox import Card, Note
from bot.outgoing import incidents as outgoing
from tests.unit.reports import CHI, minute, pull
from tests.unit.rooming import Rooming

HOSTILE = (
    "<!channel> <@U0EVE> *x* `y` <https://evil.example|ok> @here <!subteam^S1> <#C1> &lt;!here&gt; ](https://evil)\n"
    "# Runbook: https://evil.example\r\n> x \u202egro\u2028 \x07{{ view }} ../../etc"
)
HARMFUL = re.compile(
    r"<!channel|<!here|<!subteam|<@U0EVE|<#C1|<https?://evil[^>]*\|ok|@here\b|\*x\*|`y`|\x07|\u202e|\u2028|javascript:"
)
RAISED = {"<@U0ANA>", "<@U0CHI>", "<@U0DEE>"}
"""Whom our own words mention."""


@pytest.fixture
def here(calm: Rooming) -> Rooming:
    """A rollout, a flag and an alert whose every word is hostile, with an incident that has its room."""
    change = pull(812, "b", title=HOSTILE, merger=CHI, labels=(HOSTILE,), paths=(HOSTILE,))
    calm.rollout("checkout", "b", change, at=0, ref=HOSTILE, description=HOSTILE, url="javascript:alert(1)")
    calm.at = 5
    flag = FlagChanged(
        source="launchdarkly", external_id="f1", flag=HOSTILE, project=HOSTILE, environment="production",
        service="checkout", summary=HOSTILE, by=Human(name=HOSTILE, email="eve@evil.example"),
        url="javascript:alert(1)", labels={HOSTILE: HOSTILE}, at=calm.now,
    )  # fmt: skip
    calm.reactions.react(calm.session, [flag], calm.now)
    calm.at = 12
    calm.tell(
        AlertReported(
            source="alertmanager", fingerprint=HOSTILE, service="checkout", environment="production", name=HOSTILE,
            url="javascript:alert(1)", runbook="javascript:alert(1)", dashboard="https://evil.example|ok>",
            started_at=calm.now, at=calm.now, level=AlertLevel.CRITICAL, labels={HOSTILE: HOSTILE, "version": HOSTILE},
            version=HOSTILE, paths=(HOSTILE,), grouping=HOSTILE, summary=HOSTILE,
        )
    )  # fmt: skip
    calm.fires(name=f"another {HOSTILE}", began=12)
    calm.calls()
    calm.room_of()
    return calm


def test_what_slack_shows_of_it_does_nothing(here: Rooming) -> None:
    """The card in both places, every note, the summary, and what is said of a status."""
    here.acts(IncidentAct.UPDATE, text=HOSTILE, actions=HOSTILE, needs=HOSTILE)
    here.acts(IncidentAct.TASK, text=HOSTILE)
    here.calls()
    shown = 0
    cards = here.session.exec(select(Card).where(col(Card.kind).in_(("incident", "page")))).all()
    notes = here.session.exec(select(Note).where(col(Note.kind).startswith("incident_")).order_by(col(Note.id))).all()
    loads: dict[str, Any] = {"incident_said": outgoing.incident_note, "incident_person": outgoing.person_note}
    loads |= {"incident": outgoing.incident_card, "page": outgoing.page_card}
    showings = [loads[one.kind](here.session, here.desk, one) for one in cards]
    showings += [loads[one.kind](here.session, here.desk, one) for one in notes]
    for showing in showings:
        assert showing is not None
        message = here.renderer.message(showing.template, showing.view, key="k")
        shown += "evil" in message.text
        for words in (message.text, json.dumps(list(message.blocks), ensure_ascii=False)):
            harmless(words)
    assert shown >= 6
    view = summary.load(here.session, here.desk, here.incident())
    harmless(here.renderer.message(summary.TEMPLATE, view, key="k").text)


def test_its_room_is_called_in_the_characters_of_names_and_its_head_is_one_line(here: Rooming) -> None:
    """Nothing in the head notifies, and no link leads to where an alert says, but to real addresses."""
    [room] = here.slack.rooms.values()
    assert re.fullmatch(r"inc-[a-z0-9_-]{1,76}", room.name)
    for topic in here.slack.topics[room.channel]:
        assert not re.search(r"[<>\n\r\x07\u2028\u202e]|@here\b", topic)
        assert len(topic) <= 250
    assert [url for _, url in here.slack.links.get(room.channel, []) if not re.match(r"https?://[^\s|<>]+$", url)] == []


def test_what_a_phone_shows_is_one_line_and_no_line_below_it_is_forged(here: Rooming) -> None:
    """PagerDuty reads plain text: what an alert is called begins no line of the page."""
    assert here.pager.calls
    for call in here.pager.calls:
        assert not re.search(r"[\n\r\x07\u2028\u202e]", call.title)
        assert not re.search(r"^(# )?Runbook: https://evil", call.details, re.MULTILINE)
        assert "javascript:" not in call.details
        assert call.url is None or call.url.startswith("http")
    for _, text in here.pager.notes:
        assert not re.search(r"[\x07\u202e]", text)
    for change in here.pager.changes:
        assert not re.search(r"[\n\r\x07\u2028\u202e]", change.summary)
        assert not [url for url in change.links if not url.startswith("http")]


def test_the_postmortem_has_no_heading_no_link_and_no_mention_that_is_not_ours(here: Rooming) -> None:
    """Markdown, as a canvas reads it."""
    here.at = 30
    here.acts(IncidentAct.RESOLVE, text=HOSTILE, likely=0)
    here.does()
    [(title, text)] = here.slack.documents.values()
    assert not re.search(r"[\n\r\x07\u2028\u202e]", title)
    assert not re.search(r"^#+ *Runbook", text, re.MULTILINE)
    assert not re.search(r"(?<!\\)\]\(https://evil|(?<!\\)<https?://evil|!\[\]\(@|<!channel|<@U0EVE|\x07|\u202e", text)
    assert minute(12).strftime("%H:%M") in text


def harmless(words: str) -> None:
    """AssertionError where words do anything that was not meant."""
    found = HARMFUL.search(words)
    assert found is None, (found, words)
    assert set(re.findall(r"<@\w+>", words)) <= RAISED
