"""The emoji that the bot's words lean on are drawn by the sandbox's page, also where no font has any."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DRAWINGS = ROOT / "bot" / "sandbox" / "page" / "emoji-drawings.js"
PICTURES = re.compile("[\U0001f300-\U0001faff\u2600-\u26ff\u2705\u270b\u274c\u274e\u231a-\u23ff\u2b00-\u2bff]")


def test_every_emoji_of_the_templates_is_drawn() -> None:
    """A box in the place of a red light would be no picture of what people see."""
    used = {
        picture
        for template in (ROOT / "templates").rglob("*.j2")
        for picture in PICTURES.findall(template.read_text(encoding="utf-8"))
    }
    assert len(used) > 20
    drawn = set(re.findall(r'"([^"\s]+)": (?:\[|disc)', DRAWINGS.read_text(encoding="utf-8")))
    assert used <= drawn, used - drawn
