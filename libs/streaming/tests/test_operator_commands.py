"""What an operator reads: columns with names, a word where there is nothing, and a line instead of a traceback."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import tally
from rig import FIELD_KEY, PROGRAM, Rig
from typer.testing import CliRunner

from devstack.backends import Backends
from streaming import cli, dead_letters, parking, schema
from streaming.crypto import FieldCipher
from streaming.errors import Infrastructure
from streaming.records import Bad, Record

NOBODY = "127.0.0.1:9"
SETTINGS = {
    "ENVIRONMENT": "test",
    "PLATFORM_CLOCK": "wall",
    "KAFKA_BOOTSTRAP_SERVERS": NOBODY,
    "FIELD_KEY": FIELD_KEY,
    "OIDC_ISSUER": f"http://{NOBODY}",
    "TALLY_DATABASE_URL": f"postgresql://{NOBODY}/none",
    "TALLY_TOPICS": "tally.in,tally.more",
}


def run(*argv: str, **settings: str | None) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in (SETTINGS | settings).items() if value is not None}
    environment = {"PATH": os.environ["PATH"], **given}
    return subprocess.run(
        [sys.executable, str(PROGRAM), *argv], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def url(shell_database: Callable[[], str]) -> str:
    made = shell_database()
    with psycopg.connect(made, autocommit=True) as conn:
        schema.create(conn)
    return made


def test_what_there_is_has_names_of_columns_on_standard_error_only(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        bad = Bad(Record("tally.in", 3, 7, 0, None, b"x"), "not_json")
        dead_letters.append(conn, FieldCipher(FIELD_KEY), [bad])
        parking.park(conn, [(("claim", "A"), "ValueError toy.py:1")])
    letters = run("dlq", "list", "--topic", "tally.in", TALLY_DATABASE_URL=url)
    assert letters.stderr == "topic\tpartition\toffset\treason\tat\n"
    assert [line.split("\t")[:4] for line in letters.stdout.splitlines()] == [["tally.in", "3", "7", "not_json"]]
    parked = run("parked", "list", TALLY_DATABASE_URL=url)
    assert parked.stderr.split("\t")[:2] == ["kind", "key"]
    assert parked.stdout.startswith("claim\tA\t0\tValueError toy.py:1\t")


def test_where_there_is_nothing_that_is_said(url: str) -> None:
    for argv, word in ((["dlq", "list"], "no dead letters"), (["parked", "list"], "nothing is parked")):
        done = run(*argv, TALLY_DATABASE_URL=url)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", f"{word}\n")


def test_a_topic_that_nobody_reads_is_an_error_that_names_those_that_are(url: str) -> None:
    done = run("dlq", "list", "--topic", "tally.inn", TALLY_DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "tally reads no such topic; it reads tally.in, tally.more\n"
    assert run("dlq", "list", "--topic", "tally.more", TALLY_DATABASE_URL=url).returncode == 0


def test_lag_names_its_columns_and_its_total(backends: Backends, rig: Rig) -> None:
    rig.consumes(late=1)
    (topic,) = rig.topics
    settings = {"TALLY_DATABASE_URL": rig.url, "KAFKA_BOOTSTRAP_SERVERS": rig.bootstrap, "TALLY_TOPICS": topic}
    done = run("lag", **settings)
    assert (done.returncode, done.stdout) == (0, "total\t\t0\n")
    assert done.stderr.endswith("everything is applied\n")
    rig.produce(topic, [("a", 1), ("b", 2)])
    done = run("lag", **settings)
    assert done.stdout == f"{topic}\t0\t2\ntotal\t\t2\n"
    assert "topic\tpartition\trecords\n" in done.stderr


def test_settings_that_are_missing_are_named_in_one_line() -> None:
    for command in ("worker", "lag"):
        done = run(command, FIELD_KEY=None, TALLY_DATABASE_URL=None)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "settings missing: FIELD_KEY, TALLY_DATABASE_URL; `. var/dev.env` after `make up` sets them\n"


def test_settings_that_are_wrong_are_named_without_their_values() -> None:
    done = run("lag", LANES="QQ123456C", ENVIRONMENT="production", FIELD_KEY="ZGV2QQ123456C")
    assert done.returncode == 2
    assert done.stderr == "settings wrong: LANES: Input should be a valid integer, unable to parse string as an integer\n"
    done = run("lag", ENVIRONMENT="production", FIELD_KEY="ZGV2QQ123456C")
    assert done.returncode == 2
    assert done.stderr.startswith("settings wrong: FIELD_KEY is a development key")
    assert "QQ123456C" not in done.stderr


@pytest.mark.parametrize("argv", [["dlq", "list"], ["parked", "list"], ["positions", "list"]])
def test_a_database_that_is_away_is_named(argv: list[str]) -> None:
    done = run(*argv)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "database: not reachable; is it running? (`make status`)\n")


def test_a_database_that_is_away_is_named_by_migrations_too() -> None:
    migrations = Path(__file__).parents[3] / "services" / "earnings" / "migrations"
    program = dataclasses.replace(tally.PROGRAM, migrations=migrations)
    done = CliRunner().invoke(cli.make(program), ["migrate"], env=SETTINGS)
    assert (done.exit_code, done.stderr) == (1, "database: not reachable; is it running? (`make status`)\n")


def test_a_database_that_is_not_there_is_not_called_away(url: str) -> None:
    head, _, options = url.partition("?")
    done = run("dlq", "list", TALLY_DATABASE_URL=f"{head.rsplit('/', 1)[0]}/nowhere?{options}")
    assert done.returncode == 1
    assert done.stderr == "database: it answers but does not let us in; look at its address in the settings\n"


@pytest.mark.parametrize("clock", ["wall", "topic"])
def test_a_broker_that_is_away_is_named(clock: str, url: str) -> None:
    done = run("lag", TALLY_DATABASE_URL=url, PLATFORM_CLOCK=clock)
    assert done.returncode == 1
    assert "broker: not reachable; is it running? (`make status`)\n" in done.stderr  # the client says things of its own
    assert "Traceback" not in done.stderr


def test_a_process_that_runs_for_long_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Infrastructure("database: OperationalError")

    monkeypatch.setattr("streaming.relay.run_relay", away)
    monkeypatch.setattr("streaming.logs.configure", lambda *_: None)  # its output ends with this command, the process goes on
    done = CliRunner().invoke(cli.make(tally.PROGRAM), ["relay"], env=SETTINGS)
    assert isinstance(done.exception, Infrastructure)
