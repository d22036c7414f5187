"""Views of what `/ship` answers, for the golden files."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from bot.answers.views import (
    HelpReply,
    HoursView,
    MeReply,
    ProofReply,
    SaidReply,
    ServiceStatus,
    StatusReply,
    TargetStatus,
    WhereFound,
    WhereReply,
    Word,
)
from bot.events import DeployStatus, Level
from tests.unit.golden_deploys import ANA, BUMP, LINKS, NOON, OLDER, RETRY, REVERT, RUN, SHA, SHIPPED, STAGED, numbered

PRODUCTION = TargetStatus(
    environment="production",
    live_sha=SHA,
    live_since=NOON,
    live_changes=(RETRY, BUMP),
    under_way=None,
    under_way_sha=None,
    under_way_since=None,
    under_way_percent=None,
    last_failed_at=None,
    last_failed_sha=None,
    last_failed_url=None,
    links=LINKS,
)
ARRIVING = dataclasses.replace(
    PRODUCTION,
    environment="staging",
    under_way=DeployStatus.IN_PROGRESS,
    under_way_sha=OLDER,
    under_way_since=NOON,
    under_way_percent=60,
    last_failed_at=NOON - timedelta(days=1),
    last_failed_sha=SHA,
    last_failed_url=RUN,
)
EMPTY = dataclasses.replace(PRODUCTION, live_sha=None, live_since=None, live_changes=(), links=())
CHECKOUT = ServiceStatus(service="checkout", team="payments", targets=(ARRIVING, PRODUCTION))
CART = ServiceStatus(service="cart", team=None, targets=(EMPTY,))
FOUND = WhereFound(
    change=RETRY, repo="acme/checkout", merged_at=NOON - timedelta(hours=3), stages=(STAGED,), waiting=("production",)
)
ME = MeReply(
    person=ANA, github="ana", github_source="e-mail", level=Level.ALL, muted_changes=(BUMP,), recent=(RETRY, REVERT)
)
WORDS = (
    Word(name="status", usage="status [service]", summary="what is live, and what is on its way"),
    Word(name="where", usage="where <PR|sha|url>", summary="how far a change got"),
    Word(name="promote", usage="promote <service> [build]", summary="bring a build to production"),
)
SAMPLES: dict[str, dict[str, object]] = {
    "replies/status": {
        "nothing": StatusReply(services=(), more=0),
        "one": StatusReply(services=(CHECKOUT,), more=0),
        "one, nothing live": StatusReply(services=(CART,), more=0),
        "several": StatusReply(services=(CHECKOUT, CART, dataclasses.replace(CART, targets=())), more=4),
    },
    "replies/where": {
        "nothing": WhereReply(asked="99999", found=()),
        "one": WhereReply(asked="812", found=(FOUND,)),
        "one of two services": WhereReply(
            asked="812",
            found=(
                dataclasses.replace(
                    FOUND,
                    stages=(STAGED, SHIPPED, dataclasses.replace(SHIPPED, service="cart", environment="staging")),
                    waiting=("cart · production",),
                ),
            ),
        ),
        "failed in production": WhereReply(
            asked="812",
            found=(
                dataclasses.replace(
                    FOUND, stages=(STAGED, dataclasses.replace(SHIPPED, status=DeployStatus.FAILED)), waiting=()
                ),
            ),
        ),
        "taken out of production": WhereReply(
            asked="812",
            found=(dataclasses.replace(FOUND, stages=(STAGED, dataclasses.replace(SHIPPED, left=True)), waiting=()),),
        ),
        "on its way": WhereReply(
            asked="812",
            found=(dataclasses.replace(FOUND, stages=(dataclasses.replace(STAGED, status=DeployStatus.IN_PROGRESS),)),),
        ),
        "two": WhereReply(
            asked="812",
            found=(
                FOUND,
                WhereFound(change=REVERT, repo="acme/cart", merged_at=None, stages=(), waiting=("staging",)),
                WhereFound(change=BUMP, repo="acme/web", merged_at=NOON, stages=(STAGED, SHIPPED), waiting=()),
            ),
        ),
    },
    "replies/me": {
        "hears all": ME,
        "only failures": dataclasses.replace(ME, level=Level.FAILURES, github_source="link", muted_changes=()),
        "unknown on GitHub, which can be asked": dataclasses.replace(ME, github=None, github_source=None),
        "unknown on GitHub, which cannot be asked": dataclasses.replace(
            ME, github=None, github_source=None, proves=False
        ),
        "a guest": dataclasses.replace(ME, github=None, github_source=None, reads_only=True),
        "nothing, unknown on GitHub": dataclasses.replace(
            ME, level=Level.NONE, github=None, github_source=None, recent=(), muted_changes=(*numbered(1, 14), REVERT)
        ),
        "proven, with hours of her own": dataclasses.replace(
            ME,
            github_source="device",
            proven=True,
            hours=HoursView(begins="08:30", ends="17:00", zone="Europe/Paris", chosen=True),
            muted_changes=(),
            recent=(),
        ),
        "the usual hours": dataclasses.replace(
            ME,
            hours=HoursView(begins="09:00", ends="18:00", zone="Asia/Kathmandu", chosen=False),
            muted_changes=(),
            recent=(),
        ),
    },
    "replies/proof": {
        "a code": ProofReply(code="WDJB-MJHT", url="https://github.example/login/device", until=NOON),
    },
    "replies/help": {
        "asked": HelpReply(words=WORDS),
        "meant": HelpReply(words=WORDS, unknown="promot", meant="promote"),
        "no idea": HelpReply(words=WORDS[:2], unknown="xyzzy"),
        "another command": HelpReply(words=WORDS, unknown="incident", elsewhere="/incident"),
    },
    "replies/said": {
        "taken": SaidReply(text="You hear nothing more about #812."),
        "refused": SaidReply(text="Only members of payments may do this.\nAsk Dee or Eve.", refused=True),
    },
}
