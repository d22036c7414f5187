"""Builds of the main branch: which of a commit's checks are red, and which red ones a passing check makes green again.

A run of a workflow that deploys is no build: its failure is told as the deploy's, not a second time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlmodel import Session, col, select

from bot.deploys.models import LONGEST_NAME, Check, Deploy
from bot.events import CheckFinished, CheckStatus

LOOKED_BACK = 20
"""Red commits of one check that are looked at when it passes: whoever left more behind was told of the latest."""

_RUN = re.compile(r"/actions/runs/([0-9]{1,20})(?![0-9])")
"""The number of a workflow's run in its address, as GitHub writes it."""


def failed_checks(session: Session, repo: str, sha: str) -> Sequence[Check]:
    """The builds of a commit whose present verdict is that they failed."""
    failed = session.exec(
        select(Check)
        .where(Check.repo == repo, Check.sha == sha, Check.status == CheckStatus.FAILED.value)
        .order_by(Check.name)
    ).all()
    return [check for check in failed if not _made_a_deploy(session, repo, check.url)]


def passes(session: Session, repo: str, sha: str, name: str) -> bool:
    """Whether the present verdict of a commit's check is that it passed."""
    found = session.exec(select(Check.status).where(Check.repo == repo, Check.sha == sha, Check.name == name)).first()
    return found == CheckStatus.PASSED.value


def red_before(session: Session, event: CheckFinished) -> Sequence[str]:
    """The commits that were red by this check in earlier runs, the latest first: asked before its verdict is kept."""
    return session.exec(
        select(Check.sha)
        .where(
            Check.repo == event.repo,
            Check.name == event.name[:LONGEST_NAME],
            Check.status == CheckStatus.FAILED.value,
            Check.run < event.run,
        )
        .order_by(col(Check.run).desc())
        .limit(LOOKED_BACK)
    ).all()


def _made_a_deploy(session: Session, repo: str, url: str | None) -> bool:
    """Whether the run at this address is one that a deploy of the repository was reported from."""
    run = _run_of(url)
    if run is None:
        return False
    told = session.exec(
        select(Deploy.url).where(Deploy.repo == repo, col(Deploy.url).contains(f"/actions/runs/{run}"))
    ).all()
    return any(_run_of(one) == run for one in told)


def _run_of(url: str | None) -> str | None:
    found = _RUN.search(url) if url else None
    return found.group(1) if found else None
