"""What is wrong at present, and which change is first: the same on the page, in the room and on the phone."""

from __future__ import annotations

import pytest
from sqlmodel import Session, col, select

from bot.alerts.models import FlagChange
from bot.errors import UserError
from bot.events import FlagChanged, Human, IncidentAct, IncidentActed
from bot.incidents import acts, finding, flags, loading, paging, present
from bot.incidents.models import Incident, Likely, Opinion, Page
from bot.incidents.views import PersonNote
from bot.outbox import Note
from tests.unit.alarming import Alarms, alarms, away, broken
from tests.unit.reports import BEN, minute


def turned(here: Alarms, summary: str, at: float, number: str) -> None:
    """Ben turns the flag of checkout."""
    event = FlagChanged(
        source="launchdarkly", external_id=number, flag="round-half-even", project="bakery", environment="production",
        service="checkout", summary=summary, by=Human(login="ben", name="Ben"), at=minute(at),
        url="https://app.launchdarkly.example/round-half-even",
    )  # fmt: skip
    here.at = max(here.at, at)
    here.reactions.react(here.session, [event], here.now)
    here.session.flush()


def opened_again(here: Alarms) -> Incident:
    """A flag is turned on and something breaks; it is turned off, that is over; then something else fires."""
    turned(here, "turned on", 10, "f1")
    here.at = 12
    here.fires(name="out of balance")
    here.calls()
    turned(here, "turned off", 13, "f2")
    here.at = 14
    here.over(name="out of balance")
    here.acts(IncidentAct.RESOLVE, "U0DEE", text="turned back")
    here.at = 15
    here.fires(name="ledger slow")
    here.calls()
    return here.incident()


def flag_of(here: Alarms, number: str) -> Likely:
    flag = here.session.exec(select(FlagChange.id).where(FlagChange.external_id == number)).one()
    return here.session.exec(select(Likely).where(Likely.kind == "flag", Likely.subject == flag)).one()


def read_by(here: Alarms, name: str) -> PersonNote:
    """What somebody reads who is woken."""
    page = here.session.exec(select(Page).where(Page.name == name).order_by(col(Page.id).desc())).first()
    assert page is not None
    note = loading.page_note(here.session, here.desk, page.id or 0, place=page.slack_id or "", first=False)
    assert note is not None
    return note


# --- what is opened again -----------------------------------------------------------------------------------------


def test_what_is_opened_again_is_called_by_what_fires_now(sqlite_session: Session) -> None:
    """On every phone and in every page; it counts from now, and no flag is to be turned back that was."""
    here = alarms(sqlite_session)
    before = len(here.pager.calls)
    incident = opened_again(here)
    assert len(here.incidents()) == 1
    again = [call for call in here.pager.calls[before:] if "ledger slow" in call.title]
    assert again
    assert again == here.pager.calls[-len(again) :]
    assert not any("out of balance" in call.title for call in again)
    assert not any("Turn it back" in call.details for call in again)
    assert all("Out again since 2026-03-02 12:13 UTC" in call.details for call in again)
    assert present.onset(here.session, incident) == minute(15)
    for name in {page[0] for page in here.pages()}:
        assert read_by(here, name).card.title == "checkout: ledger slow"


def test_a_flag_that_was_turned_back_is_out_again_and_said_so(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    incident = opened_again(here)
    assert flag_of(here, "f1").rolled_back_at == minute(13)
    assert here.aloud().count("rolled_back") == 1
    assert flag_of(here, "f1").rank != 1
    shown = loading.incident_card(here.session, here.desk, incident)
    assert any("turned off" in line.label for line in shown.before)


def test_whoever_turned_it_back_is_not_called_for_what_fires_later(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    opened_again(here)
    (page,) = here.session.exec(select(Page).where(Page.name == "Ben")).all()
    assert page.asked_at == minute(12)


@pytest.mark.parametrize(
    ("done", "later", "undone"),
    [
        ("turned on", "turned off", True),
        ("turned on: new price (“for the sale”)", "turned off", True),
        ("turned off", "turned on (“again”)", True),
        ("25 % → 50 %", "50 % → 25 %", True),
        ("25 % → 50 %", "turned off", True),
        ("25 % → 50 %", "50 % → 100 %", False),
        ("turned on", "updated the rules", False),
        ("updated the rules", "turned off", False),
    ],
)
def test_what_undoes_a_change_of_a_flag(done: str, later: str, undone: bool) -> None:
    assert (flags.plain(later) in flags.undone_by(done)) is undone


def test_an_alert_that_joins_is_named_to_whoever_is_woken_later(sqlite_session: Session) -> None:
    here = broken(sqlite_session)
    here.at = 13
    here.fires(name="rates wrong")
    assert present.title(here.session, here.incident()) == "checkout 5xx, rates wrong fires too"
    here.calls()
    assert "rates wrong fires too" in here.pager.calls[0].title


# --- which change is first ----------------------------------------------------------------------------------------


def two_changes(here: Alarms) -> tuple[Likely, Likely]:
    """Two rollouts may have done it; the likelier one and the other."""
    here.shipped("checkout", "b", 812, at=-30)
    here.shipped("checkout", "c", 813, author=BEN, at=-5)
    here.at = 1
    here.fires()
    first, second = finding.named_likely(here.session, here.incident())
    return first, second


def test_what_is_said_to_be_it_comes_first_everywhere_and_is_said_aloud(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    first, second = two_changes(here)
    here.acts(IncidentAct.RIGHT, "U0DEE", likely=second.id)
    assert (second.rank, first.rank) == (1, 2)
    (note,) = here.session.exec(
        select(Note).where(Note.kind == "incident_said").where(col(Note.key).contains(":likely:"))
    ).all()
    assert (note.data["called"], note.data["likely"]) == ("Dee", second.id)
    here.calls()
    assert "Likely change 1 of 2, said to be it" in here.pager.calls[-1].title
    assert read_by(here, "Dee").likely == loading.incident_card(here.session, here.desk, here.incident()).first


def test_what_is_said_not_to_be_it_comes_last(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    first, second = two_changes(here)
    sqlite_session.add(Opinion(likely=first.id or 0, slack_id="U0EVE", right=True, at=here.now))
    here.acts(IncidentAct.NOT_MINE, "U0BEN", likely=second.id)
    assert (first.rank, second.rank) == (1, 2)
    here.fires(name="TypeError", source="sentry")
    here.turn(3)
    assert (first.rank, second.rank) == (1, 2), "a later look overrules nobody"


# --- who has a say ------------------------------------------------------------------------------------------------


def test_whoever_has_nothing_to_do_with_it_passes_nobodys_page_on(sqlite_session: Session) -> None:
    """Eve presses the button of Ana's page, seconds after Ana's phone rang: she hears who is asked."""
    here = broken(sqlite_session)
    here.calls()
    likely = here.session.exec(select(Likely)).one()
    woken = here.pages()
    with pytest.raises(UserError, match=r"only who was woken or asked.* Ana is asked now\."):
        here.acts(IncidentAct.NOT_MINE, "U0EVE", likely=likely.id)
    assert here.pages() == woken
    assert here.calls().phones() == ["PANA"]
    assert here.session.exec(select(Opinion)).all() == []


def test_whoever_had_a_hand_in_it_gives_a_verdict_and_takes_no_page_from_anybody(sqlite_session: Session) -> None:
    """Ana is away, so Dee was woken: Ana's word is kept, and Dee's phone is hers."""
    here = alarms(sqlite_session)
    here.shipped()
    away(here, "U0ANA")
    here.at = 12
    here.fires()
    here.calls()
    woken = here.pages()
    likely = here.session.exec(select(Likely)).one()
    said = here.acts(IncidentAct.NOT_MINE, "U0ANA", likely=likely.id)
    assert "Dee is asked now. Nobody else is woken before." in said
    assert here.pages() == woken
    assert here.session.exec(select(Opinion)).one().right is False
    assert "ask Ana, who wrote #812 and is away" in str(read_by(here, "Dee").page)


# --- who is on it -------------------------------------------------------------------------------------------------


def test_whoever_comes_back_to_what_went_on_without_them_is_on_it(sqlite_session: Session) -> None:
    """Ana had not answered, and Dee was called: Ana says that she is on it, and no phone rings on; that is said."""
    here = broken(sqlite_session)
    here.calls()
    here.turn(18)
    assert here.pages()[0][3] == "unanswered"
    here.acts(IncidentAct.MINE, "U0ANA")
    here.calls()
    assert here.pager.acknowledged == ["Q1"]
    assert here.aloud().count("answered") == 1
    here.turn(60)
    assert here.pager.escalated == [("Q1", "PESC")]


def test_whoever_is_woken_anew_and_answers_again_is_heard_again(sqlite_session: Session) -> None:
    here = broken(sqlite_session)
    here.calls()
    here.acts(IncidentAct.MINE, "U0ANA")
    here.calls()
    here.over()
    here.acts(IncidentAct.RESOLVE, "U0ANA", text="over")
    here.at = 15
    here.fires()
    here.calls()
    latest = here.incident().pager_incident
    here.acts(IncidentAct.MINE, "U0ANA")
    here.calls()
    assert here.aloud().count("answered") == 2
    assert here.pager.acknowledged[-1] == latest


def test_to_name_somebody_else_as_lead_puts_nobody_on_it(sqlite_session: Session) -> None:
    """Chi, whom Ben named, says nothing: it goes on to whoever is next, until he answers."""
    here = alarms(sqlite_session)
    here.shipped(merger=None)
    here.at = 12
    here.fires()
    here.calls()
    named = IncidentActed(
        act=IncidentAct.LEAD, incident=1, slack_id="U0BEN", called="Ben", who="U0CHI", at=here.now
    )  # fmt: skip
    acts.act(here.session, here.desk, named, here.now)
    assert here.incident().lead == "U0CHI"
    here.turn(18)
    assert here.pager.escalated == [("Q1", "PESC")]
    assert paging.on_it_besides(here.session, here.desk, here.incident(), "U0DEE") == []
    assert here.acts(IncidentAct.MINE, "U0CHI").startswith("You are on incident 1 (checkout 5xx) and lead it")
    here.turn(60)
    assert here.pager.escalated == [("Q1", "PESC")]
