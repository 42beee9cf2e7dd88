"""Account of how a run evaluated, in the words of a paper, and what a reviewer asks for."""
