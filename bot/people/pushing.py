"""What makes a login that somebody proved one of ours: it may push to something that is deployed from here.

GitHub gives an account to anybody; whoever proved a throwaway one could approve what they wrote as themselves. Asked
before any transaction, once for each proof.
"""

from __future__ import annotations

from bot.catalog import Catalog
from bot.errors import GiveUp, OutgoingError, UserError
from bot.gates.wording import listed
from bot.ports import Forge


async def pushes_to(forge: Forge, catalog: Catalog, login: str) -> str:
    """A repository of the catalogue that this login may push to.

    UserError where there is none, with what was found and who can mend it, or where GitHub does not answer.
    """
    settle = f"or have {login} written under people in shipmate.yml"
    repos = list(dict.fromkeys(service.repo for service in catalog.services.values() if service.repo))
    if not repos:
        raise UserError(
            f"GitHub says that you are {login}. That proves nothing while shipmate.yml names no repo of a service that "
            f"{login} may push to: have one written there, {settle}."
        )
    unasked: dict[str, str] = {}
    for repo in repos:
        try:
            if await forge.may_push(repo, login):
                return repo
        except GiveUp as fault:
            unasked[repo] = fault.mend or fault.code
        except OutgoingError:
            raise UserError(
                f"GitHub says that you are {login}, and does not answer just now whether {login} may push to {repo}: "
                "nothing was proven. Try it again in a moment: /ship me github prove"
            ) from None
    found = _found(login, repos, unasked)
    raise UserError(f"{found}, so nothing was proven. An admin there can let {login} in, {settle}.")


def _found(login: str, repos: list[str], unasked: dict[str, str]) -> str:
    """What GitHub said of each repository, and of which it would not."""
    asked = [repo for repo in repos if repo not in unasked]
    said = [f"{login} may not push to {listed(asked, last='or')}"] if asked else []
    if unasked:
        why = next(iter(unasked.values())).rstrip(".")
        said.append(f"I could not ask about {listed(list(unasked))} ({why})")
    return f"GitHub says that you are {login}; {', and '.join(said)}"
