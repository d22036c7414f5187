"""LaunchDarkly's webhooks: entries of its audit log, of which those count that change what a flag serves.

Signed with the hexadecimal HMAC-SHA256 of the body where the webhook has a secret. They come in any order, each with
when it was. One entry may be about several environments: each is a change of its own. Source: launchdarkly.com/docs,
api/webhooks and api/audit-log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urljoin

from bot.events import Event, FlagChanged, Human
from handlers.webhooks.alert_pieces import body_id, check_object, epoch, keep_type, labels_of, received_at, urgent
from handlers.webhooks.payload import LINE_LIMIT, Fields, decode_object, one_line, web_address
from handlers.webhooks.signatures import verify_hex
from handlers.webhooks.source import Headers, Source

NAME = "launchdarkly"
SIGNATURE = "X-LD-Signature"
HOME = "https://app.launchdarkly.com"
"""Where its relative links begin."""

MOST_ENVIRONMENTS = 50

IDLE = frozenset(
    {
        "createflag", "cloneflag", "updatename", "updatedescription", "updatetags", "updatemaintainer",
        "updatetemporary", "updateincludeinsnippet", "updateclientsideflagavailability", "updatecustomproperties",
        "updateflagcustomproperties", "updateflagdefaultvariations", "updateflagconfigdeprecated", "createflaglink",
        "updateflaglink", "deleteflaglink", "updateflagmaintainer", "updateflagcodereferences", "viewflag",
        "createapprovalrequest", "updateapprovalrequest", "deleteapprovalrequest", "reviewapprovalrequest",
        "updatemeasuredrolloutconfiguration", "createscheduledchanges", "updatescheduledchanges",
        "deletescheduledchanges", "updatetrackevents", "updatefallthroughtrackevents",
    }
)  # fmt: skip
"""What changes nothing of what anybody is served; every other action may, those also that come later."""

_WORDS = re.compile(r"\s+(?:for\s+)?(?:the\s+)?(?:feature\s+)?flag\s*$", re.IGNORECASE)
_LINKED = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"[*`#]+")
_ENTRY = re.compile(r"[A-Za-z0-9._-]{1,128}")


def verify(headers: Headers, body: bytes, secret: str) -> None:
    """Unauthorised unless the raw body is signed with the webhook's secret."""
    verify_hex(headers, body, secret, name=SIGNATURE, setting="LAUNCHDARKLY_WEBHOOK_SECRET")


def delivery_id(headers: Headers, body: bytes) -> str:
    """The entry's id; without one, the body's."""
    found = decode_object(body).word("_id")
    return found if found is not None and _ENTRY.fullmatch(found) else body_id(headers, body)


def translate(headers: Headers, body: bytes) -> list[Event]:
    """A flag was turned, once for each environment that it was turned in; nothing of whatever else changed."""
    entry = decode_object(body)
    identity = entry.word("_id")
    at = epoch(entry.raw("date"), thousandths=True) or received_at(headers)
    if (entry.word("kind") or "").casefold() != "flag" or identity is None or at is None:
        return []
    turned = _turned(entry)
    found: list[Event] = []
    for (project, environment, flag), tags in list(turned.items())[:MOST_ENVIRONMENTS]:
        labels = labels_of({"project": project, "flag": flag}, {f"tag:{tag}": "true" for tag in tags})
        found.append(
            FlagChanged(
                source=NAME,
                external_id=f"{identity}/{environment or ''}/{flag}"[:LINE_LIMIT],
                flag=flag,
                project=project,
                environment=environment,
                summary=_summary(entry),
                by=_member(entry.fields("member")),
                url=_link(entry),
                labels=labels,
                at=at,
            )
        )
    return found


def _turned(entry: Fields) -> dict[tuple[str | None, str | None, str], tuple[str, ...]]:
    """What was turned where, each with the flag's tags."""
    actions = [(access.word("action"), access.word("resource")) for access in entry.each("accesses")]
    served = [resource for action, resource in actions if action and action.casefold() not in IDLE and resource]
    if actions and not served:
        return {}
    named = [text for one in entry.fields("target").array("resources") if (text := one_line(one)) is not None]
    found: dict[tuple[str | None, str | None, str], tuple[str, ...]] = {}
    for resource in served or named:
        pieces = resource_of(resource)
        flag = pieces.get("flag")
        if flag is not None and flag[0] != "*":
            project, environment = pieces.get("proj"), pieces.get("env")
            where = environment[0] if environment is not None and environment[0] != "*" else None
            found[(project[0] if project is not None else None, where, flag[0])] = flag[1]
    return found


def resource_of(text: str) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """The pieces of ``proj/web;team:env/production:flag/new-basket;checkout``: of each sort its key and its tags."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for sort, key, tags in re.findall(r"(?:^|:)(proj|env|flag)/([^:;]+)((?:;[^:]*)?)", text):
        found[sort] = (key, tuple(tag.strip() for tag in re.split("[;,]", tags) if tag.strip()))
    return found


def _summary(entry: Fields) -> str:
    """What was done to it, without the flag's name, which is told apart."""
    verb = _WORDS.sub("", entry.word("titleVerb") or "") or None
    details = one_line(_MARKS.sub("", _LINKED.sub(r"\1", entry.prose("description") or "")))
    comment = entry.word("comment")
    said = ": ".join(part for part in (verb, details) if part) or entry.word("shortDescription") or "changed"
    return (f"{said} (“{comment}”)" if comment is not None else said)[:LINE_LIMIT]


def _member(member: Fields) -> Human | None:
    first, last, email = member.word("firstName"), member.word("lastName"), member.word("email")
    name = " ".join(part for part in (first, last) if part) or None
    if name is None and email is None:
        return None
    return Human(name=name, email=email.casefold() if email is not None else None)


def _link(entry: Fields) -> str | None:
    """Where people see it; LaunchDarkly's own links have no host."""
    for links in (entry.fields("target").fields("_links"), entry.fields("_links")):
        href = links.fields("site").raw("href")
        if isinstance(href, str) and href and len(href) < 2_000:
            try:
                return web_address(href if href.startswith("https://") else urljoin(HOME, href.lstrip("/")))
            except ValueError:
                return None
    return None


def check(headers: Headers, body: bytes) -> None:
    """Malformed unless the body holds one JSON object."""
    check_object(headers, body)


SOURCE = Source(
    verify=verify,
    check=check,
    delivery_id=delivery_id,
    keep=keep_type,
    translate=translate,
    lane=urgent,
)
