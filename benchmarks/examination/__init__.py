"""The examination of a CSV file, beside what peers need for the same checks."""
