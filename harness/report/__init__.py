"""The report of a run: one HTML file that shows, offline, what the numbers are, how sure they are and what the maps look like."""
