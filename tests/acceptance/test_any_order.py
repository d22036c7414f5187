"""The same webhooks in any order, any number of times, leave the same rows and the same cards.

GitHub promises no order. One story is told again and again to a new bot with an empty database, shuffled, with
repetitions and pauses; the first telling, in order, is what all others are compared with. What was said on the way
(notes) may differ: acts stay, and are corrected aloud.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from bot.deploys.models import Change, Check, Contributor, Deploy, DeployChange, Release, Target
from bot.sandbox.server import Sandbox
from bot.sandbox.world import BOT_USER_ID
from tests.acceptance import watching
from tests.acceptance.pipeline import Envelope, Postman, Rollout, captured
from tests.conftest import UNLIMITED, living, new_postgres_database

pytestmark = pytest.mark.both_engines

REPO = "acme/basket"
PEOPLE = ("ana", "ben", "chi", "dee", "eve")
SEEDS = {"sqlite": (3, 7, 12, 14, 30), "postgresql": (11, 12)}
"""Some of many that were tried: three of them find a card that keeps a deploy which no longer carries its change."""

Row = tuple[object, ...]


@dataclass(frozen=True)
class Outcome:
    """What a telling left behind: rows by table without our own numbers, and what each card shows, by place."""

    rows: dict[str, list[Row]]
    cards: dict[str, list[str]]


@pytest.fixture
async def story(sandbox: Sandbox) -> list[Envelope]:
    """Merges, pushes, checks, releases; two environments; a failure, a rollback, and one rollout that goes on."""
    github = sandbox.github
    sandbox.connect("http://127.0.0.1:9")
    github.drop_webhooks()
    repo = github.repository(REPO)
    first = repo.branches["main"]
    shas = [first]
    for number, (author, merger, how, coauthors) in enumerate(
        (
            ("ana", "ana", "squash", ("dee",)),
            ("ben", "chi", "merge", ()),
            ("dependabot[bot]", "chi", "squash", ()),
            ("eve", "ben", "rebase", ()),
        ),
        start=1,
    ):
        pull = await github.open_pull(
            REPO, author=author, title=f"Improve the basket, part {number}", coauthors=coauthors, commits=("a", "b")
        )
        shas.append(await github.merge_pull(REPO, pull, merged_by=merger, how=how))
        await github.workflow_run(REPO, shas[-1], conclusion="failure" if number == 2 else "success")
    await github.workflow_run(REPO, shas[2], attempt=2)
    await github.commit(REPO, author="dee", message="Mend a typo")
    await github.release(REPO, "v2", shas[3], "Version 2")
    await sandbox.settle()
    return [*captured(sandbox), *rollouts(shas)]


def rollouts(shas: list[str]) -> list[Envelope]:
    """What the pipeline reports of these commits, oldest first; a rollback goes back to the second.

    The last one began too recently to look stuck: that would come from the clock and not from a webhook.
    """
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=42)
    envelopes: list[Envelope] = []
    plan = (
        (shas[0], "production", ("in_progress", "success")),
        (shas[1], "staging", ("in_progress", "success")),
        (shas[1], "production", ("pending", "in_progress", "success")),
        (shas[2], "production", ("in_progress", "failure")),
        (shas[3], "staging", ("in_progress", "success")),
        (shas[3], "production", ("in_progress", "success")),
        (shas[1], "production", ("in_progress", "success")),
        (shas[4], "production", ("pending", "in_progress")),
    )
    for number, (sha, environment, states) in enumerate(plan, start=1):
        at = began + timedelta(minutes=5 * number)
        ref = "v2" if sha == shas[3] else "main"
        rollout = Rollout(number=number, repo=REPO, sha=sha, environment=environment, began_at=at, ref=ref)
        envelopes.append(rollout.announced())
        envelopes += [
            rollout.said(state, at + timedelta(seconds=30 * step), description=f"{state} of {number}")
            for step, state in enumerate(states, start=1)
        ]
    return envelopes


async def tell(
    sandbox: Sandbox, database_url: str, name: str, envelopes: list[Envelope], pauses: random.Random
) -> Outcome:
    """Tell a new bot all this, in this order; what it left behind once it rests."""
    channel = f"deploys-{name}"
    sandbox.world.add_channel(channel, members={BOT_USER_ID})
    before = {message.ts for person in PEOPLE for message in sandbox.slack.direct_messages(person)}
    async with living(sandbox, database_url, limits=UNLIMITED, SHIPMATE_DEFAULT_CHANNEL=f"#{channel}") as world:
        postman = Postman(sandbox)
        postman.at(world.serving.url)
        database = world.serving.bot.database
        try:
            for envelope in envelopes:
                assert await postman.send(envelope) in (200, 202)
                if pauses.random() < 0.1:
                    await watching.at_rest(database)
            await watching.at_rest(database)
        finally:
            await postman.close()
        rows = await database.read(rows_of)
    direct = {
        person: [one for one in sandbox.slack.direct_messages(person) if one.ts not in before] for person in PEOPLE
    }
    shown = {**direct, "channel": sandbox.slack.messages(channel)}
    assert watching.said_twice_among([message for messages in shown.values() for message in messages]) == []
    cards = {
        place: sorted(
            f"{message.text}\n{watching.plain(message.blocks)}"
            for message in (*watching.cards(messages, "deploy"), *watching.cards(messages, "change"))
        )
        for place, messages in shown.items()
    }
    return Outcome(rows, cards)


def shuffled(envelopes: list[Envelope], chance: random.Random) -> list[Envelope]:
    """All of them in some order, some several times."""
    more = [envelope for envelope in envelopes for _ in range(chance.choice((1, 1, 1, 2, 3)))]
    chance.shuffle(more)
    return more


async def test_any_order_and_any_repetition_leave_the_same_rows_and_cards(
    request: pytest.FixtureRequest, sandbox: Sandbox, story: list[Envelope], tmp_path: Path, engine: str
) -> None:
    """Told in order, backwards, and in orders drawn from a few seeds."""

    def database(name: str) -> str:
        if engine == "sqlite":
            shutil.copyfile(request.getfixturevalue("sqlite_template"), file := tmp_path / f"{name}.db")
            return f"sqlite:///{file}"
        return new_postgres_database(*(request.getfixturevalue(f"postgres_{one}") for one in ("server", "template")))

    expected = await tell(sandbox, database("first"), "first", story, random.Random(0))
    check_story(expected)
    orders = {"backwards": list(reversed(story))}
    orders |= {f"seed-{seed}": shuffled(story, random.Random(seed)) for seed in SEEDS[engine]}
    for name, envelopes in orders.items():
        told = await tell(sandbox, database(name), name, envelopes, random.Random(name))
        for table, rows in expected.rows.items():
            assert told.rows[table] == rows, f"{table}, told {name}"
        for place, cards in expected.cards.items():
            other = [card for card in told.cards[place] if card not in cards]
            missing = [card for card in cards if card not in told.cards[place]]
            assert not other + missing, "\n".join([f"{place}, told {name}:", *other, "instead of", *missing])


def check_story(told: Outcome) -> None:
    """The story is one: the comparison is not between empty things."""
    assert {table: len(rows) for table, rows in told.rows.items() if table != "contributors"} == {
        "targets": 2,
        "changes": 5,
        "deploys": 8,
        "deploy_changes": 13,
        "checks": 4,
        "releases": 1,
    }
    assert len(told.cards["channel"]) == 8
    assert {person: len(told.cards[person]) for person in PEOPLE} == {"ana": 2, "ben": 1, "chi": 1, "dee": 1, "eve": 0}


def rows_of(session: Session) -> dict[str, list[Row]]:
    """Every row by what the world calls things, in an order of its own."""
    changes = {change.id: f"{change.repo}{change.label}" for change in session.exec(select(Change)).all()}
    targets = {target.id: f"{target.service}/{target.environment}" for target in session.exec(select(Target)).all()}
    deploys = {
        deploy.id: f"{targets[deploy.target]}@{deploy.sha[:7]} {deploy.began_at.isoformat()}"
        for deploy in session.exec(select(Deploy)).all()
    }
    deploys[None] = "nothing"
    kept = select(DeployChange).where(col(DeployChange.dropped).is_(False))
    rows: dict[str, list[Row]] = {
        "targets": [
            (targets[row.id], deploys[row.live])
            for row in session.exec(select(Target).where(Target.service != "*")).all()
        ],
        "changes": [
            (
                changes[row.id], row.sha, row.title, row.url, row.base, tuple(row.labels), row.additions, row.deletions,
                row.reverts, row.merged_at, row.paths,
            )
            for row in session.exec(select(Change)).all()
        ],
        "contributors": [
            (changes[row.change], row.role, row.who, row.login, row.name, row.email, row.bot)
            for row in session.exec(select(Contributor)).all()
        ],
        "deploys": [
            (
                deploys[row.id], row.sha, row.ref, row.status, row.status_at, row.began_at, row.in_progress_at,
                row.live_at, row.percent, row.url, row.description, row.creator, row.final, deploys[row.previous],
                row.previous_sha, row.range, row.direction, row.truncated,
            )
            for row in session.exec(select(Deploy)).all()
        ],
        "deploy_changes": [
            (deploys[row.deploy], changes[row.change], row.leaving, row.position) for row in session.exec(kept).all()
        ],
        "checks": [
            (row.repo, row.sha, row.name, row.status, row.run, row.url, row.at)
            for row in session.exec(select(Check)).all()
        ],
        "releases": [
            (row.repo, row.tag, row.name, row.url, row.at) for row in session.exec(select(Release)).all()
        ],
    }  # fmt: skip
    return {table: sorted(found, key=repr) for table, found in rows.items()}
