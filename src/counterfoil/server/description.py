"""The API's description (OpenAPI 3.1): what the routes say of themselves, made whole."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from .batch import DRAFTS, JSON, NDJSON
from .event_schema import NewEvent
from .examples import EXAMPLES
from .problem import MEDIA_TYPE
from .schema import Appended, Problem, Results

_REF: Final = "#/components/schemas/{model}"
_ABOUT: Final = """\
The audit log you can prove: append events, search and watch them, and take away proofs that
anybody can check without trusting this server.

Every request carries an access key: `Authorization: Bearer cf_...`. What a key may do is its
role's; which company and logs it reaches is its own. Errors are problems (RFC 9457) with a stable
`code`. Every answer has an `X-Request-ID`, and what counts against a limit has `RateLimit` headers.
"""


def answers(
    model: type[BaseModel] | None,
    what: str,
    *,
    status: int = 200,
    media_type: str | None = None,
) -> dict[int | str, dict[str, Any]]:
    """A route's answers: the good one, and problems.

    Args:
        model: its shape; None where it is no JSON.
        what: what it is, in words.
        media_type: of one that is no JSON.
    """
    good: dict[str, Any] = {"description": what}
    if model is not None:
        good["model"] = model
        good["content"] = {JSON: {"example": EXAMPLES[model.__name__]}}
    elif media_type is not None:
        schema: dict[str, Any] = {"type": "string"}
        if media_type == "application/octet-stream":
            schema["format"] = "binary"
        good["content"] = {media_type: {"schema": schema}}
    return {
        status: good,
        "4XX": {"description": "The request was refused.", "content": _PROBLEM},
        "5XX": {"description": "The server cannot do it now.", "content": _PROBLEM},
    }


_PROBLEM: Final = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}


def describe(app: FastAPI) -> dict[str, Any]:
    """The whole document; made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=_ABOUT,
            routes=app.routes,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        # Relative: whatever stands before the server, the document fits.
        document["servers"] = [{"url": "/"}]
        schemas = document["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas |= _definitions(Appended, NewEvent, Problem, Results)
        for path in document["paths"].values():
            for operation in path.values():
                # Ours are problems, with status 400.
                operation["responses"].pop("422", None)
                for parameter in operation.get("parameters", ()):
                    _without_null(parameter)
                for response in operation["responses"].values():
                    _without_empty(response)
        append = document["paths"].get("/v1/events", {}).get("post")
        if append is not None:
            _describe_append(append)
        app.openapi_schema = document
    return app.openapi_schema


def _without_null(parameter: dict[str, Any]) -> None:
    """A parameter that is not given is left out; none is ever null."""
    schema = parameter["schema"]
    kinds = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        parameter["schema"] = {**kinds[0], **schema}


def _without_empty(response: dict[str, Any]) -> None:
    """Take out the JSON that is assumed of every answer, where it is another type."""
    content = response.get("content", {})
    if len(content) > 1 and content.get(JSON) == {"schema": {}}:
        del content[JSON]


def _definitions(*models: type[BaseModel]) -> dict[str, Any]:
    _, found = models_json_schema([(model, "serialization") for model in models], ref_template=_REF)
    definitions: dict[str, Any] = found["$defs"]
    return definitions


def _describe_append(operation: dict[str, Any]) -> None:
    """The body of the route that reads it by itself."""
    event = {"$ref": _REF.format(model="NewEvent")}
    # One of several does not stop the others.
    item = {"anyOf": [event, {"description": "Anything else is refused by its own result."}]}
    example = NewEvent.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index]
    operation["requestBody"] = {
        "required": True,
        "content": {
            JSON: {
                "schema": {"anyOf": [event, {"type": "array", "items": item, "minItems": 1}]},
                "examples": {
                    "one": {"value": example},
                    "several": {"value": [example, {"event_type": "user_login"}]},
                },
            },
            NDJSON: {
                "schema": {"type": "string", "description": "One event a line."},
                "example": '{"event_type":"user_login","user_id":"u-42"}\n',
            },
            DRAFTS: {
                "schema": {
                    "type": "string",
                    "description": "Finished drafts, one a line: what the library's client sends.",
                }
            },
        },
    }
    shapes = {name: {"$ref": _REF.format(model=name)} for name in ("Appended", "Results")}
    operation["responses"]["201"]["content"] = {
        JSON: {"schema": shapes["Appended"], "example": EXAMPLES["Appended"]}
    }
    operation["responses"]["200"] = {
        "description": "A result for each event, in their order.",
        "content": {JSON: {"schema": shapes["Results"], "example": EXAMPLES["Results"]}},
    }
    operation["parameters"] = [
        *operation.get("parameters", []),
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same key with the same body, within 24 hours, is recorded once.",
            # HTTP takes away the blanks around a header's value.
            "schema": {"type": "string", "pattern": "^ *[!-~]{1,255} *$"},
        },
        {
            "name": "Content-Encoding",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "enum": ["identity"]},
            "description": "`gzip` is taken too.",
        },
    ]
