"""Incidents: opened by an alert or a person, led from a room, and closed by a person."""
