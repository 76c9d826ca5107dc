"""The published description of GitHub's API, as a judge of requests and answers."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parent / "api.json").read_text(encoding="utf-8"))
_NAME = "urn:github"
_REGISTRY = Registry().with_resource(_NAME, Resource(DOCUMENT, DRAFT4))
REFUSALS = (401, 403, 404, 422, 429, 500, 502, 503)
"""Statuses that any operation may answer, with a `basic-error`; the description names few of them."""


def wrong_request(method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> list[str]:
    """What the description has against a request; empty when nothing."""
    found = _operation(method, path)
    if found is None:
        return [f"there is no {method} {path}"]
    operation, named = found
    parameters = [_resolved(parameter) for parameter in operation["parameters"]]
    wrong = _wrong_parameters(parameters, "path", named)
    wrong += _wrong_parameters(parameters, "query", dict(parse_qsl(query, keep_blank_values=True)))
    wrong += [f"no header {name}" for name in ("authorization", "user-agent") if not headers.get(name)]
    if headers.get("accept") != "application/vnd.github+json":
        wrong.append(f"accepts {headers.get('accept')}")
    if headers.get("x-github-api-version") != DOCUMENT["info"]["version"]:
        wrong.append(f"API version {headers.get('x-github-api-version')}")
    return wrong + _wrong_body(operation.get("requestBody"), body)


def wrong_answer(method: str, path: str, status: int, body: bytes) -> list[str]:
    """What the description has against an answer; empty when nothing."""
    found = _operation(method, path)
    if found is None:
        return [] if status == 404 else [f"{status} for what there is not: {method} {path}"]
    response = found[0]["responses"].get(str(status))
    if response is None:
        if status not in REFUSALS:
            return [f"{method} {path} never answers {status}"]
        return _against({"$ref": "#/components/schemas/basic-error"}, json.loads(body))
    content = _resolved(response).get("content")
    if content is None:
        return [f"{status} has a body: {body!r}"] if body else []
    return _against(content["application/json"]["schema"], json.loads(body))


def _operation(method: str, path: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    for template, operations in DOCUMENT["paths"].items():
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
        match = re.fullmatch(pattern, path)
        if match and method.lower() in operations:
            return operations[method.lower()], match.groupdict()
    return None


def _wrong_parameters(parameters: list[dict[str, Any]], kind: str, given: dict[str, str]) -> list[str]:
    known = {parameter["name"]: parameter for parameter in parameters if parameter["in"] == kind}
    wrong = [f"unknown {kind} parameter {name}" for name in given if name not in known]
    wrong += [
        f"{kind} parameter {name} is missing"
        for name, parameter in known.items()
        if parameter.get("required") and name not in given
    ]
    for name, text in given.items():
        if name in known:
            schema = known[name]["schema"]
            value = int(text) if schema.get("type") == "integer" and text.isdecimal() else text
            wrong += _against(schema, value)
    return wrong


def _wrong_body(wanted: dict[str, Any] | None, body: bytes) -> list[str]:
    if wanted is None:
        return [f"a body where none is asked for: {body!r}"] if body else []
    return _against(wanted["content"]["application/json"]["schema"], json.loads(body))


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    kind, name = part["$ref"].split("/")[-2:]
    found: dict[str, Any] = DOCUMENT["components"][kind][name]
    return found


def _against(schema: dict[str, Any], value: Any) -> list[str]:
    """What the schema, as it stands in the document, has against a value."""
    absolute = json.loads(json.dumps(schema).replace('"#/', f'"{_NAME}#/'))
    validator = OAS30Validator(absolute, registry=_REGISTRY, format_checker=oas30_format_checker)
    return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(value)]
