"""A lender's webhook: verifies each push with the official library, answers the challenge, keeps what it takes once.

pip install standardwebhooks
HASHI_WEBHOOK_SECRET=whsec_… python lender_receiver.py 8443      # behind your TLS proxy
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SECRET = os.environ["HASHI_WEBHOOK_SECRET"]
taken: dict[str, dict[str, object]] = {}  # a database in earnest: an id that is there already was pushed again


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            Webhook(SECRET).verify(body.decode(), dict(self.headers.items()))
        except WebhookVerificationError:
            return self.answer(401, {"error": "this was not signed with our secret"})
        event = json.loads(body)
        if event["type"].startswith("jp.hashi.feed.endpoint_verification"):
            return self.answer(200, {"challenge": event["data"]["challenge"]})
        if event["id"] not in taken:
            taken[event["id"]] = event  # keep it first, then answer: what was answered is not pushed again
            print(event["sequence"], event["partitionkey"], event["type"], event.get("dataref", ""), flush=True)
        return self.answer(200, {})

    def answer(self, status: int, content: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing beside the events."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    print(server.server_port, flush=True)
    server.serve_forever()
