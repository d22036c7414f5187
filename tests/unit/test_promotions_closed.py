"""What cannot be known is closed, and says why: a gate that raises, a fact that is missing, a group gone stale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

import pytest
from sqlmodel import Session, select

from bot import people
from bot.catalog import Team
from bot.deploys.views import RangeState
from bot.events import Act
from bot.gates import Approval, Gate, Lock, Situation, Smoke
from bot.people.groups import Group
from bot.ports import Member
from bot.promotions import judging, ranges
from bot.promotions.models import Promotion, State
from tests.unit.promoting import OVEN, World, world

LEADS = Team(name="bakers", channel="#bakers", approvers=("@leads",))


@dataclass(frozen=True)
class Broken:
    """A gate with a fault of ours in it."""

    name: str = "broken"

    def judge(self, situation: Situation, demands: int) -> NoReturn:
        """Raise."""
        raise ZeroDivisionError(f"of {situation.run.service}, with {demands}")


def reasons(here: World) -> dict[str, str]:
    """Why each closed gate of the latest promotion is closed."""
    judgement = judging.judge(here.session, here.desk, here.present(), here.now)
    return {one.gate: one.verdict.reason for one in judgement.closed}


def approvable(session: Session, *gates: Gate, team: Team | None = OVEN.team) -> World:
    """A promotion by Ana that waits for a yes, under this policy."""
    here = world(session, gates=gates, team=team, undo=timedelta())
    here.raised()
    here.at = 60
    return here


def read(here: World, members: list[str] | None, at: datetime) -> None:
    """Slack told at this moment who is in the group of leads, and that Dee is a full member."""
    people.saw(here.session, Member("U0DEE", "Dee"), at)
    row = here.session.exec(select(Group).where(Group.handle == "leads")).one()
    row.members, row.read_at, row.trouble = members, at, None
    here.session.flush()


def test_a_gate_that_raises_is_closed_and_stops_what_everybody_approved(session: Session) -> None:
    """A fault of ours never opens anything; the others are judged all the same."""
    here = approvable(session, Lock(), Broken(), Approval())
    said = here.act(Act.APPROVE)
    assert "still waits: broken: the gate broken cannot be judged" in said
    assert list(reasons(here)) == ["broken"]
    assert here.call() == []
    assert here.present().state == State.OPEN


def test_a_gate_that_begins_to_raise_stops_what_was_about_to_start(session: Session) -> None:
    """Judged once more before the call: a policy that broke meanwhile returns it to open."""
    here = approvable(session, Lock(), Approval())
    here.act(Act.APPROVE)
    assert here.present().state == State.STARTING
    here.service = replace(here.service, gates=(*here.service.gates, Broken()))
    assert here.call() == []
    assert here.present().state == State.OPEN
    assert "reopened" in here.said()


def test_a_check_that_nobody_reported_is_no_pass(session: Session) -> None:
    """Whatever it will say: until then its absence is the reason."""
    here = approvable(session, Smoke(("e2e",)), Approval())
    assert "still waits: smoke" in here.act(Act.APPROVE)
    assert "e2e" in reasons(here)["smoke"]
    assert here.call() == []


@pytest.mark.parametrize("state", [RangeState.READING, RangeState.UNKNOWN, RangeState.UNREADABLE])
def test_what_the_forge_does_not_tell_is_approved_by_nobody(session: Session, state: RangeState) -> None:
    """A dead GitHub: nobody can tell an approver from an author, so nobody's yes counts."""
    here = world(session, gates=(Lock(), Approval()), undo=timedelta())
    here.lives()
    here.at = 60
    here.stage("b")
    promotion = here.present()
    if state is not RangeState.READING:
        ranges.range_unknown(session, promotion.id or 0, promotion.base_sha, state)
        here.reactions.settle(session, here.now)
    assert promotion.range == state
    assert "You can't: what it carries is not read yet" in here.refused(Act.APPROVE)
    assert "what it carries is not read yet" in reasons(here)["approval"]
    assert here.call() == []


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (lambda here: None, "who belongs to @leads is not known (I have not read @leads yet)"),
        (lambda here: read(here, ["U0DEE"], here.now - timedelta(hours=1)), "who belongs to @leads is not known"),
        (lambda here: read(here, None, here.now), "there is no user group @leads in Slack"),
        (lambda here: read(here, [], here.now), "you do not belong to @leads"),
    ],
    ids=["never-read", "stale", "no-such-group", "nobody-in-it"],
)
def test_a_group_that_is_not_known_now_lets_nobody_in(
    session: Session, prepare: Callable[[World], None], why: str
) -> None:
    """Yesterday's member may have left: an hour is how long a membership is believed."""
    here = approvable(session, Lock(), Approval(), team=LEADS)
    prepare(here)
    assert why in here.refused(Act.APPROVE)
    assert "@leads" in reasons(here)["approval"]
    read(here, ["U0DEE"], here.now)
    assert "Approved" in here.act(Act.APPROVE)


def test_a_membership_that_goes_stale_before_the_call_stops_it(session: Session) -> None:
    """A yes counts while it is known that whoever gave it may give it."""
    here = approvable(session, Lock(), Approval(), team=LEADS)
    read(here, ["U0DEE"], here.now)
    here.act(Act.APPROVE)
    assert here.present().state == State.STARTING
    here.at += 60
    assert here.call() == []
    assert "who belongs to @leads is not known" in reasons(here)["approval"]
    assert session.exec(select(Promotion.called_at)).one() is None
