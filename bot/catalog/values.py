"""The small languages within shipmate.yml: zones, timetables, instants, addresses, identities; globs are in ``globs``.

Each function takes the text that was written and returns what it stands for, or raises ValueError with what was
expected, in a sentence that goes on from the key's name.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from bot.spelling import did_you_mean
from bot.timetable import is_recurrence, recurrence

_CRON_FIELDS = 5
_FIRST_YEAR, _LAST_YEAR = 1970, 9998
"""Whatever lies beyond is a slip of the pen, and near the ends of Python's calendar has no time in UTC."""
_COMPARE_NAMES = frozenset({"deploy", "previous", "service", "environment"})
"""What a ``compare_url`` may speak of."""
_COMPARE_FIELDS = MappingProxyType({"deploy": ("sha", "began_at"), "previous": ("sha",)})
"""What it may say of them; the other two are words by themselves."""


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
        if "day-of-month" in str(error).lower() and _days_exist(value):
            minute, hour, day, month, weekday = value.split()
            raise ValueError(
                f"names a day that never comes: month {month} has no day {day}. The last day of a month is L, as in "
                f'"{minute} {hour} L {month} {weekday}"'
            ) from None
        raise ValueError(f"{expected} ({str(error).lower()})") from None
    except StopIteration:
        raise ValueError("names a day that never comes") from None
    return value


def _days_exist(value: str) -> bool:
    """Whether the same would do in a month that has all its days: what is wrong is that the months named have not."""
    minute, hour, day, _, weekday = value.split()
    try:
        next(CronSim(f"{minute} {hour} {day} 1 {weekday}", datetime(2024, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return False
    return True


def departures(value: object) -> list[str]:
    """A train's timetable: cron's five fields or a recurrence rule, or a list of them."""
    written = value if isinstance(value, list) else [value]
    if not written:
        raise ValueError("expected at least one time to depart")
    return [_departure(each) for each in written]


def _departure(value: object) -> str:
    if not isinstance(value, str) or not is_recurrence(value):
        return cron(value)
    if recurrence(value).first is None:
        raise ValueError("names a day that never comes")
    return value.strip()


def train_name(value: str) -> str:
    """What people type after /ship train, and what stands in the address of its calendar."""
    if not re.fullmatch(r"[\w.-]+", value):
        raise ValueError("expected one word of letters, digits, - and _, as people type it: /ship train web")
    return value


def instant(value: object) -> datetime:
    """A day and a time, ``2026-12-23T18:00``; naive unless it says its offset."""
    expected = "expected a day and a time such as 2026-12-23T18:00"
    if not isinstance(value, str) or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]", value):
        raise ValueError(expected)
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(expected) from None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise ValueError(f"expected a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    return found


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


def pipeline_address(value: object) -> str:
    """An address that a promotion is sent to: https, or http on this machine; no name or password in it."""
    expected = "expected an address that begins with https:// (http:// only for this machine)"
    try:
        address = urlsplit(str(value))
        _ = address.port  # read here because it is only judged when read
    except ValueError:
        raise ValueError(expected) from None
    if not address.hostname or re.search(r"[\s<>]", str(value)):
        raise ValueError(expected)
    if address.scheme != "https" and not (address.scheme == "http" and _is_this_machine(address.hostname)):
        raise ValueError(expected)
    if "@" in address.netloc or address.fragment:
        raise ValueError("has a name, a password or a # in it; the call is signed with SHIPMATE_WEBHOOK_SECRET instead")
    return str(value)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def workflow_file(value: object) -> str:
    """A workflow of GitHub Actions, by its file's name."""
    if not isinstance(value, str) or not re.fullmatch(r"[\w-][\w.-]*\.ya?ml", value):
        raise ValueError("expected a file's name within .github/workflows, such as deploy.yml")
    return value


def git_ref(value: object) -> str:
    """A branch or tag, by its name (git's own rules, man git-check-ref-format)."""
    expected = "expected a branch or tag, such as main"
    if not isinstance(value, str) or not re.fullmatch(r"[^\x00-\x20\x7f~^:?*\[\\]{1,255}", value):
        raise ValueError(expected)
    if value.startswith(("-", "/", ".")) or value.endswith(("/", ".", ".lock")) or ".." in value or "//" in value:
        raise ValueError(expected)
    return value


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
