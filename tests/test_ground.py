"""What holds for the repository as a whole: what is committed, installed, linked and imported."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import counterfoil

ROOT = Path(__file__).parents[1]

# In parts, so that this file does not hold what it looks for.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("unpkg", "com"),
        ("jsdelivr", "net"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
    )
]
# A path below one of these names one machine; system paths such as /usr/bin do not.
MACHINE_ROOTS = ["home", "Users", "root", "work"]
MACHINE_PATH = re.compile(rf"(?<![\w.:/-])/(?:{'|'.join(MACHINE_ROOTS)})/[\w.-]+")

HEAVY = ["sqlalchemy", "fastapi", "starlette", "jinja2", "uvicorn", "asyncpg", "rich", "typer"]


def committed() -> list[Path]:
    # A clone that belongs to another user, as in a container, is read all the same.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def committed_texts() -> Iterator[tuple[str, str]]:
    for path in committed():
        data = path.read_bytes()
        if b"\0" not in data:
            yield str(path.relative_to(ROOT)), data.decode("utf-8")


def test_no_committed_file_names_a_package_registry() -> None:
    named = [
        (name, host)
        for name, text in committed_texts()
        for host in REGISTRY_HOSTS
        if host in text.lower()
    ]
    assert named == []


def test_no_committed_file_holds_a_path_of_one_machine() -> None:
    held = [
        (name, found[0]) for name, text in committed_texts() if (found := MACHINE_PATH.search(text))
    ]
    assert held == []


@pytest.mark.parametrize("root", MACHINE_ROOTS)
@pytest.mark.parametrize("before", ["", '"', "(", "=", "file ", "path:\n"])
def test_a_path_of_one_machine_would_be_found(before: str, root: str) -> None:
    assert MACHINE_PATH.search(f"{before}/{root}/someone/x")


@pytest.mark.parametrize("before", ["https://example.com", "docs", "..", "/usr"])
def test_other_paths_are_left_alone(before: str) -> None:
    assert not MACHINE_PATH.search(f"{before}/{MACHINE_ROOTS[0]}/x")


# Importing


def test_importing_the_package_imports_no_extra() -> None:
    code = f"import sys, counterfoil; print([m for m in {HEAVY!r} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_all_is_exactly_what_the_package_offers() -> None:
    public = {
        name
        for name in dir(counterfoil)
        if not name.startswith("_")
        and not isinstance(value := getattr(counterfoil, name), ModuleType)
        and type(value).__module__ != "__future__"
    }
    listed = list(vars(counterfoil)["__all__"])
    assert sorted(listed) == sorted(set(listed))
    assert {name for name in listed if not name.startswith("__")} == public
    assert [name for name in listed if not hasattr(counterfoil, name)] == []


def test_the_wheel_holds_the_whole_package_and_says_that_it_is_typed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())
    package = "src/counterfoil/"
    names = {path.relative_to(ROOT).as_posix() for path in committed()}
    wanted = {name.removeprefix("src/") for name in names if name.startswith(package)}
    assert "counterfoil/py.typed" in wanted
    assert wanted - shipped == set()
    assert any(name.endswith("licenses/LICENSE") for name in shipped)


# Dependencies


def pinned() -> dict[str, str]:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==([^\s;\\]+)", text, re.MULTILINE))


def requirements() -> Iterator[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    yield from project["build-system"]["requires"]
    yield from project["project"]["dependencies"]
    for extra in project["project"]["optional-dependencies"].values():
        yield from extra
    for group in project["dependency-groups"].values():
        yield from (entry for entry in group if isinstance(entry, str))


# An extra that takes another one along names this package itself.
@pytest.mark.parametrize("text", sorted(x for x in set(requirements()) if "counterfoil" not in x))
def test_every_requirement_is_pinned(text: str) -> None:
    requirement = Requirement(text)
    version = pinned().get(canonicalize_name(requirement.name))
    assert version is not None, "run tools/lock and commit constraints.txt"
    assert version in requirement.specifier, "run tools/lock and commit constraints.txt"


def test_every_pin_has_hashes() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert {block.split("==")[0].split("[")[0] for block in blocks} == set(pinned())
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


# Documentation

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The anchors that headings get: lower case, no punctuation, dashes for spaces."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(prose(path))
    }


def pages() -> list[Path]:
    return sorted(path for path in committed() if path.suffix == ".md")


def dead_links(page: Path) -> list[str]:
    dead = []
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page: Path) -> None:
    assert dead_links(page) == []


def test_a_dead_link_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# What is there\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](gone.md) [c](there.md#what-is-there) [d](there.md#gone) [e](#gone)\n"
        "[f](https://example.com/gone)\n```\n[g](gone.md)\n```\n"
    )
    assert dead_links(page) == ["gone.md", "there.md#gone", "#gone"]


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_page_can_be_reached_from_the_index(page: Path) -> None:
    folder = page.parent if page.name != "index.md" else page.parent.parent
    if page == ROOT / "docs" / "index.md":
        return
    assert page in {
        (folder / link.partition("#")[0]).resolve()
        for link in LINK.findall(prose(folder / "index.md"))
    }
