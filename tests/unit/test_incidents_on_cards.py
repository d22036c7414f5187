"""Every kind of card of what runs, or goes out, says that an incident is open about it, and what locks it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session, select

from bot.catalog import PagingMode, PromoteThrough
from bot.events import IncidentAct, LockAct, LockActed
from bot.gates import Lock
from bot.incidents.models import Incident, IncidentService
from bot.locks import service as locks
from bot.locks.models import Lock as LockRow
from bot.outbox import Card
from tests.unit.alarming import paged
from tests.unit.buzzing import Slack
from tests.unit.railway import railway
from tests.unit.reports import pull, report
from tests.unit.rooming import Rooming
from tests.unit.shown import card as departure_card

SIGN = "🔴 Incident 1 is open: checkout 5xx"
LOCKED = "locked until it is resolved; rollbacks pass"
PROMOTED = paged("checkout", promote_through=PromoteThrough.GITHUB_DEPLOYMENT, gates=(Lock(),))


def shows(here: Rooming, kind: str) -> str:
    return Slack(here).shows(kind, "#bakers").text


def versions(here: Rooming, kind: str) -> int:
    """How often cards of a kind had something newer to show."""
    return sum(here.session.exec(select(Card.version).where(Card.kind == kind)).all())


def test_the_card_of_a_deploy_that_is_only_announced(calm: Rooming) -> None:
    calm.shipped()
    calm.at = 12
    before = versions(calm, "deploy")
    calm.fires()
    assert f"{SIGN} · 🔒 {LOCKED}" in shows(calm, "deploy")
    assert versions(calm, "deploy") > before, "it is shown anew"
    calm.does()
    assert "<#C0ROOM1>" in shows(calm, "deploy")
    before = versions(calm, "deploy")
    calm.at = 20
    calm.over()
    calm.acts(IncidentAct.RESOLVE, text="Reverted")
    assert "Incident 1" not in shows(calm, "deploy")
    assert versions(calm, "deploy") > before


def test_a_person_unlocks_it_and_it_waits_for_a_go(calm: Rooming) -> None:
    calm.shipped()
    calm.at = 12
    calm.fires()
    lock = calm.session.exec(select(LockRow)).one()
    event = LockActed(act=LockAct.LIFT, lock=lock.id, scope=None, slack_id="U0DEE", called="Dee", at=calm.now)
    locks.act(calm.session, calm.catalog, event, calm.now)
    text = shows(calm, "deploy")
    assert SIGN in text
    assert LOCKED not in text
    assert "waits for a person's Go: incident: checkout 5xx" in text
    assert "locked" not in shows(calm, "incident")


def test_only_what_runs_or_was_tried_last_says_so(calm: Rooming) -> None:
    first, second = calm.shipped(at=0).id, calm.shipped(sha="c", number=813, at=2).id
    calm.at = 12
    calm.fires()
    slack = Slack(calm)
    assert SIGN in slack.shows("deploy", "#bakers", subject=str(second)).text
    assert "Incident" not in slack.shows("deploy", "#bakers", subject=str(first)).text


@pytest.mark.parametrize("live", [True, False])
def test_the_card_of_a_promotion(calm: Rooming, live: bool) -> None:
    calm.services = (PROMOTED,)
    calm.shipped(at=-90)
    calm.tell(
        report("d", at=0, environment="staging", number="s-d", repo="bakery/checkout", service="checkout"),
    )
    if live:
        calm.rollout("checkout", "d", pull(813, "d"), at=2)
    calm.at = 12
    before = versions(calm, "promotion")
    calm.fires()
    text = shows(calm, "promotion")
    assert versions(calm, "promotion") > before
    if live:
        assert f"{SIGN} · 🔒 {LOCKED}" in text
    else:
        assert "incident: checkout 5xx" in text
        assert SIGN not in text, "its gate says so"
    calm.at = 20
    calm.over()
    calm.acts(IncidentAct.RESOLVE, text="Reverted")
    assert "Incident 1" not in shows(calm, "promotion")


def test_what_is_only_watched_is_on_no_card(calm: Rooming) -> None:
    calm.services = tuple(replace(one, paging=PagingMode.SHADOW) for one in calm.services)
    calm.shipped()
    calm.at = 12
    calm.fires()
    assert "Incident" not in shows(calm, "deploy")


def test_the_card_of_a_departure(sqlite_session: Session) -> None:
    """Of each service aboard, until it is over; where its lock gate says so already, not a second time."""
    here = railway(sqlite_session)
    here.sealed()
    incident = Incident(
        title="cart 5xx", service="cart", environment="production", severity=3, opened_at=here.now, onset_at=here.now,
    )  # fmt: skip
    here.session.add(incident)
    here.session.flush()
    here.session.add(IncidentService(incident=incident.id or 0, service="cart", environment="production"))
    here.session.flush()
    assert departure_card(here).text.count("🔴 Incident 1 is open: cart 5xx") == 1
    locks.set_by_itself(here.session, here.catalog, "incident:1", "cart", "production", "incident: cart 5xx", here.now)
    text = departure_card(here).text
    assert "🔴 Incident 1 is open" not in text
    assert "incident: cart 5xx" in text
