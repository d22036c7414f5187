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
    Block,
    ConfirmObject,
    DividerBlock,
    ExternalDataSelectElement,
    InputBlock,
    Option,
    OverflowMenuElement,
    PlainTextInputElement,
    StaticSelectElement,
    UserSelectElement,
)

from bot.rendering.limits import (
    LONGEST_FIELD,
    LONGEST_INPUT,
    LONGEST_LABEL,
    LONGEST_OPTION,
    LONGEST_TEXT,
    LONGEST_TITLE,
    MOST_ELEMENTS,
    MOST_FIELDS,
    MOST_OPTIONS,
    cut,
    flatten,
    split,
)
from bot.rendering.models import (
    ActionsBlock,
    ButtonElement,
    ContextBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)
from bot.rendering.text import trusted

_MARK = "\x00"
_PLACED = re.compile(rf"{_MARK}(\d+)")
_SPACES = re.compile(r"[ \t]{2,}")


class BadTemplate(Exception):
    """A template does not make a message; the words say where and why."""


Element = ButtonElement | OverflowMenuElement | StaticSelectElement
"""What stands in a row of buttons, or beside a text."""

Answered = PlainTextInputElement | StaticSelectElement | ExternalDataSelectElement | UserSelectElement
"""What takes somebody's answer in a modal."""


class Page:
    """The blocks of one message, modal or home tab while its template runs."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self.frame: dict[str, dict[str, Any]] = {}
        """The title and the buttons of a modal: plain text objects by Slack's names for them."""

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
            "overflow": overflow,
            "option": option,
            "modal": self.modal,
            "input": self.input,
            "line_input": line_input,
            "choice": choice,
            "lookup": lookup,
            "person_choice": person_choice,
        }

    def section(
        self,
        text: object = None,
        *,
        accessory: Element | None = None,
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

    def modal(self, title: object, *, submit: object = None, close: object = "Close") -> Markup:
        """What frames a modal: its title, the button that submits (which states the consequence), the one that closes.

        Slack takes 24 characters of each.
        """
        self.frame = {"title": _plain_text(title, LONGEST_TITLE).to_dict()}
        if submit is not None:
            self.frame["submit"] = _plain_text(submit, LONGEST_TITLE).to_dict()
        self.frame["close"] = _plain_text(close, LONGEST_TITLE).to_dict()
        return Markup()

    def input(
        self, label: object, element: Answered, *, block_id: str, hint: object = None, optional: bool = False
    ) -> Markup:
        """A question in a modal, asked with ``label``; a fault of its answer is shown at ``block_id``."""
        asked = _plain_text(label, LONGEST_FIELD)
        helped = _plain_text(hint, LONGEST_FIELD) if hint is not None else None
        return self._place(
            InputBlock(label=asked, element=element, block_id=block_id, hint=helped, optional=optional or None)
        )

    def actions(self, buttons: Sequence[Element], *, block_id: str | None = None) -> Markup:
        """A row of buttons; two with the same action are a fault, since their clicks could not be told apart.

        ``block_id`` is what a menu in it comes back with that we fill while somebody types.
        """
        action_ids = [button.action_id for button in buttons]
        if len(set(action_ids)) < len(action_ids):
            raise BadTemplate(f"two buttons of one row have the same action: {', '.join(map(str, action_ids))}")
        return Markup().join(
            self._place(
                ActionsBlock(elements=buttons[start : start + MOST_ELEMENTS], block_id=None if start else block_id)
            )
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
    url: str | None = None,
) -> ButtonElement:
    """A button whose label states its consequence; ``style`` is ``primary``, ``danger`` or None.

    One with a ``url`` opens that page in the reader's browser, and is pressed like any other.
    """
    words = _plain_text(label, LONGEST_LABEL)
    stored = None if value is None else str(value)
    return ButtonElement(text=words, action_id=action_id, value=stored, style=style, confirm=confirm, url=url)


def confirm(title: object, text: object, yes: object, no: object) -> ConfirmObject:
    """The question asked before a button acts."""
    return ConfirmObject(
        title=_plain_text(title, 100),
        text=_plain_text(text, 300),
        confirm=_plain_text(yes, 30),
        deny=_plain_text(no, 30),
    )


def overflow(action_id: str, options: Sequence[Option], confirm: ConfirmObject | None = None) -> OverflowMenuElement:
    """A menu behind three dots, of at most five options; a ``confirm`` is asked for each of them."""
    return OverflowMenuElement(action_id=action_id, options=options, confirm=confirm)


def option(label: object, value: object) -> Option:
    """One choice of a menu."""
    return Option(text=_plain_text(label, LONGEST_OPTION), value=str(value)[:LONGEST_OPTION])


def line_input(
    action_id: str,
    *,
    placeholder: object = None,
    multiline: bool = False,
    longest: int = LONGEST_INPUT,
    typed: object = None,
) -> PlainTextInputElement:
    """A line, or several, to write into; ``typed`` stands there already."""
    return PlainTextInputElement(
        action_id=action_id,
        placeholder=None if placeholder is None else _plain_text(placeholder, LONGEST_OPTION),
        multiline=multiline or None,
        max_length=min(longest, LONGEST_INPUT),
        initial_value=None if typed is None else str(typed)[:longest],
    )


def choice(
    action_id: str, options: Sequence[Option], *, chosen: object = None, placeholder: object = None
) -> StaticSelectElement:
    """A menu of at most a hundred options; the one with the value ``chosen`` is chosen already."""
    offered = list(options)[:MOST_OPTIONS]
    first = next((one for one in offered if chosen is not None and one.value == str(chosen)), None)
    asked = None if placeholder is None else _plain_text(placeholder, LONGEST_OPTION)
    return StaticSelectElement(action_id=action_id, options=offered, initial_option=first, placeholder=asked)


def lookup(action_id: str, *, placeholder: object, chosen: Option | None = None) -> ExternalDataSelectElement:
    """A menu that we fill while somebody types."""
    return ExternalDataSelectElement(
        action_id=action_id,
        placeholder=_plain_text(placeholder, LONGEST_OPTION),
        min_query_length=0,
        initial_option=chosen,
    )


def person_choice(action_id: str, *, placeholder: object = "Choose somebody") -> UserSelectElement:
    """A menu of everybody in the workspace, which Slack fills."""
    return UserSelectElement(action_id=action_id, placeholder=_plain_text(placeholder, LONGEST_OPTION))


def _plain_text(words: object, limit: int) -> PlainTextObject:
    shown = cut(_prose(words, None), limit) if isinstance(words, str) else ""
    if not shown:
        raise BadTemplate("a button, a menu or a question needs a label")
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
