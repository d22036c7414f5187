"""Alerts as they are recorded: firing or resolved, by their source's own key."""
