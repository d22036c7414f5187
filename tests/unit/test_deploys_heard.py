"""Deploys that no promotion carries: that one failed, and what fires on it, is heard by its team and its authors."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from bot.alerts.models import Alert
from bot.catalog import PagingMode
from bot.deploys import service as deploys
from bot.deploys.models import Deploy
from bot.events import AlertReported
from bot.outbox import Card, Note, SendState
from bot.outgoing.alerts import deploy_note
from tests.unit.promoting import OVEN, World
from tests.unit.reports import carrying, minute, pull, report


@pytest.fixture
def here(sqlite_session: Session) -> World:
    """A service that is deployed by its own pipeline alone, which opens no incidents."""
    return World(sqlite_session, replace(OVEN, promote_through=None, paging=PagingMode.OFF))


def ships(here: World, status: str = "succeeded") -> Deploy:
    """Ana's change goes to production, and its card was read."""
    here.tell(report("b", "in_progress", here.at))
    deploy = here.session.exec(select(Deploy)).one()
    found = carrying(pull(815, "b"))
    deploys.range_read(here.session, here.catalog, deploy.id or 0, None, found, here.now)
    here.reactions.settle(here.session, here.now)
    card = here.session.exec(select(Card).where(Card.kind == "deploy")).one()
    card.ts, card.sent_version = "1.1", card.version
    here.at += 1
    here.tell(report("b", status, here.at))
    return deploy


def fires(here: World, key: str = "5xx", *, over: bool = False) -> None:
    """The monitoring tells of an alert that began a minute ago, and is over now."""
    began = None if over else here.now - timedelta(minutes=1)
    here.tell(
        AlertReported(
            source="api", fingerprint=key, service="oven", name=f"oven {key}", started_at=began,
            resolved_at=here.now if over else None, at=here.now,
        )
    )  # fmt: skip


def said(here: World, place: str) -> list[str]:
    """What was said there of deploys, with the thread it was said in."""
    notes = here.session.exec(
        select(Note).where(Note.kind == "deploy_said", Note.place == place).order_by(col(Note.id))
    ).all()
    assert all(note.thread is not None for note in notes)
    return [note.data["said"] for note in notes]


def test_a_failure_is_said_in_the_thread_of_its_card_once(here: World) -> None:
    """An edit notifies nobody; its author hears it in the thread of the change."""
    ships(here, "failed")
    here.tell(report("b", "failed", here.at))
    assert said(here, "#bakers") == ["failed"]
    theirs = here.session.exec(select(Note).where(Note.kind == "change", Note.place == "U0ANA")).all()
    assert [note.data["outcome"] for note in theirs] == ["failed"]


def test_a_failure_that_its_card_tells_first_is_not_said_beside_it(here: World) -> None:
    """The message itself is new then."""
    here.tell(report("b", "failed", here.at))
    assert said(here, "#bakers") == []


def test_an_alert_is_said_to_team_and_author_and_so_is_its_end(here: World) -> None:
    """Once each, however often it is told."""
    ships(here)
    here.at += 5
    fires(here)
    fires(here)
    assert said(here, "#bakers") == said(here, "U0ANA") == ["alert"]
    here.at += 5
    fires(here, over=True)
    assert said(here, "#bakers") == said(here, "U0ANA") == ["alert", "alert_over"]


@pytest.mark.parametrize(("mode", "author"), [(PagingMode.PAGE, []), (PagingMode.SHADOW, ["alert"])])
def test_where_an_incident_tells_the_author_they_are_not_told_twice(
    here: World, mode: PagingMode, author: list[str]
) -> None:
    """They are woken for it or asked; the team reads it in the thread all the same."""
    here.service = replace(here.service, paging=mode)
    deploy = ships(here)
    card = here.session.exec(select(Card).where(Card.kind == "deploy", Card.subject == str(deploy.id))).one()
    fires(here)
    assert (said(here, card.place), said(here, "U0ANA")) == (["alert"], author)
    fires(here, over=True)
    assert said(here, card.place) == ["alert", "alert_over"]


def test_one_that_fired_as_it_went_live_is_said_then_and_not_again(here: World) -> None:
    """The alert came before the end of the rollout; of one that told of its success alone it is said with that."""
    here.tell(report("b", "pending", here.at))
    here.at += 2
    fires(here)
    assert said(here, "#bakers") == []
    here.at += 1
    here.tell(report("b", "succeeded", here.at, began=0))
    assert said(here, "#bakers") == ["alert"]
    here.tell(report("c", "in_progress", here.at, number="2"))
    here.at += 2
    fires(here, "slow")
    assert said(here, "#bakers") == ["alert", "alert", "alert"], "of what is live, and of what rolls out"
    here.at += 1
    here.tell(report("c", "succeeded", here.at, number="2", began=here.at - 3))
    assert said(here, "#bakers") == ["alert", "alert", "alert"]


def test_without_a_configured_pipeline_production_is_where_customers_are(here: World) -> None:
    """By its name; what is live elsewhere is not told of."""
    here.service = replace(here.service, environments=())
    ships(here)
    here.tell(report("b", "succeeded", here.at, number="s", environment="staging"))
    here.at += 5
    fires(here)
    assert said(here, "#bakers") == ["alert"]


def test_of_a_storm_a_few_are_said(here: World) -> None:
    """A hundred alerts are no hundred messages."""
    ships(here)
    here.at += 5
    for number in range(100):
        fires(here, f"f{number}")
    assert len(said(here, "#bakers")) == len(said(here, "U0ANA")) == 5
    assert len(here.session.exec(select(Alert)).all()) == 100


def test_what_is_no_longer_so_when_it_is_sent_is_not_said(here: World) -> None:
    """And what is, names the changes that are theirs."""
    deploy = ships(here)
    here.at += 5
    fires(here)
    [aloud, theirs] = here.session.exec(select(Note).where(Note.kind == "deploy_said").order_by(col(Note.id))).all()
    shown = deploy_note(here.session, here.desk, theirs)
    assert shown is not None
    assert [change.label for change in getattr(shown.view, "changes")] == ["#815"]  # noqa: B009
    fires(here, over=True)
    assert deploy_note(here.session, here.desk, aloud) is None
    failed = Note(
        key="x", kind="deploy_said", place="#bakers", data={"deploy": deploy.id, "said": "failed"},
        state=SendState.PENDING.value, created_at=minute(0),
    )  # fmt: skip
    assert deploy_note(here.session, here.desk, failed) is None


def test_an_alert_while_it_rolls_out_is_said_to_team_and_author_and_so_is_its_end(here: World) -> None:
    """A canary has customers: nobody waits until it is live everywhere, and then it may be too late."""
    ships(here, "in_progress")
    here.at += 10
    fires(here)
    fires(here)
    assert (said(here, "#bakers"), said(here, "U0ANA")) == (["alert"], ["alert"])
    (note,) = here.session.exec(select(Note).where(Note.kind == "deploy_said", Note.place == "#bakers")).all()
    showing = deploy_note(here.session, here.desk, note)
    assert showing is not None
    assert showing.view.rolling  # type: ignore[attr-defined]
    here.at += 1
    here.tell(report("b", "cancelled", here.at))
    here.at += 1
    fires(here, over=True)
    assert (said(here, "#bakers"), said(here, "U0ANA")) == (["alert", "alert_over"], ["alert", "alert_over"])


def test_an_alert_from_before_its_first_traffic_or_on_what_never_told_of_its_end_is_not_said(here: World) -> None:
    here.at = 5
    ships(here, "in_progress")
    here.at -= 0.5
    fires(here)
    here.at += 2 * 24 * 60
    fires(here, "late")
    assert said(here, "#bakers") == []
