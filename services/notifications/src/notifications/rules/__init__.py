"""Pure decisions of the notifications service: no clock, no I/O, no randomness. Times and facts are arguments."""
