"""Refer a need and follow its case, with nothing but Python. 課題を紹介し、案件の経過を追う: NEED.json [AFTER]"""

import json
import os
import pathlib
import sys
import time
import urllib.request
import uuid

URL, KEY = os.environ["HASHI_URL"], os.environ["HASHI_API_KEY"]


def ask(path, body=None, key=""):
    """The answer as JSON. What may pass is sent again, which is harmless: it is the same need, however often."""
    headers = {"Authorization": f"Bearer {KEY}", "Accept-Language": "ja", "Content-Type": "application/json"}
    headers |= {"Idempotency-Key": f'"{key}"'} if key else {}
    for pause in (1, 2, 5, 10, 30, 60, 60, 60):
        try:
            request = urllib.request.Request(URL + path, body, headers)
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as problem:
            if problem.code not in (408, 429, 500, 502, 503, 504):  # 待って再送 / these pass: wait, send again
                raise SystemExit(f"{problem.code}: {problem.read().decode()}") from None
            time.sleep(int(problem.headers.get("Retry-After", pause)))
        except OSError:
            time.sleep(pause)
    raise SystemExit("no answer; run it again, with the same need")


need = pathlib.Path(sys.argv[1]).read_bytes()
key = uuid.uuid5(uuid.NAMESPACE_URL, json.loads(need)["data"]["bank_reference"])  # 再送でも同じ / the same again
case = ask("/v1/needs", need, key)["case_id"]
after, page = int(sys.argv[2]) if len(sys.argv) > 2 else 0, {"next": ""}
while page["next"] is not None:
    page = ask(f"/v1/cases/{case}/events?after={after}")
    for event in page["items"]:
        after = int(event["sequence"])  # 保存しておく / keep it: next time it goes on from here
        print(case, after, event["type"], event["time"])
