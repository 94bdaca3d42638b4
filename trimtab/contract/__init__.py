"""A project's contract: what an uploaded file must look like, and what becomes of the rows that break it."""
