"""What several stacks repeat: a function with its role, a state machine, a trigger, an alarm."""
