"""JSON as every party of the protocols reads it: I-JSON (RFC 7493), and not deep."""

import json
from typing import Any

#: How deep a body may be nested.
DEEPEST = 32


def parsed(body: bytes) -> Any:
    """The JSON of a body. Raises ValueError, with what is wrong."""
    try:
        parsed = json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError("the body is not JSON") from error
    level, depth = [parsed], 0
    while level := [value for value in level if isinstance(value, (dict, list))]:
        depth += 1
        if depth > DEEPEST:
            raise ValueError("the body is nested too deeply")
        level = [below for value in level for below in (value.values() if isinstance(value, dict) else value)]
    return parsed


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Of two members with one name, readers differ about which counts (RFC 7493 section 2.3).
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _constant(name: str) -> Any:
    raise ValueError(f"`{name}` is not JSON")
