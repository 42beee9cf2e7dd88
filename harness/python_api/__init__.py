"""The names of `import harness`."""
