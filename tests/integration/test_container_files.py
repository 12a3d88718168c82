"""The container files, checked as far as a machine without an engine can."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack import layout

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FOLDERS = {service: service.replace("_", "-") for service in layout.SERVICES}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert isinstance(found, dict)
    return found


def test_the_dockerfile_passes_the_linter() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [linter, "--failure-threshold", "info", DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_docker_compose_accepts_the_file(note: Callable[[str], None], compose: dict[str, Any]) -> None:
    """With the plugin by `docker compose config`; without it the tests below stand alone, and the run says so."""
    try:
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, text=True, check=False).returncode == 0
    except FileNotFoundError:
        plugin = False
    if not plugin:
        note("docker compose is not installed: deploy/compose.yaml was checked by its structure, not by `docker compose config`")
        assert set(compose) <= {"name", "services", "volumes", "x-environment", "x-process"}
        return
    file = str(DEPLOY / "compose.yaml")
    done = subprocess.run(["docker", "compose", "-f", file, "config", "--quiet"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# What a service may have; a misspelt key would be silently ignored by nobody but us.
KEYS = {
    *("image", "build", "command", "environment", "volumes", "ports", "restart", "healthcheck", "depends_on", "shm_size"),
    *("stop_grace_period", "init", "read_only", "tmpfs", "cap_drop", "security_opt", "pull_policy"),
}


def test_services_have_known_keys_an_image_and_an_existing_dockerfile_target(compose: dict[str, Any]) -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE))
    for name, service in compose["services"].items():
        assert set(service) <= KEYS, name
        assert service["image"], name
        if build := service.get("build"):
            assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile", name
            assert build["target"] in stages, name
            assert set(build.get("args", {})) <= {"SERVICE"}, name


def test_every_image_of_ours_is_built_by_some_service(compose: dict[str, Any]) -> None:
    services = compose["services"].values()
    used = {service["image"] for service in services if service["image"].startswith("in-work-progression/")}
    assert used == {service["image"] for service in services if "build" in service}


def test_dependencies_exist_and_can_become_true(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for other, how in service.get("depends_on", {}).items():
            needed = compose["services"][other]
            if how["condition"] == "service_completed_successfully":
                assert "restart" not in needed, f"{other} ends and must not be restarted ({name} waits for its end)"
            else:
                assert how["condition"] == "service_healthy", name
                checked = "healthcheck" in needed or needed["image"].startswith("in-work-progression/")
                assert checked, f"{other} has no health check ({name} waits for it)"


@pytest.mark.parametrize("service", layout.SERVICES)
def test_every_process_of_a_service_runs_after_its_migration(compose: dict[str, Any], service: str) -> None:
    folder = FOLDERS[service]
    roles = ["worker", "relay", "api", *(["sender"] if service in layout.SENDERS else [])]
    for role in roles:
        process = compose["services"][f"{folder}-{role}"]
        assert process["command"][:2] == [service, role]
        assert process["depends_on"][f"{folder}-migrate"] == {"condition": "service_completed_successfully"}
        assert process["depends_on"]["topics"] == {"condition": "service_completed_successfully"}
    assert compose["services"][f"{folder}-migrate"]["build"]["args"] == {"SERVICE": folder}
    assert (ROOT / "services" / folder / "pyproject.toml").exists()


def test_processes_get_the_same_settings_as_on_a_bare_machine(compose: dict[str, Any]) -> None:
    bare = layout.environment(layout.Ports(), bootstrap="kafka:9094", databases=dict.fromkeys(layout.SERVICES, "postgresql://"))
    assert set(compose["x-environment"]) == set(bare)
    for name in ("NOTIFY_API_KEY", "NOTIFY_RECEIPTS_TOKEN", "PSEUDONYM_KEY", "FIELD_KEY"):
        assert compose["x-environment"][name] == f"${{{name}:-{bare[name]}}}"


def test_only_the_promised_ports_are_open_and_only_to_this_machine(compose: dict[str, Any]) -> None:
    ports = layout.Ports()
    expected = {f"127.0.0.1:${{{layout.variable(name)}:-{number}}}:{number}" for name, number in _all(ports)}
    assert {port for service in compose["services"].values() for port in service.get("ports", [])} == expected


def _all(ports: layout.Ports) -> Iterator[tuple[str, int]]:
    for name in ports.__dataclass_fields__:
        yield name, getattr(ports, name)


def test_every_service_has_a_database_of_its_own(compose: dict[str, Any]) -> None:
    made = re.findall(r"CREATE DATABASE (\w+);", (DEPLOY / "postgres" / "databases.sql").read_text())
    urls = {service: compose["x-environment"][layout.database_variable(service)] for service in layout.SERVICES}
    assert {service: url.rsplit("/", 1)[1] for service, url in urls.items()} == {name: name for name in made}


def test_named_volumes_are_declared_and_mounted_files_exist(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for source in (volume.split(":")[0] for volume in service.get("volumes", [])):
            if source.startswith("."):
                assert (DEPLOY / source).exists(), name
            else:
                assert source in compose["volumes"], name


def test_the_image_s_requirements_are_the_platform_s_without_the_tools() -> None:
    def pins(file: Path) -> dict[str, tuple[str, frozenset[str]]]:
        found = {}
        for block in re.split(r"\n(?=[a-z0-9])", file.read_text()):
            if pinned := re.match(r"([\w.-]+)(?:\[[\w,]+\])?==([^\s;\\]+)", block):
                found[pinned.group(1)] = (pinned.group(2), frozenset(re.findall(r"--hash=(\S+)", block)))
        return found

    image, everything = pins(DEPLOY / "requirements.txt"), pins(ROOT / "requirements.txt")
    assert image.items() <= everything.items(), "run: make lock"
    assert all(hashes for _, hashes in image.values())
    wanted = (ROOT / "requirements.in").read_text().partition("# Development")[0]
    names = {re.split(r"[\[=<>]", line)[0] for line in wanted.splitlines() if line and not line.startswith("#")}
    assert names <= image.keys(), "run: make lock"
    assert not {"pytest", "mypy", "ruff", "hatchling", "testcontainers"} & image.keys()


def test_the_image_s_programs_need_nothing_that_it_does_not_have(tmp_path: Path) -> None:
    """The sandboxes and the topic job import from the platform's own folders and the image's requirements only."""
    image = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==", (DEPLOY / "requirements.txt").read_text(), re.MULTILINE)
    script = """
import sys, importlib.metadata as m, re
allowed = {re.sub(r"[-_.]+", "-", name).lower() for name in sys.argv[1:]}
before = set(sys.modules)
import devstack.sandboxes.__main__, devstack.topics
by_module = m.packages_distributions()
top = {name.partition(".")[0] for name in set(sys.modules) - before}
used = {d for t in top for d in by_module.get(t, ())}
ours = {d for d in used if d.startswith("iwp-")}
print(sorted(d for d in used - ours if re.sub(r"[-_.]+", "-", d).lower() not in allowed))
"""
    done = subprocess.run([sys.executable, "-c", script, *image], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
