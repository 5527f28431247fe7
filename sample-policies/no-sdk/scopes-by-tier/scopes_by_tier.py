"""A policy without an SDK: which scope a program gets depends on the tier its operator gave it."""

import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["PLACET_SECRET"].removeprefix("whsec_"), validate=True)
ROUTING = ("protocol", "type", "issuer", "tenant")  # members of a question that headers repeat
TIERS = {"silver": ("reports.read",), "gold": ("reports.read", "reports.write")}


def decide(question):  # <- the whole policy
    tier = question["client"].get("data", {}).get("tier")
    scope = [value for value in question["limits"]["grant"]["scope"] if value in TIERS.get(tier, ())]
    if not scope:
        return {"decision": "deny", "error": {"code": "invalid_scope"}, "reason": {"code": "tier"}}
    return {"decision": "allow", "set": {"grant": {"scope": scope}}}


def members(pairs):  # of two members with one name, readers differ about which counts
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name is there twice")
    return dict(pairs)


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def answer(headers, body):
    name, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    mac = hmac.digest(KEY, f"{name}.{stamp}.".encode() + body, hashlib.sha256)
    wanted, given = b"v1," + base64.b64encode(mac), headers.get("webhook-signature", "").encode().split()
    fresh = stamp.isdecimal() and abs(time.time() - int(stamp)) <= 300 and "." not in name
    if headers.get_content_type() != "application/json":
        return 415, {}
    if not (fresh and any([hmac.compare_digest(wanted, signature) for signature in given])):
        return 401, {}
    try:
        question = json.loads(body, object_pairs_hook=members)
        differs = [headers.get(f"placet-{m}", question.get(m)) != question.get(m) for m in ROUTING]
        if question["id"] != name or any(differs) or depth(question) > 32:
            return 400, {}
        if question["type"] != "grant.client_credentials":
            return 501, {}
        return 200, {"id": name, **decide(question)}
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return 400, {}


class Handler(BaseHTTPRequestHandler):
    protocol_version, timeout = "HTTP/1.1", 10

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > 64 * 1024:
            self.close_connection = True  # the body is still under way
            return self.reply(413, {})
        self.reply(*answer(self.headers, self.rfile.read(int(length))))

    def do_GET(self):  # the server looks for a discovery document, which this sidecar does without
        self.reply(404, {})

    def reply(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8092"))), Handler).serve_forever()
