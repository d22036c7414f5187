"""What is read anew of people concerns the promotions that depend on it, every one of them, and no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session, select

from bot import people, work
from bot.catalog import Catalog, Service, Team
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Contributor, Target
from bot.deploys.views import RangeState
from bot.gates import Approval, Gate, Group
from bot.people import STALE, OnCallList, Profile
from bot.people import Group as UserGroup
from bot.ports import Direction
from bot.promotions import judging, loading
from bot.promotions import service as promotions
from bot.promotions.gathering import seen_now
from bot.promotions.models import Approval as Yes
from bot.promotions.models import Promotion, PromotionChange
from bot.reactions import Reactions
from tests.unit.promoting import LOGINS, PEOPLE
from tests.unit.reports import minute

NOW = minute(0)

WORDS: Mapping[str, tuple[str, ...]] = {
    "oven": ("@bakers",),
    "mixer": ("on-call",),
    "scale": ("PSHIFTS",),
    "till": ("U0EVE",),
    "shelf": ("@millers", "dee@bakery.example"),
    "sink": (),
}
"""Whom each service's policy asks for; of the last one's everybody may say yes."""

GROUPS = {"bakers": ["U0BEN", "U0DEE"], "millers": ["U0CHI"], "cooks": ["U0EVE"]}
LISTS = {"PMIXER": ["U0DEE"], "schedule:PSHIFTS": ["U0BEN"], "POTHER": ["U0CHI"]}


class Bakery:
    """An open promotion of each service; Chi said yes to the one of ``sink``, and Ben asked for the one of ``till``."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.catalog = Catalog(
            default_channel="#deploys",
            unknown=Service(name="unknown", channel="#deploys", known=False),
            services={name: _service(name, words) for name, words in WORDS.items()},
            people=PEOPLE,
        )
        self.targets: dict[int, str] = {}
        for slack_id in LOGINS:
            session.add(Profile(slack_id=slack_id, name=LOGINS[slack_id].capitalize(), zone="UTC", read_at=NOW))
        session.add_all(UserGroup(handle=handle, members=ids, read_at=NOW) for handle, ids in GROUPS.items())
        session.add_all(OnCallList(service=key, who=[on_duty(one) for one in ids], read_at=NOW)
                        for key, ids in LISTS.items())  # fmt: skip
        for number, name in enumerate(WORDS):
            self._open(number, name)

    @property
    def desk(self) -> Desk:
        """What loading needs."""
        return Desk(self.catalog, "https://github.com", NOW)

    def seen(self) -> dict[str, object]:
        """Of each service's promotion every verdict, who can, and its card."""
        self.session.expire_all()
        found: dict[str, object] = {}
        for promotion in self.session.exec(select(Promotion)).all():
            known = promotions.situation(self.session, self.desk, promotion, NOW)
            found[self.targets[promotion.target]] = (
                judging.judge_situation(self.session, self.desk, promotion, known),
                judging.circle(self.session, self.desk, promotion, known),
                loading.promotion_card(self.session, self.desk, promotion),
            )
        return found

    def concerned(self, *subjects: tuple[str, int]) -> set[str]:
        """The services whose promotions are judged again once these were read anew."""
        promotions.touch_concerned(self.session, self.desk, people.concerning(self.session, subjects))
        return {self.targets[number] for _, number in work.take_touched(self.session)}

    def group(self, handle: str) -> UserGroup:
        """What was read of a group."""
        return self.session.exec(select(UserGroup).where(UserGroup.handle == handle)).one()

    def on_call(self, key: str) -> OnCallList:
        """What was read of a rota."""
        return self.session.exec(select(OnCallList).where(OnCallList.service == key)).one()

    def person(self, slack_id: str) -> Profile:
        """What was read of somebody."""
        return self.session.exec(select(Profile).where(Profile.slack_id == slack_id)).one()

    def _open(self, number: int, name: str) -> None:
        target = Target(service=name, environment="production")
        self.session.add(target)
        self.session.flush()
        change = Change(repo=f"bakery/{name}", number=number, sha=f"{number}", title="Rye", merged_at=NOW)
        promotion = Promotion(
            target=target.id or 0, repo=f"bakery/{name}", sha=f"{number}", via="slash", created_at=NOW,
            requested_by="slack:U0BEN" if name == "till" else None, expires_at=NOW + timedelta(days=1),
            range=RangeState.COMPLETE, direction=Direction.AHEAD,
        )  # fmt: skip
        self.session.add_all([change, promotion])
        self.session.flush()
        promotion.root = promotion.id
        self.session.add(PromotionChange(promotion=promotion.id or 0, change=change.id or 0, position=0))
        self.session.add(
            Contributor(
                change=change.id or 0, role="author", who="email:fay@bakery.example", email="fay@bakery.example"
            )
        )
        self.session.flush()
        if name == "sink":
            seen = seen_now(self.session, self.desk, promotion)
            self.session.add(Yes(promotion=promotion.id or 0, person="U0CHI", called="Chi", seen=seen, at=NOW,
                                 applied_at=NOW))  # fmt: skip
        self.targets[target.id or 0] = name
        self.session.flush()


def _service(name: str, words: tuple[str, ...]) -> Service:
    approval: Gate = Approval(groups=(Group(words),) if words else (), count=1 if words else 2)
    return Service(
        name=name, channel="#bakers", repo=f"bakery/{name}", environments=("staging", "production"), gates=(approval,),
        team=Team(name="bakers", channel="#bakers"), pagerduty_service=f"P{name.upper()}",
    )  # fmt: skip


def on_duty(slack_id: str) -> dict[str, str | None]:
    """Somebody on call."""
    return {"user": f"P{slack_id}", "name": LOGINS[slack_id], "slack_id": slack_id, "until": None}


@pytest.fixture
def here(sqlite_session: Session) -> Bakery:
    """Where each service waits for a yes."""
    return Bakery(sqlite_session)


Reading = Callable[[Bakery], tuple[str, int]]


def _group(handle: str, members: list[str] | None) -> Reading:
    def read(here: Bakery) -> tuple[str, int]:
        row = here.group(handle)
        row.members = members
        return "group", row.id or 0

    return read


def _old_group(handle: str) -> Reading:
    def read(here: Bakery) -> tuple[str, int]:
        row = here.group(handle)
        row.read_at, row.trouble = NOW - STALE, "limited"
        return "group", row.id or 0

    return read


def _list(key: str, *slack_ids: str) -> Reading:
    def read(here: Bakery) -> tuple[str, int]:
        row = here.on_call(key)
        row.who = [on_duty(one) for one in slack_ids]
        return "on_call", row.id or 0

    return read


def _person(slack_id: str, **now: object) -> Reading:
    def read(here: Bakery) -> tuple[str, int]:
        row = here.person(slack_id)
        for name, value in now.items():
            setattr(row, name, value)
        return "member", row.id or 0

    return read


READINGS: dict[str, tuple[Reading, set[str]]] = {
    "somebody leaves a group": (_group("bakers", ["U0BEN"]), {"oven"}),
    "somebody joins another": (_group("millers", ["U0CHI", "U0EVE"]), {"shelf"}),
    "a group is no more": (_group("bakers", None), {"oven"}),
    "a group cannot be read": (_old_group("bakers"), {"oven"}),
    "a group that nobody asks for": (_group("cooks", []), set()),
    "another one is on call": (_list("PMIXER", "U0EVE"), {"mixer"}),
    "nobody is on call": (_list("PMIXER"), {"mixer"}),
    "a shift ends": (_list("schedule:PSHIFTS", "U0CHI"), {"scale"}),
    "a rota that nobody asks for": (_list("POTHER"), set()),
    "a guest in a group and on call": (_person("U0DEE", guest=True), {"oven", "mixer"}),
    "one who asked for it and is in a group and a shift": (_person("U0BEN", active=False), {"oven", "scale", "till"}),
    "one who asked for it has the author's address": (
        _person("U0BEN", email="fay@bakery.example"), {"oven", "scale", "till"},
    ),
    "one who said yes and is in a group is deactivated": (_person("U0CHI", active=False), {"shelf", "sink"}),
    "one who said yes turns out to be the author": (_person("U0CHI", email="fay@bakery.example"), {"shelf", "sink"}),
    "one who said yes cannot be read any more": (
        _person("U0CHI", read_at=NOW - STALE, trouble="limited"), {"shelf", "sink"},
    ),
    "one who is named is called otherwise": (_person("U0EVE", name="Evelyn"), {"till"}),
    "one who is named lives elsewhere": (_person("U0EVE", zone="Pacific/Auckland"), {"till"}),
    "somebody whom nobody asks for": (_person("U0ANA", guest=True), set()),
}  # fmt: skip


@pytest.mark.parametrize(("reading", "concerned"), READINGS.values(), ids=READINGS.keys())
def test_only_what_depends_on_it_is_judged_again_and_nothing_else_would_be_judged_otherwise(
    here: Bakery, reading: Reading, concerned: set[str]
) -> None:
    """Whatever is not touched has the same verdicts, the same people who can, and the same card as before."""
    before = here.seen()
    subject = reading(here)
    here.session.flush()
    assert here.concerned(subject) == concerned
    after = here.seen()
    assert {name for name in WORDS if before[name] != after[name]} <= concerned


def test_the_world_of_this_table_is_one_in_which_people_count(here: Bakery) -> None:
    """Each way in which a verdict reads people changes one here: else the table above could not fail."""
    moved: set[str] = set()
    for reading, _ in READINGS.values():
        with here.session.begin_nested() as savepoint:
            before = here.seen()
            reading(here)
            here.session.flush()
            after = here.seen()
            moved |= {name for name in WORDS if before[name] != after[name]}
            savepoint.rollback()
    assert moved == set(WORDS)


def test_a_rota_that_nothing_waits_for_costs_a_few_statements(here: Bakery) -> None:
    """Whose rota is read in a storm is on call for what alerts: what others wait for is left alone."""
    subject = _list("POTHER")(here)
    here.session.flush()
    sent: list[str] = []
    event.listen(here.session.get_bind(), "before_cursor_execute", lambda *told: sent.append(told[2]))
    work.touch(here.session, *subject)
    Reactions(here.catalog, "https://github.com").settle(here.session, NOW)
    assert len(sent) <= 5
