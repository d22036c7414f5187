"""Whose an alert is, and where it fires: told by people, by the catalogue, by labels, and last by its name. Pure.

Labels are a stranger's words, spelt in every way; names are compared without regard to case, and ``_`` and spaces count
as ``-``. Whatever does not tell exactly one service tells none: somebody is asked instead.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from bot.catalog.model import Catalog, Service
from bot.spelling import nearest

LONGEST_KIND = 255
"""Characters of a kind; a longer one ends in its digest."""

PAGER_SERVICE = "pagerduty_service"
"""The label that holds PagerDuty's id of the service an incident is on."""

PROJECTS = ("sentry_project", "project")
"""Labels that name a project, which is called as a service is, or as its repository."""

NAMES = (
    "service", "service_name", "exported_service", "app", "application", "app_name", "app_kubernetes_io_name",
    "component",
)  # fmt: skip
"""Labels that say whose an alert is, where their value is a service's name."""

PLACES = (
    "deployment", "kube_deployment", "job", "exported_job", "job_name", "cronjob", "container", "container_name",
    "workload", "statefulset", "daemonset",
)  # fmt: skip
"""Labels that say what runs there, which is often called as its service is."""

ENVIRONMENTS = (
    "environment", "env", "stage", "deployment_environment", "deployment_environment_name", "namespace",
    "exported_namespace", "kube_namespace", "kubernetes_namespace", "cluster", "kube_cluster_name", "tier",
)  # fmt: skip
"""Labels that may name an environment, the plainest first."""

_PLAIN_ENVIRONMENTS = frozenset(
    {"environment", "env", "stage", "deployment_environment", "deployment_environment_name"}
)  # fmt: skip
"""Those of them that name one whether or not the service's pipeline has it."""

_ALIKE: Sequence[frozenset[str]] = (
    frozenset({"production", "prod", "prd", "live"}),
    frozenset({"staging", "stage", "stg"}),
    frozenset({"development", "dev"}),
    frozenset({"testing", "test", "qa"}),
)
"""Spellings of one environment, as they are common."""

_OTHERWISE = frozenset({"pre", "non"})
"""Words that make another environment of the one whose name they stand by."""

_WHEREABOUTS = re.compile(
    r"[0-9]+|[a-z]|[a-z]{2,4}[0-9]+|eu|us|uk|ap|sa|ca|me|af|au|emea|apac|europe|asia|america"
    r"|(north|south|east|west|central)+|k8s|kube|kubernetes|eks|gke|aks|cluster|main|primary|blue|green"
)
"""Words that stand behind an environment's and leave it that environment: regions, numbers, what all clusters are."""

_ORIGINS: Mapping[str, Sequence[str]] = {"pagerduty": (PAGER_SERVICE,), "sentry": ("project",)}
"""Labels that tell the kind of what these sources send, whatever it is called."""

_WORDS = re.compile(r"[a-z0-9]+")
_BETWEEN = re.compile(r"[\s_]+")
_RUN = re.compile(r"-[0-9]{6,}$")
"""What stands behind a job's name for each of its runs (``job_name: backup-28391040``)."""
_MARKS = re.compile(r"[./-]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def kind_of(source: str, name: str, labels: Mapping[str, str]) -> str:
    """What makes alerts the same kind, so that a person who says whose one is has said it of all of them.

    Of PagerDuty's incidents it is the service they are on, of Sentry's errors the project, since those are called by
    whatever went wrong; of flags project and flag; of all others the alert's name with what the labels say runs there,
    for a project may be a whole cloud's.
    """
    told = _kept(labels)
    where = _ORIGINS.get(source, ("project", "flag") if told.get("flag") else ())
    parts = [f"{key}={told[key]}" for key in where if told.get(key)]
    if not parts:
        parts = [name, *(f"{key}={told[key]}" for key in (*PROJECTS, *NAMES) if told.get(key))]
        parts += [f"{key}={_RUN.sub('', told[key])}" for key in PLACES if told.get(key)]
    kind = f"{source}:{'|'.join(parts)}".casefold()
    if len(kind) <= LONGEST_KIND:
        return kind
    digest = hashlib.sha256(kind.encode()).hexdigest()[:32]
    return f"{kind[: LONGEST_KIND - 33]}#{digest}"


def told_of(service: str | None, name: str, labels: Mapping[str, str]) -> str:
    """What an alert says that it is about, at a glance: its service, a label that names one, else its own name.

    Nothing is decided by it but whose turn it is: alerts of one storm are told from all others.
    """
    told = _kept(labels)
    named = (told.get(key) for key in (PAGER_SERVICE, *NAMES, *PROJECTS))
    return _plain(service or next(filter(None, named), name))


def service_of(
    catalog: Catalog,
    mappings: Mapping[str, str | None],
    *,
    named: str | None,
    labels: Mapping[str, str],
    pager_service: str | None,
    kind: str,
    name: str | None = None,
    seen: Collection[str] = (),
) -> str | None:
    """The service an alert or a flag belongs to, in the catalogue's spelling; None where nothing tells.

    Its sender's own word (``named``) stands; then what a person said of its ``kind`` (None there: it is nobody's); then
    the catalogue's ``alerts.match``, PagerDuty's service, the labels, and last its ``name``. ``seen`` are services that
    the catalogue does not name and that were deployed.
    """
    if named is not None and named.strip():
        return catalog.service(named.strip()).name
    if kind in mappings:
        mapped = mappings[kind]
        return catalog.service(mapped).name if mapped is not None else None
    told = _kept(labels)
    matched = _matched(catalog, told)
    if matched is not None:
        return matched
    known = list(catalog.services.values())
    if pager_service is not None:
        theirs = [service for service in known if service.pagerduty_service == pager_service]
        if len(theirs) == 1:
            return theirs[0].name
        if theirs:  # several share it: what else is told chooses among them
            return _by_labels(theirs, told, ()) or _by_name([service.name for service in theirs], name)
    also = _unknown(catalog, seen)
    return _by_labels(known, told, also) or _by_name([*(service.name for service in known), *also], name)


def environment_of(service: Service, environment: str | None, labels: Mapping[str, str]) -> str | None:
    """Where an alert of this service fires, as its pipeline spells it; None where nothing tells.

    ``prod`` and ``live`` stand for ``production`` where the pipeline has that, and the like; ``prod-eu`` and
    ``checkout-prod`` are its production too. What a label such as ``namespace`` says counts only where it means an
    environment of the pipeline; last comes what stands beside the service's name (``app: checkout-staging``).
    """
    if environment is not None and environment.strip():
        return _configured(service, environment.strip()) or environment.strip()
    told = _kept(labels)
    for key in ENVIRONMENTS:
        value = told.get(key)
        if not value:
            continue
        configured = _configured(service, value)
        if configured is not None:
            return configured
        if key in _PLAIN_ENVIRONMENTS:
            return value
    beside = (_beside(service, told[key]) for key in (*NAMES, *PLACES) if told.get(key))
    return next(filter(None, beside), None)


def likely_services(
    catalog: Catalog, name: str, labels: Mapping[str, str], seen: Collection[str] = ()
) -> Sequence[str]:
    """Every service: what a label may have meant that is none, then those whose names share most words with the alert.

    ``seen`` are those that were deployed.
    """
    words = set(_words(_CAMEL.sub(" ", name)))
    for value in labels.values():
        words.update(_words(value))

    known = [*(service.name for service in catalog.services.values()), *_unknown(catalog, seen)]
    meant = _meant_by(labels, known)
    return sorted(known, key=lambda one: (one != meant, -len(words & set(_words(one))), one.casefold()))


def misnamed(catalog: Catalog, labels: Mapping[str, str], seen: Collection[str] = ()) -> tuple[str, str | None] | None:
    """What the plainest label calls a service that is none, and the service that it may have meant; else None."""
    named = _kept(labels).get(NAMES[0])
    known = [*(service.name for service in catalog.services.values()), *_unknown(catalog, seen)]
    if not named or _plain(named) in map(_spelt, known):
        return None
    return named, _meant_by(labels, known)


def _meant_by(labels: Mapping[str, str], known: Collection[str]) -> str | None:
    """The service that is spelt most like what the plainest label says; None where none is like it."""
    named = _kept(labels).get(NAMES[0])
    return nearest(named, known) if named else None


def _unknown(catalog: Catalog, seen: Collection[str]) -> list[str]:
    """Those that the catalogue does not name."""
    return [one for one in seen if not catalog.service(one).known]


def _matched(catalog: Catalog, labels: Mapping[str, str]) -> str | None:
    """The service whose ``alerts.match`` holds with the most pairs; of equals, the first in the catalogue."""
    best: tuple[int, str] | None = None
    for service in catalog.services.values():
        wanted = service.alerts
        holds = bool(wanted) and all(_same(labels.get(key), value) for key, value in _kept(wanted).items())
        if holds and (best is None or len(wanted) > best[0]):
            best = (len(wanted), service.name)
    return best[1] if best is not None else None


def _by_labels(known: Sequence[Service], labels: Mapping[str, str], also: Sequence[str]) -> str | None:
    """The service that a label names, the plainest label first; one that names several services names none."""
    called = {_spelt(service.name): service.name for service in known} | {_spelt(one): one for one in also}
    for key in PROJECTS:
        value = _plain(labels.get(key, ""))
        if not value:
            continue
        if value in called:
            return called[value]
        of_repo = [one for one in known if one.repo and value in (_spelt(one.repo), _spelt(_last(one.repo)))]
        if len(of_repo) == 1:
            return of_repo[0].name
    for key in (*NAMES, *PLACES, *(key for key in labels if key.startswith("tag:")), "flag"):
        value = labels.get(key, "")
        if key.startswith("tag:"):
            value = key.removeprefix("tag:")
        for spelling in filter(None, dict.fromkeys((_plain(value), _plain(_last(value))))):
            if spelling in called:
                return called[spelling]
            environments = {one.name: one.environments for one in known}
            found = {
                name for plain, name in called.items() if _with_environment(spelling, plain, environments.get(name, ()))
            }
            if len(found) == 1:
                return found.pop()
    return None


def _by_name(services: Sequence[str], name: str | None) -> str | None:
    """The one service whose name stands in the alert's as a word (``CheckoutErrors`` holds one); else None.

    A name within a longer one that stands there (``web`` in ``web-api``) does not count.
    """
    if not name:
        return None
    words = _words(_CAMEL.sub(" ", name))
    plain = _words(name)
    found = [one for one in services if _holds(words, _words(one)) or _holds(plain, _words(one))]
    outer = [
        one
        for one in found
        if not any(other != one and len(_words(other)) > len(_words(one)) and _holds(_words(other), _words(one))
                   for other in found)
    ]  # fmt: skip
    return outer[0] if len(outer) == 1 else None


def _holds(words: Sequence[str], sought: Sequence[str]) -> bool:
    """Whether these words stand there, one after the other."""
    length = len(sought)
    return bool(sought) and any(
        list(words[start : start + length]) == list(sought) for start in range(len(words) - length + 1)
    )


def _without(words: Sequence[str], taken: Sequence[str]) -> list[str]:
    """These words without those, where those stand there, one after the other."""
    length = len(taken)
    for start in range(len(words) - length + 1) if taken else ():
        if list(words[start : start + length]) == list(taken):
            return [*words[:start], *words[start + length :]]
    return list(words)


def _with_environment(value: str, service: str, environments: Sequence[str]) -> bool:
    """Whether this is the service's name with an environment's before or after it."""
    if not value.startswith(f"{service}-") and not value.endswith(f"-{service}"):
        return False
    rest = value[len(service) + 1 :] if value.startswith(f"{service}-") else value[: -len(service) - 1]
    return any(rest == _plain(one) for one in environments) or any(rest in alike for alike in _ALIKE)


def _configured(service: Service, environment: str) -> str | None:
    """The environment of the pipeline that this means, or None."""
    exact = service.configured(environment)
    if exact is not None:
        return exact
    spoken = environment.casefold()
    for alike in _ALIKE:
        if spoken in alike:
            return next((one for one in service.environments if one.casefold() in alike), None)
    words, own = _words(environment), _words(service.name)
    if _holds(words, own):
        return _meant(service, _without(words, own))
    meant = _meant(service, words)
    return meant if meant is not None and _is_last(meant, words) else None


def _is_last(environment: str, words: Sequence[str]) -> bool:
    """Whether these words end with the environment, but for its whereabouts: ``live-chat`` is a product's name."""
    called = environment.casefold()
    spellings = [_words(environment), *([one] for alike in _ALIKE if called in alike for one in alike)]
    rest = list(words)
    while rest:
        if any(rest[-len(spelling) :] == spelling for spelling in spellings):
            return True
        if _WHEREABOUTS.fullmatch(rest.pop()) is None:
            return False
    return False


def _beside(service: Service, value: str) -> str | None:
    """The environment of the pipeline that stands beside the service's name in a label; None without that name."""
    words, own = _words(value), _words(service.name)
    return _meant(service, _without(words, own)) if _holds(words, own) else None


def _meant(service: Service, words: Sequence[str]) -> str | None:
    """The one environment of the pipeline that is among these words (``prod`` of ``prod eu 1``).

    None where another one is, also one that the pipeline does not have, or a word that makes it another (``pre``).
    """
    if not _OTHERWISE.isdisjoint(words):
        return None
    found = {one for one in service.environments if _holds(words, _words(one))}
    for alike in _ALIKE:
        if not alike.isdisjoint(words):
            known = [one for one in service.environments if one.casefold() in alike]
            if found.isdisjoint(known):
                found.add(known[0] if known else "")
    return (found.pop() or None) if len(found) == 1 else None


def _kept(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels by their names in lower case, as all are looked up here; ``service.name`` is ``service_name``."""
    return {_key(key.strip().casefold()): value.strip() for key, value in labels.items()}


def _key(name: str) -> str:
    """A tag without a value is a name itself (``tag:new-basket``), and stays as it is."""
    return name if name.startswith("tag:") else _MARKS.sub("_", name)


def _plain(text: str) -> str:
    return _BETWEEN.sub("-", text.strip().casefold())


@lru_cache(maxsize=16_384)
def _spelt(name: str) -> str:
    """The same of what the catalogue or a deploy calls something, kept: each alert is compared with all of them."""
    return _plain(name)


def _last(text: str) -> str:
    return text.rpartition("/")[2]


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.casefold())


def _same(held: str | None, wanted: str) -> bool:
    return held is not None and held.casefold() == wanted.casefold()
