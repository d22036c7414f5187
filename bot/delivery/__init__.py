"""The engine of what goes out: pick what may go now, load the present state, render, send, settle.

``pace`` says when a channel, a method or the workspace may be called; ``queue`` reads and settles the outbox's rows,
``view`` holds those in sight, ``memory`` what was begun with them; ``loading`` asks what they show, ``sending`` shows
it, ``doubting`` looks for what may have been shown before, ``folding`` makes one message of too many; ``effects`` does
acts on other systems; ``engine`` joins them, round by round. What a kind of card, note or effect *means* is plugged in
by the wiring (``kinds`` is the shape of that, ``bot.outgoing`` the content).
"""

from bot.delivery.engine import Delivery
from bot.delivery.kinds import CardKind, EffectKind, NoteKind, Outgoing, Showing
from bot.delivery.pace import Limits

__all__ = ["CardKind", "Delivery", "EffectKind", "Limits", "NoteKind", "Outgoing", "Showing"]
