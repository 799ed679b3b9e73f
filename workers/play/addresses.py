"""Where a command of a script goes: to the case, or to a dossier or an entry of the catalogue by its id."""

from collections.abc import Mapping
from typing import Any, Final

from domain.law import RULES
from domain.streams import CASE
from gateway.commands import STREAMS
from workers.play.script import BadScript

_OPENERS: Final = {"ReferNeed": "/v1/needs", "OpenCase": "/v1/cases"}
_KINDS: Final = {stream: kind for kind, stream in STREAMS.items()}
_ID_FIELDS: Final = {
    "company": ("company_id", "organization_id"),
    "dossier": ("dossier_id",),
    "institution": ("institution_id",),
    "researcher": ("researcher_id",),
    "seed": ("seed_id",),
    "exchange-event": ("event_id", "exchange_event_id"),
    "recommendation": ("recommendation_id",),
}
_DOSSIERS: Final = "dossiers"


class Addresses:
    """Knows which entries a performance has made."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._made = 0
        self._last: dict[str, str] = {}
        """The entry named last, by its kind of stream."""

    def of(self, command: str, data: Mapping[str, Any], case_id: str | None) -> str:
        """The path to send *command* with *data* to. Raises BadScript where no case is open yet."""
        if command in _OPENERS:
            return _OPENERS[command]
        rule = RULES.get(command)
        if rule is not None and rule.stream != CASE and command != "RequestDossier":
            return f"/v1/{_KINDS[rule.stream]}/{self._entry(rule.stream, data, rule.opens)}/commands/{command}"
        case_id = data.get("case_id", case_id) if command == "RequestDossier" else case_id
        if case_id is None:
            raise BadScript(f"{command}: no case is open yet")
        return f"/v1/cases/{case_id}/{_DOSSIERS if command == 'RequestDossier' else f'commands/{command}'}"

    def _entry(self, stream: str, data: Mapping[str, Any], opens: bool) -> str:
        """The entry a command is for: named by an id field, else a new one, or the last one of its kind."""
        named = next((str(data[name]) for name in _ID_FIELDS[stream] if data.get(name)), None)
        if named is None and (opens or stream not in self._last):
            self._made += 1
            named = f"{stream}-{self._run}-{self._made}"
        self._last[stream] = named or self._last[stream]
        return self._last[stream]

    def last(self, stream: str) -> str | None:
        """The entry of a kind of stream that was named last."""
        return self._last.get(stream)

    def opens(self, path: str) -> bool:
        """Whether a command to *path* opens a case."""
        return path in _OPENERS.values()

    def is_elsewhere(self, path: str) -> bool:
        """Whether a command to *path* goes to something else than a case."""
        return not self.opens(path) and (not path.startswith("/v1/cases/") or path.endswith(_DOSSIERS))

    def named(self, path: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """*answer* of an entry with its id under the name it has in commands too."""
        if "id" not in answer:
            return answer
        stream = "dossier" if path.endswith(_DOSSIERS) else STREAMS[path.split("/")[2]]
        self._last[stream] = str(answer["id"])
        return {_ID_FIELDS[stream][0]: answer["id"], **answer}
