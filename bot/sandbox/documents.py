"""What the stand-in workspace keeps besides messages: files, and the canvases of channels. Pure state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True, eq=False)
class File:
    """A file on its way, or shared: ``content`` is None until it was sent, ``length`` what was said of it in bytes."""

    id: str
    name: str
    length: int
    at: int
    title: str = ""
    content: bytes | None = None
    shared: bool = False


@dataclass(kw_only=True, eq=False)
class Canvas:
    """The document of a channel, in Markdown."""

    id: str
    title: str
    markdown: str
