"""`python -m employer_link`."""

from employer_link.cli import app

app()
