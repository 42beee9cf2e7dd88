"""Tetromino images whose class is in known pixels, and the best classifier of the linear ones; a plugin for xai-harness."""
