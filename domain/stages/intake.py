"""S1 intake 受付: a need comes in with its consent, gets its number, is completed (invariants 1, 4)."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar

from pydantic import AliasChoices, Field, ValidationError, model_validator

from domain.calendar import japanese_day
from domain.catalogue.exchange import ExchangeEvent
from domain.catalogue.seeds import Seed
from domain.consents import BANK_RELATION, FIELD_CLASSES, NEED_DETAIL
from domain.envelope import CENTER, CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.records import Code, CorporateNumber, Day, Key, Line, Plain, Record, Text
from domain.stages.consent import ConsentBlock, recorded, require_not_ended
from domain.state import Case, InformationRequest, Need, Referral, changed
from domain.terms import Band, Origin, Purpose, Role, Urgency


class CompanyNamed(Record):
    """A company as a referrer names it."""

    corporate_number: CorporateNumber
    name: Line
    prefecture: Code | None = None


class NeedBody(Record):
    """What is said of a need."""

    title: Line
    public_summary: Text
    description: Text | None = None
    field_codes: tuple[Code, ...] = Field((), max_length=20)
    program_tags: tuple[Code, ...] = Field((), max_length=20)
    urgency: Urgency = Urgency.normal
    desired_by: Day | None = None
    budget_band: Band | None = None
    tried_before: Text | None = None


class CaseOpened(EventData):
    """The center took the case in."""

    carries: ClassVar[Mapping[str, str]] = {"referral_id": BANK_RELATION, "company_id": NEED_DETAIL}
    case_no: Line
    origin: Origin
    referral_id: Key | None = None
    company_id: Key | None = None
    center_id: Key
    seed_id: Key | None = None
    exchange_event_id: Key | None = None
    referrer_id: Key | None = None
    institution_id: Key | None = None
    researcher_ids: tuple[Key, ...] = ()


class NeedReferred(EventData):
    """The need as it was referred."""

    carries: ClassVar[Mapping[str, str]] = {
        "bank_id": BANK_RELATION,
        "bank_reference": BANK_RELATION,
        **{name: FIELD_CLASSES[name] for name in NeedBody.model_fields},
    }
    need_id: Key
    bank_id: Key | None = None
    bank_reference: Line | None = None
    title: Line
    public_summary: Text
    description: Text | None = None
    field_codes: tuple[Code, ...] = ()
    program_tags: tuple[Code, ...] = ()
    urgency: Urgency = Urgency.normal
    desired_by: Day | None = None
    budget_band: Band | None = None
    tried_before: Text | None = None


class NeedInformationRequested(EventData):
    """The center asks for more."""

    carries: ClassVar[Mapping[str, str]] = {"questions": NEED_DETAIL}
    questions: tuple[Text, ...]
    due_on: Day | None = None
    from_role: Role


class NeedSupplemented(EventData):
    """More is known of the need."""

    carries: ClassVar[Mapping[str, str]] = {"documents": NEED_DETAIL}
    fields: Mapping[str, Plain]
    documents: tuple[Key, ...] = ()

    def classes(self) -> Mapping[str, str]:
        """Those of the fields that are told anew, too."""
        return {**super().classes(), **{f"fields/{name}": FIELD_CLASSES[name] for name in self.fields}}


class ReferNeed(NeedBody, CommandData):
    """A bank refers a client's technical need, with the client's consent."""

    creates: ClassVar[Mapping[str, str]] = {"need_id": "need", "referral_id": "referral"}
    example: ClassVar[Mapping[str, Any]] = {
        "bank_reference": "F-2026-0031",
        "company": {"corporate_number": "4990101234567", "name": "有明陶業株式会社", "prefecture": "saga"},
        "title": "溶解炉を使わない耐熱ガラス部品",
        "public_summary": "陶磁器用の窯で焼結できる耐熱ガラス部品を作りたい。",
        "description": "社内の電気窯で成形したガラス粉末を焼結したいが、割れと透明度の低下が起きる。",
        "field_codes": ["materials.ceramics"],
        "program_tags": [],
        "urgency": "normal",
        "desired_by": "2027-03-31",
        "budget_band": "1m_3m",
        "tried_before": "市販のガラス粉末で昇温条件を変えて試した。",
        "consent": {
            "recipients": ["center", "universities"],
            "purposes": ["collaboration"],
            "data_classes": ["public_summary", "need_detail"],
            "valid_until": "2029-03-31",
            "given_by": "代表取締役",
            "method": "signed_paper",
        },
    }
    bank_reference: Line
    company: CompanyNamed | None = None
    company_id: Key | None = None
    need_id: Key | None = None
    referral_id: Key | None = None
    consent: ConsentBlock | None = None

    @model_validator(mode="after")
    def _names_the_company(self) -> "ReferNeed":
        if (self.company is None) == (self.company_id is None):
            raise ValueError("company: name the company once, as company or as company_id")
        return self


class OpenCase(CommandData):
    """Open a case that no bank referred: from a seed, an exchange meeting, a walk-in company or a chamber."""

    creates: ClassVar[Mapping[str, str]] = {"need_id": "need"}
    example: ClassVar[Mapping[str, Any]] = {
        "origin": "walk_in",
        "company": {"corporate_number": "4990101234567", "name": "有明陶業株式会社", "prefecture": "saga"},
        "title": "溶解炉を使わない耐熱ガラス部品",
        "public_summary": "陶磁器用の窯で焼結できる耐熱ガラス部品を作りたい。",
        "consent": {
            "recipients": ["center", "universities"],
            "purposes": ["collaboration"],
            "data_classes": ["public_summary", "need_detail"],
            "valid_until": "2029-03-31",
            "given_by": "代表取締役",
            "method": "signed_paper",
        },
    }
    origin: Origin
    company: CompanyNamed | None = None
    company_id: Key | None = None
    referrer_id: Key | None = None
    """The chamber or body that introduced the company."""
    seed_id: Key | None = None
    institution_id: Key | None = None
    """The owner of the seed, where the catalogue does not tell."""
    researcher_ids: tuple[Key, ...] = Field((), max_length=20)
    exchange_event_id: Key | None = Field(None, validation_alias=AliasChoices("exchange_event_id", "event_id"))
    need_id: Key | None = None
    title: Line | None = None
    public_summary: Text | None = None
    description: Text | None = None
    field_codes: tuple[Code, ...] = Field((), max_length=20)
    program_tags: tuple[Code, ...] = Field((), max_length=20)
    urgency: Urgency = Urgency.normal
    desired_by: Day | None = None
    budget_band: Band | None = None
    tried_before: Text | None = None
    consent: ConsentBlock | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "OpenCase":
        if self.company is not None and self.company_id is not None:
            raise ValueError("company: name the company once, as company or as company_id")
        if (self.title is None) != (self.public_summary is None):
            raise ValueError("public_summary: a need has a title and a public_summary")
        return self


class RequestInformation(CommandData):
    """Ask the bank or the company for more."""

    example: ClassVar[Mapping[str, Any]] = {"questions": ["窯の最高温度は何度ですか。"], "due_on": "2026-04-20"}
    questions: tuple[Text, ...] = Field(min_length=1, max_length=50)
    due_on: Day | None = None
    from_role: Role = Role.bank_officer


class SupplementNeed(CommandData):
    """Answer, or add to the need."""

    example: ClassVar[Mapping[str, Any]] = {"fields": {"tried_before": "1,100 度まで試した。"}, "documents": []}
    fields: Mapping[str, Plain] = Field(default_factory=dict)
    documents: tuple[Key, ...] = Field((), max_length=50)

    @model_validator(mode="after")
    def _known_fields(self) -> "SupplementNeed":
        unknown = sorted(set(self.fields) - set(NeedBody.model_fields))
        if unknown:
            raise ValueError(f"fields: a need has no field {unknown[0]}")
        if not self.fields and not self.documents:
            raise ValueError("fields: nothing is supplemented")
        return self


@decides(ReferNeed, by={Role.bank_officer, Role.coordinator}, opens=True)
def refer_need(case: Case | None, data: ReferNeed, ask: Ask) -> Iterable[EventData]:
    """The case opens with need and consent, in one append (invariant 1)."""
    if case is not None:
        refuse("reference_reused", "/data/bank_reference", reference=data.bank_reference)
    _require_intake_consent(data.consent, ask)
    _require_ahead(data.desired_by, ask)
    assert data.consent is not None
    bank_id = ask.actor.org_id if ask.actor.role is Role.bank_officer else ask.command.on_behalf_of
    referral_id = (data.referral_id or ask.new_id("referral")) if bank_id else None
    body = data.model_dump(include=set(NeedBody.model_fields))
    return [
        CaseOpened(
            case_no=ask.context.case_no or "-",
            origin=Origin.need,
            referral_id=referral_id,
            company_id=ask.directory.today(data.company_id) if data.company_id else None,
            center_id=CENTER,
        ),
        NeedReferred(
            need_id=data.need_id or ask.new_id("need"),
            bank_id=bank_id,
            bank_reference=data.bank_reference,
            **body,
        ),
        recorded(data.consent, ask.new_id("consent")),
    ]


def _require_ahead(desired_by: date | None, ask: Ask) -> None:
    """Nobody can be found for yesterday; counted from the day on which the wish was told."""
    told_on = japanese_day(ask.command.occurred_at or ask.now)
    ahead = desired_by is None or desired_by >= told_on
    require(ahead, "invalid_field", "/data/desired_by", problem=f"desired_by {desired_by} is past")


def _require_intake_consent(consent: ConsentBlock | None, ask: Ask) -> None:
    if consent is None:
        refuse("consent_required", "/data/consent", fact="consent")
    require(Purpose.collaboration in consent.purposes, "consent_required", "/data/consent/purposes", fact="purposes")
    require(CENTER in consent.recipients, "consent_required", "/data/consent/recipients", fact="recipients")
    require_not_ended(consent.valid_until, ask, "/data/consent/valid_until")


@decides(OpenCase, by={Role.coordinator}, opens=True)
def open_case(case: Case | None, data: OpenCase, ask: Ask) -> Iterable[EventData]:
    """A case with a need brings its consent; one that starts from a seed may have neither yet (invariant 1)."""
    require(case is None, "already_done", fact="CaseOpened")
    require(data.origin is not Origin.need, "invalid_field", "/data/origin", problem="a need is referred: ReferNeed")
    _require_meeting(data, ask)
    opened = CaseOpened(
        case_no=ask.context.case_no or "-",
        origin=data.origin,
        company_id=ask.directory.today(data.company_id) if data.company_id else None,
        center_id=CENTER,
        seed_id=data.seed_id,
        exchange_event_id=data.exchange_event_id,
        referrer_id=data.referrer_id,
        **_owners(data, ask),
    )
    facts: list[EventData] = [opened]
    _require_ahead(data.desired_by, ask)
    if data.title is not None:
        _require_intake_consent(data.consent, ask)
        body = data.model_dump(include=set(NeedBody.model_fields))
        facts.append(NeedReferred(need_id=data.need_id or ask.new_id("need"), **body))
    elif data.origin is not Origin.seed:
        _require_intake_consent(data.consent, ask)
    if data.consent is not None:
        facts.append(recorded(data.consent, ask.new_id("consent")))
    return facts


def _require_meeting(data: OpenCase, ask: Ask) -> None:
    """A case that came of a meeting names one that was held."""
    if data.exchange_event_id is None:
        return
    meeting = ask.context.others.get(f"exchange-event-{data.exchange_event_id}")
    if not isinstance(meeting, ExchangeEvent):
        refuse("invalid_field", "/data/exchange_event_id", problem="there is no such meeting")
    require(meeting.held, "not_yet_happened", "/data/exchange_event_id", at="ExchangeEventHeld")


def _owners(data: OpenCase, ask: Ask) -> dict[str, Any]:
    """Whose seed a seed-driven case starts from: as told, or as the catalogue says."""
    seed = ask.context.others.get(f"seed-{data.seed_id}")
    known = seed.body if isinstance(seed, Seed) else None
    institution_id = data.institution_id or (known.institution_id if known else None)
    researcher_ids = data.researcher_ids or (known.researcher_ids if known else ())
    return {"institution_id": institution_id, "researcher_ids": researcher_ids}


@decides(RequestInformation, by={Role.coordinator}, coordinated=True)
def request_information(case: Case, data: RequestInformation, ask: Ask) -> Iterable[EventData]:
    """The question waits for its answer."""
    if data.due_on:
        require(data.due_on >= ask.today, "invalid_field", "/data/due_on", problem="due_on is past")
    return [NeedInformationRequested(questions=data.questions, due_on=data.due_on, from_role=data.from_role)]


@decides(SupplementNeed, by={Role.bank_officer, Role.company_representative})
def supplement_need(case: Case, data: SupplementNeed, ask: Ask) -> Iterable[EventData]:
    """The need says more; the question is answered."""
    if case.need is None:
        refuse("invalid_field", "/data/fields", problem="the case has no need")
    body = {**case.need.model_dump(include=set(NeedBody.model_fields)), **data.fields}
    try:
        known = NeedBody.model_validate(body).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        refuse("invalid_field", f"/data/fields/{first['loc'][0]}", problem=first["msg"])
    return [NeedSupplemented(fields={name: known[name] for name in data.fields}, documents=data.documents)]


@evolves(CaseOpened, bank=View.full)
def case_opened(case: Case | None, fact: CaseOpened, event: Event) -> Case:
    """The case begins."""
    bank_id = event.actor.org_id if event.actor.role is Role.bank_officer else event.on_behalf_of
    return Case(
        case_id=event.correlation_id,
        case_no=fact.case_no,
        version=event.version,
        origin=fact.origin,
        company_id=fact.company_id,
        center_id=fact.center_id,
        seed_id=fact.seed_id,
        referrer_id=fact.referrer_id,
        seed_institution_id=fact.institution_id,
        seed_researcher_ids=fact.researcher_ids,
        opened_at=event.recorded_at,
        stage_since=event.recorded_at,
        news_at=event.recorded_at,
        updated_at=event.recorded_at,
        referrals=(Referral(referral_id=fact.referral_id, bank_id=bank_id or "-", bank_reference="-"),)
        if fact.referral_id
        else (),
    )


@evolves(NeedReferred, bank=View.full)
def need_referred(case: Case, fact: NeedReferred, event: Event) -> Case:
    """The need is known, and who referred it."""
    need = Need(**fact.model_dump(exclude={"bank_id", "bank_reference"}))
    referrals = case.referrals
    if fact.bank_id and fact.bank_reference and referrals:
        referrals = (
            changed(referrals[0], bank_id=fact.bank_id, bank_reference=fact.bank_reference),
            *referrals[1:],
        )
    return case.but(need=need, referrals=referrals)


@evolves(NeedInformationRequested, bank=View.full)
def need_information_requested(case: Case, fact: NeedInformationRequested, event: Event) -> Case:
    """An answer is awaited."""
    asked = InformationRequest(**fact.model_dump(), asked_at=event.recorded_at)
    return case.but(information=asked)


@evolves(NeedSupplemented, bank=View.full)
def need_supplemented(case: Case, fact: NeedSupplemented, event: Event) -> Case:
    """The need is complete again."""
    need = case.need
    if need is None:
        return case.but(information=None)
    return case.but(
        need=_with(need, fact),
        referrals=tuple(_knowing(one, need, fact, event) for one in case.referrals),
        information=None,
    )


def _with(need: Need, fact: NeedSupplemented) -> Need:
    fields = NeedBody.model_validate({**need.model_dump(include=set(NeedBody.model_fields)), **fact.fields})
    return changed(need, **fields.model_dump(), documents=(*need.documents, *fact.documents))  # type: ignore[no-any-return]


def _knowing(one: Referral, need: Need, fact: NeedSupplemented, event: Event) -> Referral:
    """What the bank of a referral knows of the need: nothing that another bank says of it (invariant 24)."""
    if event.actor.role is Role.bank_officer and event.actor.org_id != one.bank_id:
        return one if one.home else changed(one, need=one.need or need)
    if one.home:
        return changed(one, added={**one.added, **fact.fields})  # type: ignore[no-any-return]
    return changed(one, need=_with(one.need, fact)) if one.need else one
