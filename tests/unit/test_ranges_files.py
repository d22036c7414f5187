"""What a rollout carries is asked of the forge with its files where they tell what broke, or whose a change is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from sqlmodel import Session, select

from bot.catalog import PagingMode, Service
from bot.database import Database
from bot.deploys import service as deploys
from bot.deploys.models import Change
from bot.deploys.views import RangeState
from bot.errors import GiveUp, OutgoingError, RetryLater
from bot.events import Commit
from bot.outgoing.ranges import Ranges
from bot.ports import Changes, Forge, Range
from tests.unit.alarming import Here
from tests.unit.reports import carrying, catalog, commit, report
from tests.unit.stores import NOON

OVEN = Service(name="oven", channel="#b", repo="bakery/oven", environments=("staging", "production"))
TOO_LONG = GiveUp("unprocessable", "This diff is taking too long to generate.")


@dataclass
class Files:
    """A forge that carries one commit, and remembers whether files were wanted."""

    wanted: list[bool] = field(default_factory=list)
    fault: OutgoingError | None = None
    """What it answers to whoever asks for files."""

    def _commit(self, *, paths: bool) -> Commit:
        self.wanted.append(paths)
        if paths and self.fault is not None:
            raise self.fault
        return replace(commit("b"), paths=("oven/crust.py",) if paths else None)

    async def compare(self, repo: str, base: str, head: str, *, paths: bool) -> Range:
        """That commit arrives."""
        return carrying(self._commit(paths=paths))

    async def single(self, repo: str, sha: str, *, paths: bool) -> Changes:
        """It is that commit."""
        return Changes(commits=(self._commit(paths=paths),))


async def read(session: Session, forge: Files, owner: Service, environment: str, *shas: str) -> None:
    """These rollouts are reported, and what each carries is asked."""
    known = catalog(*([owner] if owner.known else []))
    ranges = Ranges(known, cast("Database", Here(session)), cast("Forge", forge), lambda session, now: None)
    for sha in shas:
        told = report(
            sha, service=owner.name, repo="bakery/oven", environment=environment, number=f"{environment}{sha}"
        )
        deploy = deploys.reported(session, known, told, NOON)
        assert deploy.range == RangeState.READING.value
        settle = await ranges.read({"deploy": deploy.id, "base": deploy.previous_sha})
        settle(session, NOON)


@pytest.mark.parametrize(
    ("owner", "environment", "wanted"),
    [
        pytest.param(OVEN, "production", True, id="where customers are: an error's stack tells whose change it was"),
        pytest.param(OVEN, "staging", False, id="where nobody is woken for an alert"),
        pytest.param(
            replace(OVEN, environments=()), "production", True, id="of no pipeline, by the environment's name"
        ),
        pytest.param(replace(OVEN, paging=PagingMode.OFF), "production", False, id="of a service whose alerts are off"),
        pytest.param(replace(OVEN, known=False), "production", False, id="of a service that no file knows"),
        pytest.param(replace(OVEN, paths=("oven/**",)), "staging", True, id="of a repository of several services"),
    ],
)
async def test_files_are_asked_for(sqlite_session: Session, owner: Service, environment: str, *, wanted: bool) -> None:
    """Of the first rollout there, and of one after another."""
    forge = Files()
    await read(sqlite_session, forge, owner, environment, "a", "b")
    assert forge.wanted == [wanted, wanted]


@pytest.mark.parametrize("fault", [TOO_LONG, RetryLater("too many questions", rate_limited=True)], ids=str)
async def test_a_list_of_files_that_cannot_be_told_keeps_nobody_from_hearing_what_is_live(
    sqlite_session: Session, fault: OutgoingError
) -> None:
    """What it carries is told all the same, without them; not where a change is a service's own by its files."""
    forge = Files(fault=fault)
    await read(sqlite_session, forge, OVEN, "production", "b")
    assert forge.wanted == [True, False]
    assert sqlite_session.exec(select(Change.sha)).all() == ["b" * 40]
    with pytest.raises(type(fault), match=str(fault)):
        await read(sqlite_session, forge, replace(OVEN, paths=("oven/**",)), "staging", "b")


async def test_a_fault_that_passes_is_waited_for(sqlite_session: Session) -> None:
    """The files are asked for again in a moment, and not given up."""
    forge = Files(fault=RetryLater("no answer"))
    with pytest.raises(RetryLater, match="no answer"):
        await read(sqlite_session, forge, OVEN, "production", "b")
    assert forge.wanted == [True]


async def test_what_was_read_without_its_files_gets_them_later(sqlite_session: Session) -> None:
    """A commit goes through staging first, where nobody asks for them."""
    forge = Files()
    await read(sqlite_session, forge, OVEN, "staging", "a", "b")
    await read(sqlite_session, forge, OVEN, "production", "a", "b")
    assert [one.paths for one in sqlite_session.exec(select(Change).where(Change.sha == "b" * 40)).all()] == [
        ["oven/crust.py"]
    ]
