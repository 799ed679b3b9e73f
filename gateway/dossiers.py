"""Evidence dossiers: asked for at their case, read by their lender, the company and the center."""

from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from domain.calendar import after_days
from domain.catalogue.dossier_events import VALID_DAYS, Dossier, Issue
from domain.catalogue.dossiers import RequestDossier, ViewDossier
from domain.disclosures import Disclosure
from domain.envelope import Actor, Command, Context, Event, made_id
from domain.following import known_as
from domain.lending_disclosures import lending_disclosures
from domain.mentions import mentioned, other_streams
from domain.reasons import Wording
from domain.refusals import Refusal
from domain.state import Case
from domain.streams import State, decide, evolve
from domain.terms import Role
from domain.visibility import reads_dossiers
from gateway.auth import actor_of
from gateway.bodies import fitted
from gateway.commands import body_of, known_form, wish_of
from gateway.conditions import etag
from gateway.parts import Gateway, gateway_of
from gateway.problems import Fault, refused, unfit, unknown_case
from gateway.recorded import note_cases
from gateway.views import UNCHANGED, instant, read

router: Final = APIRouter(tags=["dossiers"])
DOSSIER: Final = RequestDossier.__name__
_ANOTHER_CASE: Final = Wording("アドレスの案件と異なります。", "This is not the case of the address.")


@router.post("/v1/cases/{case_id}/dossiers", include_in_schema=False)
async def request_dossier(request: Request, case_id: str) -> Response:
    """A lender, or the referring bank, asks for a dossier of one case: 201 with its id."""
    gateway, actor = gateway_of(request), await actor_of(request)
    body = await fitted(request, body_of(DOSSIER), gateway.settings.body_limit)
    wish = wish_of(request, actor, "new", body, scope=f"{known_form(case_id)}/{DOSSIER}")
    assert isinstance(body.data, RequestDossier)
    if body.data.case_id not in (None, case_id):
        raise unfit(Fault("/data/case_id", _ANOTHER_CASE))
    changes = {
        "case_id": body.data.dossier_id or made_id("dossier", wish.command.command_id),
        "data": body.data.model_copy(update={"case_id": await _goes_on(gateway, case_id, actor)}),
    }
    return await gateway.asking.ask(replace(wish, command=wish.command.model_copy(update=changes)))


@router.get("/v1/dossiers/{dossier_id}", openapi_extra={"x-answer": "Dossier"}, responses=UNCHANGED)
async def read_dossier(request: Request, dossier_id: str) -> Response:
    """How a dossier stands, and the versions that were issued. A lender reads its own, as long as it is shared."""
    gateway, actor = gateway_of(request), await actor_of(request)
    dossier = await _dossier(gateway, known_form(dossier_id))
    case = await gateway.cases.today(dossier.case_id) if dossier else None
    if dossier is None or case is None or not reads_dossiers(case, actor):
        raise refused(Refusal.of("unknown_entry"))
    if actor.role is Role.lender_officer:
        await _require_share(gateway, dossier, actor)
    note_cases(request, [dossier.case_id])
    told = _told(dossier) | {"case_id": known_as(case, actor.org_id)}
    return read(request, told, etag(dossier.version))


async def _goes_on(gateway: Gateway, case_id: str, actor: Actor) -> str:
    """The case in which the one that *actor*'s institution knows as *case_id* goes on today. Raises Problem."""
    as_bank = actor.model_copy(update={"role": Role.bank_officer})
    trail = await gateway.trails.find(case_id, as_bank)
    if trail is None and actor.role is Role.bank_officer:
        raise unknown_case()
    return trail.case.case_id if trail else case_id


async def disclosed_to_lenders(gateway: Gateway, case: Case) -> tuple[Disclosure, ...]:
    """What the dossiers of *case* showed to lenders."""
    steps: list[tuple[Dossier, Event]] = []
    for row in await gateway.store.entries.about(case.case_id):
        state: State | None = None
        for event in await gateway.store.ledger.read(row.stream):
            state = evolve(state, event)
            assert isinstance(state, Dossier)
            steps.append((state, event))
    return lending_disclosures(case, steps)


async def _dossier(gateway: Gateway, dossier_id: str) -> Dossier | None:
    stream = f"dossier-{dossier_id}"
    found = (await gateway.cases.named([stream])).get(stream)
    return found if isinstance(found, Dossier) else None


async def _require_share(gateway: Gateway, dossier: Dossier, actor: Actor) -> None:
    """Refuse what the rules refuse to a lender who looks; what is only asked for may be read as that."""
    look = Command(command_id="look", case_id=dossier.entry_id, name="ViewDossier", data=ViewDossier(), actor=actor)
    ids, stream = mentioned(dossier, look), f"dossier-{dossier.entry_id}"
    briefing = await gateway.store.desk.briefing(dossier.entry_id, "-", ids, stream=stream)
    others = await gateway.cases.named(other_streams(dossier, look))
    answered = decide(dossier, look, Context(now=briefing.now, directory=briefing.directory, others=others))
    if isinstance(answered, Refusal) and answered.code != "not_yet_happened":
        raise refused(answered)


def _told(dossier: Dossier) -> dict[str, Any]:
    told = dossier.model_dump(mode="json", include={"case_id", "lender_id", "version", "lending_context", "lang"})
    told = {name: value for name, value in told.items() if value is not None}
    issues = [_issue(one) for one in dossier.issues]
    return {"dossier_id": dossier.entry_id, **told, "status": dossier.standing, "issues": issues}


def _issue(one: Issue) -> dict[str, Any]:
    return {
        **one.model_dump(mode="json", include={"version", "cut_off_version", "content_hash", "consent_id"}),
        "issued_at": instant(one.issued_at),
        "valid_until": instant(after_days(one.issued_at, VALID_DAYS)),
        "superseded": one.superseded,
        "expired": one.expired,
    }
