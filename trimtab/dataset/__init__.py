"""Dataset versions: immutable, named by their content, the same on every machine."""
