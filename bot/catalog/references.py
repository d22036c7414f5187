"""How the names within shipmate.yml refer to each other: everything named exists, and nothing contradicts itself.

This reads the values as they were written, not the checked shape, so that these faults are told together with those
of form. Whatever has the wrong form is passed over here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from bot.catalog import values
from bot.catalog.lines import Document, Fault, Place, Yaml
from bot.settings import SOURCES
from bot.spelling import did_you_mean, nearest

_IDENTITIES = ("slack", "github", "email", "pagerduty")

_ON_CALL = "on-call"
"""The word for whoever is on call for the service."""

_MEMBER, _GROUP, _SCHEDULE = r"[UW][A-Z0-9]{2,}", r"@[^\s@<>|]+", r"P[A-Z0-9]{2,}"
"""What a Slack member's id, a Slack user group and the id of a PagerDuty schedule look like."""

_ROTA = (
    'member ids such as [U02ABCDEF, U02BCDEFG], one Slack user group such as "@conductors", or one PagerDuty schedule'
)

_NEAR_MISS = 0.8
"""How like a known service's name another must be to be taken for a misspelling rather than for another service."""


def faults(document: Document) -> Iterator[Fault]:
    """Every reference that leads nowhere, and every pair of values that cannot both be meant."""
    root = _mapping(document.value)
    for place, message in [
        *_services(root),
        *_circles(root),
        *_policies(root),
        *_approvers(root),
        *_trains(root),
        *_train_names(root),
        *_stages(root),
        *_conductors(root),
        *_freezes(root),
        *_audiences(root),
        *_sources(root),
        *_people(root),
    ]:
        yield Fault(document.line(place), place, message)


def _services(root: dict[str, Yaml]) -> Iterator[tuple[Place, str]]:
    services, teams = _mapping(root.get("services")), _mapping(root.get("teams"))
    seen: dict[str, str] = {}
    for name, written in services.items():
        place: Place = ("services", name)
        service = _mapping(written)
        if name.casefold() in seen:
            yield place, f"is the same name as “{seen[name.casefold()]}”: capitals make no difference"
        seen.setdefault(name.casefold(), name)
        team = service.get("team")
        if isinstance(team, str) and team not in teams:
            yield (*place, "team"), f"there is no team “{team}” under teams{did_you_mean(team, teams)}"
        for index, other in enumerate(_list(service.get("depends_on"))):
            if other == name:
                yield (*place, "depends_on", index), "a service cannot depend on itself"
            elif isinstance(other, str) and other not in services and nearest(other, services, likeness=_NEAR_MISS):
                # A service that is not named here may well exist: unknown ones appear by themselves.
                mend = f"{did_you_mean(other, services)} If not, say so under services: {other}: {{}}"
                yield (*place, "depends_on", index), f"there is no service “{other}” under services{mend}"


def _circles(root: dict[str, Yaml]) -> Iterator[tuple[Place, str]]:
    """Services that depend on each other in a circle: none of them could come first. Each circle is told once."""
    services = _mapping(root.get("services"))
    needs = {
        name: [one for one in _list(_mapping(written).get("depends_on")) if isinstance(one, str) and one in services]
        for name, written in services.items()
    }
    told: set[frozenset[str]] = set()
    for name in needs:
        circle = _way_back(needs, name)
        if circle is not None and frozenset(circle) not in told:
            told.add(frozenset(circle))
            way = " → ".join([*circle, name])
            place: Place = ("services", name, "depends_on")
            yield place, f"goes round in a circle: {way}. One of them must do without another"


def _way_back(needs: dict[str, list[str]], start: str) -> list[str] | None:
    """The shortest way from a service over at least one other back to itself; None where there is none."""
    ways, seen = [[start]], {start}
    while ways:
        way = ways.pop(0)
        for other in needs[way[-1]]:
            if other == start and len(way) > 1:
                return way
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return None


def _policies(root: dict[str, Yaml]) -> Iterator[tuple[Place, str]]:
    for name, written in _mapping(root.get("services")).items():
        through = _mapping(written).get("promote_through") or _mapping(root.get("defaults")).get("promote_through")
        if through and len(_environments(root, name)) == 1:
            message = "one environment leaves nothing to promote to; name at least two, in order"
            yield ("services", name, "environments"), message


def _approvers(root: dict[str, Yaml]) -> Iterator[tuple[Place, str]]:
    """Everybody who is asked for a yes is somebody, and there are as many of them as are asked for."""
    services, people = _mapping(root.get("services")), _people_words(root)
    for team, written in _mapping(root.get("teams")).items():
        unserved = [
            name
            for name, service in services.items()
            if _mapping(service).get("team") == team and not _mapping(service).get("pagerduty_service")
        ]
        for key in ("approvers", "members"):
            for place, word in _names(("teams", team, key), _mapping(written).get(key)):
                yield from _nobody(place, word, people, on_call=key == "approvers")
                if word == _ON_CALL and key == "approvers" and unserved:
                    yield place, f"on-call needs a pagerduty_service, and “{unserved[0]}” of this team names none"
    default_gates: Place = ("defaults", "gates")
    inherited = _mapping(root.get("defaults")).get("gates")
    yield from _groups(default_gates, inherited, people)
    for name, written in services.items():
        service, place = _mapping(written), ("services", name)
        yield from _groups((*place, "gates"), service.get("gates"), people)
        if service.get("pagerduty_service"):
            continue
        for at, word in _group_words((*place, "gates"), service.get("gates")):
            if word == _ON_CALL:
                yield at, f"on-call needs a pagerduty_service, and “{name}” names none"
        if not service.get("gates") and any(word == _ON_CALL for _, word in _group_words(default_gates, inherited)):
            yield place, "needs a pagerduty_service: the gates under defaults ask for a yes of whoever is on call"


def _groups(place: Place, gates: Yaml, people: list[str]) -> Iterator[tuple[Place, str]]:
    for at, word in _group_words(place, gates):
        yield from _nobody(at, word, people, on_call=True)
    for at, group in _approval_groups(place, gates):
        words = [word for _, word in _names(at, group.get("from")) if isinstance(word, str)]
        count = str(group.get("count") or "")
        named = {word.casefold() for word in words if not word.startswith("@") and word != _ON_CALL}
        if len(named) == len(words) and count.isdecimal() and int(count) > len(named) > 0:
            yield (*at, "count"), f"asks for {count} people where {len(named)} can be one of them"


def _group_words(place: Place, gates: Yaml) -> list[tuple[Place, Yaml]]:
    """Every word that names approvers under these gates, with its place."""
    return [found for at, group in _approval_groups(place, gates) for found in _names((*at, "from"), group.get("from"))]


def _approval_groups(place: Place, gates: Yaml) -> list[tuple[Place, dict[str, Yaml]]]:
    return [
        ((*place, index, "approval", "groups", number), _mapping(group))
        for index, gate in enumerate(_list(gates))
        for number, group in enumerate(_list(_mapping(_mapping(gate).get("approval")).get("groups")))
    ]


def _nobody(place: Place, word: Yaml, people: list[str], *, on_call: bool) -> Iterator[tuple[Place, str]]:
    """A word that names no person or group. Whether Slack knows a group or id is not known here."""
    if not isinstance(word, str) or not word.strip() or (on_call and word == _ON_CALL):
        return
    if re.fullmatch(rf"{_GROUP}|{_MEMBER}", word) or word.casefold() in map(str.casefold, people):
        return
    known = [*people, *([_ON_CALL] if on_call else [])]
    kinds = (
        f'a Slack user group such as "@payments-leads", a member id such as U02ABCDEF{", on-call" if on_call else ""}'
    )
    yield (
        place,
        f"“{word}” is nobody: expected {kinds} or a login or e-mail address of people{did_you_mean(word, known)}",
    )


def _people_words(root: dict[str, Yaml]) -> list[str]:
    """What somebody of the catalogue may be called by: their login at GitHub or their address."""
    written = [_mapping(person).get(key) for person in _list(root.get("people")) for key in ("github", "email")]
    return [word.removeprefix("@") for word in written if isinstance(word, str)]


def _trains(root: dict[str, Yaml]) -> Iterator[tuple[Place, str]]:
    services = _mapping(root.get("services"))
    for name, written in _mapping(root.get("trains")).items():
        train, place = _mapping(written), ("trains", name)
        destination = train.get("to")
        for index, service in enumerate(_list(train.get("services"))):
            yield from _unknown_service((*place, "services", index), service, services)
            if isinstance(service, str) and isinstance(destination, str) and service in services:
                pipeline = _environments(root, service)
                if not pipeline:
                    yield (*place, "services", index), f"“{service}” has no environments, so no train can carry it"
                elif destination not in pipeline:
                    mend = did_you_mean(destination, pipeline) or f"; it has {', '.join(pipeline)}"
                    yield (*place, "to"), f"“{service}” has no environment “{destination}”{mend}"
                elif destination == pipeline[0]:
                    yield (
                        (*place, "to"),
                        f"“{destination}” is the first environment of “{service}”: nothing comes before",
                    )


def _train_names(root: dict[str, Yaml]) -> Iterator[tuple[Place, str]]:
    """No two trains have one name or carry one service to the same environment."""
    names: dict[str, str] = {}
    carried: dict[tuple[str, str], str] = {}
    for name, written in _mapping(root.get("trains")).items():
        train, place = _mapping(written), ("trains", name)
        if name.casefold() in names:
            yield place, f"is the same name as “{names[name.casefold()]}”: capitals make no difference"
        names.setdefault(name.casefold(), name)
        destination = train.get("to")
        for index, service in enumerate(_list(train.get("services"))):
            if isinstance(service, str) and isinstance(destination, str):
                other = carried.setdefault((service.casefold(), destination.casefold()), name)
                if other != name:
                    message = f"“{service}” goes to {destination} with the train “{other}” already"
                    yield (*place, "services", index), message


def _stages(root: dict[str, Yaml]) -> Iterator[tuple[Place, str]]:
    """A train's stages name each of its services exactly once."""
    for name, written in _mapping(root.get("trains")).items():
        train, place = _mapping(written), ("trains", name, "stages")
        services = [each for each in _list(train.get("services")) if isinstance(each, str)]
        if not _list(train.get("stages")) or not services:
            continue
        seen: set[str] = set()
        for index, stage in enumerate(_list(train.get("stages"))):
            for at, service in _names((*place, index), stage):
                if not isinstance(service, str):
                    continue
                if service in seen:
                    yield at, f"names “{service}” again; each service of the train ships in one stage"
                elif service not in services:
                    yield at, f"“{service}” is not one of the train's services{did_you_mean(service, services)}"
                seen.add(service)
        left_out = [service for service in dict.fromkeys(services) if service not in seen]
        if left_out:
            yield place, f"do not name {' and '.join(left_out)}; each service of the train ships in one stage"


def _conductors(root: dict[str, Yaml]) -> Iterator[tuple[Place, str]]:
    """Every conductor is somebody, and a backup somebody else."""
    for name, written in _mapping(root.get("trains")).items():
        conductors, place = _mapping(_mapping(written).get("conductors")), ("trains", name, "conductors")
        rota = _names((*place, "rota"), conductors.get("rota"))
        words = [(at, word) for at, word in rota if isinstance(word, str) and word.strip()]
        for at, word in words:
            if not re.fullmatch(rf"{_MEMBER}|{_GROUP}|{_SCHEDULE}", word):
                yield at, f"“{word}” is nobody: expected {_ROTA}{_member_meant(root, word)}"
            elif len(words) > 1 and not re.fullmatch(_MEMBER, word):
                yield at, f"“{word}” says itself whose turn it is; let it stand alone, or name member ids in turn"
        if conductors.get("backup") and {word for _, word in words} == {conductors["backup"]}:
            yield (*place, "backup"), "is the only conductor already; name somebody else, or leave it out"


def _member_meant(root: dict[str, Yaml], word: str) -> str:
    """The member id of somebody who is called by another of their names."""
    ids = {
        str(person[key]).removeprefix("@").casefold(): str(person["slack"])
        for person in map(_mapping, _list(root.get("people")))
        if person.get("slack")
        for key in ("name", "github", "email", "slack")
        if person.get(key)
    }
    near = nearest(word.removeprefix("@"), ids)
    return f"; did you mean “{ids[near]}”?" if near else ""


def _freezes(root: dict[str, Yaml]) -> Iterator[tuple[Place, str]]:
    services = _mapping(root.get("services"))
    for index, written in enumerate(_list(root.get("freezes"))):
        freeze, place = _mapping(written), ("freezes", index)
        if freeze.get("services") != "all":
            for name_place, name in _names((*place, "services"), freeze.get("services")):
                yield from _unknown_service(name_place, name, services)
        begins, ends = _instant(freeze.get("from")), _instant(freeze.get("until"))
        if begins and ends and (begins.tzinfo is None) == (ends.tzinfo is None) and ends <= begins:
            yield (*place, "until"), "is not after its beginning"


def _audiences(root: dict[str, Yaml]) -> Iterator[tuple[Place, str]]:
    services = _mapping(root.get("services"))
    for audience, written in _mapping(root.get("audiences")).items():
        place: Place = ("audiences", audience, "only", "services")
        for name_place, name in _names(place, _mapping(_mapping(written).get("only")).get("services")):
            yield from _unknown_service(name_place, name, services)


def _sources(root: dict[str, Yaml]) -> Iterator[tuple[Place, str]]:
    for name in _mapping(root.get("sources")):
        if name not in SOURCES:
            mend = did_you_mean(name, SOURCES) or f"; known are {', '.join(SOURCES)}"
            yield ("sources", name), f"no system sends webhooks under this name{mend}"


def _people(root: dict[str, Yaml]) -> Iterator[tuple[Place, str]]:
    seen: dict[tuple[str, str], int] = {}
    for index, written in enumerate(_list(root.get("people"))):
        for identity in _IDENTITIES:
            value = _mapping(written).get(identity)
            if isinstance(value, str):
                key = (identity, value.removeprefix("@").casefold())
                if key in seen:
                    yield ("people", index, identity), f"is already that of people[{seen[key]}]"
                seen.setdefault(key, index)


def _unknown_service(place: Place, name: Yaml, services: dict[str, Yaml]) -> Iterator[tuple[Place, str]]:
    if isinstance(name, str) and name not in services:
        yield place, f"there is no service “{name}” under services{did_you_mean(name, services)}"


def _environments(root: dict[str, Yaml], service: str) -> list[str]:
    own = _mapping(_mapping(root.get("services")).get(service)).get("environments")
    inherited = _mapping(root.get("defaults")).get("environments")
    return [each for each in _list(own or inherited) if isinstance(each, str)]


def _instant(value: Yaml) -> datetime | None:
    try:
        return values.instant(value)
    except ValueError:
        return None


def _names(place: Place, value: Yaml) -> list[tuple[Place, Yaml]]:
    """One name, or each of a list, with its place."""
    if isinstance(value, list):
        return [((*place, index), each) for index, each in enumerate(value)]
    return [(place, value)]


def _mapping(value: Yaml) -> dict[str, Yaml]:
    return value if isinstance(value, dict) else {}


def _list(value: Yaml) -> list[Yaml]:
    return value if isinstance(value, list) else []
