"""What others need for the same checks, each in an environment of its own."""
