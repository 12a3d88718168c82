"""`python -m contracts generate [--check] [--replace EVENT]`: schemas, AsyncAPI file and README tables."""

from __future__ import annotations

import argparse
import sys

from contracts import generate


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when all is (or was made) up to date, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m contracts")
    command = parser.add_subparsers(required=True).add_parser("generate", help="write schemas, asyncapi.yaml, README tables")
    command.add_argument("--check", action="store_true", help="write nothing; fail if something is out of date")
    command.add_argument("--replace", action="append", default=[], metavar="EVENT", help="let this unreleased event break")
    options = parser.parse_args(arguments)
    if options.check:
        broken = generate.breaking_changes()
        stale = generate.outdated()
        for name, problems in broken.items():
            print(f"breaking change in {name}: {'; '.join(problems)}", file=sys.stderr)
        for path in stale:
            print(f"out of date: {path}; run {generate.COMMAND}", file=sys.stderr)
        return 1 if broken or stale else 0
    try:
        for path in generate.write(options.replace):
            print(f"wrote {path}")
    except generate.BreakingChange as change:
        print(f"Breaking changes; give the event a new name or the topic a new version:\n{change}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
