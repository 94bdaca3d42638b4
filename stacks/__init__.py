"""The infrastructure: per environment a platform, per project four stacks by lifetime."""
