"""What must not be in a tracked file: machine paths, registry hosts, unhashed locks, stale versions."""

from __future__ import annotations

import re
import tomllib

import headwater
from house.source import ROOT, text_of, tracked

LOCKS = sorted((ROOT / "requirements").glob("*.lock"))

#: Built from pieces so that this file is not its own finding.
HOSTS = re.compile(
    r"pypi\." + "org|pythonhosted" + r"\.org|npmjs\." + r"(org|com)|arti" + r"factory|nexus\.", re.I
)
MACHINE = re.compile(
    r"(?<![\w./-])/(work|root|home/[a-z]\w*|Users/[A-Za-z]\w*)/\S|(?<![\w./-])/tmp" + "/", re.M
)
#: Vendored third-party files say what they say.
FOREIGN = ("/vendor/", "LICENSE", "NOTICE")


def ours() -> list[tuple[str, str]]:
    """Name and text of every tracked text file that was written here."""
    named = ((str(path.relative_to(ROOT)), text_of(path)) for path in tracked())
    return [
        (name, text) for name, text in named if text is not None and not any(f in f"/{name}" for f in FOREIGN)
    ]


def test_no_registry_host_is_named() -> None:
    assert [name for name, text in ours() if HOSTS.search(text)] == []


def test_no_path_of_one_machine_is_named() -> None:
    found = [f"{name}: {match[0]}" for name, text in ours() if (match := MACHINE.search(text))]
    assert found == []


def test_every_locked_wheel_has_hashes() -> None:
    assert {lock.name for lock in LOCKS} == {
        "build.lock",
        "core.lock",
        "dev.lock",
        "embedder.lock",
        "litellm.lock",
        "llama-itself.lock",
        "llama.lock",
        "spark.lock",
        "torch-itself.lock",
        "torch.lock",
    }
    for lock in LOCKS:
        entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", lock.read_text(), flags=re.M))
        assert entries
        for entry in entries:
            name = entry.split("==")[0]
            assert re.match(r"[a-z0-9-]+==\S+", entry), f"{lock.name}: {name} is not pinned"
            assert "--hash=sha256:" in entry, f"{lock.name}: {name} has no hash"
            assert "://" not in entry, f"{lock.name}: {name} names a host"


def test_the_locks_agree_with_each_other() -> None:
    def pins(name: str) -> set[str]:
        text = (ROOT / "requirements" / name).read_text()
        return set(re.findall(r"^([a-z0-9-]+==[^\s;]+)", text, re.M))

    assert pins("core.lock") <= pins("dev.lock")
    assert pins("build.lock") <= pins("dev.lock")
    assert pins("core.lock") <= pins("spark.lock")


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[<>=!~\[ ;]", need)[0].lower().replace("_", "-") for need in project["dependencies"]}
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements/core.lock").read_text(), re.M))
    assert wanted <= locked


def test_the_changelog_has_an_entry_for_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == headwater.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## \[?{re.escape(headwater.__version__)}\b", changelog, re.M)


def test_readme_names_the_two_commands_and_ci_runs_them() -> None:
    readme = (ROOT / "README.md").read_text()
    run = (ROOT / ".ci/run").read_text()
    for command in ("make demo", "make test"):
        assert re.search(rf"^{command}$", readme, re.M), f"README does not show {command}"
        assert command in run


def test_the_releases_of_litellm_that_were_tampered_with_are_locked_nowhere() -> None:
    text = "".join(lock.read_text("utf-8") for lock in LOCKS)
    locked = re.findall(r"^litellm==(\S+)", text, flags=re.M)
    assert locked
    assert not {"1.82.7", "1.82.8"} & set(locked)
