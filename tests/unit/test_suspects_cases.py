"""What a sensible human would say of an alert, case by case: told by reports, as they come, and read from our tables.

Minutes are those past noon; the oven fires at 60. Each rollout is called by its build, a letter: ``a`` ran long before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlmodel import Session

from bot.alerts.models import Alert
from bot.alerts.suspects import Confidence
from bot.events import Human
from bot.ports import Range
from tests.unit.bakery import Bakery
from tests.unit.reports import carrying, minute, pull, sha_of

HIGH, MEDIUM, LOW, NONE = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW, Confidence.NONE
SECOND = 1 / 60

Told = Callable[[Bakery], object]


@dataclass(frozen=True)
class Case:
    """What was told, which alerts are one incident, and the changes a sensible human names, the likeliest first."""

    what: str
    told: Sequence[Told]
    named: Sequence[str]
    confidence: Confidence
    of: Sequence[Callable[[Bakery], Alert]] = ()


def rolls(build: str, *told: tuple[str, float], **more: Any) -> Told:
    """A rollout is reported, status by status."""
    return lambda bakery: bakery.rolls(build, *told, **more)


def live(build: str, since: float, until: float | None = None, **more: Any) -> Told:
    """A rollout has traffic since then, and is done; in half a minute, unless said."""
    return rolls(build, ("in_progress", since), ("succeeded", since + 0.5 if until is None else until), **more)


def turns(flag: str, at: float, **more: Any) -> Told:
    """A flag is turned."""
    return lambda bakery: bakery.turns(flag, at, **more)


def fires(at: float = 60, **more: Any) -> Callable[[Bakery], Alert]:
    """An alert fires."""
    return lambda bakery: bakery.fires(at, **more)


def back(build: str, since: float, until: float | None = None, *, out: Range | None = None) -> Told:
    """A rollback, which takes a change out."""
    taken = out or carrying(leaving=(pull(1, "b"),))
    return live(build, since, until, number=f"back to {build}", found=taken)


def bringing(number: int, build: str, *paths: str, **more: Any) -> Range:
    """What a rollout carries: one pull request."""
    return carrying(pull(number, build, paths=paths or ("oven/crust.py",), **more))


WHEN = [
    Case("nothing went live", [], [], NONE),
    Case("the only rollout", [live("b", 50)], ["b"], HIGH),
    Case("live a second after it began", [live("b", 60 + SECOND)], [], NONE),
    Case("live that very second", [live("b", 60)], ["b"], HIGH),
    Case("by a clock that is some seconds fast: nobody is woken for what was not provably there",
         [live("b", 60 + 20 * SECOND)], [], NONE),
    Case("done exactly an hour before", [live("b", -20, 0)], ["b"], HIGH),
    Case("done a second more than an hour before", [live("b", -20, -SECOND)], [], NONE),
    Case("begun before the hour, and done within it", [live("b", -200, 1)], ["b"], HIGH),
    Case("a canary begun three hours ago, still at 50 %",
         [rolls("b", ("in_progress", -120), percents=[(5, -119), (50, -30)])], ["b"], HIGH),
    Case("a canary that is announced, at 0 %", [rolls("b", ("in_progress", 40), percents=[(0, 41)])], [], NONE),
    Case("all of the traffic was on it days ago, and its end was never told",
         [rolls("b", ("in_progress", -3000), percents=[(5, -2999), (100, -2900)])], [], NONE),
    Case("told as pending alone", [rolls("b", ("pending", 40))], [], NONE),
    Case("of a success alone, told as later", [rolls("b", ("pending", 50), ("succeeded", 61))], [], NONE),
    Case("told backwards: its success first, which came after",
         [rolls("b", ("succeeded", 62), ("in_progress", 58), began=57)], ["b"], HIGH),
    Case("told only after the alert", [fires(), live("b", 50)], ["b"], HIGH),
    Case("the alert reaches us ten minutes after it fired, and a rollout in between", [live("b", 62)], [], NONE,
         [fires(60, told=70)]),
    Case("the alert reaches us ten minutes after it fired", [live("b", 52)], ["b"], HIGH, [fires(60, told=70)]),
    Case("the rule had to hold for ten minutes, and a rollout in between", [live("b", 55)], [], NONE,
         [fires(labels={"for": "10m"})]),
    Case("it was first seen half an hour before it fired, and a rollout in between", [live("b", 50)], [], NONE,
         [fires(onset_at=minute(30))]),
    Case("it says that it fires tomorrow: it fires since it was told", [live("b", 50)], ["b"], HIGH,
         [fires(60 + 24 * 60, told=60)]),
    Case("it says that it began tomorrow: it began when it fired", [live("b", 50)], ["b"], HIGH,
         [fires(onset_at=minute(60 + 24 * 60))]),
]  # fmt: skip

WHERE = [
    Case("to staging alone", [live("b", 50, environment="staging")], [], NONE),
    Case("to staging, and another to production",
         [live("c", 40), live("b", 50, environment="staging")], ["c"], HIGH),
    Case("the alert names no environment, and it went to production", [live("b", 50)], ["b"], HIGH,
         [fires(environment=None)]),
    Case("the alert names no environment, and it went to staging", [live("b", 50, environment="staging")], [], NONE,
         [fires(environment=None)]),
    Case("it went to the other region", [live("b", 50, service="till", environment="production-eu")], [], NONE,
         [fires(service="till", environment="production-us")]),
    Case("it went to this region", [live("b", 50, service="till", environment="production-us")], ["b"], HIGH,
         [fires(service="till", environment="production-us")]),
    Case("it went from place to place, and nobody says where it fails",
         [live("b", 40, service="tent", environment="field-eu", number="eu"),
          live("b", 50, service="tent", environment="field-us", number="us")], ["b"], HIGH,
         [fires(service="tent", environment=None)]),
    Case("nobody knows whose alert it is", [live("b", 50)], [], NONE, [fires(service=None)]),
    Case("a service that no file knows", [live("b", 50, service="tent")], ["b"], HIGH, [fires(service="tent")]),
    Case("a flag of another environment", [turns("crust", 55, environment="staging")], [], NONE),
    Case("a flag of another service", [turns("salt", 55, service="shop")], [], NONE),
    Case("a flag that a schedule turned", [turns("crust", 55, by=None)], ["crust"], HIGH),
    Case("a flag that a bot turned", [turns("crust", 55, by=Human(login="sweeper[bot]", bot=True))], ["crust"], HIGH),
    Case("a flag that was turned back long before", [turns("crust", 30), turns("crust", 31)], ["crust"], MEDIUM),
    Case("a flag after a rollout", [live("b", 40), turns("crust", 58)], ["crust", "b"], MEDIUM),
    Case("a flag before a rollout", [turns("crust", 30), live("b", 55)], ["b", "crust"], HIGH),
    Case("what depends on it", [live("b", 55, service="shop")], [], NONE),
    Case("what it depends on", [live("b", 55, service="mill", environment="live")], ["b"], MEDIUM),
    Case("what it depends on, two steps away", [live("b", 55, service="farm")], ["b"], LOW),
    Case("round in a circle", [live("b", 55)], ["b"], MEDIUM, [fires(service="farm")]),
    Case("itself, and what it depends on", [live("b", 50), live("c", 55, service="mill", environment="live")],
         ["b", "c"], HIGH),
    Case("what it depends on went live elsewhere",
         [live("b", 55, service="mill", environment="staging")], [], NONE),
    Case("what it depends on fails as well, and went live",
         [live("b", 50), live("c", 52, service="well"), fires(58, service="well", key="well")], ["c", "b"], MEDIUM),
    Case("many others fail as well",
         [*(live("s", -600, service=f"stall-{n}") for n in range(3)), live("b", 50),
          *(fires(59, service=f"stall-{n}", key=f"s{n}") for n in range(3))], ["b"], MEDIUM),
    Case("two services of one group, of which one went live", [live("b", 50, service="mill", environment="live")],
         ["b"], HIGH, [fires(grouping="g"), fires(61, service="mill", environment="live", key="mill", grouping="g")]),
    Case("two services of one group, and both went live",
         [live("b", 50, service="mill", environment="live"), live("c", 55)], ["c", "b"], MEDIUM,
         [fires(grouping="g"), fires(61, service="mill", environment="live", key="mill", grouping="g")]),
]  # fmt: skip

WHAT_BECAME_OF_IT = [
    Case("failed before it had any traffic", [rolls("b", ("pending", 40), ("failed", 50))], [], NONE),
    Case("cancelled before it had any traffic", [rolls("b", ("pending", 40), ("cancelled", 50))], [], NONE),
    Case("cancelled with traffic, just before", [rolls("b", ("in_progress", 50), ("cancelled", 55))], ["b"], HIGH),
    Case("failed with traffic, just before", [rolls("b", ("in_progress", 50), ("failed", 55))], ["b"], HIGH),
    Case("a canary that was broken off half an hour before",
         [rolls("b", ("in_progress", 10), ("failed", 30), percents=[(5, 11)])], ["b"], MEDIUM),
    Case("two that overlap: what was done last is what runs", [live("b", 40, 58), live("c", 50, 55)],
         ["b", "c"], MEDIUM),
    Case("one after the other", [live("b", 10), live("c", 40)], ["c", "b"], HIGH),
    Case("one just after the other", [live("b", 10), live("c", 51)], ["c", "b"], MEDIUM),
    Case("one long after the other", [live("b", -30), live("c", 40)], ["c"], HIGH),
    Case("twenty within the hour", [live(f"{n:x}{n:x}", n * 2.5, number=str(n)) for n in range(1, 21)],
         ["141", "131", "121"], MEDIUM),
    Case("a canary goes on, and a hotfix overtook it",
         [rolls("b", ("in_progress", 5), percents=[(5, 6), (10, 40)]), live("c", 20)], ["b", "c"], MEDIUM),
    Case("an attempt that failed, and the next with the same build",
         [rolls("b", ("in_progress", 30), ("failed", 35), number="1"), live("b", 45, number="2")], ["b"], HIGH),
    Case("a build that ran already, begun anew", [live("a", 50, number="anew", found=carrying())], ["a"], MEDIUM),
    Case("a build, and the same begun anew",
         [live("b", 30, number="1"), live("b", 50, number="2", found=carrying())], ["b", "b"], HIGH),
    Case("nothing of a monorepo's rollout is its own",
         [live("a", -500, service="cake", repo="bakery/sweets"),
          live("b", 50, service="cake", repo="bakery/sweets", found=bringing(1, "b", "bread/rye.py"))],
         ["b"], MEDIUM, [fires(service="cake")]),
    Case("something of a monorepo's rollout is its own",
         [live("a", -500, service="cake", repo="bakery/sweets"),
          live("b", 50, service="cake", repo="bakery/sweets", found=bringing(1, "b", "cake/icing.py"))],
         ["b"], HIGH, [fires(service="cake")]),
    Case("nothing but configuration", [live("b", 50, found=bringing(1, "b", "config/oven.yml"))], ["b"], HIGH),
    Case("what it carries is not known", [live("b", 50, repo=None)], ["b"], HIGH),
    Case("a rollback, and an alert long after it", [live("b", 5), back("a", 45)], ["a"], HIGH),
    Case("a rollback, and an alert just after it", [live("b", 30), back("a", 56)], ["a", "b"], MEDIUM),
    Case("a rollback of which no forge tells",
         [live("b", 20, repo=None), live("a", 45, number="back", repo=None)], ["a"], HIGH),
    Case("a rollback that goes back behind two", [live("b", 5, found=bringing(1, "b")),
          live("c", 15, found=bringing(2, "c")),
          back("a", 45, out=carrying(leaving=(pull(1, "b"), pull(2, "c"))))], ["a"], HIGH),
    Case("a rollback that goes back behind one of two", [live("b", 5, found=bringing(1, "b")),
          live("c", 15, found=bringing(2, "c")),
          back("b", 45, out=carrying(leaving=(pull(2, "c"),)))], ["b", "b"], HIGH),
    Case("what was bad is reverted, and an alert after it",
         [live("b", 20, found=bringing(1, "b")), live("c", 45, found=bringing(2, "c", reverts=1))], ["c"], HIGH),
    Case("a part of what was bad is reverted",
         [live("b", 20, found=carrying(pull(1, "b"), pull(3, "e"))),
          live("c", 45, found=bringing(2, "c", reverts=1))], ["c", "b"], HIGH),
    Case("the revert is reverted",
         [live("b", 5, found=bringing(1, "b")), live("c", 20, found=bringing(2, "c", reverts=1)),
          live("d", 48, found=bringing(3, "d", reverts=2))], ["d"], HIGH),
]  # fmt: skip

WHAT_THE_ALERT_SAYS = [
    Case("the build before it", [live("b", 50)], [], NONE, [fires(version=sha_of("a")[:7])]),
    Case("the tag before it", [live("f", 10, ref="v1.3"), live("b", 50, ref="v1.4")], ["f"], MEDIUM,
         [fires(version="oven@1.3")]),
    Case("the tag before it, of long ago", [live("f", -400, ref="v1.3"), live("b", 50, ref="v1.4")], [], NONE,
         [fires(version="1.3")]),
    Case("its build", [live("b", 30), live("c", 50)], ["c", "b"], HIGH, [fires(version=f"main-{sha_of('c')[:8]}")]),
    Case("a build that nobody knows", [live("b", 50)], ["b"], HIGH, [fires(version="2026-11-nightly")]),
    Case("a build that has the earlier one within", [live("b", 10), live("c", 30)], ["c", "b"], HIGH,
         [fires(version=sha_of("c"))]),
    Case("a file of the earlier of two",
         [live("b", 40, found=bringing(1, "b", "oven/heat.py")), live("c", 52, found=bringing(2, "c"))],
         ["b", "c"], MEDIUM, [fires(paths=("/app/oven/heat.py", "/app/oven/main.py"))]),
    Case("a file of the later of two",
         [live("b", 40, found=bringing(1, "b", "oven/heat.py")), live("c", 52, found=bringing(2, "c"))],
         ["c", "b"], HIGH, [fires(paths=("/app/oven/crust.py", "/app/oven/main.py"))]),
    Case("a file of the later one, below a library's",
         [live("b", 40, found=bringing(1, "b", "oven/heat.py")), live("c", 52, found=bringing(2, "c"))],
         ["c", "b"], HIGH, [fires(paths=("/usr/lib/python3/site-packages/yaml/load.py", "/app/oven/crust.py"))]),
    Case("it fires for another pod since before", [fires(20, key="of another pod"), live("b", 50)], [], NONE),
    Case("it fired before, had ended, and fires again", [fires(20, over=40), live("b", 50)], ["b"], MEDIUM),
    Case("it fired before and after, and ended for a moment", [fires(20, over=58), live("b", 50)], [], NONE),
    Case("it fired days ago", [fires(-3000, over=-2990), live("b", 50)], ["b"], HIGH),
    Case("it fires every other day",
         [*(fires(-1440 * n, over=-1440 * n + 5) for n in (1, 2, 4, 6)), live("b", 50)], ["b"], MEDIUM),
    Case("it is told once more", [live("b", 50), fires(60, told=61)], ["b"], HIGH, [fires(60, told=65)]),
    Case("another alert of the service fired already", [fires(40, key="slow", name="Slow"), live("b", 50)],
         ["b"], MEDIUM),
    Case("it had ended once the rollback was done, and fires again",
         [live("b", 35), fires(40, over=57), back("a", 52)], ["a"], MEDIUM),
    Case("it fires on after the rollback",
         [live("b", 35), fires(40, key="of another pod"), back("a", 52)], ["b"], MEDIUM),
]  # fmt: skip


CANARY = rolls("b", ("in_progress", -60), percents=[(5, -59)])
HEAT, CRUST = live("b", 40, found=bringing(1, "b", "oven/heat.py")), live("c", 52, found=bringing(2, "c"))

WHAT_SEVERAL_SAY = [
    Case("the second alert names the later one's file", [HEAT, CRUST], ["c", "b"], HIGH,
         [fires(paths=tuple(f"lib/a{number}.py" for number in range(7))),
          fires(60.2, key="2", paths=("oven/crust.py",))]),
    Case("two alerts, and each names the file of another one", [HEAT, CRUST], ["c", "b"], MEDIUM,
         [fires(paths=("oven/heat.py",)), fires(60.2, key="2", paths=("oven/crust.py",))]),
    Case("the canary alone fails", [CANARY], ["b"], HIGH, [fires(version=sha_of("b"))]),
    Case("all but the canary fails", [CANARY], [], NONE, [fires(version=sha_of("a"))]),
    Case("the canary fails, and so does the rest", [CANARY], ["b"], MEDIUM,
         [fires(version=sha_of("b")), fires(60.1, key="2", version=sha_of("a"))]),
    Case("a canary that had just been broken off fails",
         [rolls("b", ("in_progress", 20), ("failed", 55), percents=[(5, 21)])], ["b"], HIGH,
         [fires(version=sha_of("b"))]),
    Case("a day's first build, while its second runs",
         [live("f", -200, ref="20260302"), live("b", 50, ref="20260302-2")], ["b"], HIGH,
         [fires(version="20260302-2")]),
    Case("a day's third build, which nobody knows",
         [live("f", -200, ref="20260302"), live("b", 50, ref="20260302-2")], ["b"], HIGH,
         [fires(version="20260302-3")]),
    Case("of v1.1 and v1.10 the latter", [live("f", 10, ref="v1.1"), live("b", 50, ref="v1.10")], ["b", "f"], HIGH,
         [fires(version="v1.10")]),
    Case("what it depends on failed a moment after it went live",
         [live("c", 55, service="well"), fires(55.5, service="well", key="well")], ["c"], MEDIUM),
    Case("what depends on it fails as well", [live("b", 50), fires(59, service="shop", key="shop")], ["b"], HIGH),
    Case("its onset is told as of the day before", [live("b", 50)], [], NONE, [fires(-1300)]),
    Case("two replicas tell of it, a moment apart", [live("b", 50), fires(60.2, told=60.3)], ["b"], HIGH,
         [fires(60, told=60.1)]),
    Case("a flag of what it depends on", [turns("salt", 58, service="mill", environment="live")], ["salt"], MEDIUM),
    Case("a flag of every environment", [turns("crust", 58, environment=None)], ["crust"], HIGH),
    Case("a flag of an environment by its other name", [turns("crust", 58, environment="prod")], ["crust"], HIGH),
    Case("two flags, the later first", [turns("crust", 50), turns("salt", 58)], ["salt", "crust"], MEDIUM),
    Case("all is spelt otherwise", [live("b", 50, service="OVEN", environment="Production")], ["b"], HIGH,
         [fires(service="Oven", environment="LIVE")]),
    Case("its success is told after the alert, its traffic before",
         [rolls("b", ("in_progress", 50)), fires(), rolls("b", ("succeeded", 61), began=50)], ["b"], HIGH),
    Case("a later one that never had any traffic", [live("c", 20), rolls("b", ("pending", 50), ("failed", 55))],
         ["c"], HIGH),
    Case("it fired before the revert, and goes on",
         [live("b", 20, found=bringing(1, "b")), live("c", 45, found=bringing(2, "c", reverts=1))], ["b"], HIGH,
         [fires(30)]),
]  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [*WHEN, *WHERE, *WHAT_BECAME_OF_IT, *WHAT_THE_ALERT_SAYS, *WHAT_SEVERAL_SAY],
    ids=lambda case: case.what,
)
def test_what_a_sensible_human_would_say(sqlite_session: Session, case: Case) -> None:
    """Which changes are named, the likeliest first, and how sure the first one is."""
    bakery = Bakery(sqlite_session)
    bakery.rolls("a", ("succeeded", -1000), number="long ago")
    for one in case.told:
        one(bakery)
    answer = bakery.answer(*[one(bakery) for one in case.of or [fires()]])
    named = [
        one.candidate.called if one.candidate.is_flag else one.candidate.called[: 3 if len(case.told) == 20 else 1]
        for one in answer.suspects
    ]
    assert (named, answer.confidence) == (list(case.named), case.confidence)
