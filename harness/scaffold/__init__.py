"""New plugins: a whole distribution of one component, with tests that pass."""
