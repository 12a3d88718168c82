"""Services spoken to from outside. A package: the running service is stopped after the last test."""
