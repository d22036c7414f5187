"""The doors: every way the world reaches us. Authenticate, parse, call one verb, answer."""
