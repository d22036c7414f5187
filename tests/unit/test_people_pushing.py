"""A login that was proven at GitHub is one of ours where it may push to something that is deployed from here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from bot import people
from bot.catalog import Catalog, Service
from bot.errors import GiveUp, OutgoingError, RetryLater, UserError
from bot.ports import Forge
from tests.unit import reports

HIDDEN = GiveUp("not_found", "The token cannot see it: check the name.")


def catalog(*repos: str) -> Catalog:
    """A catalogue of services from these repositories."""
    services = {f"s{n}": Service(name=f"s{n}", channel="#deploys", repo=repo) for n, repo in enumerate(repos)}
    return replace(reports.catalog(), services=services)


@dataclass
class Access:
    """A GitHub that says of each repository whether one may push to it, or fails."""

    says: dict[str, bool | OutgoingError]
    asked: list[str] = field(default_factory=list)

    async def may_push(self, repo: str, login: str) -> bool:
        """Whether mallory2 may."""
        assert login == "mallory2"
        self.asked.append(repo)
        said = self.says[repo]
        if isinstance(said, OutgoingError):
            raise said
        return said


async def pushes_to(access: Access, *repos: str) -> str:
    """The repository that is found, among those of the catalogue."""
    return await people.pushes_to(cast("Forge", access), catalog(*(repos or access.says)), "mallory2")


async def test_the_first_repository_that_one_may_push_to_suffices() -> None:
    """One that cannot be asked about is no obstacle, and several services of one repository are one question."""
    access = Access({"acme/gone": HIDDEN, "acme/a": False, "acme/b": True, "acme/c": True})
    assert await pushes_to(access, "acme/gone", "acme/a", "acme/a", "acme/b", "acme/c") == "acme/b"
    assert access.asked == ["acme/gone", "acme/a", "acme/b"]


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (
            {"acme/a": False},
            "mallory2 may not push to acme/a, so nothing was proven. An admin there can let mallory2 in",
        ),
        ({"acme/a": False, "acme/b": False}, "mallory2 may not push to acme/a or acme/b, so nothing was proven"),
        (
            {"acme/a": False, "acme/gone": HIDDEN},
            "may not push to acme/a, and I could not ask about acme/gone (The token cannot see it: check the name), so",
        ),
        ({"acme/gone": HIDDEN}, "I could not ask about acme/gone"),
        ({f"acme/{n}": False for n in range(9)}, "acme/0, acme/1, acme/2, acme/3, acme/4 or 4 more"),
        ({}, "shipmate.yml names no repo of a service"),
    ],
    ids=["no", "no-of-two", "no-and-hidden", "hidden", "no-of-many", "no-repository"],
)
async def test_a_login_that_may_push_nowhere_is_told_what_was_found_and_who_mends_it(
    says: dict[str, bool | OutgoingError], told: str
) -> None:
    with pytest.raises(UserError) as refused:
        await pushes_to(Access(says))
    assert "GitHub says that you are mallory2" in str(refused.value)
    assert told in str(refused.value)
    assert "have mallory2 written under people in shipmate.yml." in str(refused.value)


async def test_a_github_that_does_not_answer_proves_nothing_and_may_be_asked_again() -> None:
    """Nor is the rest asked of a GitHub that is down."""
    access = Access({"acme/a": False, "acme/b": RetryLater("down"), "acme/c": True})
    with pytest.raises(UserError, match="does not answer just now whether mallory2 may push to acme/b: nothing was"):
        await pushes_to(access)
    assert access.asked == ["acme/a", "acme/b"]
