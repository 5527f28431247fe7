"""Takes the events of a Placet server and prints each once. Nothing but Python's standard library."""

import base64
import collections
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["PLACET_SECRET"].removeprefix("whsec_") + "==")
SEEN: collections.OrderedDict[str, None] = collections.OrderedDict()


def happened(event):  # <- what is done with an event
    print(event["time"], event["type"], event["subject"], json.dumps(event["data"]), flush=True)


def is_genuine(headers, body):
    identifier, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if "." in identifier or not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > 300:
        return False
    mac = hmac.digest(KEY, f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256)
    wanted = b"v1," + base64.b64encode(mac)
    return any(hmac.compare_digest(wanted, given.encode()) for given in headers.get("webhook-signature", "").split())


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(min(length, 1 << 20))
        if not is_genuine(self.headers, body):
            self.answer(401)
        else:
            event = json.loads(body)
            # The same event can come again, with the same id: until this is answered, and when the answer is lost.
            if event["id"] not in SEEN:
                happened(event)
                SEEN[event["id"]] = None
                if len(SEEN) > 100_000:
                    SEEN.popitem(last=False)
            self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8099"))), Receiver).serve_forever()
