"""GitHub's App authentication: a key made for the run, JWTs checked as GitHub does, installation tokens for an hour.

``cryptography`` and ``jwt`` (which PyGithub brings) are imported when an App is first asked for.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from bot.sandbox.world import Json

APP_ID = 50_505
APP_SLUG = "shipmate"
PERMISSIONS = {
    "actions": "write",
    "checks": "write",
    "contents": "read",
    "deployments": "write",
    "environments": "read",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "write",
}
"""What the app is granted where a test says nothing else."""
LONGEST_LIFE = timedelta(minutes=10)
_UNREADABLE = "A JSON web token could not be decoded"
_CLAIMS = {"iat": "issued at", "exp": "expiration time", "iss": "issuer"}
_FAULTS = {
    "ExpiredSignatureError": "'Expiration time' claim ('exp') must be a numeric value representing the future time",
    "ImmatureSignatureError": "'Issued at' claim ('iat') must be an Integer representing the time of the assertion",
}


class App:
    """The GitHub App of this world."""

    def __init__(self) -> None:
        self._private_key: str | None = None
        self._public_key: str | None = None
        self.permissions: dict[str, str] = dict(PERMISSIONS)
        self._tokens: dict[str, datetime] = {}

    @property
    def private_key(self) -> str:
        """The key the bot signs with, in PEM; made when first asked for."""
        if self._private_key is None:
            from cryptography.hazmat.primitives import serialization
            from cryptography.hazmat.primitives.asymmetric import rsa

            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            self._private_key = key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            ).decode()
            self._public_key = (
                key.public_key()
                .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
                .decode()
            )
        return self._private_key

    def fault_of(self, token: str) -> str | None:
        """Why a JWT is refused, in GitHub's words, or None if it is good."""
        import jwt

        if self._public_key is None:
            return _UNREADABLE
        try:
            claims = jwt.decode(
                token,
                self._public_key,
                algorithms=["RS256"],
                options={"verify_iss": False, "require": ["iat", "exp", "iss"]},
            )
        except jwt.MissingRequiredClaimError as error:
            return f"Missing '{_CLAIMS[error.claim]}' claim ('{error.claim}') in assertion"
        except jwt.InvalidTokenError as error:
            return _FAULTS.get(type(error).__name__, _UNREADABLE)
        if str(claims.get("iss")) != str(APP_ID):
            return "'Issuer' claim ('iss') must be an Integer"
        if claims["exp"] - datetime.now(UTC).timestamp() > LONGEST_LIFE.total_seconds():
            return "'Expiration time' claim ('exp') is too far in the future"
        return None

    def issue(self) -> Json:
        """A new installation token."""
        token = f"ghs_{secrets.token_hex(18)}"
        expires = datetime.now(UTC) + timedelta(hours=1)
        self._tokens[token] = expires
        return {
            "token": token,
            "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "permissions": dict(self.permissions),
            "repository_selection": "all",
        }

    def knows(self, token: str) -> bool:
        """Whether this is an installation token that has not expired."""
        expires = self._tokens.get(token)
        return expires is not None and expires > datetime.now(UTC)

    def may(self, permission: str, level: str) -> bool:
        """Whether the app was granted this permission at this level (``read`` or ``write``)."""
        return self.permissions.get(permission) in (("write",) if level == "write" else ("read", "write"))
