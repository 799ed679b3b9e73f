"""Evidence dossiers: asked for at their case, read by their lender, the company and the center."""

from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Query, Request, Response

from domain.calendar import after_days
from domain.catalogue.dossier_events import VALID_DAYS, Dossier, Issue, Language
from domain.catalogue.dossiers import RequestDossier, ViewDossier
from domain.cloud_events import instant
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
from domain.visibility import is_party, reads_dossiers, row_keys
from gateway.ask import Wish
from gateway.auth import actor_of
from gateway.bodies import fitted
from gateway.commands import body_of, known_form, wish_of
from gateway.conditions import etag
from gateway.moments import past
from gateway.papers import Form, Wanted, chosen, issued, preview
from gateway.parts import Gateway, gateway_of
from gateway.problems import Fault, refused, unfit, unknown_case
from gateway.recorded import note_cases
from gateway.views import UNCHANGED, read
from store.pool import reading_as

router: Final = APIRouter(tags=["dossiers"])
DOSSIER: Final = RequestDossier.__name__
_NO_LENDER: Final = Wording("貸し手を指定してください。", "Name the lender.")
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


@router.get("/v1/cases/{case_id}/dossiers", openapi_extra={"x-answer": "Dossiers"}, responses=UNCHANGED)
async def list_dossiers(request: Request, case_id: str) -> Response:
    """The dossiers of a case, with the versions that were issued; of a lender's those for it alone."""
    gateway, actor = gateway_of(request), await actor_of(request)
    case = await _readable(gateway, known_form(case_id), actor)
    found = [_told(one) | {"case_id": case_id} for one in await _dossiers(gateway, case, actor)]
    note_cases(request, [case.case_id])
    return read(request, {"items": found, "next": None})


@router.get("/v1/cases/{case_id}/dossier", openapi_extra={"x-content": "*/*"})
async def preview_dossier(
    request: Request,
    case_id: str,
    *,
    lender: str | None = None,
    as_of: Annotated[str | None, Query(max_length=40)] = None,
    form: Annotated[Form, Query(alias="format")] = Form.json,
    lang: Language | None = None,
) -> Response:
    """What a dossier of the case for *lender* would say, now or as of a moment, for the center and the company.

    A lender has no previews: it reads the version issued for it last, up to that moment.
    """
    gateway, actor = gateway_of(request), await actor_of(request)
    case = await _readable(gateway, known_form(case_id), actor)
    note_cases(request, [case.case_id])
    known, wanted = await _dossiers(gateway, case, actor), Wanted(form, lang)
    moment = past(as_of, "as_of", await gateway.store.clock.now())
    if actor.role is Role.lender_officer:
        mine = next((one for one in reversed(known) if one.issues), known[-1])
        return await _issued(gateway, mine, chosen(mine, None, moment), wanted, actor)
    lender_id = lender or (known[-1].lender_id if known else None)
    if lender_id is None:
        raise unfit(Fault("lender", _NO_LENDER, in_query=True))
    return await preview(gateway, case, known_form(lender_id), moment, wanted)


@router.get("/v1/dossiers/{dossier_id}", openapi_extra={"x-answer": "Dossier"}, responses=UNCHANGED)
async def read_dossier(
    request: Request,
    dossier_id: str,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    form: Annotated[Form | None, Query(alias="format")] = None,
    lang: Language | None = None,
) -> Response:
    """How a dossier stands, and the versions that were issued; with `format`, what the last or a *version* says.

    A lender reads its own, as long as it is shared; that it read what one says is on record.
    """
    gateway, actor = gateway_of(request), await actor_of(request)
    dossier = await _dossier(gateway, known_form(dossier_id))
    if dossier is None:
        raise refused(Refusal.of("unknown_entry"))
    with reading_as(None):  # the dossier is theirs to see; whether it is shared, the law asks the case
        case = await gateway.cases.today(dossier.case_id)
        if case is None or not reads_dossiers(case, actor):
            raise refused(Refusal.of("unknown_entry"))
        if actor.role is Role.lender_officer:
            await _require_share(gateway, dossier, actor)
    note_cases(request, [dossier.case_id])
    if form is not None:
        return await _issued(gateway, dossier, chosen(dossier, version, None), Wanted(form, lang), actor)
    told = _told(dossier) | {"case_id": known_as(case, actor.org_id)}
    return read(request, told, etag(dossier.version))


async def _issued(gateway: Gateway, dossier: Dossier, issue: Issue, wanted: Wanted, actor: Actor) -> Response:
    """What was issued; a lender's look is on record, by the same command as any, before it is answered."""
    with reading_as(None):  # what was issued to them is theirs to read; the case that it was made of is not
        response = await issued(gateway, dossier, issue, wanted)
    if actor.role is Role.lender_officer:
        look = Command(
            command_id=f"c-{uuid4().hex}",
            case_id=dossier.entry_id,
            name=ViewDossier.__name__,
            data=ViewDossier(version=issue.version),
            actor=actor,
        )
        await gateway.asking.ask(Wish(look, keyed=False))
    return response


async def _readable(gateway: Gateway, case_id: str, actor: Actor) -> Case:
    """The case whose dossiers *actor* may read. Raises Problem; to a lender without one the case does not exist."""
    name, is_lender = await _goes_on(gateway, case_id, actor), actor.role is Role.lender_officer
    with reading_as(None if is_lender else row_keys(actor)):  # the case is not the lender's; its dossiers are
        case = await gateway.cases.today(name)
    if case is not None and is_lender and await _dossiers(gateway, case, actor):
        return case
    if case is None or is_lender or not is_party(case, actor, await gateway.store.clock.now()):
        raise unknown_case()
    if not reads_dossiers(case, actor):
        raise refused(Refusal.of("not_permitted", role=actor.role, command="ReadDossier"))
    return case


async def _dossiers(gateway: Gateway, case: Case, actor: Actor) -> list[Dossier]:
    """The dossiers of *case* that *actor* may read, the one issued last at the end."""
    found = []
    for row in await gateway.store.entries.about(case.case_id):
        one = await _dossier(gateway, row.entry_id)
        if one is not None and (actor.role is not Role.lender_officer or await _is_for(gateway, one, actor)):
            found.append(one)
    return sorted(found, key=lambda one: (bool(one.issues), one.issues[-1].issued_at if one.issues else one.updated_at))


async def _is_for(gateway: Gateway, dossier: Dossier, actor: Actor) -> bool:
    """Whether the dossier is for the lender of *actor*, under whatever id it had when it asked."""
    lender = await gateway.store.directory.organization(dossier.lender_id)
    return actor.org_id in {dossier.lender_id, lender.successor_id if lender else None}


async def _goes_on(gateway: Gateway, case_id: str, actor: Actor) -> str:
    """The case in which the one that *actor*'s institution knows as *case_id* goes on today. Raises Problem."""
    as_bank = actor.model_copy(update={"role": Role.bank_officer})
    with reading_as(row_keys(as_bank)):
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
