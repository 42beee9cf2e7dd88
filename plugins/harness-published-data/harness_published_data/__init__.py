"""Data sets of others, read from the folders that their publishers ship."""
