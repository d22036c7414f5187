"""What happens when: one match over events (``matching``), and what follows for whatever they touched, by subject."""

from bot.reactions.alerts import stream_of
from bot.reactions.matching import Reactions

__all__ = ["Reactions", "stream_of"]
