"""A change whose revert is where it is does nothing there: nobody is told that it is live."""

from __future__ import annotations

import json

from sqlmodel import Session, col, select

from bot import outbox
from bot.answers.where import where
from bot.deploys import service
from bot.deploys.loading import Desk, change_card, stages
from bot.deploys.models import Change, Deploy
from bot.deploys.views import StageView
from bot.events import MergedPull
from bot.outbox import Note
from bot.outgoing.notes import change_note
from bot.ports import Message
from bot.reactions.deploys import reconsider
from tests.unit.reports import carrying, catalog, pull, report
from tests.unit.shown import message, renderer
from tests.unit.stores import NOON

DESK = Desk(catalog(), "https://github.com", NOON)


def brings(session: Session, sha: str, at: float, *aboard: MergedPull, leaving: tuple[MergedPull, ...] = ()) -> Deploy:
    """A build that went live with all this."""
    service.reported(session, DESK.catalog, report(sha, "succeeded", at, number=f"{sha}{at}"), NOON)
    deploy = session.exec(select(Deploy).order_by(col(Deploy.id).desc())).first()
    assert deploy is not None
    assert deploy.id is not None
    found = carrying(*aboard, leaving=leaving)
    service.range_read(session, DESK.catalog, deploy.id, deploy.previous_sha, found, NOON)
    session.flush()
    return deploy


def change(session: Session, number: int) -> Change:
    """The change of this number."""
    return session.exec(select(Change).where(Change.number == number)).one()


def stage(session: Session, number: int) -> StageView:
    """Where it is, as its card shows it."""
    (found,) = stages(session, DESK, change(session, number))
    return found


def told(session: Session, number: int, deploy: Deploy) -> str:
    """What its author hears of it."""
    data = {"change": change(session, number).id, "deploy": deploy.id, "outcome": "live"}
    note = Note(key=f"{number}", kind="change", place="U0ANA", created_at=NOON, data=data)
    return said(message(change_note(session, DESK, note)))


def card(session: Session, number: int) -> str:
    """What stands on its author's card."""
    view = change_card(session, DESK, change(session, number), "U0ANA")
    return said(renderer().message("cards/change", view, key="k1"))


def asked(session: Session, number: int) -> str:
    """What ``/ship where`` says."""
    return said(renderer().message("replies/where", where(session, DESK, f"#{number}"), key="k1"))


def said(shown: Message) -> str:
    """All that a message shows."""
    return json.dumps(shown.blocks, ensure_ascii=False)


def test_a_change_whose_revert_is_in_the_same_build_is_not_told_to_be_live(session: Session) -> None:
    """Its author hears what takes it back, and so does whoever asks; the revert itself is live."""
    brings(session, "a", 1)
    deploy = brings(session, "c", 2, pull(401, "b"), pull(403, "c", reverts=401))
    reverted = stage(session, 401).reverted
    assert reverted is not None
    assert (reverted.label, reverted.together) == ("#403", True)
    assert "does nothing there" in told(session, 401, deploy)
    assert "is live in" not in told(session, 401, deploy)
    assert "✅" not in asked(session, 401)
    assert "#403" in asked(session, 401)
    assert ("is live in" in card(session, 401), "comes with it" in card(session, 401)) == (False, True)
    assert "is live in" in told(session, 403, deploy)
    assert "✅" in asked(session, 403)


def test_a_revert_that_came_later_counts_once_it_is_live_and_until_it_is_out_again(session: Session) -> None:
    """Before, and once a rollback took the revert out, the change is live as it was."""
    brings(session, "a", 1)
    first = brings(session, "b", 2, pull(401, "b"))
    assert stage(session, 401).works
    assert "is live in" in told(session, 401, first)
    brings(session, "c", 3, pull(403, "c", reverts=401))
    reverted = stage(session, 401).reverted
    assert reverted is not None
    assert (reverted.label, reverted.together) == ("#403", False)
    assert "does nothing in" in asked(session, 401)
    brings(session, "b", 4, leaving=(pull(403, "c", reverts=401),))
    assert stage(session, 401).works
    assert "is live in" in asked(session, 401)


def test_the_card_of_what_is_taken_back_is_shown_anew_with_the_revert(session: Session) -> None:
    """It stood in its author's conversation since it went live."""
    brings(session, "a", 1)
    brings(session, "b", 2, pull(401, "b"))
    card = outbox.touch_card(session, "change", str(change(session, 401).id), "U0ANA", NOON)
    session.flush()
    before = card.version
    reconsider(session, DESK, brings(session, "c", 3, pull(403, "c", reverts=401)), NOON, urgent=False)
    assert card.version > before


def test_a_revert_that_is_reverted_takes_nothing_back(session: Session) -> None:
    """Nor does one of another repository's number, nor two that claim to revert each other hang."""
    brings(session, "a", 1)
    brings(session, "d", 2, pull(401, "b"), pull(403, "c", reverts=401), pull(404, "d", reverts=403))
    assert stage(session, 401).works
    assert not stage(session, 403).works
    brings(session, "f", 3, pull(405, "e", reverts=406), pull(406, "f", reverts=405))
    assert not stage(session, 405).works
    assert stage(session, 406).works
