"""The one edge at which Trimtab speaks to AWS."""
