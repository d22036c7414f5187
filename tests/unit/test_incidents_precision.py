"""How often whoever was woken was woken for the change that it was, and how changes fare: counted, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from bot.deploys.models import Deploy
from bot.events import IncidentAct
from bot.incidents import precision
from bot.incidents.models import Incident, IncidentService, Likely, Opinion, Page
from bot.incidents.precision import Judged, Precision, Stability, Verdict
from bot.ports import Direction
from tests.unit.reports import minute
from tests.unit.rooming import Rooming
from tests.unit.stores import NOON

SINCE, UNTIL = NOON - timedelta(days=1), NOON + timedelta(days=1)

# --- counting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "opinions", "said"),
    [
        (None, [], Verdict.UNJUDGED),
        (None, [(1, True)], Verdict.RIGHT),
        (None, [(1, True), (2, False)], Verdict.WRONG),
        (None, [(2, True), (1, False)], Verdict.RIGHT),
        (("deploy", 5), [(9, False)], Verdict.RIGHT),
        (("deploy", 6), [(9, True)], Verdict.WRONG),
        (("flag", 5), [(9, True)], Verdict.WRONG),
        (precision.NONE_OF_THEM, [(9, True)], Verdict.WRONG),
    ],
)
def test_the_resolution_decides_else_whoever_spoke_last(
    cause: tuple[str, int] | None, opinions: Sequence[tuple[float, bool]], said: Verdict
) -> None:
    assert precision.verdict(cause, ("deploy", 5), [(minute(at), right) for at, right in opinions]) is said


@given(st.lists(st.tuples(st.sampled_from(["bakers", "cooks"]), st.sampled_from(Verdict))))
def test_every_page_is_counted_once(pages: list[tuple[str, Verdict]]) -> None:
    judged = [Judged(team=team, service="oven", verdict=verdict) for team, verdict in pages]
    teams = precision.by_team(judged)
    assert sum(one.sent for one in teams.values()) == len(pages)
    assert all(one.right + one.wrong + one.unjudged == one.sent for one in teams.values())
    assert list(teams) == sorted({team for team, _ in pages})


def test_precision_is_of_what_was_judged() -> None:
    assert Precision(sent=10, right=3, wrong=1).share == 0.75
    assert Precision(sent=10, right=3, wrong=1).unjudged == 6
    assert Precision(sent=10, right=0, wrong=0).share is None


def test_recoveries_are_told_by_their_median_and_a_slow_one() -> None:
    """One long night does not speak for the rest."""
    took = tuple(timedelta(minutes=one) for one in (1, 2, 4, 5, 6, 7, 8, 9, 10, 600))
    one = Stability(service="oven", deploys=40, failed=10, incidents=12, recoveries=took)
    assert one.recovery == timedelta(minutes=6.5)
    assert one.slow_recovery == timedelta(minutes=10)


def test_where_nothing_was_deployed_or_failed_there_is_no_figure() -> None:
    one = Stability(service="oven", deploys=0, failed=0, incidents=0, recoveries=())
    assert (one.recovery, one.slow_recovery) == (None, None)


# --- what is counted ----------------------------------------------------------------------------------------------


@pytest.fixture
def here(burning: Rooming) -> Rooming:
    """Ana's #812 went live, checkout burns, Ana and Chi were paged."""
    burning.calls()
    return burning


def likely(here: Rooming) -> int:
    """The likely change."""
    return here.session.exec(select(Likely.id).where(Likely.rank == 1)).one() or 0


def of_bakers(here: Rooming) -> Precision:
    """The team's."""
    return precision.by_team(precision.pages_to_authors(here.session, here.desk, SINCE, UNTIL))["bakers"]


def test_a_page_is_unjudged_until_somebody_says_something(here: Rooming) -> None:
    assert of_bakers(here) == Precision(sent=2, right=0, wrong=0)
    here.acts(IncidentAct.RIGHT, likely=likely(here))
    assert of_bakers(here) == Precision(sent=2, right=2, wrong=0)
    here.at += 1
    here.acts(IncidentAct.NOT_MINE, "U0CHI", likely=likely(here))
    assert of_bakers(here) == Precision(sent=2, right=0, wrong=2)
    here.acts(IncidentAct.RESOLVE, text="rolled back", likely=likely(here))
    assert of_bakers(here) == Precision(sent=2, right=2, wrong=0)


def test_pages_to_whoever_is_on_call_are_none_of_it(here: Rooming) -> None:
    here.acts(IncidentAct.WAKE)
    here.calls()
    assert "Dee" in [name for name, *_ in here.pages()]
    assert of_bakers(here).sent == 2


def test_only_pages_that_were_sent_count_and_only_those_of_the_window(here: Rooming) -> None:
    page = here.session.exec(select(Page).where(Page.role == "author")).one()
    for state in ("shadow", "failed", "wanted"):
        page.state = state
        here.session.flush()
        assert of_bakers(here).sent == 1, state
    page.state = "over"
    page.asked_at = SINCE - timedelta(minutes=1)
    here.session.flush()
    assert of_bakers(here).sent == 1


def test_a_storms_pages_are_its_first_services(here: Rooming) -> None:
    here.incident().service = None
    here.session.flush()
    assert of_bakers(here).sent == 2


def test_a_deploy_that_was_the_cause_counts_as_failed_once(here: Rooming) -> None:
    """However many incidents it caused; it has recovered when the last of them is over."""
    here.at = 32
    here.over()
    here.acts(IncidentAct.RESOLVE, likely=likely(here))
    another(here, began=12, took=50)
    found = precision.stability(here.session, here.desk, SINCE, UNTIL)["checkout"]
    assert (found.deploys, found.failed, found.incidents) == (1, 1, 2)
    assert found.recoveries == (timedelta(minutes=50),)


def another(here: Rooming, *, began: float, took: float) -> None:
    """Another incident of the same deploy."""
    first = here.session.get(Likely, likely(here))
    assert first is not None
    row = Incident(
        title="cart is slow", state="resolved", opened_at=minute(began), onset_at=minute(began),
        mitigated_at=minute(began + took), resolved_at=minute(began + took),
    )  # fmt: skip
    here.session.add(row)
    here.session.flush()
    same = Likely(incident=row.id or 0, kind="deploy", subject=first.subject, rank=1, confidence="high", score=1.0)
    here.session.add_all([same, IncidentService(incident=row.id or 0, service="checkout", environment="production")])
    here.session.flush()
    row.cause = same.id
    here.session.flush()


def test_where_nobody_named_the_cause_a_verdict_of_right_does(here: Rooming) -> None:
    here.acts(IncidentAct.RIGHT, likely=likely(here))
    found = precision.stability(here.session, here.desk, SINCE, UNTIL)["checkout"]
    assert (found.failed, found.recoveries) == (1, ()), "said at once, and not recovered from"
    here.acts(IncidentAct.RESOLVE, text="rolled back")
    assert precision.stability(here.session, here.desk, SINCE, UNTIL)["checkout"].failed == 1
    here.session.add(Opinion(likely=likely(here), slack_id="U0BEN", right=False, at=here.now + timedelta(minutes=1)))
    here.session.flush()
    assert precision.stability(here.session, here.desk, SINCE, UNTIL)["checkout"].failed == 0


def failed(here: Rooming) -> Stability:
    """How checkout's changes fared."""
    return precision.stability(here.session, here.desk, SINCE, UNTIL)["checkout"]


def rolled_back(here: Rooming) -> None:
    """Somebody goes back from the room, eight minutes after it began; four minutes later nothing fires."""
    here.at = 20
    here.rollout("checkout", "a", number="back")
    here.at = 24
    here.over()


def test_confidence_alone_fails_no_deploy(here: Rooming) -> None:
    """High as it is: nobody said anything, and nobody did."""
    assert here.likely() == [(here.session.get(Likely, likely(here)).subject, "high")]  # type: ignore[union-attr]
    here.over()
    here.acts(IncidentAct.RESOLVE)
    assert failed(here).failed == 0


def test_what_was_taken_out_again_failed_though_nobody_said_so(here: Rooming) -> None:
    """Whoever resolves it says “I do not know yet”: somebody intervened at once, which is what is counted."""
    rolled_back(here)
    assert (failed(here).failed, failed(here).recoveries) == (1, ())
    here.acts(IncidentAct.RESOLVE)
    assert (failed(here).failed, failed(here).recoveries) == (1, (timedelta(minutes=8),))
    assert of_bakers(here).right == 0, "a page is right only where somebody says so"


@pytest.mark.parametrize("cause", [0, None])
def test_what_was_taken_out_for_nothing_did_not_fail(here: Rooming, cause: int | None) -> None:
    """As people said, when it was resolved or before."""
    here.acts(IncidentAct.NOT_MINE, likely=likely(here))
    rolled_back(here)
    here.acts(IncidentAct.RESOLVE, text="a certificate ran out", likely=cause)
    assert failed(here).failed == 0


def row(number: int, rank: int, *, out: bool) -> Likely:
    """A likely change."""
    return Likely(
        id=number, incident=1, kind="deploy", subject=number, rank=rank, confidence="low", score=0.0,
        rolled_back_at=NOON if out else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("likely", "counted"),
    [
        ([], None),
        ([(row(1, 1, out=False), Verdict.UNJUDGED)], None),
        ([(row(1, 2, out=True), Verdict.UNJUDGED), (row(2, 1, out=True), Verdict.UNJUDGED)], 2),
        ([(row(1, 0, out=True), Verdict.UNJUDGED), (row(2, 3, out=True), Verdict.UNJUDGED)], 2),
        ([(row(1, 1, out=True), Verdict.WRONG), (row(2, 2, out=True), Verdict.UNJUDGED)], 2),
        ([(row(1, 1, out=True), Verdict.UNJUDGED), (row(2, 2, out=False), Verdict.RIGHT)], None),
    ],
)
def test_of_what_was_taken_out_the_likeliest_counts(
    likely: Sequence[tuple[Likely, Verdict]], counted: int | None
) -> None:
    found = precision.taken_out(likely)
    assert (found.id if found is not None else None) == counted


def test_what_was_none_of_the_changes_fails_none(here: Rooming) -> None:
    here.acts(IncidentAct.RESOLVE, text="a certificate ran out", likely=0)
    found = precision.stability(here.session, here.desk, SINCE, UNTIL)["checkout"]
    assert (found.deploys, found.failed, found.incidents, found.recovery) == (1, 0, 1, None)


def test_an_incident_that_is_opened_again_is_not_recovered_from(here: Rooming) -> None:
    here.acts(IncidentAct.RESOLVE, text="rolled back", likely=likely(here))
    here.acts(IncidentAct.REOPEN)
    found = precision.stability(here.session, here.desk, SINCE, UNTIL)["checkout"]
    assert (found.failed, found.recoveries) == (0, ())


def test_rollbacks_and_other_environments_are_no_deploys_of_it(here: Rooming) -> None:
    """A rollback is rework; staging has no customers; a rollout that never got there failed nobody."""

    before = precision.stability(here.session, here.desk, SINCE, UNTIL)["checkout"].deploys
    here.at += 1
    back = here.rollout("checkout", "a", number="back")
    back.direction = Direction.BEHIND.value
    here.rollout("checkout", "c", number="staged", environment="staging")
    here.rollout("checkout", "d", number="broken", status="failed")
    here.session.flush()
    assert precision.stability(here.session, here.desk, SINCE, UNTIL)["checkout"].deploys == before


def test_a_merged_incident_is_not_counted_beside_the_one_that_goes_on(here: Rooming) -> None:
    here.at += 20
    here.fires("mail")
    first, second = here.incidents()
    here.acts(IncidentAct.MERGE, incident=first, into=second.id)
    found = precision.stability(here.session, here.desk, SINCE, UNTIL)
    assert (found["checkout"].incidents, found["mail"].incidents) == (1, 1)
    assert of_bakers(here).sent == 2


def twin(here: Rooming) -> tuple[Incident, Incident, int]:
    """Mail's incident, with the same likely change as checkout's; which goes on as mail's from now on."""
    here.at += 20
    here.fires("mail")
    first, second = here.incidents()
    own = here.session.get(Likely, likely(here))
    assert own is not None
    same = Likely(incident=second.id or 0, kind="deploy", subject=own.subject, rank=1, confidence="low", score=1.0)
    here.session.add(same)
    here.session.flush()
    here.acts(IncidentAct.MERGE, incident=first, into=second.id)
    return first, second, same.id or 0


def test_a_page_of_what_was_merged_is_right_where_the_other_was_caused_by_the_same_change(here: Rooming) -> None:
    """The rows of both stay apart; it is one change."""
    _, second, same = twin(here)
    here.acts(IncidentAct.RESOLVE, incident=second, text="rolled back", likely=same)
    assert (of_bakers(here).right, of_bakers(here).wrong) == (2, 0)


def test_what_was_said_before_a_merge_counts_after_it(here: Rooming) -> None:
    here.acts(IncidentAct.RIGHT, likely=likely(here))
    _, second, _ = twin(here)
    assert (of_bakers(here).right, failed(here).failed) == (2, 1)
    here.acts(IncidentAct.RESOLVE, incident=second, text="a certificate ran out", likely=0)
    assert (of_bakers(here).wrong, failed(here).failed) == (2, 0)


@pytest.mark.parametrize("status", ["cancelled", "in_progress", "failed"])
def test_a_rollout_that_had_customers_failed_though_it_never_finished(here: Rooming, status: str) -> None:
    """A canary that is stopped half way is no rollout of the month, but it broke what it broke."""
    row = here.session.get(Likely, likely(here))
    deploy = here.session.get(Deploy, row.subject if row is not None else 0)
    assert deploy is not None
    deploy.status = status
    here.session.flush()
    here.acts(IncidentAct.RIGHT, likely=likely(here))
    assert (failed(here).deploys, failed(here).failed) == (1, 1)
