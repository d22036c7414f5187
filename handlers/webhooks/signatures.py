"""Proofs of identity: over a raw body, or by showing a secret. Comparisons take the same time wherever they differ."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from handlers.webhooks.source import Headers, Unauthorised, header

_HEX_DIGEST = re.compile(r"sha256=([0-9a-fA-F]{64})")


def verify_sha256(headers: Headers, body: bytes, secret: str, *, name: str, setting: str) -> None:
    """Unauthorised unless the header ``name`` is ``sha256=`` and the hexadecimal HMAC-SHA256 of the body.

    ``setting`` is the variable that holds our copy of the secret: every refusal names it. An empty secret proves
    nothing, so nothing is signed with it.
    """
    given = header(headers, name)
    if given is None:
        raise Unauthorised(
            f"The header {name} is missing.",
            f"Enter a secret in the sender's webhook settings, the same as in {setting}.",
        )
    digest = _HEX_DIGEST.fullmatch(given)
    if digest is None:
        raise Unauthorised(
            f"The header {name} is not of the form sha256=<64 hexadecimal digits>.",
            "Send the HMAC-SHA256 of the raw body.",
        )
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not secret or not hmac.compare_digest(expected, digest.group(1).lower()):
        raise Unauthorised(
            f"The signature in {name} does not belong to this body.",
            f"Compare the secret in the sender's webhook settings with {setting}; "
            "if they are equal, something between us changes the body.",
        )


def verify_hex(headers: Headers, body: bytes, secret: str, *, name: str, setting: str) -> None:
    """Unauthorised unless the header ``name`` is the hexadecimal HMAC-SHA256 of the body, without anything before it.

    ``setting`` is as in ``verify_sha256``.
    """
    given = header(headers, name)
    if given is None:
        raise Unauthorised(
            f"The header {name} is missing.",
            f"Have the sender sign its webhooks, and keep its secret in {setting}.",
        )
    if not secret or not _equal(given.lower(), hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()):
        raise Unauthorised(
            f"The signature in {name} does not belong to this body.",
            f"Compare the sender's secret with {setting}; if they are equal, something between us changes the body.",
        )


def verify_shown(headers: Headers, secret: str, *, setting: str) -> None:
    """Unauthorised unless the secret itself is shown: after ``Bearer``, or as the password of basic auth.

    For senders that cannot sign. ``setting`` is the variable that holds our copy.
    """
    given = header(headers, "Authorization")
    mend = f"Send Authorization: Bearer with the value of {setting}, or have it as the basic-auth password."
    if given is None:
        raise Unauthorised("The header Authorization is missing.", mend)
    sort, _, value = given.partition(" ")
    if sort.casefold() == "basic":
        shown = _password(value.strip())
    else:
        shown = value.strip() if sort.casefold() == "bearer" else given
    if not secret or not _equal(shown, secret):
        raise Unauthorised("The secret in Authorization is not ours.", mend)


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded.encode(errors="surrogateescape"), validate=True).partition(b":")[2].decode()
    except ValueError:
        return ""


def _equal(given: str, expected: str) -> bool:
    """Headers may hold any byte: those that are no text are kept as surrogates."""
    return hmac.compare_digest(given.encode(errors="surrogateescape"), expected.encode())
