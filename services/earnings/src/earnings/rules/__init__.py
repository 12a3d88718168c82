"""The rules of earnings: pure functions of facts. No clock, no I/O, no ids but those derived from business keys."""
