"""The small languages within shipmate.yml: durations, zones, timetables, channels, globs, addresses.

Each function takes the text that was written and returns what it stands for, or raises ValueError with what was
expected, in a sentence that goes on from the key's name.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from bot.spelling import did_you_mean

DURATION_PATTERN = r"^(?=[0-9])([0-9]{1,4}d)?([0-9]{1,5}h)?([0-9]{1,6}m)?([0-9]{1,7}s)?$"
_CRON_FIELDS = 5
_COMPARE_NAMES = frozenset({"deploy", "previous", "service", "environment"})
"""What a ``compare_url`` may speak of."""
_COMPARE_FIELDS = MappingProxyType({"deploy": ("sha", "began_at"), "previous": ("sha",)})
"""What it may say of them; the other two are words by themselves."""


def duration(value: object) -> timedelta:
    """``10s``, ``30m``, ``4h``, ``2d``, or several together, greatest first: ``1h30m``."""
    match = re.match(DURATION_PATTERN, value) if isinstance(value, str) else None
    if match is None:
        unit = '; the unit is missing: "30m" is 30 minutes' if str(value).isdecimal() else ""
        raise ValueError(f"expected a duration such as 10s, 30m, 4h or 1h30m{unit}")
    days, hours, minutes, seconds = (int((part or "0s")[:-1]) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def zone(value: object) -> ZoneInfo:
    """An IANA time zone, by name."""
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError):
        mend = did_you_mean(str(value), available_timezones())
        raise ValueError(f"expected a time zone such as Europe/Paris{mend}") from None


def cron(value: object) -> str:
    """A timetable in cron's five fields; 0 and 7 are Sunday. Seconds are refused: nothing here runs that often."""
    expected = 'expected minute, hour, day, month and weekday, such as "0 10,14 * * mon-fri"'
    if not isinstance(value, str) or len(value.split()) != _CRON_FIELDS:
        raise ValueError(expected)
    try:
        next(CronSim(value, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise ValueError(f"{expected} ({str(error).lower()})") from None
    except StopIteration:
        raise ValueError("names a day that never comes") from None
    return value


def instant(value: object) -> datetime:
    """A day and a time, ``2026-12-23T18:00``; naive unless it says its offset."""
    expected = "expected a day and a time such as 2026-12-23T18:00"
    if not isinstance(value, str) or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]", value):
        raise ValueError(expected)
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(expected) from None


def repository(value: object) -> str:
    """``owner/name``; GitLab's groups within groups make it longer."""
    if not isinstance(value, str) or not re.fullmatch(r"[\w.-]+(/[\w.-]+)+", value):
        raise ValueError("expected owner/name, such as acme/checkout, without https:// or .git")
    return value


def glob(value: object) -> str:
    """A pattern of paths from the repository's root: ``*`` within a folder, ``**`` across folders."""
    if not isinstance(value, str) or not value.strip() or value.startswith(("/", "./", "!")) or "\\" in value:
        raise ValueError('expected paths from the repository\'s root, such as "services/checkout/**"')
    return value


def glob_pattern(text: str) -> re.Pattern[str]:
    """A glob as a regular expression for whole paths.

    ``**`` stands for any folders, also for none. A pattern whose last part has no ``*`` or ``?`` may name a folder
    and then takes in what lies beneath, as in CODEOWNERS.
    """
    text = text.rstrip("/")
    pattern = ""
    for part in re.findall(r"\*\*/|/\*\*$|\*+|\?|[^*?/]+|/", text):
        if part == "**/":
            pattern += "(?:.*/)?"
        elif part == "/**":
            pattern += "/.*"
        elif part.startswith("*"):
            pattern += ".*" if part == "**" else "[^/]*"
        else:
            pattern += "[^/]" if part == "?" else re.escape(part)
    if not re.search(r"[*?][^/]*$", text):
        pattern += "(?:/.*)?"
    return re.compile(pattern, re.DOTALL)


def web_address(value: object) -> str:
    """An address that people can open."""
    expected = "expected an address that begins with https:// (or http://)"
    try:
        address = urlsplit(str(value))
    except ValueError:
        raise ValueError(expected) from None
    if address.scheme not in ("http", "https") or not address.netloc or re.search(r"[\s<>]", str(value)):
        raise ValueError(expected)
    return str(value)


def compare_address(value: object) -> str:
    """An address with ``{{ deploy.sha }}`` and ``{{ previous.sha }}`` in it, in Jinja's spelling."""
    from jinja2 import Environment, TemplateSyntaxError, meta, nodes

    try:
        # Only parsed, to see which names it uses; the answer is an address, never markup.
        parsed = Environment(autoescape=True).parse(str(value))
    except TemplateSyntaxError as error:
        raise ValueError(f"is no template: {error.message}") from None
    for name in sorted(meta.find_undeclared_variables(parsed) - _COMPARE_NAMES):
        mend = did_you_mean(name, _COMPARE_NAMES)
        known = "known are deploy, previous, service and environment"
        raise ValueError(f"nothing is called {name} here; {known}{mend}")
    for got in parsed.find_all(nodes.Getattr):
        owner = got.node.name if isinstance(got.node, nodes.Name) else None
        fields = _COMPARE_FIELDS.get(owner) if owner else None
        if fields is not None and got.attr not in fields:
            mend = did_you_mean(f"{owner}.{got.attr}", (f"{owner}.{field}" for field in fields))
            known = " and ".join(f"{owner}.{field}" for field in fields)
            raise ValueError(f"nothing is called {owner}.{got.attr} here; known is {known}{mend}")
    web_address(re.sub(r"\{[{%].*?[%}]\}", "x", str(value)))
    return str(value)


def slack_id(value: object) -> str:
    """A member's id, which begins with U or W."""
    if not isinstance(value, str) or not re.fullmatch(r"[UW][A-Z0-9]{2,}", value):
        raise ValueError("expected a Slack member id such as U02ABCDEF (in Slack: the profile → ⋮ → Copy member ID)")
    return value


def github_login(value: object) -> str:
    """A GitHub login. Letters, digits and hyphens; ``_`` in accounts that a company manages (GitHub's help)."""
    login = str(value).removeprefix("@")
    if value is None or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", login):
        raise ValueError("expected a GitHub login, such as ana")
    return login


def mailbox(value: object) -> str:
    """An e-mail address."""
    if not isinstance(value, str) or not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", value):
        raise ValueError("expected an e-mail address, such as ana@example.com")
    return value


def name(value: object) -> str:
    """One word or more, on one line."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError("expected a name")
    return value.strip()


def names(value: object) -> list[str]:
    """One name, or a list of them."""
    written = value if isinstance(value, list) else [value]
    if not written:
        raise ValueError("expected at least one name")
    return [name(each) for each in written]
