"""The way of a command to a running system: its address, the key of who acts, and what its answers mean."""

import functools
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, Final, Literal, ParamSpec, TypeVar
from urllib.parse import quote, urlsplit

import click
import httpx

from workers.cli.faults import BUG, BadInput, Fault, Unreachable
from workers.cli.settings import settings_of
from workers.settings import Settings, is_loopback
from workers.up.home import DEFAULT_URL, UpHome

_LONG: Final = 180.0
"""Seconds that a file of thousands of rows may take."""
_SLACK: Final = 10.0
"""Seconds beyond the gateway's own patience before a command gives up."""
_GIVEN_AS: Final = {"Authorization": "HASHI_API_KEY", "Idempotency-Key": "--idempotency-key"}
_JSON: Final = {"Content-Type": "application/json"}

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """A successful answer."""

    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Api:
    """A running system at *url*, asked with *key*."""

    url: str
    key: str
    patience: float
    person: str | None = None
    """Who acts, where they were named with `--as`."""

    def get(self, address: str, **parameters: str | int | None) -> Answer:
        """Read *address*. Raises BadInput, Unreachable."""
        given = {name: value for name, value in parameters.items() if value is not None}
        return self._ask("GET", address, params=given)

    def every(self, address: str, **parameters: str | int | None) -> list[Any]:
        """All items of the list at *address*, page after page. Raises BadInput, Unreachable."""
        page = self.get(address, **parameters).body
        found = list(page["items"])
        while page["next"] is not None:
            page = self.get(address, **{**parameters, "after": page["next"]}).body
            found += page["items"]
        return found

    def post(self, address: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """Send *body*. Raises BadInput when it was refused, Unreachable."""
        return self._ask("POST", address, content=_written(body), headers={**_JSON, **(headers or {})})

    def upload(self, address: str, content: bytes, kind: str) -> Answer:
        """Send a file of the media type *kind*; to look at it may take a while. Raises BadInput, Unreachable."""
        return self._ask("POST", address, content=content, headers={"Content-Type": kind}, timeout=_LONG)

    def download(self, address: str) -> bytes:
        """The file at *address*. Raises BadInput, Unreachable."""
        return self._response("GET", address).content

    def put(self, address: str, body: Any) -> Answer:
        """Send *body* as what *address* shall be. Raises BadInput, Unreachable."""
        return self._ask("PUT", address, content=_written(body), headers=_JSON)

    def delete(self, address: str) -> None:
        """Take away what is at *address*. Raises BadInput, Unreachable."""
        self._ask("DELETE", address)

    def file(self, address: str, **parameters: str | int | None) -> Answer:
        """Read what is no JSON at *address*: its bytes. Raises BadInput, Unreachable."""
        given = {name: value for name, value in parameters.items() if value is not None}
        response = self._response("GET", address, params=given)
        return Answer(response.content, response.headers)

    def _ask(self, method: str, address: str, **more: Any) -> Answer:
        response = self._response(method, address, **more)
        try:
            return Answer(response.json() if response.content else None, response.headers)
        except ValueError as error:
            raise Unreachable(f"what answers at {self.url} is no gateway; `hashi up` serves one") from error

    def _response(self, method: str, address: str, **more: Any) -> httpx.Response:
        headers = {
            **more.pop("headers", {}),
            "Authorization": f"Bearer {self.key}",
            "Accept-Language": language(),
        }
        _require_ascii(headers)
        local = is_loopback(urlsplit(self.url).hostname or "")  # where no proxy may stand between
        try:
            with httpx.Client(base_url=self.url, timeout=self.patience + _SLACK, trust_env=not local) as client:
                response = client.request(method, address, headers=headers, **more)
        except httpx.ReadTimeout as error:
            raise Unreachable(f"the gateway at {self.url} gave no answer in time; send the same again") from error
        except httpx.TransportError as error:
            raise Unreachable(
                f"the gateway at {self.url} does not answer ({error}); start it with `hashi up`, "
                "or set HASHI_URL to another address",
                server="gateway",
                url=self.url,
            ) from error
        if not response.is_success:
            raise _fault(response)
        return response


def _require_ascii(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            field = _GIVEN_AS.get(name, name)
            raise BadInput(f"{field}: letters, digits and signs of ASCII only", field=field)


def _written(body: Any) -> bytes:
    """*body* as JSON; half a character, which UTF-8 cannot hold, goes as an escape: the answer then names its field."""
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")


def path(*parts: str) -> str:
    """The address below /v1 that *parts* name, whatever characters they hold."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def acts(function: Callable[Concatenate[Api, P], T]) -> Callable[P, T]:
    """Give the decorated command the Api of whoever acts, and the option `--as`."""

    @click.option("--as", "person", metavar="PERSON", help="Who acts: a person of this machine; else HASHI_API_KEY.")
    @functools.wraps(function)
    def with_api(person: str | None, *words: P.args, **more: P.kwargs) -> T:
        settings = settings_of()
        home = UpHome.at(settings.home)
        api = Api(_url(settings, home, person), _key(settings, home, person), settings.patience, person)
        return function(api, *words, **more)

    return with_api  # type: ignore[return-value]  # click passes person; the caller's signature has the rest


def _url(settings: Settings, home: UpHome, person: str | None) -> str:
    """The address to ask; a key of this machine goes to this machine's own `hashi up` and nowhere else by chance."""
    if settings.url:
        return settings.url
    if home.is_served() and (served := home.record().get("url")):
        return str(served)
    if person is not None:
        raise Unreachable(f"no gateway runs on {home.path}; start it with `hashi up`", server="gateway")
    return DEFAULT_URL


def _key(settings: Settings, home: UpHome, person: str | None) -> str:
    people = home.people()
    if person is not None:
        if not people and settings.url is None:
            raise Unreachable("nothing was started here yet, so nobody can act; start everything with `hashi up`")
        if person not in people:
            known = ", ".join(people) or f"none; {home.keys} is made by the first `hashi up`"
            raise BadInput(f"--as: no key of {person} is kept on this machine (known: {known})", field="--as")
        return people[person]["key"]
    if settings.api_key is None:
        known = f" ({', '.join(people)})" if people else ""
        raise BadInput(
            f"HASHI_API_KEY: not set; set it, or say who acts with --as PERSON{known}", field="HASHI_API_KEY"
        )
    return settings.api_key.get_secret_value()


def language() -> Literal["ja", "en"]:
    """The language of whoever sits here, by the locale."""
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "ja" if locale.startswith("ja") else "en"


def _fault(response: httpx.Response) -> Fault:
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict) or "code" not in problem:
        return _of_status(response.status_code)(f"HTTP {response.status_code} from {response.url}, and no reason given")
    sentence = f"{problem['code']}: {problem.get('detail') or problem.get('title', '')}"
    told = [
        f"  {one.get('pointer') or one.get('parameter') or '/'}: {one.get('detail', '')}" for one in _errors(problem)
    ]
    if not told and problem.get("pointer"):
        sentence += f" (field {problem['pointer']})"
    fault = _of_status(response.status_code)("\n".join([sentence, *told]), problem=problem)
    if response.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
        fault.status = BUG
    return fault


def _errors(problem: Mapping[str, Any]) -> list[dict[str, str]]:
    errors = problem.get("errors", [])
    return errors if isinstance(errors, list) else []


def _of_status(status: int) -> type[Fault]:
    return Unreachable if status >= httpx.codes.INTERNAL_SERVER_ERROR else BadInput
