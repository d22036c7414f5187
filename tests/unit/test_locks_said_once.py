"""What locks and unlocks is said once in a channel, and the Go is offered in one place."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlmodel import select

from bot.catalog import PromoteThrough
from bot.events import IncidentAct, LockAct, LockActed
from bot.gates import Lock
from bot.locks import service as locks
from bot.locks.models import Lock as LockRow
from bot.ports import Message
from tests.unit.alarming import paged
from tests.unit.buzzing import Slack
from tests.unit.reports import report
from tests.unit.rooming import Rooming

GO = "Go: let it ship…"
NAMES = ("bread", "buns", "cakes", "pies", "rolls")


def five(*, promoted: bool = True) -> tuple:  # type: ignore[type-arg]  # of services
    """Five services of one channel, each of which depends on the next."""
    through = {"promote_through": PromoteThrough.GITHUB_DEPLOYMENT, "gates": (Lock(),)} if promoted else {}
    return tuple(paged(name, depends_on=NAMES[place + 1 : place + 2], **through) for place, name in enumerate(NAMES))


def burning(here: Rooming) -> Slack:
    """All five burn at once, and each has something that waits for production."""
    here.lived()
    slack = Slack(here)
    slack.forgets()
    here.at = 12
    for name in NAMES:
        here.fires(name)
    assert len(here.incidents()) == 1
    assert len(here.locked()) == len(NAMES)
    slack.sends()
    return slack


def waits(here: Rooming, *names: str) -> None:
    for name in names:
        here.tell(
            report("d", at=here.at, environment="staging", number=f"{name}-d", repo=f"bakery/{name}", service=name)
        )


def offering(slack: Slack, kinds: Sequence[str] = ("incident", "lock", "lock_go", "promotion")) -> list[str]:
    """Which cards of the channel offer the Go as they are now."""
    return [kind for kind in kinds for one in slack.standing(kind, "#bakers") if GO in _buttons(one)]


def _buttons(message: Message) -> list[str]:
    found = [one for block in message.blocks for one in [*block.get("elements", []), block.get("accessory")] if one]
    return [one["text"]["text"] for one in found if one["type"] == "button"]


def test_what_one_incident_locks_is_one_message(calm: Rooming) -> None:
    """Its own card names what is locked."""
    calm.services = five(promoted=False)
    slack = burning(calm)
    assert [what for what in slack.to("#bakers") if not what.startswith("incident_said")] == ["incident"]
    assert "🔒 Deploys of bread, buns, cakes and 2 more are locked" in slack.shows("incident", "#bakers").text


def test_what_it_unlocks_asks_for_the_go_once_and_says_where(calm: Rooming) -> None:
    calm.services = five()
    slack = burning(calm)
    waits(calm, *NAMES)
    slack.forgets()
    calm.at = 20
    calm.acts(IncidentAct.RESOLVE, text="Reverted")
    slack.sends()
    assert [what for what in slack.to("#bakers") if "lock" in what] == ["lock_go"]
    words = slack.shows("lock_go", "#bakers").text
    assert "⏸️ bread → production, buns → production" in words
    assert "Say Go on the card of what waits: bread → production, buns → production" in words
    assert offering(slack) == ["promotion"] * len(NAMES)


def test_where_nothing_waits_nobody_is_asked(calm: Rooming) -> None:
    calm.services = five()
    slack = burning(calm)
    slack.forgets()
    calm.at = 20
    calm.acts(IncidentAct.RESOLVE, text="Reverted")
    slack.sends()
    assert [what for what in slack.to("#bakers") if "lock" in what] == []


@pytest.mark.parametrize("waiting", [True, False])
def test_whoever_unlocks_before_the_end_finds_the_go_in_one_place(calm: Rooming, waiting: bool) -> None:
    """On the card of what waits; where nothing does, on the lock's own, which then says that it was unlocked."""
    calm.services = five()
    slack = burning(calm)
    if waiting:
        waits(calm, "bread")
    lock = calm.session.exec(select(LockRow).where(LockRow.scope == "bread/production")).one()
    event = LockActed(act=LockAct.LIFT, lock=lock.id, scope=None, slack_id="U0DEE", called="Dee", at=calm.now)
    locks.act(calm.session, calm.catalog, event, calm.now)
    calm.reactions.settle(calm.session, calm.now)
    slack.sends()
    assert offering(slack) == (["promotion"] if waiting else ["lock"])
    assert [what for what in slack.to("#bakers") if "lock" in what] == (["lock_go"] if waiting else ["lock"])


def test_one_that_is_locked_anew_leaves_the_question_about_the_others(calm: Rooming) -> None:
    """A new incident's lock stands for the Go of the former one there, and for that of nothing else."""
    calm.services = five()
    slack = burning(calm)
    waits(calm, *NAMES)
    calm.at = 20
    calm.acts(IncidentAct.RESOLVE, text="Reverted")
    slack.sends()
    calm.at = 40
    locks.set_by_itself(calm.session, calm.catalog, "incident:99", "bread", "production", "It burns", calm.now)
    calm.reactions.settle(calm.session, calm.now)
    slack.sends()
    words = slack.shows("lock_go", "#bakers").text
    assert "⏸️ buns → production, cakes → production, pies → production, rolls → production were unlocked" in words
    assert "bread → production" not in words
    calm.at = 41
    for name in NAMES[1:]:
        go = LockActed(
            act=LockAct.GO, lock=None, scope=f"{name}/production", slack_id="U0DEE", called="Dee", at=calm.now
        )
        locks.act(calm.session, calm.catalog, go, calm.now)
    calm.reactions.settle(calm.session, calm.now)
    slack.sends()
    assert slack.shows("lock_go", "#bakers").text.startswith("🔓 Go for buns → production")
