"""Values of the shapes that the published description asks for, filled with as little as that allows."""

from typing import Any

from tests.integration.github.published import DOCUMENT


def filled(schema: str, /, **told: Any) -> dict[str, Any]:
    """An object of that schema, with these properties as they are told."""
    return {**_object(DOCUMENT["components"]["schemas"][schema]), **told}


def _object(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(schema["properties"][name]) for name in schema.get("required", ())}


def _value(schema: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _value(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if schema.get("nullable") and "type" in schema:
        return None
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return _value(schema[choice][0])
    if "allOf" in schema:
        return {name: value for part in schema["allOf"] for name, value in _value(part).items()}
    if "enum" in schema:
        return schema["enum"][0]
    return _simple(schema)


def _simple(schema: dict[str, Any]) -> Any:
    match schema.get("type"):
        case "object":
            return _object(schema)
        case "array":
            return []
        case "integer" | "number":
            return 1
        case "boolean":
            return False
    formats = {"uri": "https://api.github.com/x", "date-time": "2026-01-01T00:00:00Z"}
    return formats.get(schema.get("format", ""), "x")
