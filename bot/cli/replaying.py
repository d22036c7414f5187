"""What ``shipmate replay`` asks of the running bot."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from bot.errors import UserError
from bot.settings import Settings, load_settings

PATIENCE = 30.0
"""Seconds to wait for the bot's answer."""


def feed(what: Sequence[str], *, failed: bool) -> int:
    """Have the running bot apply deliveries again; returns how many. Raises UserError with the mend."""
    wanted = _wanted(what, failed=failed)
    count = asyncio.run(_ask(load_settings(), wanted))
    numbers = sorted(set(wanted.get("ids", ())))
    if count < len(numbers):
        raise UserError(_missing(numbers, count))
    return count


def _missing(numbers: Sequence[int], count: int) -> str:
    if len(numbers) == 1:
        return f"There is no delivery {numbers[0]}."
    if not count:
        return f"There is none of these deliveries: {', '.join(map(str, numbers))}."
    return f"{count} of these {len(numbers)} deliveries are being applied again; there are no others by these numbers."


def _wanted(what: Sequence[str], *, failed: bool) -> dict[str, Any]:
    if failed == bool(what):
        raise UserError("Say which: shipmate replay --failed, or numbers of deliveries, or files. See --help.")
    if failed:
        return {"failed": True}
    numbers = [one for one in what if one.isdigit()]
    if len(numbers) == len(what):
        return {"ids": [int(one) for one in numbers]}
    if numbers:
        raise UserError("Numbers and files cannot be mixed: call it once for each.")
    return {"deliveries": [delivery for name in what for delivery in _read(Path(name))]}


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise UserError(f"{path}: cannot be read ({fault}).") from None
    deliveries = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            delivery = json.loads(line)
        except ValueError:
            delivery = None
        match delivery:
            case {"source": str(), "headers": dict(), "body": str()}:
                deliveries.append(delivery)
            case _:
                raise UserError(
                    f'{path}:{number}: expected {{"source": "github", "headers": {{…}}, "body": "…"}} on one line.'
                )
    return deliveries


async def _ask(settings: Settings, wanted: dict[str, Any]) -> int:
    if settings.api_token is None:
        raise UserError("SHIPMATE_API_TOKEN is not set: set it here to the value that the running bot has.")
    headers = {"Authorization": f"Bearer {settings.api_token.get_secret_value()}"}
    url = f"{settings.url.rstrip('/')}/api/v1/deliveries/replay"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE)) as session,
            session.post(url, json=wanted, headers=headers) as response,
        ):
            answer = await response.json(content_type=None)
    except (TimeoutError, aiohttp.ClientError, ValueError) as fault:
        raise UserError(f"No Shipmate answers at {settings.url} ({type(fault).__name__}): set SHIPMATE_URL.") from None
    if not isinstance(answer, dict) or "replayed" not in answer:
        told = answer if isinstance(answer, dict) else {}
        raise UserError(
            f"{told.get('error', 'The bot gave no answer that can be read.')} {told.get('mend', '')}".strip()
        )
    return int(answer["replayed"])
