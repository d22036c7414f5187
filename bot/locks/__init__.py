"""Brakes: a person's lock, the locks that a failure or a rollback sets by itself, and freezes declared by hand."""
