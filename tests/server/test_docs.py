"""The API's description and the page that shows it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import httpx2
import pytest

import counterfoil
from counterfoil.server import schema
from counterfoil.server.examples import EXAMPLES
from tools.vendor_assets import DOCS

from .serving import Served

STATIC = Path(counterfoil.__file__).parent / "server" / "static"
LISTED = json.loads((STATIC / "vendor" / "vendor.json").read_text(encoding="utf-8"))


def test_what_is_vendored_is_whole_and_licensed() -> None:
    listed = {name for library in LISTED for name in library["files"]}
    assert {path.name for path in (STATIC / "vendor").iterdir()} == {*listed, "vendor.json"}
    for library, wanted in zip(LISTED, DOCS, strict=True):
        assert (library["name"], library["version"], library["license"]) == (
            wanted.name, wanted.version, wanted.license,
        )  # fmt: skip
        assert any(name.endswith("LICENSE.txt") for name in library["files"])
        for name, checksum in library["files"].items():
            data = (STATIC / "vendor" / name).read_bytes()
            assert hashlib.sha256(data).hexdigest() == checksum


async def test_the_page_needs_nothing_from_elsewhere(served: Served) -> None:
    nobody = await served.client()
    page = await nobody.get("/docs")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "docs.js", "docs.css"):
        assert f'"docs/{name}"' in page.text
        assert (await nobody.get(f"/docs/{name}")).status_code == 200
    assert (await nobody.get("/docs/vendor.json")).status_code == 404


def operations(document: dict) -> list[tuple[str, str, dict]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def test_every_route_is_described(served: Served) -> None:
    nobody: httpx2.AsyncClient = await served.client()
    document = (await nobody.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        needs_key = operation.get("security") == [{"access key": []}]
        assert needs_key != (path in ("/healthz", "/readyz")), where
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                assert content.get("schema"), (where, status, media_type)
                assert media_type != "application/json" or content["example"], where
        if method == "post" and "requestBody" in operation:
            for content in operation["requestBody"]["content"].values():
                assert content["schema"], where


@pytest.mark.parametrize("name", ["NewEvent", "KeyRequest", "Problem"])
async def test_what_people_write_has_examples(served: Served, name: str) -> None:
    document = (await (await served.client()).get("/openapi.json")).json()
    assert document["components"]["schemas"][name]["examples"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_of_its_shape(name: str) -> None:
    getattr(schema, name).model_validate(EXAMPLES[name])
