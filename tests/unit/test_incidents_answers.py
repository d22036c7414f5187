"""What is answered of incidents: which one is meant, what its windows offer, how it stands; a timeline, a mark."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session, select

from bot.answers import incidents
from bot.answers.home import home
from bot.answers.status import status
from bot.catalog import PromoteThrough
from bot.errors import UserError
from bot.events import IncidentAct, MessageKept
from bot.incidents import rooms
from bot.incidents.models import Likely
from bot.ports import Room
from tests.unit.seeing import RENDERER, burning


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
    reply = incidents.overview(session, here.desk, asked="/incident lead", who="U0CHI")
    assert [one.incident_id for one in reply.open] == [2, 1]
    assert reply.asked == "/incident lead #2 @Chi", "a number that there is, and nobody is named twice"
    here.incidents()[1].watched = True
    session.flush()
    assert incidents.meant(session, None, None) == 1, "what is only watched is meant where it is named"
    here.incidents()[1].watched = False
    session.flush()
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


def test_in_a_room_a_sentence_about_another_incident_is_of_the_rooms() -> None:
    """“incident 5 is the cause”, said in the room of incident 6, is no update of incident 5."""
    sentence = ["incident", "5", "is", "the", "cause"]
    assert incidents.named_first(sentence, in_room=True) == ((), sentence)
    for beyond_doubt, named in (("#5 is fine", ["#5"]), ("incident 5", ["5"]), ("<#C0ROOM1> is fine", ["<#C0ROOM1>"])):
        assert list(incidents.named_first(beyond_doubt.split(), in_room=True)[0]) == named


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


@pytest.mark.parametrize(
    ("word", "meant"),
    [("chekout", "checkout"), ("Checkuot", "checkout"), ("cards", None), ("payments", None), ("5xx", None), ("", None)],
)
def test_a_word_that_is_nearly_a_service_is_asked_about(sqlite_session: Session, word: str, meant: str | None) -> None:
    """Opened of no service, it would wake nobody and lock nothing; most first words are no service at all."""
    here = burning(sqlite_session)
    found = incidents.misspelt(here.session, here.desk, word)
    assert (found.service if found is not None else None) == meant
    if found is not None:
        view = incidents.open_modal(here.session, here.desk, None, typed="checkout is slow", severity=2, misspelt=found)
        window = RENDERER.modal("modals/incident_open", view, callback_id="c")
        assert (view.title, view.chosen, view.severity) == ("checkout is slow", "checkout", 2)
        assert f"I know no service “{word}”: is it checkout?" in str(window)


@pytest.mark.parametrize(
    ("word", "service"),
    [
        ("checkout", "checkout"),
        ("Checkout:", "checkout"),
        ("checkout/production", "checkout"),
        ("checkout/Production,", "checkout"),
        ("checkout/staging", None),
        ("/production", None),
        ("nobody", None),
    ],
)
def test_a_service_is_known_as_people_write_it(sqlite_session: Session, word: str, service: str | None) -> None:
    """An incident is about the last environment; of another one the window asks first."""
    here = burning(sqlite_session)
    assert incidents.service_called(here.session, here.desk, word) == service
    assert incidents.of_service(here.session, here.desk, word) == (1 if service is not None else None)
    if word == "checkout/staging":
        found = incidents.misspelt(here.session, here.desk, word)
        assert found is not None
        assert found.service == "checkout"


def test_where_none_is_open_about_a_service_that_is_said(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    with pytest.raises(UserError, match=r"No incident is open about mail\. Open: incident 1 \(checkout 5xx\)"):
        incidents.of_service(here.session, here.desk, "mail")


def test_what_goes_on_as_another_is_acted_on_there(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    here.opens("mail is slow", "mail")
    here.acts(IncidentAct.MERGE, incident=here.incidents()[0], into=2)
    with pytest.raises(UserError, match=r"goes on as incident 2 \(mail is slow\)\. Do it there"):
        incidents.act_modal(here.session, here.desk, 1, IncidentAct.UPDATE)


def test_the_windows_offer_what_can_be_chosen(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    session, likely = here.session, here.session.exec(select(Likely)).one().id
    view = incidents.act_modal(session, here.desk, 1, IncidentAct.RESOLVE, "Rolled back")
    assert (view.chosen, view.typed) == (None, "Rolled back"), "our own confidence alone counts nothing"
    here.acts(IncidentAct.RIGHT, "U0BEN", likely=likely)
    assert incidents.act_modal(session, here.desk, 1, IncidentAct.RESOLVE).chosen == likely
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
    with pytest.raises(UserError, match="was resolved by Ana at 12:14"):
        incidents.act_modal(session, here.desk, 1, IncidentAct.UPDATE)
    assert incidents.act_modal(session, here.desk, 1, IncidentAct.TASK).card.incident_id == 1
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
    here.session.exec(select(Likely)).one().rolled_back_at = here.now
    with pytest.raises(UserError, match="is out of production again already"):
        incidents.rollback_modal(here.session, here.desk, likely)


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


def test_home_of_whoever_did_not_answer_in_time_goes_on_asking_them(sqlite_session: Session) -> None:
    """A policy that goes round calls them again; until somebody is on it they are asked, and so is who approves."""
    here = burning(sqlite_session)
    here.calls()
    here.turn(18)
    assert here.pages()[0][3] == "unanswered"
    (mine,) = home(here.session, here.desk, "U0ANA").incidents
    assert (mine.waits, mine.free) == (True, True)
    shown = RENDERER.home("home/home", home(here.session, here.desk, "U0ANA"))["blocks"]
    assert any("You were woken for this" in block.get("text", {}).get("text", "") for block in shown)
    here.acts(IncidentAct.MINE, "U0DEE")
    (mine,) = home(here.session, here.desk, "U0ANA").incidents
    assert (mine.waits, mine.free) == (False, False)


def test_the_timeline_says_what_is_left_out(sqlite_session: Session) -> None:
    here = burning(sqlite_session)
    for number in range(80):
        here.acts(IncidentAct.TASK, text=f"task {number}")
    reply = incidents.timeline_of(here.session, here.desk, 1)
    assert len(reply.lines) == incidents.MOST_LINES
    assert reply.earlier > 20
    assert len(RENDERER.message("replies/timeline", reply, key="k").blocks) <= 50


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
