"""The store: rows, maps and remembered facts, shared between runs."""
