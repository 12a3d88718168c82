"""What another rule set would have done with the facts on record: the same rules, and nothing leaves."""
