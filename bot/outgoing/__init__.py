"""What each kind of outgoing thing means: how a card or note is loaded from present state, how an effect is done.

Pure reading on the database's side; the calls of effects go through the ports. An effect documents why doing it
twice is harmless. ``kinds`` is the one visible list.
"""

from bot.outgoing.kinds import Kinds

__all__ = ["Kinds"]
