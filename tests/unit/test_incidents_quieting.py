"""When nothing fires any more: true at once, said once it has stayed so, and what comes and goes is said once."""

from __future__ import annotations

import pytest
from sqlmodel import Session, col, select

from bot.alerts.models import Alert
from bot.events import AlertMapped, IncidentAct
from bot.incidents import loading, resolving
from bot.incidents.states import State
from bot.outbox import Note
from bot.outgoing import incidents as outgoing
from bot.rendering import Renderer
from tests.unit.alarming import Alarms, alarms
from tests.unit.reports import minute

ABOUT_FIRING = ("quiet", "fires_again", "flaps", "left")
RENDERER = Renderer()


def said(here: Alarms) -> list[str]:
    """What was said aloud of whether anything fires."""
    return [one for one in here.aloud() if one in ABOUT_FIRING]


def words(here: Alarms, about: str) -> list[str]:
    """The same in words, as they would be sent now."""
    notes = here.session.exec(select(Note).where(Note.kind == "incident_said").order_by(col(Note.id))).all()
    found = [outgoing.incident_note(here.session, here.desk, note) for note in notes if note.data["said"] == about]
    return [RENDERER.message(one.template, one.view, key="k").text for one in found if one is not None]


def flapping(here: Alarms, times: int, *, fires: float = 0.5, quiet: float = 0.5) -> None:
    """From now on its alert is over and fires again, so many times, for so many minutes each."""
    for _ in range(times):
        here.over()
        here.turn(here.at + quiet)
        here.fires()
        here.turn(here.at + fires)


# --- over and again -----------------------------------------------------------------------------------------------


def test_when_nothing_fires_any_more_it_is_said_and_stays_open(sqlite_session: Session) -> None:
    """One of two is over: nothing; both are: quiet, mitigated, and soon said; again: said, and not mitigated."""
    here = alarms(sqlite_session)
    here.fires(began=0)
    here.fires(name="checkout latency", began=0)
    here.turn(10)
    here.over()
    assert here.incident().quiet_at is None
    here.over(name="checkout latency")
    here.over(name="checkout latency")
    assert (here.incident().quiet_at, here.incident().mitigated_at) == (minute(10), minute(10))
    here.turn(10.9)
    assert said(here) == []
    here.turn(11)
    assert said(here) == ["quiet"]
    here.turn(14)
    here.fires()
    assert (here.incident().quiet_at, here.incident().mitigated_at) == (None, None)
    here.turn(15)
    here.over(began=14)
    here.turn(17)
    assert said(here) == ["quiet", "fires_again", "quiet"]
    assert len(here.incidents(State.OPEN)) == 1


def test_the_card_has_the_truth_before_it_is_said(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.fires(began=0)
    here.turn(10)
    here.over()
    view = loading.incident_card(here.session, here.desk, here.incident())
    assert (view.firing, view.quiet_at) == (0, minute(10))
    assert "checkout 5xx is over; nothing fires" in here.entries()
    assert said(here) == []


def test_what_fires_again_at_once_is_not_said_at_all(sqlite_session: Session) -> None:
    """The timeline keeps it."""
    here = alarms(sqlite_session)
    here.fires(began=0)
    here.turn(10)
    flapping(here, 1)
    here.turn(30)
    assert said(here) == []
    assert {"checkout 5xx is over; nothing fires", "checkout 5xx fires again"} <= set(here.entries())


@pytest.mark.parametrize(("quiet", "firing"), [(0.3, 0.5), (2.0, 0.5), (5.0, 5.0)])
def test_what_comes_and_goes_is_said_once(sqlite_session: Session, quiet: float, firing: float) -> None:
    """Quick, or slowly enough that each time would be said, as Alertmanager tells it: a storm of words helps nobody."""
    here = alarms(sqlite_session)
    here.fires(began=0)
    here.turn(10)
    flapping(here, 12, quiet=quiet, fires=firing)
    heard = said(here)
    assert heard.count("flaps") == 1
    assert heard[-1] == "flaps"
    assert len(heard) <= 5
    (told,) = words(here, "flaps")
    assert told.startswith(
        "🔁 checkout 5xx comes and goes: it fired again 3 times in 30 min · checkout 5xx · incident 1"
    )
    assert len([one for one in here.entries() if "fires again" in one]) == 3, "and the timeline is not filled with it"
    assert here.incident().quiet_at is None


def test_what_came_and_went_is_said_to_be_quiet_after_ten_calm_minutes(sqlite_session: Session) -> None:
    """And where it goes on then, that is said, once more."""
    here = alarms(sqlite_session)
    here.fires(began=0)
    here.turn(10)
    flapping(here, 5)
    over = here.at
    here.over()
    here.turn(over + 9)
    assert said(here) == ["flaps"]
    here.turn(over + 10)
    assert said(here) == ["flaps", "quiet"]
    assert here.incident().quiet_at == minute(over)
    assert "Nothing fires any more" in here.entries()
    here.turn(over + 20)
    here.fires()
    flapping(here, 5)
    assert said(here) == ["flaps", "quiet", "flaps"]


def test_recovery_ends_when_the_last_of_it_was_over_and_not_when_that_was_said(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.fires(began=0)
    here.turn(10)
    flapping(here, 5)
    over = here.at
    here.over()
    here.turn(over + 12)
    here.acts(IncidentAct.RESOLVE)
    recovered = resolving.recovery(here.incident())
    assert recovered is not None
    assert recovered.total_seconds() == over * 60


def test_a_restart_loses_nothing_of_it(sqlite_session: Session) -> None:
    """What is to be said later is kept, and not remembered; the same when it begins anew in the middle of flapping."""
    here = alarms(sqlite_session)
    here.fires(began=0)
    here.turn(10)
    flapping(here, 2)
    here = Alarms(sqlite_session, at=here.at)
    here.reactions.begin(here.session, here.now)
    flapping(here, 2)
    here.over()
    here = Alarms(sqlite_session, at=here.at)
    here.reactions.begin(here.session, here.now)
    here.turn(here.at + 10)
    assert said(here) == ["flaps", "quiet"]


def test_one_that_is_resolved_meanwhile_is_not_called_quiet(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.fires(began=0)
    here.turn(10)
    here.over()
    here.acts(IncidentAct.RESOLVE)
    here.turn(30)
    assert said(here) == []


# --- whose it is --------------------------------------------------------------------------------------------------


def mapped(here: Alarms, service: str | None) -> str | None:
    """Dee says whose alerts like the first one are."""
    alert = here.session.exec(select(Alert).order_by(col(Alert.id)).limit(1)).one()
    return here.tell(AlertMapped(alert=alert.id or 0, service=service, slack_id="U0DEE", called="Dee", at=here.now))


def test_an_alert_that_is_nobodys_leaves_its_incident_which_can_then_be_resolved(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.fires(None, "queue is full", source="grafana")
    mapped(here, "cart")
    assert resolving.fires(here.session, here.incident()) == 1
    here.turn(5)
    assert mapped(here, None) == "Alerts like “queue is full” are nobody's: I ask about them no more."
    assert resolving.fires(here.session, here.incident()) == 0
    assert here.incident().state == State.OPEN, "it is for people to end it"
    assert words(here, "left")[0].startswith(
        "🏷️ queue is full is nobody's, as somebody said: it does not belong to this"
    )
    assert "queue is full is nobody's; nothing fires" in here.entries()
    here.turn(6)
    assert said(here) == ["left", "quiet"]
    assert here.acts(IncidentAct.RESOLVE).startswith("Resolved: incident 1"), "no words are asked for"
    here.turn(7)
    here.fires(None, "queue is full", source="grafana", began=0)
    assert [one.state for one in here.incidents()] == [State.RESOLVED], "it opens nothing and reopens nothing"


def test_where_something_else_fires_it_is_not_quiet_because_one_left(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.fires(None, "queue is full", source="grafana")
    mapped(here, "cart")
    here.fires("cart")
    here.turn(5)
    mapped(here, None)
    here.turn(10)
    assert said(here) == ["left"]
    assert resolving.fires(here.session, here.incident()) == 1
