"""What is recommended where nothing brings a change on: only what would be done by whoever reads it, else why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import Session, select

from bot import people
from bot.answers.drift import drift
from bot.answers.home import home
from bot.answers.views import Ahead, AskView
from bot.answers.where import where
from bot.catalog import Team
from bot.deploys.models import Deploy
from bot.errors import UserError
from bot.events import Act
from bot.gates import Approval, Lock
from bot.ports import Member
from bot.promotions import calling
from tests.unit.promoting import World, sha_of, world
from tests.unit.test_answers_ahead import carries

TYPED = "/ship promote oven"


def rejected(session: Session, **more: Any) -> World:
    """A build is live in staging, and its promotion was rejected: nothing brings it to production."""
    here = world(session, gates=(Lock(), Approval()), **more)
    here.raised()
    deploy = session.exec(select(Deploy).where(Deploy.sha == sha_of("b"))).one()
    carries(here, deploy, 801)
    here.act(Act.REJECT, reason="not today")
    return here


def advice(here: World, who: str | None = None) -> AskView:
    """What is told to somebody who asks where #801 is, and in ``/ship drift``, alike."""
    (found,) = where(here.session, here.desk, "801", who).found
    (step,) = found.ahead
    assert step.ahead is Ahead.UNASKED
    assert step.ask is not None
    (line,) = drift(here.session, here.desk, None, who).services
    assert line.ask == step.ask
    return step.ask


def test_what_is_recommended_is_done(sqlite_session: Session) -> None:
    here = rejected(sqlite_session)
    assert advice(here, "U0BEN") == AskView(typed=TYPED)
    assert here.ask(by="slack:U0BEN").startswith("Asked for: ")


def test_nobody_is_told_to_ask_for_what_shipmate_does_not_promote(sqlite_session: Session) -> None:
    """Its own pipeline brings it there: that is no trouble, and nothing to be typed."""
    here = rejected(sqlite_session)
    here.service = replace(here.service, promote_through=None)
    assert advice(here) == AskView(ours=False)
    with pytest.raises(UserError, match="is not promoted by me"):
        here.ask()


def test_whoever_may_not_ask_reads_who_may(sqlite_session: Session) -> None:
    here = rejected(sqlite_session)
    guest = Member("U0FAY", "Fay", guest=True)
    people.saw(here.session, guest, here.now)
    assert advice(here, "U0FAY") == AskView(typed=TYPED, by="full members of the workspace")
    assert advice(here, "U0BEN").by is None
    here.service = replace(here.service, team=Team(name="bakers", channel="#bakers", members=("U0DEE",)))
    assert advice(here, "U0BEN") == AskView(typed=TYPED, by="members of the team bakers")
    assert advice(here, "U0DEE") == AskView(typed=TYPED)
    with pytest.raises(UserError, match="that is for members of the team bakers"):
        here.ask(by="slack:U0BEN")
    (mine,) = home(here.session, here.desk, "U0ANA").mine
    assert [step.ask for step in mine.ahead] == [AskView(typed=TYPED, by="members of the team bakers")]


def test_somebody_whom_slack_has_not_told_of_is_told_what_to_type(sqlite_session: Session) -> None:
    """Slack is asked as they do."""
    assert advice(rejected(sqlite_session), "U0STRANGER") == AskView(typed=TYPED)


def test_the_environment_is_named_where_several_could_be_meant(sqlite_session: Session) -> None:
    here = rejected(sqlite_session)
    here.service = replace(here.service, environments=("staging", "production", "mars"))
    (found,) = where(here.session, here.desk, "801").found
    assert [(step.environment, step.ask) for step in found.ahead] == [
        ("production", AskView(typed=f"{TYPED} to production"))
    ]


def test_while_another_one_starts_asking_is_refused_and_not_recommended(sqlite_session: Session) -> None:
    """It would have to be asked for once more."""
    here = rejected(sqlite_session)
    here.stage("c")
    here.read()
    here.act(Act.APPROVE)
    here.at += 1
    (effect,) = here.effects("deploy")
    assert calling.prepare(sqlite_session, here.desk, effect.data, here.now) is not None
    (found,) = where(here.session, here.desk, "801").found
    (step,) = found.ahead
    assert step.ask is not None
    assert step.ask.typed is None
    assert step.ask.why is not None
    with pytest.raises(UserError) as refusal:
        here.ask(sha=sha_of("b"))
    assert str(refusal.value) == step.ask.why
