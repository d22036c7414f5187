"""What is said of an incident, and to those who are woken for it: as it would be sent now, and never too late."""

from __future__ import annotations

from sqlmodel import Session, select

from bot import people
from bot.catalog import PagingMode
from bot.events import IncidentAct, IncidentActed, Level
from bot.incidents import telling
from bot.incidents.models import Likely
from bot.incidents.telling import PersonSaid, Said
from bot.outbox import Card, Note
from tests.unit.alarming import alarms, paged
from tests.unit.reports import BEN, minute
from tests.unit.seeing import burning, card, heard, page_shown, pressable, shown


def test_whoever_is_woken_reads_why_and_what_the_evidence_is(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    here.calls()
    ana, chi = page_shown(here, "U0ANA", stands=False), page_shown(here, "U0CHI", stands=False)
    assert ana is not None
    assert chi is not None
    assert ana.text.startswith(
        "🔴 checkout 5xx, 12 min after your #812 went live · SEV2 · incident 1\nCan you look? You wrote it."
    )
    assert "You merged it." in chi.text
    assert "No answer by 12:17 UTC: it goes on to the escalation policy of bakers" in ana.text
    assert pressable(ana) == ["I'm on it", "Not mine: wake Dee…", "Roll back…", "Details"]
    assert "suspect" not in (ana.text + chi.text).lower()


def test_a_page_goes_on_saying_who_is_on_it_and_that_it_is_over(sqlite_session: Session) -> None:
    """An old message in somebody's conversation must not offer what means nothing any more."""
    here = burning(sqlite_session)
    here.calls()
    card = here.session.exec(select(Card).where(Card.kind == "page", Card.place == "U0ANA")).one()
    before = card.version
    here.at = 14
    here.acts(IncidentAct.MINE)
    assert card.version > before, "it is edited at once"
    ana, chi = page_shown(here, "U0ANA"), page_shown(here, "U0CHI")
    assert ana is not None
    assert chi is not None
    assert "🙋 You are on it since 12:14 UTC" in ana.text
    assert "🙋 Ana is on it: you need not answer this any more" in chi.text
    assert "No answer by" not in ana.text + chi.text
    assert pressable(ana) == ["Update…", "Resolve…", "Wake Dee…", "Roll back…", "Details"]
    assert pressable(chi) == ["I'm on it", "Details"]
    here.incident().room = "C0ROOM1"
    here.acts(IncidentAct.RESOLVE, text="Rolled back")
    over = page_shown(here, "U0CHI")
    assert over is not None
    assert over.text.startswith("✅ checkout 5xx · resolved")
    assert "Nobody needs you for it any more: Ana resolved it\nRolled back" in over.text
    assert "Room: <#C0ROOM1>" in over.text
    assert pressable(over) == ["Details"]


def test_whoever_is_woken_next_reads_the_same_facts_and_who_says_what(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    here.calls()
    likely = here.session.exec(select(Likely)).one().id
    here.acts(IncidentAct.NOT_MINE, likely=likely)
    dee = page_shown(here, "U0DEE", stands=False)
    assert dee is not None
    assert dee.text.split("\n")[0] == "🔴 checkout 5xx, 12 min after #812 went live · SEV2 · incident 1"
    assert "Can you look? You are on call." in dee.text
    assert "↪️ Ana: it was not this" in dee.text
    assert "Likely change 1 of 1, said not to be it" in dee.text
    assert "No likely change" not in dee.text
    ana = page_shown(here, "U0ANA")
    assert ana is not None
    assert "↪️ This went on to somebody else: Dee was woken" in ana.text
    assert pressable(ana) == ["I'm on it", "Details"]


def test_muting_never_mutes_a_page_and_does_mute_a_question(sqlite_session: Session) -> None:
    """Two rollouts: whoever is on call is woken, and the authors are asked."""
    here = alarms(sqlite_session)
    here.shipped("cart", "c", 815, author=BEN, merger=BEN)
    here.at = 3
    here.fires("checkout")
    for who in ("U0ANA", "U0BEN", "U0CHI", "U0DEE"):
        people.choose(here.session, who, people.EVERYTHING, Level.NONE, here.now)
    assert page_shown(here, "U0DEE", stands=False) is not None
    asked = here.session.exec(select(Note).where(Note.kind == "incident_person")).all()
    assert [note.place for note in asked if note.data["said"] == "asked"] == ["U0BEN"]
    assert heard(here, "incident_person", PersonSaid.ASKED.value) == []
    people.choose(here.session, "U0BEN", people.EVERYTHING, Level.ALL, minute(30))
    (told,) = heard(here, "incident_person", PersonSaid.ASKED.value)
    assert "Nobody wakes you: you wrote #815" in told


def test_nobody_is_woken_late_for_what_is_answered_or_over(sqlite_session: Session) -> None:
    """But whoever answered on the phone has what they need in Slack, with the buttons, though that was down by then."""
    here = burning(sqlite_session)
    here.acts(IncidentAct.MINE)
    ana = page_shown(here, "U0ANA", stands=False)
    assert ana is not None
    assert "You are on it since" in ana.text
    assert "Update…" in pressable(ana)
    here.acts(IncidentAct.RESOLVE, text="over")
    assert page_shown(here, "U0CHI", stands=False) is None


def test_whoever_is_only_told_in_slack_is_told_again_aloud(sqlite_session: Session) -> None:
    """An edit notifies nobody: each repetition is a message of its own, and the card says how it stands."""
    here = burning(sqlite_session, services=(paged("checkout", pagerduty_service=None, paging=PagingMode.PAGE),))
    assert here.told("U0ANA") == ["page"]
    card = here.session.exec(select(Card).where(Card.kind == "page", Card.place == "U0ANA")).one()
    card.ts = "1.0"
    page = int(card.subject)
    for nag in (1, 1, 2):
        telling.tell(
            here.session, here.incident(), "U0ANA", PersonSaid.PAGE, f"{page}:{nag}", minute(20), page=page, nag=nag
        )
    again = heard(here, "incident_person", PersonSaid.PAGE.value)
    assert len(again) == 2
    assert "⏰ Nobody has answered yet. Can you look? You wrote it." in again[0]
    telling.tell(here.session, here.incident(), "U0ANA", PersonSaid.PAGE, f"{page}:", minute(20), page=page, nag=0)
    assert here.told("U0ANA") == ["page", "page", "page"], "the same page, told once more, is not told twice"


def test_what_was_overtaken_is_not_said(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    here.at = 20
    here.over()
    here.turn(21)
    assert len(heard(here, "incident_said", Said.QUIET.value)) == 1
    here.fires(began=21)
    assert heard(here, "incident_said", Said.QUIET.value) == []


def test_not_mine_and_whom_it_wakes_are_said_without_a_word_of_blame(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    here.calls()
    likely = here.session.exec(select(Likely)).one().id
    here.acts(IncidentAct.NOT_MINE, likely=likely)
    (told,) = heard(here, "incident_said", Said.NOT_MINE.value)
    assert told.startswith("↪️ Ana: #812 is not the cause: ")
    assert "Dee" in told
    assert "↪️ Ana: it was not this" in shown(card(here))


def test_what_went_on_as_another_keeps_its_likely_change_and_leads_there(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    first = here.incident()
    here.at = 14
    here.opens("letters are late", "mail", who="U0EVE")
    other = here.incident()
    other.room = "C0ROOM2"
    here.acts(IncidentAct.MERGE, "U0BEN", first, into=other.id)
    assert "goes on as incident 2 in <#C0ROOM2>" in shown(card(here, first))
    assert "🔀 This goes on as incident 2: go on in <#C0ROOM2>" in heard(here, "incident_said", Said.MERGED.value)[0]
    view = card(here, other)
    assert [one.label for one in view.likely] == ["#812"]
    assert "No likely change" not in shown(view)


def test_how_it_stands_roles_tasks_and_severity_are_said(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    here.acts(IncidentAct.UPDATE, text="One in twenty fails", needs="A DBA", next_at=minute(30))
    here.acts(IncidentAct.COMMUNICATIONS, who="U0CHI")
    here.acts(IncidentAct.SEVERITY, severity=1)
    here.tell(
        IncidentActed(
            act=IncidentAct.TASK, incident=1, text="Tell support", who="U0BEN", slack_id="U0ANA",
            called="Ana", at=here.now,
        )
    )  # fmt: skip
    (update,) = heard(here, "incident_said", Said.UPDATE.value)
    assert update.split("\n")[:2] == [
        "📝 Ana: One in twenty fails · checkout 5xx · incident 1",
        "Needed A DBA",
    ]
    assert "🧭 Chi tells everybody else how it stands" in "\n".join(heard(here, "incident_said", Said.ROLE.value))
    assert heard(here, "incident_said", Said.SEVERITY.value)[0].startswith(
        "📶 It is SEV1 now, says Ana: Customers cannot"
    )
    assert heard(here, "incident_said", Said.TASK.value) == [
        "▫️ To do: Tell support · <@U0BEN> · checkout 5xx · incident 1"
    ]
    words = shown(card(here))
    assert "SEV1" in words.split("\n")[0]
    assert "Next update by 12:30 UTC" in words
    assert "▫️ Tell support · Ben" in words
