"""Watching production: which windows are due, what is read for them, and when drift counts as persistent."""
