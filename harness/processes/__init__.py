"""Start of Python child processes, and the way in which they are spoken to."""
