"""Whether two names of a build, or two paths of a file, mean the same. Pure.

Senders write a version as they like (``v1.4.2``, ``checkout@1.4.2``, ``main-a1b2c3d``, ``registry/checkout:a1b2c3d``)
and paths as their processes see them (``/app/services/checkout/cart.py``): what they have in common is compared.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

SHORTEST_SHA = 7
"""Characters of a commit that name it: git's own short form."""

FEWEST_PARTS = 2
"""Parts of a path that must agree: a file's name alone (``index.ts``, ``models.py``) is everybody's."""

_WORD = re.compile(r"[0-9a-z]+")
_SHA = re.compile(rf"[0-9a-f]{{{SHORTEST_SHA},64}}")
_FOREIGN = frozenset({"site-packages", "dist-packages", "node_modules", "vendor", "third_party", "gems"})
"""Folders of code that others wrote: a change to a file of that name is no change to it."""


def same_build(told: str, known: Iterable[str]) -> bool:
    """Whether a version that an alert names is the build that has these names (its commit, its tag, its release)."""
    one, shas = _names(told), _commits(told)
    for name in known:
        other = name.strip().casefold()
        if one & _names(other):
            return True
        if _SHA.fullmatch(other) and any(_abbreviates(sha, other) or _abbreviates(other, sha) for sha in shas):
            return True
    return False


def _names(version: str) -> frozenset[str]:
    """What a version is called without its service, its registry and its ``v``."""
    whole = version.strip().casefold()
    bare = whole.rpartition("@")[2].rpartition(":")[2]
    return frozenset(name for name in (whole, bare, bare.removeprefix("v")) if name)


def _commits(version: str) -> list[str]:
    return [word for word in _WORD.findall(version.casefold()) if _SHA.fullmatch(word)]


def _abbreviates(short: str, sha: str) -> bool:
    """Whether one name of a commit is the beginning of another; digits alone are a day's (``20260302-2``), unless more
    follows."""
    return sha.startswith(short) and not (short == sha and short.isdecimal())


@dataclass(frozen=True)
class Overlap:
    """A file that an error's stack and a change have in common: ``frame`` is its place there, 0 the innermost.

    Frames of code that others wrote do not count.
    """

    path: str
    frame: int


def overlap(stack: Sequence[str], touched: Collection[str], fewest: int = FEWEST_PARTS) -> Overlap | None:
    """The innermost file of a stack that is among the files touched, None where there is none.

    Two paths are one file's when the shorter is the longer one's end and has at least ``fewest`` parts.
    """
    if not stack or not touched:
        return None
    by_name: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for path in sorted(touched):
        parts = _parts(path)
        if parts:
            by_name.setdefault(parts[-1], []).append((path, parts))
    own = [parts for parts in map(_parts, stack) if parts and not _FOREIGN.intersection(parts)]
    for frame, seen in enumerate(own):
        for name, parts in by_name.get(seen[-1], ()):
            length = min(len(seen), len(parts))
            if length >= fewest and seen[-length:] == parts[-length:]:
                return Overlap(name, frame)
    return None


def of_any(stacks: Collection[Sequence[str]], touched: Collection[str], fewest: int = FEWEST_PARTS) -> Overlap | None:
    """What any of several errors' stacks has in common with the files touched: the innermost of all."""
    found = [shared for stack in stacks if (shared := overlap(stack, touched, fewest)) is not None]
    return min(found, key=lambda shared: (shared.frame, shared.path), default=None)


@lru_cache(maxsize=4096)
def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.strip().replace("\\", "/").split("/") if part not in ("", ".", ".."))
