"""Who hears of an incident, and how often: one message that notifies each person, until something asks them anew."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlmodel import Session, select

from bot.catalog import PromoteThrough
from bot.events import IncidentAct, LockAct, LockActed
from bot.gates import Lock
from bot.incidents.models import Likely
from bot.incidents.telling import PersonSaid, Said
from bot.locks import service as locks
from bot.locks.models import Lock as LockRow
from tests.unit.alarming import paged
from tests.unit.buzzing import Slack
from tests.unit.reports import BEN, pull, report
from tests.unit.rooming import Rooming
from tests.unit.stores import address

EVERYBODY = ("U0ANA", "U0BEN", "U0CHI", "U0DEE", "U0EVE")
HELD_BACK = paged("checkout", promote_through=PromoteThrough.GITHUB_DEPLOYMENT, gates=(Lock(),), depends_on=("cart",))


@contextmanager
def world(template: Path, **more: object) -> Iterator[Rooming]:
    """A calm world of its own for one story."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "story.db"
        shutil.copyfile(template, file)
        engine = create_engine(address(f"sqlite:///{file}"))
        with Session(engine) as session:
            yield Rooming(session, **more)  # type: ignore[arg-type]  # of the fields
        engine.dispose()


def another_alert(here: Rooming) -> None:
    here.fires(name=f"checkout p99 {here.at}")


def same_alert(here: Rooming) -> None:
    here.fires(began=3)


def below(here: Rooming) -> None:
    here.fires("cart")


def leads(here: Rooming) -> None:
    if here.incident().lead is None:
        here.acts(IncidentAct.MINE)


def says_so(here: Rooming) -> None:
    found = here.session.exec(select(Likely)).first()
    if found is not None:
        here.acts(IncidentAct.RIGHT, who="U0BEN", likely=found.id)


def is_grave(here: Rooming) -> None:
    here.acts(IncidentAct.SEVERITY, who="U0EVE", severity=1)


def updates(here: Rooming) -> None:
    here.acts(IncidentAct.UPDATE, who="U0EVE", text="We look")


def speaks(here: Rooming) -> None:
    here.acts(IncidentAct.COMMUNICATIONS, who="U0EVE")


def waits(here: Rooming) -> None:
    """Another change of Ana's is ready, and held by the incident's lock."""
    here.tell(report("d", at=here.at, environment="staging", number="s-d", repo="bakery/checkout", service="checkout"))
    here.read(pull(813, "d"), pull(814, "e", author=BEN))


STEPS: Mapping[str, Callable[[Rooming], object]] = {
    step.__name__: step
    for step in (
        another_alert, same_alert, below, leads, says_so, is_grave, updates, speaks, waits, Rooming.calls, Rooming.does,
    )
}  # fmt: skip


@settings(max_examples=12)
@given(steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=6), pager=st.booleans(), sure=st.booleans())
def test_nobody_is_notified_twice_until_something_asks_them_anew(
    calm_template: Path, steps: list[str], pager: bool, sure: bool
) -> None:
    """The page in their own conversation, or the word that they may know something; all else names them alone."""
    with world(
        calm_template, pages_by_pager=pager, services=(replace(HELD_BACK, depends_on=("cart",)), paged("cart"))
    ) as here:
        if sure:
            here.shipped()
        else:  # of what checkout depends on: whoever is on call is woken, and authors are asked
            here.shipped("cart", "c", 815, author=BEN)
        slack = Slack(here)
        slack.forgets()
        here.at = 3
        here.fires(began=3)
        for step in ["does", "calls", *steps, "does", "calls"]:
            STEPS[step](here)
            slack.sends()
            here.at += 0.1
        told = Counter(who for who, _ in slack.buzzed)
        assert {who: slack.of(who) for who, times in told.items() if times > 1} == {}
        assert ("U0ANA" if sure else "U0BEN") in told


@pytest.mark.parametrize("pager", [True, False])
def test_the_room_and_the_thread_name_whoever_is_woken(calm: Rooming, pager: bool) -> None:
    calm.pages_by_pager = pager
    slack = Slack(calm)
    calm.shipped()
    slack.forgets()
    calm.at = 12
    calm.fires()
    calm.calls()
    slack.sends()
    calm.does()
    slack.sends()
    assert slack.of("U0ANA") == ["page"]
    said = [message.text for what, _, message in slack.posted if what == f"incident_said: {Said.PAGED.value}"]
    assert any(words.startswith("📟 Ana is ") for words in said)


def test_each_time_it_asks_anew_is_heard(calm: Rooming) -> None:
    """Whom nothing but Slack reaches is asked again, and each who comes next is woken."""
    calm.pages_by_pager = False
    calm.services = tuple(replace(one, pagerduty_service=None) for one in calm.services)
    slack = Slack(calm)
    calm.shipped()
    slack.forgets()
    calm.at = 12
    calm.fires()
    slack.sends()
    assert slack.of("U0ANA") == ["page"]
    calm.turn(18)
    slack.sends()
    assert slack.of("U0ANA") == ["page", f"incident_person: {PersonSaid.PAGE.value}"]


def test_whoever_is_only_asked_is_asked_once(calm: Rooming) -> None:
    """Though another change of theirs turns out to be as likely."""
    slack = Slack(calm)
    calm.shipped("cart", "c", 815, author=BEN, merger=BEN)
    slack.forgets()
    calm.at = 3
    calm.fires()
    slack.sends()
    calm.shipped("cart", "e", 816, author=BEN, merger=BEN, at=2)
    calm.turn(5)
    slack.sends()
    assert len(calm.likely()) == 2
    assert [what for what in slack.of("U0BEN") if what.startswith("incident")] == ["incident_person: asked"]


def test_whoever_is_woken_late_is_told_by_their_page_alone_how_it_stands(calm: Rooming) -> None:
    """They are let into the room by us, and were given all of it in their own conversation."""
    incident = calm.burns()
    calm.calls()
    room = calm.room_of(incident)
    calm.turn(calm.at + 6)
    assert "Dee" in [name for name, *_ in calm.pages()]
    for who in ("U0DEE", "U0BEN"):
        calm.joins(room, who)
    calm.does()
    assert [who for _, who, _ in calm.slack.whispers] == ["U0BEN"]


def test_whoever_was_woken_needs_no_word_that_its_lock_holds_their_next_change(calm: Rooming) -> None:
    """It stands in their page; whoever heard nothing of the incident is told, and both hear when it goes on."""
    calm.services = (HELD_BACK, paged("cart"))
    calm.shipped()
    slack = Slack(calm)
    slack.forgets()
    calm.at = 12
    calm.fires()
    waits(calm)
    slack.sends()
    held = "promotion_said: held"
    assert (held in slack.of("U0ANA"), held in slack.of("U0BEN")) == (False, True)
    assert "Deploys of checkout are locked until this is resolved" in slack.shows("page", "U0ANA").text
    calm.at = 20
    calm.over()
    calm.acts(IncidentAct.RESOLVE, text="over")
    number = calm.session.exec(select(LockRow.id)).one()
    event = LockActed(act=LockAct.GO, lock=number, scope=None, slack_id="U0DEE", called="Dee", at=calm.now)
    locks.act(calm.session, calm.catalog, event, calm.now)
    calm.reactions.settle(calm.session, calm.now)
    slack.sends()
    goes_on = "promotion_said: goes_on"
    assert (goes_on in slack.of("U0ANA"), goes_on in slack.of("U0BEN")) == (True, True)
