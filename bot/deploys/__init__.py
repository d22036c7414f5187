"""Deploys and changes: what is rolling out, what it carries, who wrote it."""
