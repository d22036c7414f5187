"""GitHub's published description of its API (version 2022-11-28), as githubkit's models have it, and its client.

The models alone would pass over fields they do not know and read numbers out of texts; ``faults`` does neither.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import githubkit
from githubkit.cache import MemCacheStrategy
from githubkit.exception import RequestFailed
from pydantic import BaseModel, TypeAdapter, ValidationError

VERSION = "2022-11-28"
_SCHEMAS = "githubkit_schemas.v2022_11_28"
LACKING = ("user_view_type", "display_title")
"""Fields that the description has in most places where an account or a run stands, and forgets in some webhooks."""
LACKING_AT = ("status", "workflow_run.head_commit.")
"""Paths of what GitHub sends though the description does not say so: the status in every error's body, and the commit
in a recorded ``deployment_review``, of which the description says that it is an object and nothing more."""


@dataclass(frozen=True)
class Told:
    """What was answered to one operation, the model that GitHub publishes for it, and the published endpoint."""

    status: int
    model: Any
    text: str
    endpoint: str


class Client:
    """githubkit's client at another address: nothing kept, nothing repeated, no proxy."""

    def __init__(self, api: str, auth: str | githubkit.BaseAuthStrategy) -> None:
        self._github: Any = githubkit.GitHub(
            auth,
            base_url=f"{api}/",
            cache_strategy=MemCacheStrategy(),
            http_cache=False,
            auto_retry=False,
            trust_env=False,
            ssl_verify=False,
        )

    async def ask(self, operation: str, **given: Any) -> Told:
        """Ask an operation by GitHub's name for it, such as ``repos/get-commit``; a refusal is an answer too.

        What is sent is held against the published request; an ``owner`` and ``repo`` are left out where none is wanted.
        """
        call = self._call(operation)
        wanted = inspect.signature(call).parameters
        sent = {name: value for name, value in given.items() if name in wanted or name not in ("owner", "repo")}
        try:
            response = await call(**sent)
        except RequestFailed as refused:
            response = refused.response
        return Told(response.status_code, response._data_model, response.text, self.endpoint(operation))

    def endpoint(self, operation: str) -> str:
        """The verb and the path of an operation, as its documentation has it."""
        return str(self._call(operation).__doc__.split("\n\n")[1].strip())

    def _call(self, operation: str) -> Any:
        group, _, name = operation.replace("-", "_").partition("/")
        return getattr(getattr(self._github.rest(VERSION), group), f"async_{name}")


def model(*names: str) -> Any:
    """The published model of this name; of several, that it is one of them."""
    models = importlib.import_module(f"{_SCHEMAS}.models")
    found = getattr(models, names[0])
    for name in names[1:]:
        found |= getattr(models, name)
    return found


def event_model(event: str, action: str | None) -> Any:
    """The published model of what a webhook sends."""
    found = importlib.import_module(f"{_SCHEMAS}.webhooks.{event}").action_types
    return found[action] if isinstance(found, dict) else found


def faults(published: Any, text: str | bytes) -> list[str]:
    """Where JSON strays from a model: what is missing, of another type, or has no place there."""
    try:
        read = TypeAdapter(published).validate_json(text, strict=True)
    except ValidationError as refused:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in refused.errors()]
    found = _unknown(json.loads(text), read, "")
    return [f"{at}: not described" for at in found if not at.endswith(LACKING) and not _is_lacking(at)]


def _is_lacking(path: str) -> bool:
    return any(path == at or (at.endswith(".") and path.startswith(at)) for at in LACKING_AT)


def _unknown(sent: Any, read: Any, at: str) -> Iterator[str]:
    if isinstance(sent, dict) and isinstance(read, BaseModel):
        kind = type(read)
        known = {field.alias or name: getattr(read, name) for name, field in kind.model_fields.items()}
        for name, value in sent.items():
            here = f"{at}.{name}" if at else name
            if name in known:
                yield from _unknown(value, known[name], here)
            elif kind.model_config.get("extra") != "allow":
                yield here
    elif isinstance(sent, list) and isinstance(read, list):
        for one, its in zip(sent, read, strict=True):
            yield from _unknown(one, its, f"{at}[]")
