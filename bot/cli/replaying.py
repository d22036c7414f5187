"""What ``shipmate replay`` asks of the running bot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.cli.calling import call
from bot.errors import UserError
from bot.settings import Settings, load_settings


def feed(what: Sequence[str], *, failed: bool) -> int:
    """Have the running bot apply deliveries again; returns how many. Raises UserError with the mend."""
    wanted = _wanted(what, failed=failed)
    count = _ask(load_settings(), wanted)
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


def _ask(settings: Settings, wanted: dict[str, Any]) -> int:
    answer = call(settings, "POST", "/api/v1/deliveries/replay", body=wanted)
    if "replayed" not in answer.told:
        raise UserError(answer.words)
    return int(answer.told["replayed"])
