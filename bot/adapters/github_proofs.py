"""Whose GitHub login is whose: what an organisation's single sign-on knows, and OAuth's device flow; who may push.

In the device flow somebody enters a code at GitHub, signed in there; the token that comes of it is used for one
question (who are you?) and forgotten: it is kept nowhere and told to nobody. It needs a GitHub App with Device Flow
switched on (docs.github.com, generating a user access token for a GitHub App).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import aiohttp

from bot.adapters import github_errors
from bot.adapters.github_client import GithubClient
from bot.adapters.reading import items, line, piece, text, whole
from bot.errors import GiveUp, RetryLater, Unauthorised
from bot.ports import DeviceProof

QUERY = """
query($owner: String!, $name: String!) {
  organization(login: $owner) {
    samlIdentityProvider {
      externalIdentities(first: 10, userName: $name) {
        nodes {
          user { login }
          samlIdentity { nameId username emails { value } }
          scimIdentity { username emails { value } }
        }
      }
    }
  }
}
"""
"""``userName`` is matched with the SAML NameID and the SCIM userName, which mostly are addresses."""

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_FORM = {"Accept": "application/json"}
_PUSHING = ("admin", "write")
_USUAL_INTERVAL = 5
_LONGEST_INTERVAL = 60
_LONGEST_LIFE = 3_600
_ENDED: Mapping[str, str] = {
    "expired_token": "The code ran out before anybody entered it: ask for another one.",
    "access_denied": "Whoever entered the code refused: nothing was proven.",
    "incorrect_device_code": "GitHub knows no such code any more: ask for another one.",
    "token_expired": "The code ran out before anybody entered it: ask for another one.",
}
_NOT_SET_UP: Mapping[str, str] = {
    "device_flow_disabled": "Switch on Enable Device Flow in the GitHub App's settings (General).",
    "unauthorized_client": "Switch on Enable Device Flow in the GitHub App's settings (General).",
    "incorrect_client_credentials": "GitHub does not know the App's client id: check GITHUB_APP_ID.",
    "unsupported_grant_type": "GitHub does not take the device flow: is GITHUB_API_URL right?",
}


class Proofs:
    """Asks one GitHub who somebody is. ``base_url`` is the REST API's; ``timeout`` is seconds a call."""

    def __init__(self, client: GithubClient, base_url: str, *, timeout: float) -> None:
        self._client = client
        self._api = base_url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._client_id: str | None = None

    async def login_by_sign_on(self, owner: str, email: str) -> str | None:
        """The login that an organisation's single sign-on knows under this address, or None (also without one).

        The address must be that of the identity itself: a filter that matched something else proves nothing.
        """
        about = f"single sign-on of {owner}"
        try:
            answer = await self._client.graphql(owner, QUERY, {"owner": owner, "name": email}, about)
        except GiveUp as fault:
            if fault.code == "not_found":
                return None  # the App is not installed there
            raise
        if not isinstance(answer.data, dict):
            raise github_errors.unreadable(about)
        faults = {text(one, "type") for one in items(answer.data.get("errors"))}
        if "RATE_LIMITED" in faults:
            raise RetryLater("GitHub's rate limit is used up", rate_limited=True)
        if "NOT_FOUND" in faults:
            return None  # a person's account, or an organisation that we do not see
        if faults:
            raise Unauthorised("forbidden", f"To ask the {about}, give the GitHub App the permission Members (read).")
        organisation = piece(piece(answer.data, "data"), "organization")
        found = piece(piece(organisation, "samlIdentityProvider"), "externalIdentities")
        logins = {
            login.casefold(): login
            for identity in items(found.get("nodes"))
            if email.casefold() in _addresses(identity) and (login := line(piece(identity, "user"), "login"))
        }
        return next(iter(logins.values())) if len(logins) == 1 else None

    async def begin(self) -> DeviceProof:
        """Ask for a code; GiveUp where the App cannot, saying what to switch on."""
        answer = await self._post("/login/device/code", {"client_id": await self._own_id()}, "a device code")
        fault = text(answer, "error")
        if fault:
            raise _refused(fault)
        device_code, user_code = text(answer, "device_code"), line(answer, "user_code")
        if not device_code or not user_code:
            raise github_errors.unreadable("a device code")
        life, interval = whole(answer, "expires_in"), whole(answer, "interval")
        life = min(life or 900, _LONGEST_LIFE)
        return DeviceProof(
            device_code=device_code,
            user_code=user_code,
            url=f"{self.site}/login/device",
            interval=min(interval or _USUAL_INTERVAL, _LONGEST_INTERVAL),
            expires_at=datetime.now(UTC) + timedelta(seconds=life),
        )

    async def proven(self, proof: DeviceProof) -> str | None:
        """Who entered the code, None while nobody has; RetryLater says with ``delay`` when to ask at the soonest."""
        sent = {"client_id": await self._own_id(), "device_code": proof.device_code, "grant_type": _GRANT}
        answer = await self._post("/login/oauth/access_token", sent, "a device code")
        fault = text(answer, "error")
        if fault == "authorization_pending":
            return None
        if fault == "slow_down":
            slower = whole(answer, "interval") or int(proof.interval) + 5
            raise RetryLater("GitHub asks us to ask less often", delay=min(slower, _LONGEST_INTERVAL))
        if fault:
            raise _refused(fault)
        token = text(answer, "access_token")
        if not token:
            raise github_errors.unreadable("a device code")
        return await self._login_of(token)

    async def may_push(self, repo: str, login: str) -> bool:
        """Whether a login may push to a repository, by its own, its teams' or its organisation's role.

        GitHub tells custom roles and ``maintain`` as the base role that they stand on (docs.github.com, repository
        permissions for a user). It wants Metadata (read), which every App has, and answers 404 about who is no user.
        """
        about = f"what {login} may do in {repo}"
        path = f"/repos/{repo}/collaborators/{quote(login, safe='')}/permission"
        try:
            answer = await self._client.get(repo, path, about)
        except GiveUp as fault:
            if fault.code == "not_found":
                return False
            raise
        if not text(answer.data, "permission"):
            raise github_errors.unreadable(about)
        is_theirs = line(piece(answer.data, "user"), "login").casefold() == login.casefold()
        return is_theirs and text(answer.data, "permission") in _PUSHING

    @property
    def site(self) -> str:
        """Where people use this GitHub: github.com, or the Enterprise server that the API belongs to."""
        if self._api.endswith("api.github.com"):
            return "https://github.com"
        return self._api.removesuffix("/api/v3")

    async def _own_id(self) -> str:
        if not self._client.is_app:
            raise GiveUp(
                "no_app",
                "To prove a login at GitHub, Shipmate must be a GitHub App: set GITHUB_APP_ID and "
                "GITHUB_APP_PRIVATE_KEY, and switch on Device Flow in the App's settings.",
            )
        if self._client_id is None:
            found = line((await self._client.as_app("GET", "/app", "the App")).data, "client_id")
            if not found:
                raise github_errors.unreadable("the App")
            self._client_id = found
        return self._client_id

    async def _post(self, path: str, sent: Mapping[str, str], about: str) -> dict[str, Any]:
        """POST a form to the site. What it grants is worth nothing without the answer, so twice is harmless."""
        return await self._call("POST", f"{self.site}{path}", about, headers=_FORM, data=dict(sent))

    async def _login_of(self, token: str) -> str:
        about = "who entered the code"
        headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}"}
        login = line(await self._call("GET", f"{self._api}/user", about, headers=headers), "login")
        if not login:
            raise github_errors.unreadable(about)
        return login

    async def _call(self, verb: str, address: str, about: str, **sent: Any) -> dict[str, Any]:
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, trust_env=True) as session,
                session.request(verb, address, allow_redirects=False, **sent) as response,
            ):
                status, headers = response.status, {name.lower(): value for name, value in response.headers.items()}
                answer = await response.json(content_type=None)
        except ValueError:
            raise github_errors.unreadable(about) from None
        except (TimeoutError, aiohttp.ClientError) as fault:
            # Without its cause: some of aiohttp's repeat the request's headers.
            raise github_errors.unreachable(about, type(fault).__name__) from None
        if status >= 400 and not text(answer, "error"):
            raise github_errors.refused(about, status, headers, answer)
        if not isinstance(answer, dict):
            raise github_errors.unreadable(about)
        return answer


def _addresses(identity: Mapping[str, Any]) -> set[str]:
    """Every name that single sign-on has for somebody."""
    saml, scim = piece(identity, "samlIdentity"), piece(identity, "scimIdentity")
    told = [text(saml, "nameId"), text(saml, "username"), text(scim, "username")]
    told += [text(one, "value") for half in (saml, scim) for one in items(half.get("emails"))]
    return {one.casefold() for one in told if one}


def _refused(fault: str) -> GiveUp:
    return GiveUp(fault, _ENDED.get(fault) or _NOT_SET_UP.get(fault) or "GitHub refused to prove who you are.")
