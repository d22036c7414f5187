"""What is seen of incidents: cards, notes and answers as they are loaded from what happened, within Slack's limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from bot import people
from bot.answers import incident_rows, incidents
from bot.answers.home import home
from bot.answers.lists import Asked
from bot.answers.metrics import metrics, read_days
from bot.answers.oncall import on_call
from bot.answers.status import status
from bot.catalog import PagingMode, PromoteThrough
from bot.deploys.models import Deploy
from bot.errors import UserError
from bot.events import FlagChanged, IncidentAct, IncidentActed, Level, MessageKept
from bot.gates import Lock
from bot.incidents import loading, rooms, telling
from bot.incidents.models import Incident, Likely
from bot.incidents.telling import PersonSaid, Said
from bot.incidents.views import IncidentCard
from bot.locks.loading import lock_card
from bot.locks.models import Lock as LockRow
from bot.locks.views import Backlog
from bot.outbox import Card, Note
from bot.outgoing import incidents as outgoing
from bot.people import OnCallList
from bot.ports import Message, Room
from bot.promotions.loading import promotion_card
from bot.promotions.models import Promotion
from bot.rendering import Renderer
from tests.unit.alarming import Alarms, alarms, paged
from tests.unit.reports import BEN, minute, pull, report

RENDERER = Renderer()


def card(here: Alarms, incident: Incident | None = None, place: str | None = None) -> IncidentCard:
    """The card as it would be sent now."""
    return loading.incident_card(here.session, here.desk, incident or here.incident(), place=place)


def shown(view: IncidentCard) -> str:
    """Every word of a card."""
    return RENDERER.message("cards/incident", view, key="k").text


def buttons(view: IncidentCard) -> Mapping[str, str]:
    """The buttons of a card: what each is called, and what it carries."""
    blocks = RENDERER.message("cards/incident", view, key="k").blocks
    found = [one for block in blocks for one in [*block.get("elements", []), block.get("accessory")] if one]
    return {one["text"]["text"]: one.get("value", "") for one in found if one["type"] == "button"}


def heard(here: Alarms, kind: str, said: str) -> list[str]:
    """What was said of this, as it would be sent now."""
    load = outgoing.incident_note if kind == "incident_said" else outgoing.person_note
    notes = here.session.exec(select(Note).where(Note.kind == kind).order_by(col(Note.id))).all()
    showings = [load(here.session, here.desk, note) for note in notes if note.data["said"] == said]
    return [RENDERER.message(one.template, one.view, key="k").text for one in showings if one is not None]


def page_shown(here: Alarms, slack_id: str, *, stands: bool = True) -> Message | None:
    """What somebody reads who was woken, as it would be sent now; ``stands``: they have read it before."""
    card = here.session.exec(select(Card).where(Card.kind == "page", Card.place == slack_id)).one()
    card.ts = "1.0" if stands else None
    found = outgoing.page_card(here.session, here.desk, card)
    return RENDERER.message(found.template, found.view, key="k") if found is not None else None


def pressable(message: Message | None) -> list[str]:
    """What its buttons are called."""
    assert message is not None
    found = [one for block in message.blocks for one in block.get("elements", [])]
    return [one["text"]["text"] for one in found if one["type"] == "button"]


def burning(session: Session, **more: object) -> Alarms:
    """Ana's #812, which Chi merged, went live at noon; twelve minutes later checkout's alert fires."""
    here = alarms(session, **more)
    here.shipped()
    here.at = 12
    here.fires(url="https://grafana.example/a/1", summary="5.2 % of requests fail")
    return here


# --- the card -----------------------------------------------------------------------------------------------------


def test_the_card_says_what_came_before_whose_it_is_and_who_was_woken(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    here.calls()
    view = card(here)
    words = shown(view)
    assert words.startswith("🔴 checkout 5xx, 12 min after #812 went live · SEV2 · incident 1")
    assert len(words.split("\n")[0]) <= 80
    assert "#812 Change 812 · Ana" in words
    assert "Likely change 1 of 1, confidence high" in words
    assert "Ana (wrote #812) was woken" in words
    assert "🔒 Deploys of checkout are locked until this is resolved; rollbacks pass" in words
    assert "5.2 % of requests fail" in words
    assert [one.name for one in view.links][:2] == ["Alert", "Runbook"]
    assert [(one.kind, one.label) for one in view.before] == [("deploy", "#812 (bbbbbbb)")]


def test_its_buttons_name_whom_they_wake_and_carry_what_they_are_about(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    likely = here.session.exec(select(Likely)).one().id
    found = buttons(card(here))
    assert found["I'm on it"] == "1"
    assert found["Roll back…"] == found["It was this"] == f"1:{likely}"
    assert found["Not mine: wake Dee…"] == f"1:{likely}:{card(here).next_mark}"
    assert {"Update…", "Resolve…", "Details", "Timeline"} <= set(found)
    here.acts(IncidentAct.MINE)
    answered = buttons(card(here))
    assert "Wake Dee…" in answered, "somebody is on it: then help is called, and nothing passed on"
    assert not any(name.startswith("Not mine") for name in answered)


def test_a_rollback_a_quiet_and_a_resolve_are_seen_one_after_the_other(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    here.at = 20
    here.rollout("checkout", "a", number="back")
    assert shown(card(here)).startswith("🟡 checkout 5xx · the likely change is out · SEV2")
    assert "Roll back…" not in buttons(card(here))
    here.at = 24
    here.over()
    assert "quiet again" in shown(card(here)).split("\n")[0]
    here.at = 30
    likely = here.session.exec(select(Likely)).one().id
    here.acts(IncidentAct.RESOLVE, text="Rolled back", likely=likely)
    view = card(here)
    assert view.recovered_in == timedelta(minutes=8)
    words = shown(view)
    assert words.startswith("✅ checkout 5xx · resolved, recovered after 8 min · SEV2 · incident 1")
    assert "It was #812" in words
    assert set(buttons(view)) == {"Reopen…", "Details", "Timeline", "It was this"}


def test_one_that_is_only_watched_says_whom_it_would_wake_and_offers_a_room(sqlite_session: Session) -> None:
    here = burning(sqlite_session, services=(paged("checkout", paging=PagingMode.SHADOW),))
    view = card(here)
    words = shown(view)
    assert words.startswith("👀 checkout 5xx, 12 min after #812 went live")
    assert "Nobody was woken: checkout is only watched" in words
    assert "Would wake Ana (wrote #812)" in words
    assert "locked" not in words
    assert set(buttons(view)) == {
        "It was this",
        "I'm on it",
        "Open a room…",
        "Roll back…",
        "Not this one",
        "Resolve…",
        "Details",
    }
    (told,) = heard(here, "incident_said", Said.WOULD_WAKE.value)
    assert "nobody is woken, since checkout is only watched. I would wake:\nAna (wrote #812)" in told


@pytest.mark.parametrize("paging", [PagingMode.PAGE, PagingMode.SHADOW])
def test_one_alert_is_one_message_in_the_channel_of_its_team(sqlite_session: Session, paging: PagingMode) -> None:
    """What is said of it before its room is there stands in the thread of its card."""
    here = burning(sqlite_session, services=(paged("checkout", paging=paging),))
    (card,) = here.session.exec(select(Card).where(Card.kind == "incident")).all()
    assert card.place == "#bakers"
    notes = here.session.exec(select(Note).where(Note.kind == "incident_said")).all()
    assert {note.thread for note in notes} == {card.id}


def test_no_likely_change_is_an_answer(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.fires("mail")
    words = shown(card(here))
    assert words.startswith("🔴 mail 5xx · SEV2 · incident 1")
    assert "No likely change: of what went live within 1 h before, nothing is likely to have done it." in words


def test_what_never_ran_before_cannot_be_rolled_back(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.rollout("cart", "b", pull(812, "b"))
    here.at = 5
    here.fires("cart")
    assert "Roll back…" in buttons(card(here))
    here.session.exec(select(Deploy).where(col(Deploy.sha).startswith("b"))).one().previous_sha = None
    view = card(here)
    assert view.likely
    assert "Roll back…" not in buttons(view)


def test_a_flag_that_was_turned_is_shown_as_such(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.at = 10
    turned = FlagChanged(
        source="launchdarkly", external_id="c1", flag="new-basket", project="shop", environment="production",
        service="checkout", summary="turned on", by=BEN, at=minute(10),
    )  # fmt: skip
    here.reactions.react(here.session, [turned], here.now)
    here.at = 12
    here.fires()
    view = card(here)
    assert [(one.kind, one.label, one.summary) for one in view.likely] == [("flag", "new-basket", "turned on")]
    assert "🚩 new-basket: turned on · Ben" in shown(view)
    assert "Roll back…" not in buttons(view)


def test_a_storm_is_counted_and_its_card_fits(sqlite_session: Session) -> None:
    """Fifty alerts of ten services."""
    names = [f"svc{number}" for number in range(10)]
    services = (paged("checkout", depends_on=tuple(names)), *(paged(name) for name in names))
    here = alarms(sqlite_session, services=services)
    here.shipped()
    here.at = 12
    for number in range(50):
        here.fires(names[number % 10], f"alert {number}", grouping="one cause", source="alertmanager")
    for incident in here.incidents():
        view = card(here, incident)
        message = RENDERER.message("cards/incident", view, key="k")
        assert len(message.blocks) <= 50
        assert len(message.text) < 4000
        assert view.firing == len(view.alerts) + view.more_alerts
    assert sum(card(here, one).firing for one in here.incidents()) == 50


def test_its_copy_in_the_room_does_not_lead_there(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    incident = here.incident()
    incident.room, incident.room_name = "C0ROOM1", "inc-checkout"
    assert "Led in <#C0ROOM1>" in shown(card(here))
    assert "Led in" not in shown(card(here, place="C0ROOM1"))
    sent = outgoing.incident_card(
        here.session, here.desk, Card(kind="incident", subject="1", place="C0ROOM1", created_at=here.now)
    )
    assert sent is not None
    assert (sent.view, sent.metadata) == (card(here, place="C0ROOM1"), {"kind": "incident", "incident": "1"})
    assert (
        outgoing.incident_card(
            here.session, here.desk, Card(kind="incident", subject="99", place="C1", created_at=here.now)
        )
        is None
    )


# --- what is said -------------------------------------------------------------------------------------------------


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
    assert "No answer by 12:17 UTC: Dee is woken" in ana.text
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
    assert "Likely change 1 of 1, confidence high" in dee.text
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
    here = burning(sqlite_session)
    here.acts(IncidentAct.MINE)
    assert page_shown(here, "U0ANA", stands=False) is None
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
    assert len(heard(here, "incident_said", Said.QUIET.value)) == 1
    here.at = 21
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
    assert "<@U0CHI> tells everybody else how it stands" in "\n".join(heard(here, "incident_said", Said.ROLE.value))
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


# --- answers ------------------------------------------------------------------------------------------------------


def test_it_is_the_rooms_or_the_number_or_the_only_one(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    session = here.session
    assert incidents.meant(session, None, "C0ELSE") == 1
    here.fires("mail")
    assert len(here.incidents()) == 2
    assert incidents.meant(session, None, "C0ELSE") is None
    here.incidents()[1].room = "C0ROOM2"
    session.flush()
    assert (incidents.meant(session, None, "C0ROOM2"), incidents.meant(session, 1, "C0ROOM2")) == (2, 1)
    assert incidents.room_of(session, "C0ELSE") is None
    with pytest.raises(UserError, match="I know no incident 9"):
        incidents.meant(session, 9, None)
    reply = incidents.overview(session, here.desk, asked="/incident lead 7")
    assert [one.incident_id for one in reply.open] == [2, 1]
    here.acts(IncidentAct.MERGE, incident=here.incidents()[1], into=1)
    assert incidents.meant(session, 2, None) == 1


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("7", (7, None)),
        ("#7", (7, None)),
        ("<#C0ROOM1>", (None, "C0ROOM1")),
        ("0", None),
        ("seven", None),
        ("7x", None),
    ],
)
def test_a_number_or_a_room_names_one(word: str, found: object) -> None:
    assert incidents.named(word) == found


@pytest.mark.parametrize(
    ("typed", "named", "said"),
    [
        ("#5", ["#5"], ""),
        ("5", ["5"], ""),
        ("#5 one in ten fails", ["#5"], "one in ten fails"),
        ("incident 5 one in ten fails", ["5"], "one in ten fails"),
        ("<#C0ROOM1> one in ten fails", ["<#C0ROOM1>"], "one in ten fails"),
        ("5 % of requests fail", [], "5 % of requests fail"),
        ("all is well", [], "all is well"),
        ("", [], ""),
    ],
)
def test_words_about_an_incident_are_told_from_its_number(typed: str, named: list[str], said: str) -> None:
    found, rest = incidents.named_first(typed.split())
    assert (list(found), " ".join(rest)) == (named, said)


def test_a_number_at_the_beginning_is_that_of_an_open_incident_or_a_word(sqlite_session: Session) -> None:
    """“/incident update 1 % of requests fail” is no update of incident 1 that begins with a percent sign."""
    here = burning(sqlite_session)

    def read(typed: str) -> list[str]:
        return list(incidents.counted_first(here.session, typed.split())[0])

    assert read("1 is one in ten") == ["1"]
    assert read("5 pods are down") == []
    assert read("1 % of requests fail") == read("1 of 3 pods is back") == []
    here.acts(IncidentAct.RESOLVE, text="over")
    assert read("1 is one in ten") == [], "it is over"


def test_the_windows_offer_what_can_be_chosen(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    session, likely = here.session, here.session.exec(select(Likely)).one().id
    view = incidents.act_modal(session, here.desk, 1, IncidentAct.RESOLVE, "Rolled back")
    assert (view.chosen, view.typed) == (likely, "Rolled back")
    assert view.every[0] == 30, "how often a SEV2 is told of"
    with pytest.raises(UserError, match="No other incident is open"):
        incidents.act_modal(session, here.desk, 1, IncidentAct.MERGE)
    here.acts(IncidentAct.NOT_MINE, likely=likely)
    here.at = 14
    here.rollout("checkout", "a", number="back")
    doubted = incidents.act_modal(session, here.desk, 1, IncidentAct.RESOLVE)
    assert doubted.chosen is None, "nobody counts a deploy as failed by a press without a look"
    filled = RENDERER.modal("modals/incident_resolve", doubted, callback_id="c")
    (menu,) = [block["element"] for block in filled["blocks"] if block.get("block_id") == "likely"]
    assert menu["initial_option"]["text"]["text"] == "I do not know yet"
    here.acts(IncidentAct.TASK, text="Alert on the queue")
    doubted = incidents.act_modal(session, here.desk, 1, IncidentAct.RESOLVE)
    filled = RENDERER.modal("modals/incident_resolve", doubted, callback_id="c")
    assert "1 open task becomes an issue in bakery/checkout" in str(filled)
    here.acts(IncidentAct.RESOLVE, text="over", likely=0)
    with pytest.raises(UserError, match="is resolved"):
        incidents.act_modal(session, here.desk, 1, IncidentAct.UPDATE)
    with pytest.raises(UserError, match="No incident is open"):
        incidents.keep_modal(session, here.desk, "words")
    assert incidents.details_modal(session, here.desk, 1).card.likely[0].likely_id == likely


def test_a_rollback_of_what_we_do_not_deploy_says_how(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    likely = here.session.exec(select(Likely)).one().id or 0
    with pytest.raises(UserError, match=r"I do not deploy checkout.*have its pipeline deploy aaaaaaa to production"):
        incidents.rollback_modal(here.session, here.desk, likely)
    here.services = tuple(replace(one, promote_through=PromoteThrough.GITHUB_DEPLOYMENT) for one in here.services)
    view = incidents.rollback_modal(here.session, here.desk, likely)
    assert (view.service, view.environment, view.to_sha[:7]) == ("checkout", "production", "aaaaaaa")
    assert [one.label for one in view.leaving] == ["#812"]


def test_status_and_home_show_what_is_open(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    (one,) = status(here.session, here.desk, "checkout").services
    assert one.incident is not None
    assert (one.incident.incident_id, one.incident.firing) == (1, 1)
    text = RENDERER.message("replies/status", status(here.session, here.desk, "checkout"), key="k").text
    assert "nobody is on it yet · likely change #812, confidence high" in text
    (mine,) = home(here.session, here.desk, "U0ANA").incidents
    assert mine.waits
    here.acts(IncidentAct.MINE)
    assert [one.waits for one in home(here.session, here.desk, "U0ANA").incidents] == [False]
    assert home(here.session, here.desk, "U0BEN").incidents == ()
    blocks = RENDERER.home("home/home", home(here.session, here.desk, "U0CHI"))["blocks"]
    assert any(one.get("action_id") == "incidents:mine" for block in blocks for one in block.get("elements", []))
    assert status(here.session, here.desk, "mail").services[0].incident is None


def test_on_call_says_who_until_when_and_how_it_is_known(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    row = here.session.exec(select(OnCallList).where(OnCallList.service == "PCHECKOUT")).one()
    row.who = [{**row.who[0], "until": minute(30).isoformat()}]
    here.session.flush()
    reply = on_call(here.session, here.desk, "Checkout")
    assert [(one.name, one.slack_id, one.until) for one in reply.on_call] == [("Dee", "U0DEE", minute(30))]
    assert (reply.source, reply.rota, reply.read_at, reply.approvers) == ("pagerduty", "PCHECKOUT", row.read_at, ())
    here.at = 31
    over = on_call(here.session, here.desk, "checkout")
    assert (over.on_call, over.trouble) == ((), "nobody is on call for checkout")
    assert [one.slack_id for one in over.approvers] == ["U0DEE", "U0EVE"]
    here.services = (replace(here.services[0], pagerduty_service=None),)
    alone = on_call(here.session, here.desk, "checkout")
    assert (alone.source, alone.on_call, len(alone.approvers)) == ("approvers", (), 2)
    with pytest.raises(UserError, match="did you mean “checkout”"):
        on_call(here.session, here.desk, "chekout")


def test_metrics_count_verdicts_failures_and_recovery(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    here.calls()
    likely = here.session.exec(select(Likely)).one().id
    here.at = 22
    here.over()
    here.acts(IncidentAct.RESOLVE, text="over", likely=likely)
    here.at = 30
    every = metrics(here.session, here.desk, None, None)
    assert [(one.team, one.pages, one.right, one.wrong) for one in every.teams] == [("bakers", 2, 2, 0)]
    (checkout,) = [one for one in every.services if one.service == "checkout"]
    assert (checkout.failed, checkout.incidents, checkout.recovery) == (1, 1, timedelta(minutes=10))
    assert metrics(here.session, here.desk, "Bakers", 7).about == "bakers"
    mail = metrics(here.session, here.desk, "mail", 7)
    assert (mail.about, mail.days, mail.teams, [one.incidents for one in mail.services]) == ("mail", 7, (), [0])
    with pytest.raises(UserError, match="I know no service and no team “chekout”; did you mean “checkout”"):
        metrics(here.session, here.desk, "chekout", None)


@pytest.mark.parametrize(("word", "days"), [("30d", 30), ("2W", 14), ("365d", 365), ("0d", None), ("checkout", None)])
def test_days_are_read(word: str, days: int | None) -> None:
    assert read_days(word) == days


def test_more_days_than_are_counted_are_refused_with_what_it_takes() -> None:
    with pytest.raises(UserError, match="at most 365 days: /ship metrics 365d"):
        read_days("9999d")


def test_figures_of_what_nobody_has_heard_of_are_refused(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    with pytest.raises(UserError, match="did you mean “checkout”"):
        incident_rows.metrics(here.session, here.desk, "chekout", None, 30)
    with pytest.raises(UserError, match="I know no team “baker”; did you mean “bakers”"):
        incident_rows.metrics(here.session, here.desk, None, "baker", 30)
    assert incident_rows.metrics(here.session, here.desk, "Checkout", "Bakers", 30)["days"] == 30


def test_programs_read_the_same(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    here.calls()
    here.fires("mail")
    session, desk = here.session, here.desk
    first = incident_rows.incidents(session, desk, Asked(limit=1))
    assert ([row["id"] for row in first.rows], first.next) == ([2], 2)
    (row,) = incident_rows.incidents(session, desk, Asked(before=2, service="CHECKOUT", environment="production")).rows
    assert (row["title"], row["state"], row["severity_name"]) == ("checkout 5xx", "open", "SEV2")
    assert row["services"] == [{"service": "checkout", "environment": "production", "locked": True}]
    assert incident_rows.incidents(session, desk, Asked(state="resolved")).rows == []
    at_length = incident_rows.incident(session, desk, 1)
    assert at_length is not None
    assert [(one["label"], one["confidence"]) for one in at_length["likely_changes"]] == [("#812", "high")]  # type: ignore[attr-defined]
    assert incident_rows.incident(session, desk, 99) is None
    lines = incident_rows.timeline_of(session, desk, 1)
    assert lines is not None
    assert lines[0]["kind"] == "act"
    assert incident_rows.timeline_of(session, desk, 99) is None
    here.at = 13
    figures = incident_rows.metrics(session, here.desk, None, None, 30)
    assert figures["paging"] == [
        {"team": "bakers", "pages": 2, "right": 0, "wrong": 0, "unjudged": 2, "precision": None}
    ]


def test_the_timeline_says_what_is_left_out(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    for number in range(80):
        here.acts(IncidentAct.TASK, text=f"task {number}")
    reply = incidents.timeline_of(here.session, here.desk, 1)
    assert len(reply.lines) == incidents.MOST_LINES
    assert reply.earlier > 20
    assert len(RENDERER.message("replies/timeline", reply, key="k").blocks) <= 50


def test_the_changes_of_one_rollout_stand_with_the_first_that_is_asked_about(sqlite_session: Session) -> None:
    """The largest comes first, as whoever wrote it is woken."""
    here = alarms(sqlite_session)
    here.rollout(
        "checkout",
        "b",
        pull(811, "c", author=BEN, additions=2, deletions=1),
        pull(812, "b", additions=300, deletions=9),
    )
    here.at = 5
    here.fires()
    (first,) = card(here).likely
    assert (first.label, [one.label for one in first.changes]) == ("#812", ["#812", "#811"])
    assert "after #812 and 1 more went live" in shown(card(here))


def test_what_its_lock_holds_back_leads_into_its_room(sqlite_session: Session) -> None:
    """On the promotion's card, in the answers and on the lock's own card; once the room is there."""
    services = (paged("checkout", gates=(Lock(),), promote_through=PromoteThrough.GITHUB_DEPLOYMENT),)
    here = burning(sqlite_session, services=services)
    here.tell(
        report("c", "succeeded", 12.5, number="s-c", service="checkout", repo="bakery/checkout", environment="staging")
    )

    def said() -> str:
        waiting = here.session.exec(select(Promotion).where(Promotion.state == "open")).one()
        promotion = RENDERER.message("cards/promotion", promotion_card(here.session, here.desk, waiting), key="k").text
        return promotion + RENDERER.message("replies/status", status(here.session, here.desk, "checkout"), key="k").text

    assert "checkout → production is locked by Shipmate: incident: checkout 5xx" in said()
    assert "<#" not in said()
    rooms.opened(here.session, here.desk, here.incident(), Room("C0ROOM1", "inc-checkout-5xx"), here.now)
    assert said().count("<#C0ROOM1>") == 3, "on the promotion, on the lock, and with the incident"
    lock = here.session.exec(select(LockRow)).one()
    assert lock_card(here.session, here.desk, lock, Backlog(changes=1, people=1)).room == "C0ROOM1"
    here.acts(IncidentAct.RESOLVE, text="over")
    assert "<#" not in said(), "it waits for a person's Go, for which nobody has to go there"
    here.acts(IncidentAct.REOPEN)
    assert said().count("<#C0ROOM1>") == 3


def test_a_mark_on_a_message_counts_in_a_room_alone(sqlite_session: Session) -> None:
    """People put 📌 on messages everywhere, and ask us nothing by it."""
    here = burning(sqlite_session)
    rooms.opened(here.session, here.desk, here.incident(), Room("C0ROOM1", "inc-checkout-5xx"), here.now)
    mark = MessageKept(
        incident=None,
        channel="C0ELSE",
        ts="1772539190.000100",
        text=None,
        author="U0CHI",
        slack_id="U0ANA",
        at=here.now,
    )
    assert here.tell(mark) is None
    assert here.tell(replace(mark, channel="C0ROOM1")) == "Kept on the timeline of incident 1 (checkout 5xx)."
    with pytest.raises(UserError, match="no incident's room"):
        here.tell(replace(mark, text="I see time-outs"))
