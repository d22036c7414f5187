"""The GitHub adapter as a whole: when it begins, ends, and is broken off."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bot.adapters.github import GithubForge
from bot.errors import OutgoingError, Unauthorised
from tests.adapters.github_stub import GithubServer, between, commit, pull
from tests.adapters.stub import body

# Around it


def test_pygithub_is_not_imported_before_it_is_needed() -> None:
    """It costs a third of a second, and the bot shall start quickly."""
    code = "import sys, bot.adapters.github; sys.exit('github' in sys.modules or 'requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_closing_is_not_the_end(forge: GithubForge, github: GithubServer) -> None:
    """A call after close opens new connections rather than fail; closing twice does no harm."""
    github.tell_root("users/ana", {"email": "ana@acme.example"})
    await forge.email("ana")
    await forge.close()
    await forge.close()
    assert await forge.email("ana") == "ana@acme.example"


async def test_a_failure_is_raised_as_it_is_and_ends_the_rest(forge: GithubForge, github: GithubServer) -> None:
    """No group of errors: the engine decides by class."""
    github.tell_range(*(commit(number, f"Change (#{number})", number - 1) for number in range(2, 60)))
    github.tell_pulls(*(pull(number, number) for number in range(2, 60)))
    github.tell("pulls/2", body({"message": "Bad credentials"}, 401))
    with pytest.raises(OutgoingError) as raised:
        await between(forge)
    assert type(raised.value) is Unauthorised
    assert len(github.asked("pulls/")) < 58
