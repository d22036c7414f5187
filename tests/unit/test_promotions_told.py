"""What people are told of promotions: what holds them back, what was seen, what they can do about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from bot.answers.drift import drift
from bot.answers.where import where
from bot.catalog import Catalog
from bot.deploys import service as deploys
from bot.deploys.models import Deploy
from bot.errors import UserError
from bot.events import Act, FreezeDeclared, FreezeLifted, LockAct, LockActed, LockPlaced, ReleasePublished
from bot.gates import Approval, Freeze, Lock, Order
from bot.outbox import Effect, Note, SendState
from bot.outgoing.promotions import went_round_note
from bot.promotions import advancing, loading, modals, ranges
from bot.promotions.models import Promotion, State
from bot.promotions.notes import promotion_note
from bot.promotions.views import PromotionNote
from tests.unit.promoting import LOGINS, World, sha_of, world
from tests.unit.reports import BEN, REPO, carrying, minute, pull, report


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: nothing here depends on it."""
    return sqlite_url


QUICK = (Lock(), Freeze(), Order(), Approval())


def freeze(here: World, who: str = "U0DEE", service: str | None = "oven") -> None:
    """Somebody freezes it for two days."""
    here.tell(
        FreezeDeclared(
            service=service, begins=here.now, ends=here.now + timedelta(days=2), reason="moving the database",
            slack_id=who, called=LOGINS[who].capitalize(), at=here.now,
        )
    )  # fmt: skip


def lock(here: World, scope: str = "oven", who: str = "U0DEE") -> None:
    """Somebody locks it."""
    here.tell(
        LockPlaced(
            scope=scope, reason="look", ends_at=None, rollbacks=True, slack_id=who, called=LOGINS[who].capitalize(),
            channel=None, at=here.now,
        )
    )  # fmt: skip


def messages(here: World, place: str) -> list[Note]:
    """What somebody was really written of what holds their changes back."""
    notes = here.session.exec(select(Note).where(Note.place == place, Note.kind == "promotion_said")).all()
    return [one for one in notes if one.state != SendState.MOOT and one.data["said"] in ("held", "goes_on")]


def shown(here: World, note: Note) -> PromotionNote:
    """The view of a note."""
    view = promotion_note(here.session, here.desk, note)
    assert view is not None
    return view


def failed(here: World) -> Promotion:
    """Build b was called, began, and failed."""
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("b", "in_progress", promotion=promotion.id)
    here.at += 1
    here.ship("b", "failed", promotion=promotion.id, began=here.at - 1)
    assert promotion.state == State.FAILED
    return promotion


def test_authors_hear_of_a_freeze_once_and_when_it_is_lifted(session: Session) -> None:
    """As of a lock; whoever declared it is told nothing."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"), pull(816, "c", author=BEN))
    freeze(here, "U0BEN")
    assert [one.data["said"] for one in messages(here, "U0ANA")] == ["held"]
    told = shown(here, messages(here, "U0ANA")[0])
    assert told.lock is not None
    assert (told.lock.freeze, told.lock.scope, told.lock.owner) == (True, "oven", "Ben")
    assert [change.label for change in told.changes] == ["#815"]
    assert messages(here, "U0BEN") == []
    here.at += 5
    here.tell(FreezeLifted(freeze=1, slack_id="U0DEE", called="Dee", at=here.now))
    assert [one.data["said"] for one in messages(here, "U0ANA")] == ["held", "goes_on"]
    assert shown(here, messages(here, "U0ANA")[1]).waits[0].gate == "approval"


def test_it_does_not_go_on_while_a_freeze_holds_after_a_lock(session: Session) -> None:
    """The lock's end is no news: something else holds it."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"))
    lock(here)
    freeze(here)
    here.at += 5
    here.tell(
        LockActed(act=LockAct.LIFT, lock=None, scope="oven", until=None, slack_id="U0DEE", called="Dee", at=here.now)
    )
    assert [one.data["said"] for one in messages(here, "U0ANA")] == ["held"]


class _Two(World):
    """Two services of one repository."""

    @property
    def catalog(self) -> Catalog:
        """Both of them."""
        one = super().catalog
        return replace(one, services={**one.services, "mixer": replace(self.service, name="mixer")})


def raised_in(here: World, name: str, number: int) -> None:
    """A build of one of the services waits, with one change by Ana."""
    for sha, environment, at in (("a", "production", -3000.0), ("b", "staging", 1.0)):
        here.at = max(here.at, at)
        here.tell(report(sha, "succeeded", at, number=f"{name}{sha}", environment=environment, service=name))
    promotion = here.present()
    answer = carrying(pull(number, "b"))
    ranges.range_read(here.session, here.desk, promotion.id or 0, promotion.base_sha, answer, here.now)
    here.reactions.settle(here.session, here.now)


def test_locks_set_at_once_on_two_services_are_two_messages(session: Session) -> None:
    """Each says what waits, and why: whoever heard of one alone would not know that the other waits."""
    here = _Two(session, replace(world(session).service, gates=QUICK))
    raised_in(here, "oven", 820)
    raised_in(here, "mixer", 821)
    lock(here, "oven")
    lock(here, "mixer", "U0EVE")
    told = [shown(here, message) for message in messages(here, "U0ANA")]
    assert [(one.lock.scope if one.lock else None, one.changes[0].label) for one in told] == [
        ("oven", "#820"), ("mixer", "#821"),
    ]  # fmt: skip


def test_what_is_held_by_a_lock_that_was_heard_of_is_no_news_though_a_freeze_holds_it_too(session: Session) -> None:
    """One message is enough for whatever the same lock holds back."""
    here = _Two(session, replace(world(session).service, gates=QUICK))
    raised_in(here, "oven", 820)
    lock(here, "everything")
    freeze(here, service="mixer")
    raised_in(here, "mixer", 821)
    (told,) = messages(here, "U0ANA")
    holding = shown(here, told).lock
    assert holding is not None
    assert (holding.scope, holding.freeze) == ("everything", False)
    assert here.heard("U0ANA") == ["held", "held"], "kept besides, so that it is said when it goes on"


def test_a_lock_on_everything_is_one_message_to_an_author_of_two_services(session: Session) -> None:
    """It names what waits of both; when it goes on, each is told."""
    here = _Two(session, replace(world(session).service, gates=QUICK))
    raised_in(here, "oven", 820)
    raised_in(here, "mixer", 821)
    lock(here, "everything")
    (told,) = messages(here, "U0ANA")
    assert {change.label for change in shown(here, told).changes} == {"#820", "#821"}
    here.at += 5
    here.tell(
        LockActed(
            act=LockAct.LIFT, lock=None, scope="everything", until=None, slack_id="U0DEE", called="Dee", at=here.now
        )
    )
    assert [one.data["said"] for one in messages(here, "U0ANA")] == ["held", "goes_on", "goes_on"]


def test_a_failed_card_says_what_is_live_and_offers_to_go_back(session: Session) -> None:
    """Until something newer is live."""
    here = world(session, gates=QUICK)
    promotion = failed(here)
    card = loading.promotion_card(session, here.desk, promotion)
    assert card.now_live is not None
    assert (card.now_live.sha, card.goes_back) == (sha_of("a"), True)
    assert modals.still_live(session, here.desk, promotion.id or 0) == ("oven", "production")
    here.at += 1
    here.ship("c", source="other")
    card = loading.promotion_card(session, here.desk, promotion)
    assert card.now_live is not None
    assert (card.now_live.sha, card.goes_back) == (sha_of("c"), False)
    with pytest.raises(UserError, match="is not live any more, production of oven runs ccccccc"):
        modals.still_live(session, here.desk, promotion.id or 0)


@pytest.mark.parametrize("status", ["in_progress", "failed"])
def test_what_went_round_is_told_as_far_as_it_got(session: Session, status: str) -> None:
    """It got nowhere where it failed."""
    here = world(session, gates=QUICK)
    here.lives()
    here.ship("c", status, source="other")
    note = session.exec(select(Note).where(Note.kind == "went_round")).one()
    showing = went_round_note(session, here.desk, note)
    assert showing is not None
    assert isinstance(showing.view, PromotionNote)
    assert showing.view.deploy == status


def test_a_rollback_by_hand_is_told_as_one(session: Session) -> None:
    """It is no build that went forward ungated."""
    here = world(session, gates=QUICK)
    here.lives()
    here.at += 1
    here.ship("c", source="other")
    deploy = session.exec(select(Deploy).where(Deploy.sha == sha_of("c"))).one()
    deploys.range_read(
        session, here.catalog, deploy.id or 0, deploy.previous_sha, carrying(leaving=(pull(815, "b"),)), here.now
    )
    note = session.exec(select(Note).where(Note.kind == "went_round")).one()
    showing = went_round_note(session, here.desk, note)
    assert showing is not None
    assert isinstance(showing.view, PromotionNote)
    assert showing.view.rollback


def test_a_call_that_does_not_get_through_is_told_with_its_cause_and_can_be_cancelled(session: Session) -> None:
    """What was seen, how often, since when; Cancel is legal as long as nothing was called."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    assert loading.promotion_card(session, here.desk, promotion).trying is None
    (effect,) = here.effects(advancing.DEPLOY)
    here.at += 1
    effect.attempts, effect.error, effect.due_at = 3, "GitHub did not answer about a deployment", minute(9)
    session.flush()
    card = loading.promotion_card(session, here.desk, promotion)
    assert card.trying is not None
    assert (card.trying.tries, card.trying.reason, card.trying.since, card.trying.next_at) == (
        3, "GitHub did not answer about a deployment", promotion.not_before, minute(9),
    )  # fmt: skip
    assert Act.CANCEL in card.may
    here.act(Act.CANCEL, "U0ANA", reason="later")
    assert loading.promotion_card(session, here.desk, promotion).trying is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("not_found: The token cannot see it", "GitHub answers “Not Found” about bbbbbbb and aaaaaaa of bakery/oven"),
        ("no_token: Set GITHUB_TOKEN.", "Set GITHUB_TOKEN"),
        ("GitHub answered HTTP 502 about it", "GitHub answered HTTP 502 about it"),
    ],
)
def test_what_cannot_be_read_is_told_as_it_was_seen(session: Session, error: str, said: str) -> None:
    """An unknown commit is no fault of the token."""
    here = world(session, gates=QUICK)
    here.lives()
    here.at += 1
    here.stage("b")
    promotion = here.only(State.OPEN)
    assert loading.promotion_card(session, here.desk, promotion).trouble is None
    effect = session.exec(select(Effect).where(Effect.kind == ranges.RANGE).order_by(col(Effect.id).desc())).all()[0]
    effect.error, promotion.range = error, "unreadable"
    session.flush()
    assert (loading.promotion_card(session, here.desk, promotion).trouble or "").startswith(said)


def test_where_offers_the_go_that_is_waited_for(session: Session) -> None:
    """The number of the lock is its button's value."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"))
    deploy = session.exec(select(Deploy).where(Deploy.sha == sha_of("b"))).one()
    deploys.range_read(session, here.catalog, deploy.id or 0, deploy.previous_sha, carrying(pull(815, "b")), here.now)
    lock(here)
    here.turn(here.at + 60 * 4)
    (found,) = where(session, here.desk, "815").found
    assert [gate.go for gate in found.ahead[0].closed] == [1, None]


def test_drift_and_where_say_that_it_was_rejected(session: Session) -> None:
    """Whoever asks does not promote what somebody else said no to a minute ago, unknowing."""
    here = world(session, gates=QUICK)
    here.raised("b", "a", pull(815, "b"))
    deploy = session.exec(select(Deploy).where(Deploy.sha == sha_of("b"))).one()
    deploys.range_read(session, here.catalog, deploy.id or 0, deploy.previous_sha, carrying(pull(815, "b")), here.now)
    here.act(Act.REJECT, "U0DEE", reason="too risky")
    (one,) = drift(session, here.desk, "oven").services
    assert one.ended is not None
    assert (one.ended.state, one.ended.who and one.ended.who.name, one.ended.reason, one.out) == (
        "rejected", "Dee", "too risky", None,
    )  # fmt: skip
    (found,) = where(session, here.desk, "815").found
    assert found.ahead[0].ended == one.ended


def test_drift_says_that_it_was_rolled_back(session: Session) -> None:
    """What is needed for it to go in again is another than to promote it."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", pull(815, "b"))
    here.act(Act.APPROVE)
    here.at += 1
    here.call()
    here.ship("b", promotion=promotion.id)
    here.at += 1
    here.roll_back()
    here.call()
    here.at += 1
    here.ship("a", promotion=here.present().id, number="back")
    (one,) = drift(session, here.desk, "oven").services
    assert one.out is not None
    assert (one.out.sha, one.ended) == (sha_of("b"), None)


@pytest.mark.parametrize("name", ["v1.2.0", "V1.2.0", "Spring 1.2", "815", "#815", "bbbbbbb"])
def test_a_build_is_promoted_by_the_names_that_people_know_it_by(session: Session, name: str) -> None:
    """Its tag, its version, a pull request that it brought, its commit."""
    here = world(session, gates=QUICK)
    here.lives()
    here.at += 1
    here.tell(ReleasePublished(repo=REPO, tag="v1.2.0", name="Spring 1.2", url="https://x.example", at=here.now))
    here.stage("b", ref="v1.2.0")
    deploy = session.exec(select(Deploy).where(Deploy.sha == sha_of("b"))).one()
    deploys.range_read(session, here.catalog, deploy.id or 0, deploy.previous_sha, carrying(pull(815, "b")), here.now)
    here.read()
    here.act(Act.REJECT)
    assert here.ask(name).startswith("Asked for: oven → production (bbbbbbb)")


def test_a_version_of_another_repository_names_no_build_here(session: Session) -> None:
    """Two repositories may give the same tag and the same version to other things."""
    here = world(session, gates=QUICK)
    here.lives()
    here.at += 1
    for repo, tag in ((REPO, "v1.2.0"), ("bakery/till", "v1.1.0")):
        here.tell(ReleasePublished(repo=repo, tag=tag, name="Spring 1.2", url="https://x.example", at=here.now))
    here.stage("b", ref="v1.1.0")
    here.stage("c", ref="refs/tags/v1.2.0")
    here.read()
    here.act(Act.REJECT)
    assert here.ask("Spring 1.2").startswith("oven → production (ccccccc) is on its way already")


@pytest.mark.parametrize(("sha", "name", "ref"), [("1", "1111", "1111"), ("2", "20260301", "20260301")])
def test_a_name_of_digits_is_no_commit_unless_it_is_long(session: Session, sha: str, name: str, ref: str) -> None:
    """A short number never means a commit that happens to begin with it; a long one may be a tag for all that."""
    here = world(session, gates=QUICK)
    here.lives()
    here.at += 1
    here.stage(sha, ref="main")
    here.stage("c", ref=ref)
    here.read()
    here.act(Act.REJECT)
    assert here.ask(name).startswith("oven → production (ccccccc) is on its way already")


def test_a_name_of_several_builds_is_refused(session: Session) -> None:
    """A tag that was moved has two of them."""
    here = world(session, gates=QUICK)
    here.lives()
    for sha in ("b", "c"):
        here.at += 1
        here.stage(sha, ref="v9")
    with pytest.raises(UserError, match="More than one build of oven goes by “v9”: give more of its commit"):
        here.ask("v9")


def test_a_name_of_no_build_is_refused_with_what_would_do(session: Session) -> None:
    """And staging is no place to promote to."""
    here = world(session, gates=QUICK)
    here.lives()
    with pytest.raises(UserError, match="I know no build “v9” of oven that was live in staging: name it by its commit"):
        here.ask("v9", environment="production")
    with pytest.raises(UserError, match="oven is promoted to production, not to “staging”: builds get there by"):
        here.ask(environment="staging")


@pytest.mark.parametrize(("proves", "how"), [(True, "/ship me github prove"), (False, "put you into people")])
def test_whoever_is_not_proven_is_told_what_works_here(session: Session, proves: bool, how: str) -> None:
    """Nobody can prove a login where no GitHub App is configured."""

    class Nobody(World):
        @property
        def catalog(self) -> Catalog:
            return replace(super().catalog, people=(), proves_logins=proves)

    here = Nobody(session, replace(world(session).service, gates=QUICK))
    here.raised("b", "a", pull(815, "b", author=BEN))
    assert how in here.refused(Act.APPROVE, "U0DEE")


def test_can_names_who_really_can(session: Session) -> None:
    """The team without members is everybody."""
    here = world(session, gates=QUICK)
    promotion = here.raised("b", "a", pull(815, "b"))
    lock(here)
    line = loading.promotion_card(session, here.desk, promotion).gates[0]
    assert (line.can, line.able) == ((), "anybody here but guests")
