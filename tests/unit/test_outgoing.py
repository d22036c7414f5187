"""What goes out is judged when it is sent: what is moot or muted by then is not said; and who is found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest
from sqlmodel import Session, col, select

from bot import outbox, people, work
from bot.database import Database
from bot.delivery import Showing
from bot.deploys import service
from bot.deploys.models import Change, Deploy
from bot.deploys.views import DigestCard, RedBuildNote
from bot.errors import GiveUp, RetryLater, Unauthorised
from bot.events import CheckFinished, CheckStatus, CommitsPushed, Human, Level
from bot.outbox import Card, CardState, Note
from bot.outgoing import Kinds
from bot.ports import Chat, Forge, Member
from bot.reactions import Reactions
from tests.unit.reports import ANA, BEN, REPO, carrying, catalog, commit, minute, pull, report, sha_of
from tests.unit.stores import NOON, Clock, opened

MEMBER = Member("U0ANA", "Ana")
ANA_AT_WORK = Human(login="ana", name="Ana", email="ana@bakery.example")
HERE = Reactions(catalog(), "https://github.com")


@dataclass
class Addresses:
    """A chat that knows people by address, and a forge that knows their addresses; either may fail."""

    members: dict[str, Member | Exception] = field(default_factory=dict)
    public: dict[str, str | Exception] = field(default_factory=dict)

    async def member_by_email(self, email: str) -> Member | None:
        """Whose address this is."""
        found = self.members.get(email)
        if isinstance(found, Exception):
            raise found
        return found

    async def email(self, login: str) -> str | None:
        """The address of an account."""
        found = self.public.get(login)
        if isinstance(found, Exception):
            raise found
        return found


def kinds(world: Addresses | None = None, database: Database | None = None) -> Kinds:
    """The kinds of a bot in this world."""
    return Kinds(
        catalog=HERE.catalog,
        forge_url=HERE.forge_url,
        database=cast("Database", database),
        chat=cast("Chat", world),
        forge=cast("Forge", world),
        clock=Clock(),
        settle=HERE.settle,
    )


def said(session: Session, kind: str, place: str) -> Showing | None:
    """What the latest note of a kind would say in a place now."""
    session.flush()
    note = session.exec(
        select(Note).where(Note.kind == kind, Note.place == place).order_by(col(Note.id).desc())
    ).first()
    assert note is not None
    return kinds().outgoing().notes[kind].load(session, note, NOON)


def known(session: Session, *names: str) -> None:
    """Slack was asked about these people."""
    for name in names:
        people.remember(session, f"github:{name}", Member(f"U0{name.upper()}", name.title()), NOON)
    session.flush()


def carried(session: Session, *changes: int, status: str = "succeeded") -> Deploy:
    """A deploy of these changes of Ana's, and one of Ben's."""
    known(session, "ana", "ben")
    HERE.react(session, [report("a", status, 1, began=0)], NOON)
    deploy = session.exec(select(Deploy)).one()
    own = [pull(number, str(number)) for number in changes]
    found = carrying(*own, pull(99, "f", author=BEN))
    service.range_read(session, HERE.catalog, deploy.id or 0, None, found, NOON)
    HERE.settle(session, NOON)
    session.flush()
    return deploy


# --- notes --------------------------------------------------------------------------------------------------------


def test_that_a_change_is_live_is_not_said_once_it_is_not(session: Session) -> None:
    """A later word of the pipeline overtook the message; the failure has a message of its own."""
    deploy = carried(session, 1)
    assert said(session, "change", "U0ANA") is not None
    HERE.react(session, [report("a", "failed", 2, began=0)], NOON)
    assert deploy.status == "failed"
    live = session.exec(select(Note).where(Note.place == "U0ANA").order_by(col(Note.id))).first()
    assert live is not None
    assert live.data["outcome"] == "live"
    assert kinds().outgoing().notes["change"].load(session, live, NOON) is None
    assert said(session, "change", "U0ANA") is not None


@pytest.mark.parametrize(
    ("muted", "heard"),
    [((), True), (("1",), True), (("1", "2"), False), (("1", "2", "99"), False), (("all",), False)],
)
def test_a_stuck_rollout_is_not_told_to_whoever_muted_it(session: Session, muted: tuple[str, ...], heard: bool) -> None:
    """All that is theirs in it, or everything."""
    deploy = carried(session, 1, 2, status="in_progress")
    for subject in work.due(session, minute(90)):
        HERE.due(session, subject, minute(90))
    assert deploy.stuck_at is not None
    for name in muted:
        change = session.exec(select(Change).where(Change.number == int(name))).one() if name != "all" else None
        people.choose(session, "U0ANA", f"change:{change.id}" if change else "all", Level.NONE, NOON)
    session.flush()
    assert (said(session, "stuck", "U0ANA") is not None) is heard
    assert said(session, "stuck", "U0BEN") is not None


def check(name: str, status: CheckStatus = CheckStatus.FAILED, run: int = 1) -> CheckFinished:
    """A check of the main branch ended."""
    return CheckFinished(repo=REPO, sha=sha_of("a"), name=name, status=status, main=True, run=run, at=NOON, author=ANA)


def test_a_red_build_names_every_check_that_is_red_when_it_is_sent(session: Session) -> None:
    """One message for the commit; once all were run again and passed there is nothing to say."""
    HERE.react(session, [check("unit"), check("lint"), check("docs", CheckStatus.PASSED)], NOON)
    showing = said(session, "red_build", "#deploys")
    assert showing is not None
    assert isinstance(showing.view, RedBuildNote)
    assert [one.name for one in showing.view.checks] == ["lint", "unit"]
    HERE.react(session, [check(name, CheckStatus.PASSED, run=2) for name in ("unit", "lint")], NOON)
    assert said(session, "red_build", "#deploys") is None


@pytest.mark.parametrize(("kind", "changes"), [("deploy", False), ("change", True)])
def test_a_digest_counts_what_it_holds(session: Session, kind: str, changes: bool) -> None:
    """Deploys in a channel, an author's changes in their conversation."""
    carried(session, 1)
    digest = outbox.touch_card(session, "digest", "here/1", "here", NOON)
    for card in session.exec(select(Card).where(Card.kind == kind)).all():
        card.state, card.digest = CardState.FOLDED.value, digest.id
    session.flush()
    showing = kinds().outgoing().cards["digest"].load(session, digest, NOON)
    assert showing is not None
    assert isinstance(showing.view, DigestCard)
    assert showing.view.changes is changes


# --- people -------------------------------------------------------------------------------------------------------


async def looked_up(url: str, world: Addresses) -> str | None:
    """Whom Slack names for Ana, who commits as ana@bakery.example."""
    async with opened(url) as database:
        pushed = CommitsPushed(repo=REPO, commits=(commit("a", author=ANA_AT_WORK),), at=NOON)
        await database.write(lambda session: HERE.react(session, [pushed], NOON))
        settle = await kinds(world, database).outgoing().find_person("github:ana")
        await database.write(lambda session: settle(session, NOON))
        return (await database.read(lambda session: people.looked_up(session, "github:ana", NOON)))[1]


async def test_a_forge_that_does_not_answer_keeps_nobody_from_being_found(sqlite_url: str) -> None:
    """The address they commit by is at hand."""
    world = Addresses({"ana@bakery.example": MEMBER}, {"ana": RetryLater("down")})
    assert await looked_up(sqlite_url, world) == "U0ANA"


async def test_whoever_only_the_forge_may_know_is_waited_for(sqlite_url: str) -> None:
    """Nobody is taken for a stranger because it is down."""
    with pytest.raises(RetryLater):
        await looked_up(sqlite_url, Addresses({}, {"ana": RetryLater("down")}))


async def test_an_address_that_slack_will_not_look_up_is_nobodys(sqlite_url: str) -> None:
    """The next way is tried; a token that must be mended is told as it is."""
    odd = GiveUp("invalid_arguments")
    world = Addresses({"ana@bakery.example": odd, "ana@example.com": MEMBER}, {"ana": "ana@example.com"})
    assert await looked_up(sqlite_url, world) == "U0ANA"


async def test_a_token_that_may_not_look_people_up_makes_nobody_a_stranger(sqlite_url: str) -> None:
    """Once it is mended, everybody is found."""
    with pytest.raises(Unauthorised):
        await looked_up(sqlite_url, Addresses({"ana@bakery.example": Unauthorised("missing_scope")}))
