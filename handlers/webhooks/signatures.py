"""Proofs of identity over a raw body. Comparisons take the same time wherever the difference lies."""

from __future__ import annotations

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
