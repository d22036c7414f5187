"""What likely changes are judged by, as our tables tell it: since when a rollout had traffic, and what else went on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session, col, select

from bot.alerts.gathering import candidates, distances, symptom_of
from bot.alerts.suspects import Confidence, EvidenceName
from bot.catalog import Service
from bot.deploys import service as deploys
from bot.deploys import steps
from bot.deploys.models import RolloutStep
from bot.events import AlertLevel, ReleasePublished
from tests.unit.bakery import BAKERY, HOUR, SERVICES, Bakery
from tests.unit.reports import carrying, catalog, commit, minute, pull, sha_of


@pytest.fixture
def bakery(sqlite_session: Session) -> Bakery:
    """A bot to which nothing was told."""
    return Bakery(sqlite_session)


# --- what had traffic, and since when -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "percents", "since"),
    [
        ([("pending", 30)], [], None),
        ([("pending", 30), ("in_progress", 40)], [], 40),
        ([("in_progress", 40), ("succeeded", 50)], [], 40),
        ([("succeeded", 50)], [], 50),
        ([("pending", 30), ("succeeded", 50)], [], 50),
        ([("succeeded", 50), ("succeeded", 58)], [], 50),
        ([("succeeded", 58), ("succeeded", 50)], [], 50),
        ([("succeeded", 50), ("failed", 58)], [], 50),
        ([("pending", 30), ("failed", 50)], [], None),
        ([("pending", 30), ("cancelled", 50)], [], None),
        ([("in_progress", 40), ("failed", 50)], [], 40),
        ([("in_progress", 40), ("cancelled", 50)], [], 40),
        ([("in_progress", 40)], [(0, 41)], None),
        ([("in_progress", 40)], [(0, 41), (5, 45), (50, 48)], 45),
        ([("in_progress", 40)], [(5, 42)], 40),
        ([("in_progress", 40)], [(5, 42), (0, 50)], 40),
        ([("pending", 30)], [(5, 42), (5, 38)], 38),
    ],
)  # fmt: skip
def test_since_when_a_rollout_had_traffic(
    bakery: Bakery, told: list[tuple[str, float]], percents: list[tuple[int, float]], since: float | None
) -> None:
    """A sender that tells of its success alone: since then, which is all that is certain."""
    deploy = bakery.rolls("a", *told, percents=percents)
    found = steps.of(bakery.session, [deploy.id or 0]).get(deploy.id or 0, ())
    assert steps.first_traffic_at(deploy, found) == (None if since is None else minute(since))


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_of_each_percentage_the_earliest_instant_is_kept(bakery: Bakery, order: tuple[int, ...]) -> None:
    """In whatever order and however often it is told."""
    told = [(5, 41.0), (5, 43.0), (50, 45.0), (50, 44.0)]
    bakery.rolls("a", ("in_progress", 40), percents=[told[place] for place in order])
    rows = bakery.session.exec(select(RolloutStep).order_by(col(RolloutStep.percent))).all()
    assert [(step.percent, step.at) for step in rows] == [(5, minute(41)), (50, minute(44))]


def test_progress_is_kept_of_rollouts_under_way_alone(bakery: Bakery) -> None:
    """What is told with an end is how far it had come, not when."""
    bakery.rolls("a", ("pending", 30), ("failed", 50), percent=25)
    assert bakery.session.exec(select(RolloutStep)).all() == []


# --- which changes ------------------------------------------------------------------------------------------------


def test_rollouts_of_the_service_and_of_what_it_depends_on(bakery: Bakery) -> None:
    """Through others as well, and round in a circle; not of what depends on it."""
    for name, service in (("a", "oven"), ("b", "mill"), ("c", "farm"), ("d", "well"), ("e", "shop")):
        bakery.rolls(name, ("in_progress", 50), ("succeeded", 55), service=service,
                     environment="live" if service == "mill" else "production")  # fmt: skip
    assert bakery.names() == {"a", "b", "c", "d"}
    assert bakery.symptom().dependencies == {"oven": 0, "mill": 1, "well": 1, "farm": 2}


def test_what_does_not_count_is_not_read(bakery: Bakery) -> None:
    """What was over too long ago, never had traffic, went live later, or elsewhere."""
    bakery.rolls("a", ("in_progress", -40), ("succeeded", -30))
    bakery.rolls("b", ("pending", 50))
    bakery.rolls("c", ("in_progress", 61), ("succeeded", 65))
    bakery.rolls("d", ("in_progress", 50), ("succeeded", 55), environment="staging")
    assert bakery.names() == set()


def test_a_long_canary_counts_throughout(bakery: Bakery) -> None:
    """With how far it had come."""
    bakery.rolls("a", ("in_progress", -3000), percents=[(5, -2900), (25, -20)])
    (found,) = bakery.candidates()
    assert (found.first_traffic_at, found.finished_at) == (minute(-3000), None)
    assert [(percent, at) for at, percent in found.steps] == [(5, minute(-2900)), (25, minute(-20))]


def test_what_replaced_a_rollout_ended_it(bakery: Bakery) -> None:
    """A failed one replaces nothing; one that was announced and never ended ends once a later one succeeded."""
    stuck = bakery.rolls("a", ("in_progress", 5))
    bad = bakery.rolls("b", ("in_progress", 20), ("succeeded", 25))
    good = bakery.rolls("c", ("in_progress", 45), ("succeeded", 52))
    bakery.rolls("d", ("in_progress", 54), ("failed", 58))
    found = {one.subject: one for one in bakery.candidates()}
    assert found[stuck.id or 0].replaced_at == minute(25)
    assert found[bad.id or 0].replaced_at == minute(52)
    assert found[good.id or 0].replaced_at is None
    assert {one.ended_live_at for one in found.values()} == {None}
    assert [one.failed for one in found.values()].count(True) == 1


def test_a_canary_that_goes_on_after_a_hotfix_still_counts(bakery: Bakery) -> None:
    """It was heard of since."""
    canary = bakery.rolls("a", ("in_progress", 5), percents=[(5, 6), (10, 40)])
    bakery.rolls("b", ("in_progress", 20), ("succeeded", 25))
    assert {one.subject: one.replaced_at for one in bakery.candidates()}[canary.id or 0] is None


def test_a_rollout_told_of_late_counts_from_when_it_was(bakery: Bakery) -> None:
    """Whenever its report arrives."""
    alert = bakery.fires()
    assert bakery.answer(alert).confidence is Confidence.NONE
    deploy = bakery.rolls("a", ("succeeded", 50))
    (first,) = bakery.answer(alert).suspects
    assert (first.candidate.subject, first.confidence) == (deploy.id, Confidence.HIGH)


def test_where_nobody_says_where_it_is_the_last_environment(bakery: Bakery) -> None:
    """By the pipeline, or where there is none by its name; elsewhere all that there is."""
    bakery.rolls("a", ("succeeded", 50))
    bakery.rolls("b", ("succeeded", 52), environment="staging")
    bakery.rolls("c", ("succeeded", 50), service="well")
    bakery.rolls("d", ("succeeded", 52), service="well", environment="staging")
    bakery.rolls("e", ("succeeded", 52), service="tent", environment="field")
    assert bakery.names(bakery.fires(environment=None)) == {"a", "c"}
    assert bakery.names(bakery.fires(environment=None, service="well", key="w")) == {"c"}
    assert bakery.names(bakery.fires(environment=None, service="tent", key="t")) == {"e"}


def test_each_service_calls_the_last_environment_as_it_likes(bakery: Bakery) -> None:
    """Production of the oven depends on the mill's live, and not on its neighbours."""
    bakery.rolls("a", ("succeeded", 50), service="mill", environment="live")
    bakery.rolls("b", ("succeeded", 50), service="mill", environment="staging")
    assert bakery.names() == {"a"}
    assert bakery.answer().confidence is Confidence.MEDIUM


# --- what they carry ----------------------------------------------------------------------------------------------


def test_a_rollout_is_known_with_all_that_it_brings_in_and_takes_out(bakery: Bakery) -> None:
    """Its files, its size, its labels, and what was there before."""
    bakery.rolls("a", ("succeeded", -500))
    found = carrying(
        pull(1, "b", paths=("oven/crust.py",), additions=10, deletions=2, labels=("risk: high",)),
        pull(2, "c", paths=("oven/main.py",), additions=5, reverts=7),
        commit("d", paths=("oven/heat.py",)),
    )
    bakery.rolls("d", ("succeeded", 50), found=found)
    (one,) = bakery.candidates()
    assert one.paths == {"oven/crust.py", "oven/main.py", "oven/heat.py"}
    assert one.labels == {"risk: high"}
    assert (one.additions, one.deletions, one.changes, one.revert, one.rollback) == (15, 2, 3, True, False)
    assert (one.sha, one.previous_sha) == (sha_of("d"), sha_of("a"))


def test_a_rollback_is_known_as_one_with_what_it_takes_out(bakery: Bakery) -> None:
    """And what it took out was live until then."""
    bakery.rolls("a", ("succeeded", -500), number="first")
    bad = bakery.rolls("b", ("succeeded", 45))
    taken = carrying(leaving=(pull(1, "b", paths=("oven/crust.py",)),))
    bakery.rolls("a", ("in_progress", 54), ("succeeded", 55), number="again", found=taken)
    found = {one.subject == bad.id: one for one in bakery.candidates()}
    assert found[False].rollback
    assert found[False].paths == {"oven/crust.py"}
    assert found[True].ended_live_at == minute(55)


@pytest.mark.parametrize(
    ("before", "ref", "release", "names"),
    [
        ("v1.3", "v1.4", None, {"v1.4"}),
        ("v1.3", "v1.4", "Crisp", {"v1.4", "Crisp"}),
        ("main", "main", None, set()),
        (None, "main", None, set()),
        ("release-2", "release-2", None, set()),
    ],
)
def test_a_build_is_known_by_its_tag_and_its_release(
    bakery: Bakery, before: str | None, ref: str, release: str | None, names: set[str]
) -> None:
    """A branch names no build."""
    bakery.rolls("a", ("succeeded", -500), ref=before)
    bakery.rolls("b", ("succeeded", 50), ref=ref)
    if release is not None:
        told = ReleasePublished(repo="bakery/oven", tag=ref, name=release, url="https://x.example.com", at=minute(0))
        deploys.release_published(bakery.session, told)
    (one,) = bakery.candidates()
    assert one.versions == {sha_of("b"), *names}


def test_a_flag_is_known_until_it_is_turned_again(bakery: Bakery) -> None:
    """Its service's, in that environment, or in all where it names none."""
    bakery.turns("crust", 10)
    bakery.turns("crust", 55)
    bakery.turns("steam", 50, service="mill", environment="live")
    bakery.turns("heat", 52, environment="staging")
    bakery.turns("salt", 52, service="shop")
    bakery.turns("yeast", 61)
    found = {one.called: one for one in bakery.candidates() if one.first_traffic_at != minute(10)}
    assert set(found) == {"crust", "steam"}
    assert (found["crust"].kind, found["crust"].first_traffic_at, found["crust"].ended_live_at) == (
        "flag",
        minute(55),
        None,
    )
    (earlier,) = [one for one in bakery.candidates() if one.first_traffic_at == minute(10)]
    assert earlier.ended_live_at == minute(55)


# --- symptoms -----------------------------------------------------------------------------------------------------


def test_the_first_beginning_of_all_is_the_symptoms(bakery: Bakery) -> None:
    """With the builds and files that any of them names."""
    fired = [
        bakery.fires(62, key="a", version="v2", paths=("oven/crust.py", "oven/main.py")),
        bakery.fires(58, key="b", onset_at=minute(51), version="v1", paths=("oven/main.py",), service="mill"),
        bakery.fires(70, key="c", service=None, environment=None),
    ]
    found = bakery.symptom(*fired)
    assert (found.service, found.environment, found.onset) == ("mill", "live", minute(51))
    assert found.onset_earliest == found.onset
    assert found.versions == {"v1", "v2"}
    assert found.stacks == (("oven/main.py",), ("oven/crust.py", "oven/main.py"))
    assert found.dependencies == {"mill": 0, "oven": 0, "farm": 1, "well": 1}


@pytest.mark.parametrize(
    ("labels", "more", "onset", "earliest"),
    [
        ({}, {}, 60, 60),
        ({"for": "5m"}, {}, 55, 55),
        ({"window": "3m"}, {}, 60, 57),
        ({"window": "10m"}, {}, 60, 55),
        ({"for": "300s", "window": "1h"}, {}, 55, 50),
        ({"for": "5m", "window": "10m"}, {"onset_at": minute(57)}, 57, 52),
        ({"for": "a while", "window": "-5m"}, {}, 60, 60),
    ],
)
def test_a_rules_own_delay_moves_the_beginning_back(
    bakery: Bakery, labels: Mapping[str, str], more: Mapping[str, Any], onset: float, earliest: float
) -> None:
    """As its labels tell it; where the sender tells the beginning itself, that stands."""
    found = bakery.symptom(bakery.fires(labels=labels, **more))
    assert (found.onset, found.onset_earliest) == (minute(onset), minute(earliest))


def test_what_went_live_while_the_alert_still_waited_is_not_its_cause(bakery: Bakery) -> None:
    """It fires at 13:00 once it has held for ten minutes: what went live at 12:55 found it there."""
    bakery.rolls("a", ("succeeded", 55))
    assert bakery.answer(bakery.fires(labels={"for": "10m"})).confidence is Confidence.NONE


@pytest.mark.parametrize(("services", "storm"), [(2, False), (3, True)])
def test_many_services_that_fail_together_are_a_storm(bakery: Bakery, services: int, storm: bool) -> None:
    """Within ten minutes of each other."""
    for number in range(services):
        bakery.rolls("s", ("succeeded", -600), service=f"stall-{number}")
        bakery.fires(60 + number, service=f"stall-{number}", key=str(number))
    bakery.fires(40, service="till", key="early")
    assert bakery.symptom().storm is storm


def test_services_that_depend_on_the_one_in_question_are_no_storm(bakery: Bakery) -> None:
    """They fail because it does."""
    stalls = [Service(name=f"stall-{number}", channel="#b", depends_on=("shop",)) for number in range(9)]
    known = catalog(*SERVICES.values(), *stalls)
    for stall in stalls:
        bakery.rolls("s", ("succeeded", -600), service=stall.name)
        bakery.fires(61, service=stall.name, key=stall.name)
    alert = bakery.fires()
    assert symptom_of(bakery.session, known, [alert]).storm is False
    assert symptom_of(bakery.session, BAKERY, [alert]).storm is True


def test_what_it_depends_on_and_fails_at_the_same_time(bakery: Bakery) -> None:
    """Not what depends on it in turn; what alerts as the same incident is told apart."""
    for service, at in (("well", 55), ("mill", 68), ("farm", 45), ("shop", 60)):
        bakery.fires(at, service=service, key=service)
    assert bakery.symptom().failing == {"well"}
    fired = [bakery.fires(), bakery.fires(55, service="well", key="well")]
    assert bakery.symptom(*fired).failing == frozenset()


@pytest.mark.parametrize(
    ("told", "rests_on"),
    [
        ([("oven", 60, None), ("well", 60, None)], {"well"}),
        ([("oven", 60, None), ("well", 70, None)], {"well"}),
        ([("oven", 60, None), ("well", 71, None)], set()),
        ([("oven", 60, None), ("well", 5, None)], {"well"}),
        ([("oven", 60, None), ("well", 5, 50)], {"well"}),
        ([("oven", 60, None), ("well", 5, 49)], set()),
        ([("OVEN", 60, None), ("mill", 50, None)], set()),
        ([("oven", 60, None), ("shop", 60, None)], set()),
        ([("oven", 60, None), ("till", 60, None)], set()),
    ],
    ids=["at once", "little later", "later", "before, and on", "just before", "over", "in a circle", "above", "other"],
)
def test_what_it_depends_on_and_fails_as_one_incident(
    bakery: Bakery, told: Sequence[tuple[str, float, float | None]], rests_on: set[str]
) -> None:
    """At about the same time, or before and not over since."""
    fired = [bakery.fires(at, service=name, key=name, over=over) for name, at, over in told]
    assert bakery.symptom(*fired).rests_on("oven") == rests_on


def test_what_it_depends_on_through_others_and_fails_as_one_incident(bakery: Bakery) -> None:
    """At any distance."""
    fired = [bakery.fires(at, service=name, key=name) for name, at in (("well", 58), ("oven", 59), ("shop", 60))]
    told = bakery.symptom(*fired)
    assert [told.rests_on(name) for name in ("shop", "Oven", "well")] == [{"oven", "well"}, {"well"}, frozenset()]


def test_a_circle_of_dependencies_ends() -> None:
    """Each service is as far away as the shortest way to it."""
    assert distances(BAKERY, ["oven"]) == {"oven": 0, "mill": 1, "well": 1, "farm": 2}
    assert distances(BAKERY, ["OVEN", "farm"]) == {"oven": 0, "farm": 0, "mill": 1, "well": 1}
    assert distances(BAKERY, ["nobody's"]) == {"nobody's": 0}
    assert distances(BAKERY, []) == {}


# --- alerts that fired before -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("began", "over", "more", "before", "again"),
    [
        (20, None, {"key": "5xx of another pod"}, True, True),
        (20, 58, {}, True, True),
        (20, 54, {}, False, True),
        (20, 40, {}, False, True),
        (-60, 15, {}, False, False),
        (-2000, None, {"key": "5xx of another pod"}, False, False),
        (20, 40, {"key": "latency", "name": "Slow"}, False, False),
        (20, 40, {"key": "5xx of another pod", "labels": {"path": "/bake", "pod": "oven-1"}}, False, True),
        (20, 40, {"key": "5xx of another path", "labels": {"path": "/heat", "pod": "oven-2"}}, False, False),
        (20, 40, {"source": "other"}, False, False),
    ],
    ids=["fires on", "ended for a moment", "ended after", "ended shortly before", "ended long before",
         "unheard of since", "another alert", "another place", "another path", "another source"],
)  # fmt: skip
def test_an_alert_that_fired_before_the_rollout_speaks_against_it(
    bakery: Bakery, began: float, over: float | None, more: dict[str, Any], before: bool, again: bool
) -> None:
    """The same one: of its key, or of its name and labels wherever it ran. What had ended is another symptom."""
    labels = {"path": "/bake", "pod": "oven-2"}
    bakery.fires(began, over=over, **{"labels": labels, **more})
    bakery.rolls("a", ("succeeded", 50))
    (one,) = bakery.candidates(bakery.fires(60, labels=labels))
    assert (one.fired_before, one.fires_again) == (before, again)


def test_how_often_an_alert_fired_in_the_week_before(bakery: Bakery) -> None:
    """The same one alone."""
    for minutes in (-9000, -4000, -3000, -2000):
        bakery.fires(minutes, over=minutes + 5)
    bakery.fires(-1000, over=-990, key="latency", name="Slow")
    bakery.rolls("a", ("succeeded", 50))
    (one,) = bakery.candidates(bakery.fires(60))
    assert (one.fired_before, one.fired_lately) == (False, 4)
    bakery.fires(-12000, over=-11990)
    assert bakery.candidates(bakery.fires(60))[0].fired_lately == 4


@pytest.mark.parametrize(
    ("began", "over", "more", "already"),
    [
        (40, None, {}, True),
        (40, 55, {}, True),
        (40, 49, {}, False),
        (51, None, {}, False),
        (-140, None, {}, False),
        (40, None, {"level": AlertLevel.WARNING}, False),
        (40, None, {"service": "well"}, False),
    ],
    ids=["fires on", "ended after", "ended before", "began after", "long ago", "slight", "of another service"],
)  # fmt: skip
def test_another_alert_that_fired_when_a_rollout_went_live(
    bakery: Bakery, began: float, over: float | None, more: dict[str, Any], already: bool
) -> None:
    """It may have been meant to help."""
    bakery.fires(began, over=over, **{"key": "latency", "name": "Slow", **more})
    bakery.rolls("a", ("succeeded", 50))
    (one,) = bakery.candidates(bakery.fires(60))
    assert (one.failing_already, one.fired_before) == (already, False)


def test_an_alert_that_a_rollback_ended_says_nothing_of_the_next_attempt(bakery: Bakery) -> None:
    """It did not end by itself, so it does not come and go by itself either."""
    bakery.rolls("a", ("succeeded", -500), number="first")
    bakery.rolls("b", ("succeeded", 10))
    bakery.fires(15, over=28)
    bakery.rolls("a", ("in_progress", 24), ("succeeded", 25), number="back")
    again = bakery.rolls("c", ("succeeded", 50))
    (found,) = [one for one in bakery.candidates(bakery.fires(60)) if one.subject == again.id]
    assert (found.fired_before, found.fires_again) == (False, False)


def test_an_alert_that_fires_again_after_a_rollback(bakery: Bakery) -> None:
    """It had ended once the bad build was out: that did not do it this time, and the rollback may have."""
    bakery.rolls("a", ("succeeded", -500), number="first")
    bad = bakery.rolls("b", ("succeeded", 35))
    bakery.fires(40, over=57)
    back = bakery.rolls("a", ("in_progress", 52), ("succeeded", 53), number="back")
    alert = bakery.fires(60)
    found = {one.subject: one for one in bakery.candidates(alert)}
    assert (found[bad.id or 0].over_without, found[bad.id or 0].ended_live_at) == (True, minute(53))
    assert (found[back.id or 0].fires_again, found[back.id or 0].fired_before) == (True, False)
    assert [one.candidate.subject for one in bakery.answer(alert).suspects] == [back.id]


# --- together -----------------------------------------------------------------------------------------------------


def test_all_that_is_told_comes_together(bakery: Bakery) -> None:
    """Two rollouts, of which the alert names one build and one file."""
    bakery.rolls("a", ("succeeded", -500))
    bakery.rolls("b", ("in_progress", 30), ("succeeded", 35), found=carrying(pull(1, "b", paths=("oven/heat.py",))))
    found = carrying(pull(2, "c", paths=("oven/crust.py",)))
    bad = bakery.rolls("c", ("in_progress", 50), ("succeeded", 52), found=found)
    answer = bakery.answer(bakery.fires(version="ccccccc", paths=("/app/oven/crust.py",)))
    first = answer.suspects[0]
    assert (first.candidate.subject, first.confidence) == (bad.id, Confidence.HIGH)
    assert {EvidenceName.VERSION, EvidenceName.PATHS} <= {one.name for one in first.evidence}


def test_nobody_knows_whose_it_is(bakery: Bakery) -> None:
    """Then there is nothing to look at."""
    bakery.rolls("a", ("succeeded", 50))
    assert bakery.candidates(bakery.fires(service=None)) == ()


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    """The statements sent within the block."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_it_takes_few_statements_however_much_there_is(bakery: Bakery) -> None:
    """Within the transaction in which the alert arrives."""
    for number in range(30):
        service = ("oven", "mill", "farm")[number % 3]
        bakery.rolls(f"{number:x}", ("in_progress", 10 + number), ("succeeded", 20 + number), service=service,
                     number=str(number), percents=[(5, 11 + number)], ref=f"v{number}",
                     found=carrying(pull(number, f"{number:x}", paths=("oven/crust.py",))),
                     environment="live" if service == "mill" else "production")  # fmt: skip
        bakery.turns(f"flag-{number}", 30 + number / 10)
        bakery.fires(-60 - number * 10, over=-59 - number * 10)
    alert = bakery.fires()
    bakery.session.commit()
    bakery.session.refresh(alert)
    with counted(bakery.session) as sent:
        found = candidates(bakery.session, BAKERY, symptom_of(bakery.session, BAKERY, [alert]), HOUR, minute(90))
    assert len(found) > 30
    assert len(sent) <= 8
