"""A lender's pull consumer: every event of the feed once, in order, across restarts, with nothing but Python.

HASHI_URL=https://hashi.example HASHI_API_KEY=hk_… python lender_consumer.py position.txt
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

URL, KEY = os.environ["HASHI_URL"], os.environ["HASHI_API_KEY"]


def events(place: Path) -> Iterator[dict[str, object]]:
    """What comes after the number in *place*; the number moves on once the caller has done with a batch."""
    while True:
        after = place.read_text() if place.exists() else "0"
        request = urllib.request.Request(f"{URL}/v1/feed?after={after}&limit=500&wait=30")
        request.add_header("Authorization", f"Bearer {KEY}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                page = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                sys.exit(f"{error.code}: {json.load(error)['detail']}")
            time.sleep(int(error.headers.get("Retry-After", "5")))
        except OSError:
            time.sleep(5)  # the line is down: nothing is lost, the number has not moved
        else:
            yield from page["items"]
            place.with_suffix(".new").write_text(page["next"])
            place.with_suffix(".new").replace(place)


if __name__ == "__main__":
    for event in events(Path(sys.argv[1])):
        if "withheld" in event:
            print(event["sequence"], "withheld by the company", flush=True)
        else:
            print(event["sequence"], event["partitionkey"], event["type"], flush=True)
