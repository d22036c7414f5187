"""Two incidents that are one: what goes over, what stays locked, and where people are sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session, col, select

from bot.alerts.models import Alert
from bot.answers.incidents import act_modal
from bot.catalog import PagingMode
from bot.events import IncidentAct, LockAct, LockActed
from bot.incidents import finding, loading, timeline
from bot.incidents.models import Incident, Likely, Opinion, Page, StatusUpdate, Task
from bot.incidents.states import EntryKind, State
from bot.locks.models import Lock
from tests.unit.rooming import Rooming
from tests.unit.seeing import RENDERER, card, heard, shown
from tests.unit.stores import NOON

FIRST, SECOND = "incident 1 (checkout 5xx)", "incident 2 (mail 5xx)"


@pytest.fixture
def both(burning: Rooming) -> Rooming:
    """Checkout burns, and mail, which has nothing to do with it, as it seems; mail's incident has a room, too."""
    burning.at += 20
    burning.fires("mail")
    burning.room_of(burning.incident())
    return burning


def incidents(here: Rooming) -> tuple[Incident, Incident]:
    """Checkout's and mail's."""
    first, second = here.incidents()
    return first, second


def test_everything_of_the_one_goes_on_in_the_other(both: Rooming) -> None:
    first, second = incidents(both)
    both.acts(IncidentAct.TASK, incident=first, text="Restart the cache")
    both.acts(IncidentAct.UPDATE, incident=first, text="One in ten payments fails.")
    said = both.acts(IncidentAct.MERGE, incident=first, into=2)
    assert said == "Incident 1 (checkout 5xx) goes on as incident 2 (mail 5xx) in #inc-2026-03-02-mail-5xx."
    assert (first.state, first.merged_into, second.state) == (State.MERGED, 2, State.OPEN)
    assert {alert.incident for alert in both.session.exec(select(Alert)).all()} == {2}
    assert {task.incident for task in both.session.exec(select(Task)).all()} == {2}
    assert {update.incident for update in both.session.exec(select(StatusUpdate)).all()} == {2}
    assert [row.service for row in finding.services_of(both.session, second)] == ["mail", "checkout"]
    assert second.onset_at == first.onset_at
    assert second.severity == 2
    assert first.next_update_at is None
    assert both.notes("merged", first)[0].data["into"] == 2
    assert both.notes("merged", second)[0].data["from_"] == 1
    assert both.entries(first) == [f"It goes on as {SECOND}"]
    assert {
        "checkout 5xx fired",
        "Restart the cache",
        "Incident 1 (checkout 5xx) is the same and goes on as this one",
    } <= set(both.entries(second))


def test_nothing_is_unlocked_between(both: Rooming) -> None:
    """Checkout stays locked, by the other incident now, and is let go once that is resolved."""
    first, second = incidents(both)
    assert both.locked() == [("checkout/production", "incident:1"), ("mail/production", "incident:2")]
    both.acts(IncidentAct.MERGE, incident=first, into=2)
    assert sorted(both.locked()) == [("checkout/production", "incident:2"), ("mail/production", "incident:2")]
    assert all(row.locked for row in finding.services_of(both.session, second))
    both.acts(IncidentAct.RESOLVE, incident=second, text="rolled back")
    assert both.locked() == []
    asking = both.session.exec(select(Lock).where(col(Lock.closed).is_(False))).all()
    assert len(asking) == 0, "nothing waits, so nobody is asked for a Go"


def test_what_a_person_unlocked_stays_unlocked(both: Rooming) -> None:
    first, second = incidents(both)
    lock = both.session.exec(select(Lock).where(Lock.cause == "incident:1")).one()
    both.tell(LockActed(act=LockAct.LIFT, lock=lock.id, scope=None, slack_id="U0ANA", called="Ana", at=both.now))
    both.acts(IncidentAct.MERGE, incident=first, into=2)
    assert both.locked() == [("mail/production", "incident:2")]
    assert [row.locked for row in finding.services_of(both.session, second)] == [True, False]


def test_what_both_are_about_stays_locked(both: Rooming) -> None:
    """Mail's incident is about checkout, too, which the one that goes on has locked already."""
    first, second = incidents(both)
    both.at += 1
    both.fires("checkout", "checkout latency")
    both.acts(IncidentAct.MERGE, incident=second, into=1)
    assert sorted(both.locked()) == [("checkout/production", "incident:1"), ("mail/production", "incident:1")]
    assert [(row.service, row.locked) for row in finding.services_of(both.session, first)] == [
        ("checkout", True),
        ("mail", True),
    ]


def test_whoever_was_woken_for_the_one_is_not_woken_for_the_other(both: Rooming) -> None:
    first, second = incidents(both)
    both.acts(IncidentAct.MINE, incident=first)
    both.acts(IncidentAct.MERGE, incident=first, into=2)
    assert ("Ana", "author", "assign", "answered") in both.pages(second)
    names = [page.who for page in both.session.exec(select(Page).where(Page.incident == 2)).all()]
    assert len(names) == len(set(names))
    assert "U0ANA" in both.guests(second)


def test_both_may_have_woken_the_same_person(both: Rooming) -> None:
    """There is one page of a person for an incident: the other's stays where it was sent."""
    first, second = incidents(both)
    both.acts(IncidentAct.WAKE, incident=first)
    both.acts(IncidentAct.WAKE, incident=second)
    both.acts(IncidentAct.MERGE, incident=first, into=2)
    assert [page[0] for page in both.pages(second)].count("Dee") == 1
    assert [page[0] for page in both.pages(first)] == ["Dee"]


def test_where_nobody_was_woken_for_the_other_the_pages_go_on(burning: Rooming) -> None:
    """Somebody had opened one by hand, of no service: whoever was woken must still answer."""
    burning.calls()
    burning.opens("Customers cannot pay", who="U0BEN")
    first, second = burning.incidents()
    assert burning.pages(second) == []
    burning.acts(IncidentAct.MERGE, incident=first, into=2)
    assert ("Ana", "author", "assign", "sent") in burning.pages(second)
    assert second.pager_incident == first.pager_incident == "Q1"
    assert burning.pager.resolved == []
    burning.turn(burning.at + 10)
    assert "Dee" in [name for name, *_ in burning.pages(second)], "it is passed on when nobody answers"
    burning.acts(IncidentAct.RESOLVE, incident=second, text="rolled back")
    burning.calls()
    assert "Q1" in burning.pager.resolved


def test_a_click_on_the_merged_ones_card_is_sent_on(both: Rooming) -> None:
    first, _ = incidents(both)
    both.acts(IncidentAct.MERGE, incident=first, into=2)
    for act in (IncidentAct.MINE, IncidentAct.RESOLVE, IncidentAct.REOPEN, IncidentAct.MERGE):
        assert both.refused_act(act, incident=first, text="x", into=4711) == (
            f"Nothing was done: {FIRST} goes on as {SECOND} in #inc-2026-03-02-mail-5xx. Do it there."
            + (" You said: “x”" if act is IncidentAct.RESOLVE else "")
        )
    assert (
        both.acts(IncidentAct.MERGE, incident=first, into=2) == f"Nothing to do: {FIRST} goes on as {SECOND} already."
    )


def test_there_are_no_circles(both: Rooming) -> None:
    first, second = incidents(both)
    assert "cannot go on as itself" in both.refused_act(IncidentAct.MERGE, incident=first, into=1)
    both.acts(IncidentAct.MERGE, incident=first, into=2)
    assert both.refused_act(IncidentAct.MERGE, incident=second, into=1) == (
        "Incident 1 (checkout 5xx) goes on as this one already."
    )
    both.at += 60
    both.fires("cart")
    third = both.incidents()[2]
    assert third.state == State.OPEN
    assert both.refused_act(IncidentAct.MERGE, incident=third, into=1) == (
        f"Incident 1 (checkout 5xx) goes on as {SECOND}: choose that one."
    )
    both.acts(IncidentAct.MERGE, incident=second, into=3)
    assert finding.going_on(both.session, first).id == 3
    assert [one.id for one in finding.merged_into(both.session, third)] == [1, 2]


@pytest.mark.parametrize(("into", "said"), [(None, "As which incident"), (99, "I know no incident 99")])
def test_it_goes_on_as_one_that_there_is(both: Rooming, into: int | None, said: str) -> None:
    refusal = both.refused_act(IncidentAct.MERGE, incident=incidents(both)[0], into=into)
    assert refusal.startswith(said)
    assert f"Open: {SECOND}, {FIRST}." in refusal


def test_not_as_one_that_is_over(both: Rooming) -> None:
    first, second = incidents(both)
    both.acts(IncidentAct.RESOLVE, incident=second, text="rolled back")
    assert "is resolved. Reopen it first" in both.refused_act(IncidentAct.MERGE, incident=first, into=2)


def test_something_real_goes_on_where_the_other_is_only_watched(burning: Rooming) -> None:
    """Nobody is woken for ``mail``: its card goes on as the real one, whose page rings on, with its lead and lock."""
    checkout, cart, mail = burning.services
    burning.services = (checkout, cart, replace(mail, paging=PagingMode.SHADOW))
    burning.calls()
    burning.gives(IncidentAct.LEAD, "U0CHI")
    burning.at += 20
    burning.fires("mail")
    first, second = burning.incidents()
    assert (first.watched, second.watched) == (False, True)
    woken = burning.pages(first)
    for number, says in ((1, True), (2, False)):
        asked = act_modal(burning.session, burning.desk, number, IncidentAct.MERGE)
        window = str(burning.renderer.modal("modals/incident_merge", asked, callback_id="c"))
        assert ("One that is only watched goes on as this one instead." in window) is says
    said = burning.acts(IncidentAct.MERGE, incident=first, into=2)
    assert said == "Incident 2 (mail 5xx) goes on as incident 1 (checkout 5xx) in #inc-2026-03-02-checkout-5xx."
    assert (first.state, first.watched, first.lead) == (State.OPEN, False, "U0CHI")
    assert (second.state, second.merged_into) == (State.MERGED, 1)
    assert [row.service for row in finding.services_of(burning.session, first)] == ["checkout", "mail"]
    assert burning.locked() == [("checkout/production", "incident:1")], "nobody locked what is only watched"
    assert burning.pages(first) == woken, "nobody is woken anew"
    assert burning.pager.resolved == []
    assert ("Ana", "author", "assign", "sent") in woken
    burning.turn(burning.at + 10)
    assert "Dee" in [name for name, *_ in burning.pages(first)], "it is passed on when nobody answers"


def test_whoever_led_the_one_leads_the_other(both: Rooming) -> None:
    """Where nobody does yet; whoever leads the other goes on leading it."""
    first, second = incidents(both)
    both.acts(IncidentAct.LEAD, "U0CHI", incident=first)
    both.acts(IncidentAct.SCRIBE, "U0BEN", incident=first)
    both.acts(IncidentAct.SCRIBE, "U0EVE", incident=second)
    both.acts(IncidentAct.MERGE, incident=first, into=2)
    assert (second.lead, second.scribe) == ("U0CHI", "U0EVE")


def test_a_phone_that_rings_rings_on_where_nobody_is_called_for_the_other(burning: Rooming) -> None:
    """Of mail people are told in Slack alone: that takes no call from anybody."""
    checkout, cart, mail = burning.services
    burning.services = (checkout, cart, replace(mail, pagerduty_service=None))
    burning.calls()
    burning.at += 20
    burning.fires("mail")
    first, second = burning.incidents()
    assert burning.pages(second)
    assert all(way == "message" for _, _, way, _ in burning.pages(second))
    burning.acts(IncidentAct.MERGE, incident=first, into=2)
    assert ("Ana", "author", "assign", "sent") in burning.pages(second)
    burning.calls()
    assert burning.pager.resolved == []


def test_the_room_of_a_merged_incident_is_closed_in_its_time(both: Rooming) -> None:
    first, second = incidents(both)
    both.acts(IncidentAct.MERGE, incident=first, into=2)
    both.does()
    assert both.slack.topics[first.room or ""][-1] == "SEV2 · goes on as incident 2 · checkout 5xx"
    both.turn(both.at + 8 * 24 * 60)
    assert both.slack.archived == {first.room}
    assert second.archived_at is None


def test_a_verdict_on_a_likely_change_of_the_merged_one_counts(both: Rooming) -> None:
    first, second = incidents(both)
    number = both.session.exec(select(Likely.id).where(Likely.incident == 1, Likely.rank == 1)).one()
    both.acts(IncidentAct.MERGE, incident=first, into=2)
    both.acts(IncidentAct.RESOLVE, incident=second, text="rolled back", likely=number)
    assert second.cause == number


def test_what_people_said_of_a_change_that_both_name_goes_over(both: Rooming) -> None:
    """Of somebody who spoke of both, what they said last counts."""
    first, second = incidents(both)
    row = both.session.exec(select(Likely).where(Likely.incident == 1, Likely.rank == 1)).one()
    same = Likely(incident=2, kind=row.kind, subject=row.subject, rank=1, confidence="low", score=0.1)
    both.session.add(same)
    both.session.flush()
    both.acts(IncidentAct.RIGHT, "U0ANA", second, likely=same.id)
    both.at += 1
    both.acts(IncidentAct.RIGHT, "U0CHI", first, likely=row.id)
    both.acts(IncidentAct.NOT_MINE, "U0ANA", first, likely=row.id)
    both.acts(IncidentAct.MERGE, incident=first, into=2)
    said = both.session.exec(select(Opinion).where(Opinion.likely == same.id).order_by(col(Opinion.slack_id))).all()
    assert [(one.slack_id, one.right) for one in said] == [("U0ANA", False), ("U0CHI", True)]
    assert "👍 Chi: it was this" in shown(card(both, second))


def test_lines_with_one_key_are_both_kept(sqlite_session: Session) -> None:
    rows = [Incident(title=title, opened_at=NOON, onset_at=NOON) for title in ("one", "other")]
    sqlite_session.add_all(rows)
    sqlite_session.flush()
    for row in rows:
        timeline.enter(sqlite_session, row.id or 0, EntryKind.ACT, "opened", f"{row.title} was opened", NOON)
    timeline.moved(sqlite_session, rows[0], rows[1])
    assert {row.text for row in timeline.entries(sqlite_session, rows[1].id or 0)} == {
        "one was opened",
        "other was opened",
    }


def test_whoever_is_woken_reads_what_fires_by_its_own_service(both: Rooming) -> None:
    """Checkout's incident goes on, and mail's alert is all that fires: that is none of checkout's."""
    first, second = incidents(both)
    both.acts(IncidentAct.MERGE, incident=second, into=1)
    both.over()
    both.fires("mail", name="letters lag")
    both.over("mail")
    page = both.session.exec(select(Page).where(Page.incident == first.id).order_by(col(Page.id))).first()
    assert page is not None
    note = loading.page_note(both.session, both.desk, page.id or 0, place=page.slack_id or "", first=False)
    assert note is not None
    words = RENDERER.message("cards/page", note, key="k").text
    assert words.split(" · ")[0] == "🔴 mail: letters lag, 12 min after your #812 went live"


def test_each_lock_of_two_services_is_named(both: Rooming) -> None:
    first, _ = incidents(both)
    both.acts(IncidentAct.MERGE, incident=first, into=2)
    words = shown(card(both, both.incidents()[1]))
    assert "before: /ship unlock mail/production, /ship unlock checkout/production, then Go" in words
    both.acts(IncidentAct.RESOLVE, incident=both.incidents()[1], text="rolled back")
    (said,) = heard(both, "incident_said", "resolved")
    assert "The locks of mail, checkout are lifted; what waits there" in said


def test_a_lock_that_a_person_lifted_before_is_not_told_of_again(both: Rooming) -> None:
    first, second = incidents(both)
    both.acts(IncidentAct.MERGE, incident=first, into=2)
    lock = both.session.exec(select(Lock).where(Lock.cause == "incident:2", Lock.scope == "mail/production")).one()
    both.tell(LockActed(act=LockAct.LIFT, lock=lock.id, scope=None, slack_id="U0ANA", called="Ana", at=both.now))
    both.acts(IncidentAct.RESOLVE, incident=second, text="rolled back")
    assert both.notes("resolved", second)[0].data["lifted"] == ["checkout"]
    (said,) = heard(both, "incident_said", "resolved")
    assert "Its lock is lifted" in said
