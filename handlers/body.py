"""Reading a request's body within limits of size and time; every fault is the sender's, and says how to mend it."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from handlers.webhooks.source import Malformed, TooLarge


async def read_body(request: web.Request, *, limit: int, patience: float) -> bytes:
    """The whole body: at most ``limit`` bytes, arriving within ``patience`` seconds; TooLarge or Malformed else."""
    unit = f"{limit // 1024**2} MB" if limit >= 1024**2 else f"{limit // 1024} kB"
    too_large = TooLarge("The body is too large.", f"Send at most {unit}.")
    if (request.content_length or 0) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(patience):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise Malformed("The body did not arrive in time.", "Send it again.") from None
    except (web.RequestPayloadError, HttpProcessingError):
        raise Malformed("The body is broken off or badly encoded.", "Send it again, uncompressed.") from None
    return bytes(body)
