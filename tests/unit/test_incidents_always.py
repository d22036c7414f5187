"""What holds of every incident: no guest does anything about it, and whatever is muted, whoever is woken hears it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select

from bot import people
from bot.deploys.models import Change
from bot.errors import UserError
from bot.events import IncidentAct, IncidentActed, IncidentOpened, Level, PreferenceChosen
from bot.incidents import acts
from bot.incidents.models import Incident, Opinion
from bot.outbox import Card, Note
from bot.outgoing import incidents as outgoing
from bot.ports import Member
from tests.unit.reports import CHI
from tests.unit.rooming import Rooming


@pytest.mark.parametrize("act", IncidentAct)
def test_no_act_is_a_guests(burning: Rooming, act: IncidentAct) -> None:
    """Refused before anything is looked at; nobody else is woken by it, and nothing is kept."""
    people.saw(burning.session, Member("U0GUS", "Gus", guest=True), burning.now)
    before = _kept(burning)
    event = IncidentActed(
        act=act, incident=1, slack_id="U0GUS", called="Gus", likely=1, text="x", severity=1, who="U0GUS", into=1,
        at=burning.now,
    )  # fmt: skip
    with pytest.raises(UserError, match="Only full members"):
        acts.act(burning.session, burning.desk, event, burning.now)
    assert _kept(burning) == before


def test_nor_does_a_guest_open_one(calm: Rooming) -> None:
    people.saw(calm.session, Member("U0GUS", "Gus", guest=True), calm.now)
    event = IncidentOpened(title="It burns", service="checkout", slack_id="U0GUS", called="Gus", at=calm.now)
    with pytest.raises(UserError, match="Only full members"):
        acts.opened(calm.session, calm.desk, event, calm.now)
    assert calm.incidents() == []


@pytest.mark.parametrize("by_pager", [True, False])
def test_whoever_muted_everything_is_woken_all_the_same(calm: Rooming, by_pager: bool) -> None:
    """Of everything, and of this very change: the phone rings, and Slack shows why."""
    calm.pages_by_pager = by_pager
    calm.shipped(merger=CHI)
    changes = calm.session.exec(select(Change.id)).all()
    for scope in ("all", *(f"change:{one}" for one in changes)):
        for who in ("U0ANA", "U0CHI"):
            choice = PreferenceChosen(slack_id=who, scope=scope, level=Level.NONE, at=calm.now)
            calm.reactions.react(calm.session, [choice], calm.now)
    calm.at = 12
    calm.fires()
    assert calm.calls().phones() == (["PANA"] if by_pager else [])
    for who in ("U0ANA", "U0CHI"):
        rows: list[Any] = [
            *calm.session.exec(select(Card).where(Card.kind == "page", Card.place == who)),
            *calm.session.exec(select(Note).where(Note.place == who, col(Note.kind).startswith("incident"))),
        ]
        loads: dict[str, Any] = {"page": outgoing.page_card, "incident_person": outgoing.person_note}
        showings = [loads[row.kind](calm.session, calm.desk, row) for row in rows]
        assert [one is not None for one in showings] == [True]


def _kept(here: Rooming) -> tuple[object, ...]:
    """What acts change of an incident."""
    one = here.session.exec(select(Incident)).one()
    opinions = len(here.session.exec(select(Opinion.id)).all())
    return one.state, one.lead, one.severity, one.scribe, one.communications, opinions, here.pages(), here.entries()
