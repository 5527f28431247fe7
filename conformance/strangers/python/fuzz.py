"""What every test with Schemathesis has in common."""

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from stack import ROOT

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BOUNDED = settings(
    max_examples=30,
    deadline=5_000,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def published(name):
    """A published description; that it is the one that the server gives is a test of its own."""
    path = ROOT / "sdk" / "schemas" / "1" / name
    schema = schemathesis.openapi.from_path(path)
    schema.config.generation.update(deterministic=True, with_security_parameters=False)
    return path, schema
