"""Acme, the company every story happens at: five people, an app, channels, and six repositories with a past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.sandbox.clock import Clock
from bot.sandbox.repositories import Account, Deployment, DeploymentStatus, File, Forge
from bot.sandbox.workspace import Workspace
from bot.sandbox.world import BOT_USER_ID, Person

POLICY = Path(__file__).parent / "acme.yml"
"""Acme's shipmate.yml, which a bot can take as it is."""

ELSEWHERE = "https://acme.example"
"""Where that has Acme's dashboards and runbooks; the page leads from there to this world's own address."""


def acme_policy(address: str) -> str:
    """Acme's shipmate.yml, with what it links to at this address of the world."""
    return POLICY.read_text(encoding="utf-8").replace(ELSEWHERE, address)


def acme_workspace(clock: Clock | None = None) -> Workspace:
    """The workspace every story begins in: five people, the app installed and invited to the deploy channels.

    Fay is a guest and Gus works for a partner company: both are seen in the channel they share with Acme, and may read.
    """
    workspace = Workspace(clock)
    for key, real_name, colour, zone in (
        ("ana", "Ana Torres", "c2476a", "Europe/Paris"),
        ("ben", "Ben Okafor", "2f7d5b", "Europe/London"),
        ("chi", "Chi Nguyen", "b8641a", "America/New_York"),
        ("dee", "Dee Larsson", "6b4fc4", "Asia/Kathmandu"),
        ("eve", "Eve Moreau", "1f6fb2", "Australia/Lord_Howe"),
    ):
        workspace.add_person(
            Person(
                key=key,
                slack_id=f"U0{key.upper()}",
                real_name=real_name,
                email=f"{key}@example.com",
                colour=colour,
                zone=zone,
            )
        )
    everyone = set(workspace.people)
    workspace.add_person(
        Person(
            key="fay",
            slack_id="U0FAY",
            real_name="Fay Ito",
            email="fay@contractor.example",
            colour="8a6d3b",
            zone="Asia/Tokyo",
            guest=True,
            title="Auditor",
        )
    )
    workspace.add_person(
        Person(
            key="gus",
            slack_id="U0GUS",
            real_name="Gus Weber",
            email="gus@partner.example",
            colour="5b6770",
            zone="Europe/Berlin",
            stranger=True,
        )
    )
    with_app = {*everyone, BOT_USER_ID}
    workspace.add_channel("general", channel_id="C0GENERAL", members=everyone, purpose="For everyone")
    workspace.add_channel("deploys", channel_id="C0DEPLOYS", members=with_app, purpose="What is shipping")
    workspace.add_channel(
        "payments-deploys", channel_id="C0PAYMENTS", members=with_app, purpose="What the payments team ships"
    )
    workspace.add_channel("releases", channel_id="C0RELEASES", members=with_app, purpose="When the trains leave")
    workspace.add_channel("payments-leads", channel_id="C0LEADS", members={"U0DEE", "U0EVE"}, private=True)
    workspace.add_channel(
        "partner-launch",
        channel_id="C0PARTNER",
        members={"U0ANA", "U0DEE", "U0FAY", "U0GUS", BOT_USER_ID},
        shared=True,
        purpose="The launch we do with Partner Ltd",
    )
    workspace.add_usergroup("payments-leads", group_id="S0LEADS", name="Payments leads", users=("U0DEE", "U0EVE"))
    workspace.add_channel("old-deploys", channel_id="C0OLD", members=with_app, archived=True)
    return workspace


def acme_forge() -> Forge:
    """Acme's GitHub: everybody's account, the bots', acme/checkout with a past, and what has been live for three days.

    Eve has no public e-mail address: who she is in Slack must come from the configuration or from herself.
    """
    forge = Forge()
    for number, (login, name) in enumerate(
        (
            ("ana", "Ana Torres"),
            ("ben", "Ben Okafor"),
            ("chi", "Chi Nguyen"),
            ("dee", "Dee Larsson"),
            ("eve", "Eve Moreau"),
        )
    ):
        forge.add_account(
            Account(
                login=login,
                id=501 + number,
                name=name,
                email=None if login == "eve" else f"{login}@example.com",
                commit_email=f"{501 + number}+{login}@users.noreply.github.com"
                if login == "eve"
                else f"{login}@example.com",
                member=True,
            )
        )
    for login, identity in (("dependabot[bot]", 49699333), ("github-actions[bot]", 41898282)):
        forge.add_account(
            Account(
                login=login,
                id=identity,
                name=login,
                bot=True,
                commit_email=f"{identity}+{login}@users.noreply.github.com",
            )
        )
    _checkout(forge)
    _live(forge, "acme/cart", "src/cart.py", _CART_PAST, 401)
    _live(forge, "acme/ledger", "src/ledger.py", _LEDGER_PAST, 501)
    _live(forge, "acme/rates", "src/rates.py", _RATES_PAST, 551)
    _live(forge, "acme/search", "src/search.py", _SEARCH_PAST, 601)
    _live(forge, "acme/storefront", "src/pages.py", _STOREFRONT_PAST, 701)
    return forge


_PAST = (
    ("ana", "Take card payments"),
    ("ben", "Keep a basket for a day"),
    ("chi", "Show the price with tax"),
    ("dee", "Ask for the postcode first"),
    ("ana", "Log the gateway's request id"),
    ("eve", "Translate the receipt"),
    ("ben", "Check stock before payment"),
)


def _checkout(forge: Forge) -> None:
    repo = forge.add_repository("acme/checkout", default_branch="main")
    at: datetime = datetime.now(UTC) - timedelta(days=len(_PAST))
    parents: tuple[str, ...] = ()
    for author, message in _PAST:
        at += timedelta(hours=20)
        commit = repo.add_commit(
            message=message, author=forge.account(author), parents=parents, files=(File(name="src/checkout.py"),), at=at
        )
        parents = (commit.sha,)
        repo.branches["main"] = commit.sha
    repo.next_pull = 801


_CART_PAST = (  # ivy has left: nobody is told today that theirs went live
    ("ben", "Keep what somebody put aside"),
    ("eve", "Count in dozens where people do"),
    ("ivy", "Add up in the currency of the shop"),
)
_LEDGER_PAST = (("chi", "Write every payment down twice"), ("ivy", "Close the books at midnight"))
_RATES_PAST = (("ben", "Fetch the rates each hour"), ("ivy", "Remember yesterday's"))
_SEARCH_PAST = (("ben", "Find a word in any of its forms"), ("ivy", "Show what others looked for"))
_STOREFRONT_PAST = (("chi", "Say what is new this week"), ("ivy", "Load the pictures last"))
_LIVE_SINCE = timedelta(days=3)


def _live(forge: Forge, name: str, file: str, past: Sequence[tuple[str, str]], next_pull: int) -> None:
    """A repository whose newest commit has been live everywhere for a while."""
    repo = forge.add_repository(name, default_branch="main")
    now = datetime.now(UTC)
    parents: tuple[str, ...] = ()
    for number, (author, message) in enumerate(past):
        commit = repo.add_commit(
            message=message,
            author=forge.account(author),
            parents=parents,
            files=(File(name=file),),
            at=now - _LIVE_SINCE - timedelta(hours=20 * (len(past) - number)),
        )
        parents = (commit.sha,)
        repo.branches["main"] = commit.sha
    repo.next_pull = next_pull
    pipeline = forge.account("github-actions[bot]")
    for environment, at in (("staging", now - _LIVE_SINCE), ("production", now - _LIVE_SINCE + timedelta(hours=1))):
        deployment = Deployment(
            id=next(forge.numbers),
            sha=repo.branches["main"],
            ref="main",
            environment=environment,
            creator=pipeline,
            payload={},
            production=environment == "production",
            transient=False,
            created_at=at,
        )
        deployment.statuses.append(
            DeploymentStatus(
                id=next(forge.numbers),
                state="success",
                creator=pipeline,
                at=at + timedelta(minutes=4),
                description="",
                log_url="",
                environment_url="",
                environment=environment,
            )
        )
        repo.deployments[deployment.id] = deployment
