"""What `/ship status`, `/ship where` and `/ship me` find, in a real database filled by the events themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from sqlmodel import Session

from bot import people
from bot.answers.me import change_meant, login_meant, me
from bot.answers.status import LISTED, status
from bot.answers.where import where
from bot.catalog import Catalog, Service, load_catalog
from bot.database import Database, upgrade
from bot.deploys import service
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import (
    ChangeMerged,
    Commit,
    CommitsPushed,
    DeployReported,
    DeployStatus,
    Event,
    Human,
    Level,
    MergedPull,
    PreferenceChosen,
)
from bot.ports import Changes, Direction, Member, Range
from bot.reactions import Reactions

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
OLD = "0c0ffee0" * 5
NEW = "a1b2c3d4" * 5
FORGE = "https://github.example"
DEE = Member(slack_id="U0DEE", name="Dee L.")
Result = TypeVar("Result")

CATALOGUE = """
teams:
  payments: {channel: "#payments-deploys"}
services:
  checkout: {team: payments, repo: acme/checkout, environments: [staging, production], runbook: "https://runbooks.example/checkout"}
  Ledger: {repo: acme/ledger, environments: [production]}
people:
  - {slack: U0ANA, github: ana, email: ana@example.com, name: Ana}
  - {slack: U0BEN, github: ben}
"""


class World:
    """A database, what happened in it, and questions to it."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self.database = database
        self.catalog = catalog
        self.reactions = Reactions(catalog, FORGE)
        self.now = NOON

    async def happened(self, *events: Event) -> None:
        for event in events:
            await self.database.write(partial(self.reactions.react, events=[event], now=self.now))

    async def do(self, work: Callable[[Session], Result]) -> Result:
        return await self.database.write(work)

    async def ask(self, question: Callable[[Session, Desk], Result]) -> Result:
        desk = Desk(self.catalog, FORGE, self.now)
        return await self.database.read(lambda session: question(session, desk))


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    file = tmp_path / "shipmate.yml"
    file.write_text(CATALOGUE)
    address = database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    upgrade(address)
    database = Database(address)
    database.start()
    yield World(database, load_catalog(file, default_channel="#deploys"))
    await database.close()


def merged(
    number: int, sha: str, *, repo: str = "acme/checkout", author: str = "ana", minutes: int = 0
) -> ChangeMerged:
    """A merged pull request."""
    at = NOON + timedelta(minutes=minutes)
    pull = MergedPull(
        number=number,
        sha=sha,
        title=f"Change {number}",
        url=f"{FORGE}/{repo}/pull/{number}",
        author=Human(login=author),
        merger=Human(login="chi"),
        merged_at=at,
    )
    return ChangeMerged(repo=repo, pull=pull, at=at)


def deployed(
    sha: str,
    status: DeployStatus = DeployStatus.SUCCEEDED,
    *,
    environment: str = "staging",
    minutes: int = 10,
    took: int = 3,
    name: str = "",
    repo: str = "acme/checkout",
    percent: int | None = None,
) -> DeployReported:
    """A rollout that began so many minutes after noon, and where it stands ``took`` minutes later."""
    began = NOON + timedelta(minutes=minutes)
    return DeployReported(
        source="github",
        external_id=name or f"{repo}:{environment}:{sha}:{minutes}",
        repo=repo,
        environment=environment,
        sha=sha,
        status=status,
        began_at=began,
        at=began + timedelta(minutes=took),
        percent=percent,
        url=f"{FORGE}/{repo}/actions/runs/1",
    )


# --- status ----------------------------------------------------------------------------------------------------------


async def test_nothing_deployed_shows_the_services_of_the_catalogue(world: World) -> None:
    reply = await world.ask(status)
    assert [(one.service, one.targets) for one in reply.services] == [("Ledger", ()), ("checkout", ())]
    assert reply.more == 0


async def test_one_service_shows_its_pipeline_in_order_with_what_is_live_and_what_it_carries(world: World) -> None:
    await world.happened(merged(812, NEW), deployed(NEW))
    reply = await world.ask(lambda session, desk: status(session, desk, "CHECKOUT"))
    (one,) = reply.services
    assert (one.service, one.team) == ("checkout", "payments")
    staging, production = one.targets
    assert (staging.environment, production.environment) == ("staging", "production")
    assert staging.live_sha == NEW
    assert staging.live_since == NOON + timedelta(minutes=13)
    assert [change.label for change in staging.live_changes] == ["#812"]
    assert [link.name for link in staging.links] == ["Commit", "Run"]
    assert (production.live_sha, production.under_way, production.links) == (None, None, ())


async def test_what_is_under_way_is_shown_beside_what_is_live(world: World) -> None:
    await world.happened(deployed(OLD), deployed(NEW, DeployStatus.IN_PROGRESS, minutes=30, took=1, percent=40))
    (one,) = (await world.ask(lambda session, desk: status(session, desk, "checkout"))).services
    staging = one.targets[0]
    assert staging.live_sha == OLD
    assert (staging.under_way, staging.under_way_sha) == (DeployStatus.IN_PROGRESS, NEW)
    assert staging.under_way_percent == 40
    assert staging.under_way_since == NOON + timedelta(minutes=31)


async def test_a_rollout_whose_end_was_never_told_is_forgotten_once_a_newer_one_is_live(world: World) -> None:
    await world.happened(deployed(OLD, DeployStatus.IN_PROGRESS, minutes=5), deployed(NEW, minutes=30))
    (one,) = (await world.ask(lambda session, desk: status(session, desk, "checkout"))).services
    assert one.targets[0].under_way is None


async def test_a_failure_is_shown_until_something_newer_is_live(world: World) -> None:
    await world.happened(deployed(OLD), deployed(NEW, DeployStatus.FAILED, minutes=20))
    (one,) = (await world.ask(lambda session, desk: status(session, desk, "checkout"))).services
    assert one.targets[0].last_failed_at == NOON + timedelta(minutes=23)
    assert one.targets[0].last_failed_sha == NEW
    await world.happened(deployed(NEW, minutes=40))
    (one,) = (await world.ask(lambda session, desk: status(session, desk, "checkout"))).services
    assert one.targets[0].last_failed_at is None


async def test_services_come_in_the_order_of_their_last_deploys_and_the_rest_is_counted(world: World) -> None:
    count = LISTED + 2
    for number in range(count):
        await world.happened(deployed(NEW, environment="production", minutes=number, repo=f"acme/svc{number}"))
    reply = await world.ask(status)
    assert [one.service for one in reply.services] == [f"svc{count - 1 - place}" for place in range(LISTED)]
    assert reply.more == 2 + 2, "two deployed ones, and the two of the catalogue that never were"
    assert reply.services[0].targets[0].live_sha == NEW
    assert reply.services[0].targets[0].live_changes == (), "a list does not name changes"


async def test_an_unknown_service_is_answered_with_the_nearest(world: World) -> None:
    with pytest.raises(UserError, match="did you mean “checkout”"):
        await world.ask(lambda session, desk: status(session, desk, "chekout"))
    with pytest.raises(UserError, match="/ship status lists"):
        await world.ask(lambda session, desk: status(session, desk, "zzz"))


# --- where -----------------------------------------------------------------------------------------------------------


FORMS = (
    "812",
    "#812",
    "PR 812",
    "acme/checkout#812",
    "ACME/Checkout #812",
    NEW,
    NEW[:7],
    NEW[:9].upper(),
    f"{FORGE}/acme/checkout/pull/812",
    f"{FORGE}/acme/checkout/pull/812/files?w=1#diff",
    f"{FORGE}/acme/checkout/commit/{NEW}",
)
"""How people name one change."""


async def test_a_change_is_found_as_people_paste_it(world: World) -> None:
    await world.happened(merged(812, NEW), deployed(NEW))
    for asked in FORMS:
        reply = await world.ask(partial(where, asked=asked))
        assert [(found.repo, found.change.label) for found in reply.found] == [("acme/checkout", "#812")], asked
    (found,) = (await world.ask(partial(where, asked="812"))).found
    assert found.change.change_id is not None, "its mute button needs it"
    assert [(stage.environment, stage.status) for stage in found.stages] == [("staging", DeployStatus.SUCCEEDED)]
    assert found.waiting == ("production",)


async def test_what_is_no_change_of_ours_is_not_found(world: World) -> None:
    await world.happened(merged(812, NEW))
    for asked in ("813", "deadbeef", "a1b2c3", "checkout", "", "acme/ledger#812", f"{FORGE}/acme/x", "9" * 40):
        reply = await world.ask(partial(where, asked=asked))
        assert (reply.asked, reply.found) == (asked, ())


async def test_what_looks_like_a_pattern_is_taken_literally(world: World) -> None:
    await world.happened(merged(812, NEW))
    for asked in ("acme/check_ut#812", "acme/%#812"):
        assert (await world.ask(partial(where, asked=asked))).found == ()


async def test_a_number_of_several_repositories_finds_each_the_latest_first(world: World) -> None:
    await world.happened(merged(7, OLD, repo="acme/ledger"), merged(7, NEW, minutes=5))
    reply = await world.ask(lambda session, desk: where(session, desk, "#7"))
    assert [found.repo for found in reply.found] == ["acme/checkout", "acme/ledger"]


async def test_a_change_not_deployed_anywhere_waits_for_its_whole_pipeline(world: World) -> None:
    await world.happened(merged(812, NEW))
    (found,) = (await world.ask(lambda session, desk: where(session, desk, "812"))).found
    assert (found.stages, found.waiting) == ((), ("staging", "production"))


async def test_a_change_of_several_services_names_each_with_what_it_waits_for(world: World) -> None:
    """In production for one of them, and not yet for the other."""
    world.catalog = Catalog(
        default_channel="#deploys",
        unknown=world.catalog.unknown,
        services={
            name: Service(name=name, channel="#deploys", repo="acme/mono", environments=("staging", "production"))
            for name in ("checkout", "cart")
        },
    )
    world.reactions = Reactions(world.catalog, FORGE)
    await world.happened(
        merged(812, NEW, repo="acme/mono"),
        replace(deployed(NEW, repo="acme/mono", environment="production"), service="checkout"),
        replace(deployed(NEW, repo="acme/mono", name="cart"), service="cart"),
    )
    (found,) = (await world.ask(partial(where, asked="812"))).found
    assert {(stage.service, stage.environment) for stage in found.stages} == {
        ("checkout", "production"),
        ("cart", "staging"),
    }
    assert sorted(found.waiting) == ["cart · production", "checkout · staging"]


async def test_a_commit_within_a_pull_request_leads_to_it(world: World) -> None:
    pull = merged(812, NEW).pull
    await world.happened(ChangeMerged(repo="acme/checkout", pull=replace(pull, commits=(OLD,)), at=NOON))
    (found,) = (await world.ask(lambda session, desk: where(session, desk, OLD[:8]))).found
    assert found.change.label == "#812"


async def test_a_deployed_commit_that_no_change_explains_is_found_as_itself(world: World) -> None:
    """Saying that nobody knows it would be wrong while it is live."""
    await world.happened(deployed(NEW), deployed(NEW, environment="production", minutes=40))
    (found,) = (await world.ask(lambda session, desk: where(session, desk, NEW[:10]))).found
    assert (found.change.label, found.repo, found.change.change_id) == (NEW[:7], "acme/checkout", None)
    assert found.change.url == f"{FORGE}/acme/checkout/commit/{NEW}"
    assert [stage.environment for stage in found.stages] == ["staging", "production"]


# --- me --------------------------------------------------------------------------------------------------------------


async def test_somebody_unknown_hears_everything_and_is_called_as_slack_calls_them(world: World) -> None:
    reply = await world.ask(lambda session, desk: me(session, desk, "U0EVE", "eve"))
    assert reply.person.name == "eve"
    assert (reply.github, reply.github_source, reply.level) == (None, None, Level.ALL)
    assert (reply.muted_changes, reply.recent) == ((), ())


async def test_somebody_of_the_catalogue_sees_their_latest_changes_but_not_those_they_merely_merged(
    world: World,
) -> None:
    await world.happened(
        merged(1, "1" * 40, minutes=1), merged(2, "2" * 40, minutes=2), merged(3, "3" * 40, author="ben", minutes=3)
    )
    reply = await world.ask(lambda session, desk: me(session, desk, "U0ANA", "ana.t"))
    assert (reply.person.name, reply.github, reply.github_source) == ("Ana", "ana", "catalogue")
    assert [change.label for change in reply.recent] == ["#2", "#1"]
    await world.do(lambda session: people.link(session, world.catalog, "U0CHI", "chi", NOON))
    chi = await world.ask(lambda session, desk: me(session, desk, "U0CHI", "chi"))
    assert (chi.github_source, chi.recent) == ("link", ())


async def test_who_merged_a_bots_change_sees_it_as_theirs(world: World) -> None:
    pull = merged(5, NEW).pull
    bot = Human(login="dependabot[bot]", bot=True)
    await world.happened(ChangeMerged(repo="acme/checkout", pull=replace(pull, author=bot), at=NOON))
    await world.do(lambda session: people.link(session, world.catalog, "U0CHI", "chi", NOON))
    chi = await world.ask(lambda session, desk: me(session, desk, "U0CHI", "chi"))
    assert [change.label for change in chi.recent] == ["#5"]


async def test_somebody_found_by_e_mail_sees_their_changes(world: World) -> None:
    pushed = Commit(sha=NEW, message="Fix", author=Human(name="Dee", email="dee@example.com"), at=NOON)
    await world.happened(CommitsPushed(repo="acme/checkout", commits=(pushed,), at=NOON), deployed(NEW))
    await world.do(lambda session: people.remember(session, "email:dee@example.com", DEE, NOON))
    await world.do(lambda session: _carry(session, world.catalog, pushed))
    reply = await world.ask(lambda session, desk: me(session, desk, "U0DEE", "dee"))
    assert [change.label for change in reply.recent] == [NEW[:7]]
    assert reply.person.name == "Dee L.", "as Slack calls her, rather than her handle"


def _carry(session: Session, catalog: Catalog, commit: Commit) -> None:
    """The forge answers what the first deploy carries: this commit, which belongs to no pull request."""
    read = Range(direction=Direction.AHEAD, arriving=Changes(commits=(commit,)), leaving=Changes())
    service.range_read(session, catalog, 1, None, read, NOON)


async def test_what_somebody_muted_is_listed_and_no_longer_offered_to_be_muted(world: World) -> None:
    await world.happened(merged(1, "1" * 40, minutes=1), merged(2, "2" * 40, minutes=2))
    change = await world.ask(lambda session, _: change_meant(session, "#1"))
    chosen = PreferenceChosen(slack_id="U0ANA", scope=f"change:{change}", level=Level.NONE, at=NOON)
    await world.happened(chosen, replace(chosen, scope="all", level=Level.FAILURES))
    reply = await world.ask(lambda session, desk: me(session, desk, "U0ANA", "ana"))
    assert reply.level is Level.FAILURES
    assert [view.label for view in reply.muted_changes] == ["#1"]
    assert [view.label for view in reply.recent] == ["#2"]


async def test_a_change_to_be_muted_must_be_one_and_only_one(world: World) -> None:
    await world.happened(merged(7, OLD, repo="acme/ledger"), merged(7, NEW, minutes=5))
    with pytest.raises(UserError, match="could be several: acme/checkout#7, acme/ledger#7"):
        await world.ask(lambda session, _: change_meant(session, "7"))
    with pytest.raises(UserError, match="I know no change “8”"):
        await world.ask(lambda session, _: change_meant(session, "8"))
    assert await world.ask(lambda session, _: change_meant(session, "acme/ledger#7")) == 1


@pytest.mark.parametrize(
    ("asked", "login"),
    [("eve", "eve"), ("@eve-2", "eve-2"), ("https://github.com/eve/", "eve"), ("eve_acme", "eve_acme"), ("Ana", "Ana")],
)
def test_a_login_is_taken_as_people_write_it(asked: str, login: str) -> None:
    assert login_meant(asked) == login


@pytest.mark.parametrize("asked", ["no spaces", "-eve", ""])
def test_a_login_that_is_none_is_refused(asked: str) -> None:
    with pytest.raises(UserError, match="no GitHub login"):
        login_meant(asked)
