"""Those of slack_sdk's models that messages are made of most, each knowing by its class what it has to check.

The SDK's own look for their checks among all their attributes each time they are written, text by text: a third of what
a message costs.
"""

from __future__ import annotations

from typing import Any, ClassVar

from slack_sdk.models import blocks as slack


class _Checked:
    _checks: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls._checks = tuple(name for name in dir(cls) if hasattr(getattr(cls, name, None), "validator"))

    def validate_json(self) -> None:
        """Run every check of the SDK's: SlackObjectFormationError where this is not what Slack takes."""
        for check in self._checks:
            getattr(self, check)()


class MarkdownTextObject(_Checked, slack.MarkdownTextObject):
    """Prose."""


class PlainTextObject(_Checked, slack.PlainTextObject):
    """A label."""


class ButtonElement(_Checked, slack.ButtonElement):
    """A button."""


class SectionBlock(_Checked, slack.SectionBlock):
    """A paragraph."""


class ContextBlock(_Checked, slack.ContextBlock):
    """Small grey prose."""


class ActionsBlock(_Checked, slack.ActionsBlock):
    """A row of buttons."""
