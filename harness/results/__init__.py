"""Results of a run: scores, the document of the leaderboard, the run folder."""
