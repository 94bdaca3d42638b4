"""Trimtab: a serverless MLOps stack for AWS that runs, unchanged, on a laptop."""
