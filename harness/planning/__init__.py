"""From a spec to columns, their keys, and jobs for what is missing."""
