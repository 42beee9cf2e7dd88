"""Training as a recipe: the model ``trained``."""
