"""Backends are found, survive the faults that tests inject, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from devstack import backends, docker_engine, kafka_embedded, postgres_embedded, state
from devstack.backends import Backends
from devstack.errors import DevstackError, MissingPrerequisite, NotOurs
from devstack.processes import Handle

pytestmark = pytest.mark.backend


@pytest.fixture(scope="module")
def own() -> Iterator[Backends]:
    """Embedded backends of this module's own: it kills them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
        patch.delenv("POSTGRES_URL", raising=False)
        patch.setattr(docker_engine, "answers", lambda: False)
        with tempfile.TemporaryDirectory(prefix="devstack-") as folder, backends.start(Path(folder)) as found:
            yield found


def _count(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM fact").fetchone()
        return 0 if row is None else int(row[0])


@pytest.mark.parametrize(
    "end",
    [lambda p: p.kill(), lambda p: p.stop(immediate=True), lambda p: p.stop()],
    ids=["sigkill", "immediate", "fast"],
)
def test_committed_rows_survive_the_end_of_the_database(own: Backends, end: Callable[[object], None]) -> None:
    url = own.postgres.create_database("durable", replace=True)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE fact (id int)")
        connection.execute("INSERT INTO fact VALUES (1)")
    end(own.postgres)
    assert not own.postgres.alive()
    own.postgres.restart()
    assert _count(url) == 1


def test_a_paused_database_answers_nothing_until_it_is_resumed(own: Backends) -> None:
    url = own.postgres.url("postgres")
    own.postgres.pause()
    try:
        assert own.postgres.alive()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=2).close()
    finally:
        own.postgres.resume()
    own.postgres.wait_ready()


def test_a_clone_has_the_template_s_tables_and_is_independent(own: Backends) -> None:
    template = own.postgres.create_database("pattern", replace=True)
    with psycopg.connect(template) as connection:
        connection.execute("CREATE TABLE fact (id int)")
    clone = own.postgres.create_database("copy", "pattern", replace=True)
    with psycopg.connect(clone) as connection:
        connection.execute("INSERT INTO fact VALUES (1)")
    assert (_count(template), _count(clone)) == (0, 1)


def test_acknowledged_records_survive_sigkill_of_the_broker(own: Backends) -> None:
    admin = AdminClient({"bootstrap.servers": own.kafka.bootstrap})
    for created in admin.create_topics([NewTopic("durable", 1, 1)]).values():
        created.result(30)
    producer = Producer({"bootstrap.servers": own.kafka.bootstrap, "acks": "all"})
    producer.produce("durable", b"first")
    assert producer.flush(30) == 0
    own.kafka.kill()
    assert not own.kafka.alive()
    own.kafka.restart()
    consumer = Consumer({"bootstrap.servers": own.kafka.bootstrap, "group.id": "g", "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe(["durable"])
        record = consumer.poll(30)
        assert record is not None
        assert record.value() == b"first"
    finally:
        consumer.close()


def test_a_paused_broker_is_alive_and_silent(own: Backends) -> None:
    own.kafka.pause()
    try:
        assert own.kafka.alive()
        assert not kafka_embedded.responds(own.kafka.bootstrap, timeout=1)
    finally:
        own.kafka.resume()
    own.kafka.wait_ready()


def test_a_second_program_may_not_use_the_same_folder(own: Backends) -> None:
    with pytest.raises(DevstackError, match="in use by the program with pid"):
        backends.start(own.var_dir)


def _python(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), *arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM], ids=lambda asked: asked.name)
def test_what_a_killed_program_left_is_stopped_by_the_next_which_stops_its_own_when_asked(
    var_dir: Path, asked: signal.Signals
) -> None:
    script = """
        import signal, sys, time
        from pathlib import Path
        from devstack import backends, docker_engine
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        docker_engine.answers = lambda: False
        found = backends.start(Path(sys.argv[1]), want=("postgresql",))
        found.postgres.create_database("kept")
        print("ready", flush=True)
        time.sleep(600)
    """
    first = _python(script, str(var_dir))
    assert first.stdout is not None
    assert first.stdout.readline() == "ready\n"
    kept = state.read(var_dir)
    assert kept is not None
    assert kept.postgres is not None
    orphan = kept.postgres.handle()
    assert orphan is not None
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    assert orphan.alive()
    second = _python(script, str(var_dir))
    assert second.stdout is not None
    assert second.stdout.readline() == "ready\n"
    assert not orphan.alive()
    second.send_signal(asked)
    second.communicate(timeout=60)
    assert state.read(var_dir) is None


def test_detached_backends_stay_and_can_be_attached_killed_and_stopped(var_dir: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from devstack import backends, docker_engine
        docker_engine.answers = lambda: False
        backends.start(Path(sys.argv[1]), want=("postgresql",), detached=True)
    """
    starter = _python(script, str(var_dir))
    starter.communicate(timeout=60)
    assert starter.returncode == 0
    found = backends.attach(var_dir)
    try:
        assert found.postgres.responds()
        with pytest.raises(DevstackError, match="already running"):
            backends.start(var_dir, want=("postgresql",))
        found.postgres.kill()
        found.postgres.restart()
        again = backends.attach(var_dir)
        assert again.postgres.alive()
        found.close()
        assert found.postgres.alive()
    finally:
        found.stop()
    assert not found.postgres.alive()
    with pytest.raises(DevstackError, match="no backends are running"):
        backends.attach(var_dir)


def test_a_half_made_data_folder_and_a_stale_lock_do_no_harm(var_dir: Path) -> None:
    data = var_dir / "postgresql" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18\n")
    child, _ = postgres_embedded.start(var_dir)
    child.kill()
    # The pid in the lock file now belongs to a stranger: this test.
    lock = data / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    child, _ = postgres_embedded.start(var_dir)
    assert child.alive()
    child.stop()


def test_a_backend_given_by_address_is_used_and_never_stopped(
    own: Backends, var_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", own.kafka.bootstrap)
    monkeypatch.setenv("POSTGRES_URL", own.postgres.url("postgres"))
    with backends.start(var_dir) as found:
        assert found.kinds() == {"kafka": "address", "postgresql": "address"}
        with pytest.raises(NotOurs, match="KAFKA_BOOTSTRAP_SERVERS"):
            found.kafka.kill()
        with pytest.raises(NotOurs, match="POSTGRES_URL"):
            found.postgres.kill()
    assert own.kafka.responds()
    assert own.postgres.responds()


def test_an_address_that_does_not_answer_is_an_error(var_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_URL", f"postgresql://postgres:secret@/postgres?host={var_dir}")
    with pytest.raises(DevstackError, match="POSTGRES_URL") as failed:
        backends.start(var_dir, want=("postgresql",))
    assert "secret" not in str(failed.value)


def test_a_machine_without_maven_is_told_what_to_install(var_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = kafka_embedded.java()
    monkeypatch.setenv("KAFKA_JARS_DIR", str(var_dir / "jars"))
    monkeypatch.setattr(kafka_embedded, "java", lambda: program)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingPrerequisite, match="apt-get install maven"):
        kafka_embedded.start(var_dir, None)


def test_a_machine_without_java_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(MissingPrerequisite, match="Java 17"):
        kafka_embedded.java()


def test_an_engine_that_does_not_answer_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert not docker_engine.answers()


def test_a_recycled_pid_is_not_taken_for_ours() -> None:
    stranger = Handle(os.getpid(), Handle.of(os.getpid()).created - 60)
    assert not stranger.alive()
    stranger.kill()
