"""Every part of a leaderboard as text and plain tables, made once from the document, for every format to draw."""
