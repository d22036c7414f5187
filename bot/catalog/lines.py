"""YAML that remembers its lines: plain values, and where each one was written.

Every scalar stays the text it was written as, and nothing but an empty value is None: ``no`` is a name, ``012``
keeps its nought and 12:30 is not 750. Whoever reads a value knows what it should be. Anchors and ``<<`` work;
tags, repeated keys and several documents in one file do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

Yaml: TypeAlias = "str | list[Yaml] | dict[str, Yaml] | None"
Place: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys, and positions in lists."""

_MANY = 200_000
"""Values after aliases are followed. A thousand services need a tenth of it; a file built to exhaust memory, more."""

_NULLS = ("", "~", "null", "Null", "NULL")
_TAG = "tag:yaml.org,2002:"
_TAGS = frozenset(
    f"{_TAG}{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "seq", "map")
)
"""What YAML itself makes of a value that carries no tag."""


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where; ``line`` counts from 1."""

    line: int
    place: Place
    message: str

    @property
    def key(self) -> str:
        """The place as people write it, ``services.checkout.gates[3]``; empty for the whole file."""
        text = ""
        for step in self.place:
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return text

    def told(self, file: str) -> str:
        """One line for a person, in the form that editors and CI systems make a link of."""
        return ": ".join(part for part in (f"{file}:{self.line}", self.key, self.message) if part)


@dataclass
class Document:
    """A file's value, the line of every place in it, and the faults of its form."""

    value: Yaml = None
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """Where ``place`` is written; for what is absent, where the nearest thing around it is."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def parse(data: bytes) -> Document:
    """Read one YAML document; what cannot be read is among its ``faults``, never raised."""
    document = Document()
    try:
        root = yaml.compose(data, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"is not YAML: {error.problem or error.context}"
        if error.problem and "'\\t'" in error.problem:
            message = "is not YAML: lines are indented with spaces, never with tabs"
        document.faults.append(Fault(mark.line + 1 if mark else 1, (), message))
    except (yaml.YAMLError, UnicodeDecodeError):
        document.faults.append(Fault(1, (), "is not a text file in UTF-8"))
    except RecursionError:
        document.faults.append(Fault(1, (), "is nested too deeply to be read"))
    else:
        if root is not None:
            document.value = _Reading(document).value(root, (), root.start_mark.line + 1)
    document.faults.sort(key=lambda fault: fault.line)
    return document


class _Reading:
    """One walk over the nodes of a document; it fills the document's lines and faults."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._around: list[yaml.Node] = []
        self._count = 0

    def value(self, node: yaml.Node, place: Place, line: int) -> Yaml:
        self._document.lines.setdefault(place, line)
        self._count += 1
        if self._count > _MANY:
            if self._count == _MANY + 1:
                self._fault(node, place, "aliases repeat so much here that the file is too large to be read")
            return None
        if any(outer is node for outer in self._around):
            self._fault(node, place, "this alias contains itself")
            return None
        if node.tag not in _TAGS:
            tag = node.tag.replace(_TAG, "!!")
            self._fault(node, place, f"tags ({tag}) are not used here; write the value itself")
            return None
        self._around.append(node)
        try:
            return self._inside(node, place)
        finally:
            self._around.pop()

    def _inside(self, node: yaml.Node, place: Place) -> Yaml:
        if isinstance(node, yaml.ScalarNode):
            text: str = node.value
            return None if node.style is None and text in _NULLS else text
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [self.value(item, (*place, index), item.start_mark.line + 1) for index, item in items]
        return self._mapping(node, place)

    def _mapping(self, node: yaml.Node, place: Place) -> Yaml:
        result: dict[str, Yaml] = {}
        written: dict[str, int] = {}
        merged: list[tuple[yaml.Node, int]] = []
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, place, "a key must be a word")
            elif key_node.value == "<<" and key_node.style is None:
                merged.append((value_node, line))
            elif key_node.value in written:
                first = written[key_node.value]
                self._fault(key_node, (*place, key_node.value), f"is written twice, first on line {first}")
            else:
                written[key_node.value] = line
                result[key_node.value] = self.value(value_node, (*place, key_node.value), line)
        for source in self._merge_sources(merged, place):
            for key, value in source.items():
                result.setdefault(key, value)
        return result

    def _merge_sources(self, merged: list[tuple[yaml.Node, int]], place: Place) -> Iterator[dict[str, Yaml]]:
        # What is merged gets the lines of this very place only where it is not overridden here: `value` uses
        # setdefault, and the keys written here were read first.
        for node, line in merged:
            for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
                value = self.value(source, place, line)
                if isinstance(value, dict):
                    yield value
                else:
                    self._fault(source, (*place, "<<"), "only a mapping can be merged, such as <<: *name")

    def _fault(self, node: yaml.Node, place: Place, message: str) -> None:
        self._document.faults.append(Fault(node.start_mark.line + 1, place, message))
