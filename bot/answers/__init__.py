"""Read-only answers that look across features: status, where."""
