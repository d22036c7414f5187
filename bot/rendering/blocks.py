"""The Block Kit functions that templates call: each builds slack_sdk models and stands for them with one private line.

The line is a mark that nothing from outside can contain, so the finished page is blocks and nothing else: stray text
between them is a fault, and a commit title can never pass for a block. Long text is cut, empty blocks are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from markupsafe import Markup
from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    DividerBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from bot.rendering.limits import (
    LONGEST_FIELD,
    LONGEST_LABEL,
    LONGEST_TEXT,
    MOST_ELEMENTS,
    MOST_FIELDS,
    cut,
    flatten,
    split,
)
from bot.rendering.text import trusted

_MARK = "\x00"
_PLACED = re.compile(rf"{_MARK}(\d+)")
_SPACES = re.compile(r"[ \t]{2,}")


class BadTemplate(Exception):
    """A template does not make a message; the words say where and why."""


class Page:
    """The blocks of one message while its template runs."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """What a template may call, by name."""
        return {
            "section": self.section,
            "context": self.context,
            "fields": self.fields,
            "actions": self.actions,
            "divider": self.divider,
            "button": button,
            "confirm": confirm,
        }

    def section(
        self,
        text: object = None,
        *,
        accessory: ButtonElement | None = None,
        caller: Callable[[], Markup] | None = None,
    ) -> Markup:
        """Prose, a line for each line that says something; a long one continues in the next block at a line's end."""
        parts = split(_prose(text, caller))
        return Markup().join(
            self._place(SectionBlock(text=_mrkdwn(part), accessory=None if index else accessory))
            for index, part in enumerate(parts)
        )

    def context(self, text: object = None, *, caller: Callable[[], Markup] | None = None) -> Markup:
        """Small grey prose."""
        words = cut(_prose(text, caller), LONGEST_TEXT)
        return self._place(ContextBlock(elements=[_mrkdwn(words)])) if words else Markup()

    def fields(self, texts: Iterable[object]) -> Markup:
        """Short texts side by side, on a phone below each other."""
        every = [_mrkdwn(cut(words, LONGEST_FIELD)) for words in (_prose(text, None) for text in texts) if words]
        return Markup().join(
            self._place(SectionBlock(fields=every[start : start + MOST_FIELDS]))
            for start in range(0, len(every), MOST_FIELDS)
        )

    def actions(self, buttons: Sequence[ButtonElement]) -> Markup:
        """A row of buttons; two with the same action are a fault, since their clicks could not be told apart."""
        action_ids = [button.action_id for button in buttons]
        if len(set(action_ids)) < len(action_ids):
            raise BadTemplate(f"two buttons of one row have the same action: {', '.join(map(str, action_ids))}")
        return Markup().join(
            self._place(ActionsBlock(elements=buttons[start : start + MOST_ELEMENTS]))
            for start in range(0, len(buttons), MOST_ELEMENTS)
        )

    def divider(self) -> Markup:
        """A line across."""
        return self._place(DividerBlock())

    def _place(self, block: Block) -> Markup:
        self._blocks.append(block)
        return Markup(f"{_MARK}{len(self._blocks) - 1}\n")  # noqa: S704 (our own mark)

    def collect(self, output: str) -> list[dict[str, Any]]:
        """The blocks in the order in which they stand in a template's output, which must hold nothing else."""
        placed: list[Block] = []
        for line in filter(None, map(str.strip, output.split("\n"))):
            mark = _PLACED.fullmatch(line)
            if mark is None:
                raise BadTemplate(f"there is text outside a block: {line[:80]!r}")
            placed.append(self._blocks[int(mark[1])])
        return [block.to_dict() for block in placed]


def button(
    label: object,
    action_id: str,
    value: object = None,
    style: str | None = None,
    confirm: ConfirmObject | None = None,
) -> ButtonElement:
    """A button whose label states its consequence; ``style`` is ``primary``, ``danger`` or None."""
    words = _plain_text(label, LONGEST_LABEL)
    stored = None if value is None else str(value)
    return ButtonElement(text=words, action_id=action_id, value=stored, style=style, confirm=confirm)


def confirm(title: object, text: object, yes: object, no: object) -> ConfirmObject:
    """The question asked before a button acts."""
    return ConfirmObject(
        title=_plain_text(title, 100),
        text=_plain_text(text, 300),
        confirm=_plain_text(yes, 30),
        deny=_plain_text(no, 30),
    )


def _plain_text(words: object, limit: int) -> PlainTextObject:
    shown = cut(_prose(words, None), limit) if isinstance(words, str) else ""
    if not shown:
        raise BadTemplate("a button needs a label")
    return PlainTextObject(text=cut(flatten(shown), limit), emoji=True)


def _mrkdwn(words: str) -> MarkdownTextObject:
    return MarkdownTextObject(text=words, verbatim=True)


def _prose(text: object, caller: Callable[[], Markup] | None) -> str:
    """The words of a block, without a template's indentation and empty lines."""
    words = str(trusted(caller() if caller is not None else text))
    if _MARK in words:
        raise BadTemplate("a block stands inside another block")
    # Markup's own operations escape quotes, which Slack does not decode.
    words = _SPACES.sub(" ", words.replace("&#34;", '"').replace("&#39;", "'"))
    return "\n".join(filter(None, map(str.strip, words.split("\n"))))
