"""An incident's card, as it is loaded from what happened: its words, its buttons, within Slack's limits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from bot.answers.status import status
from bot.catalog import PagingMode, PromoteThrough
from bot.deploys.models import Deploy
from bot.events import FlagChanged, IncidentAct
from bot.gates import Lock
from bot.incidents import rooms
from bot.incidents.models import Likely
from bot.incidents.telling import Said
from bot.locks.loading import lock_card
from bot.locks.models import Lock as LockRow
from bot.locks.views import Backlog
from bot.outbox import Card, Note
from bot.outgoing import incidents as outgoing
from bot.ports import Room
from bot.promotions.loading import promotion_card
from bot.promotions.models import Promotion
from tests.unit.alarming import alarms, paged
from tests.unit.reports import BEN, minute, pull, report
from tests.unit.seeing import RENDERER, burning, buttons, card, heard, shown


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


def test_what_runs_can_be_rolled_back_also_after_it_was_rolled_out_once_more(sqlite_session: Session) -> None:
    """To deploy the same build again is the first thing that people try."""
    here = burning(sqlite_session)
    here.at = 15
    here.rollout("checkout", "b", number="once more")
    assert "Roll back…" in buttons(card(here))
    here.at = 17
    here.shipped(sha="c", number=815)
    assert "Roll back…" not in buttons(card(here)), "something newer runs there"


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
    said = here.acts(IncidentAct.RESOLVE, text="Rolled back", likely=likely)
    assert said.endswith("18 min after it began (recovered after 8 min, when the likely change was out).")
    view = card(here)
    assert view.recovered_in == timedelta(minutes=8)
    words = shown(view)
    ended = "resolved, recovered after 8 min, when the likely change was out"
    assert words.startswith(f"✅ checkout 5xx · {ended} · SEV2 · incident 1"), "its alerts were over later than that"
    assert "It was #812" in words
    assert set(buttons(view)) == {"Reopen…", "Details", "Timeline", "Tasks…"}


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


def test_whom_a_watched_one_would_wake_besides_is_said_once_its_card_stands(sqlite_session: Session) -> None:
    """An edit of the card notifies nobody; before it stands, it says so itself, and nothing stands twice."""
    here = alarms(sqlite_session, services=(paged("checkout", paging=PagingMode.SHADOW),))
    here.at = 12
    incident = here.fires()
    assert incident is not None
    (row,) = here.session.exec(select(Card).where(Card.kind == "incident")).all()
    row.ts = "1.1"
    here.session.add(row)
    here.session.flush()
    here.at = 13
    here.shipped(at=0)
    (told,) = heard(here, "incident_said", Said.WOULD_WAKE.value)
    assert "nobody is woken, since checkout is only watched. I would wake:\nAna (wrote #812)" in told
    assert "Open a room" not in told


@pytest.mark.parametrize("paging", [PagingMode.PAGE, PagingMode.SHADOW])
def test_one_alert_is_one_message_in_the_channel_of_its_team(sqlite_session: Session, paging: PagingMode) -> None:
    """What is said of it before its room is there stands in the thread of its card."""
    here = burning(sqlite_session, services=(paged("checkout", paging=paging),))
    here.calls()
    (card,) = here.session.exec(select(Card).where(Card.kind == "incident")).all()
    assert card.place == "#bakers"
    notes = here.session.exec(select(Note).where(Note.kind == "incident_said")).all()
    assert {note.thread for note in notes} == ({card.id} if paging is PagingMode.PAGE else set())


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
