"""Every register beside the cases, kept over HTTP by those who may, and by nobody else."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from domain.law import RULES
from domain.terms import Role
from gateway.commands import OFFERED, STREAMS

pytestmark = pytest.mark.usefixtures("worker")
Call = Callable[..., Any]
KINDS: Final = {stream: kind for kind, stream in STREAMS.items()}
BESIDE_THE_CASES: Final = sorted(name for name, rule in OFFERED.items() if rule.stream != "case")
EVERYBODY: Final = {
    Role.bank_officer: "sato",
    Role.lender_officer: "endo",
    Role.company_representative: "ueda",
    Role.coordinator: "tanaka",
    Role.senior_coordinator: "mori",
    Role.researcher: "hara",
    Role.university_liaison: "ueno",
    Role.tlo_officer: "toda",
    Role.expert: "hori",
    Role.strategy_analyst: "seki",
    Role.auditor: "noda",
    Role.data_steward: "doi",
    Role.administrator: "admin",
}
WHY: Final = {"code": "other"}
STORIES: Final[dict[str, list[tuple[str, str, str, dict[str, Any]]]]] = {
    "companies/imari": [
        ("doi", "RegisterCompany", "CompanyRegistered", {"name": "伊万里窯業(架空)", "prefecture": "saga"}),
        ("doi", "MergeOrganizations", "OrganizationMerged", {"successor_id": "ariake"}),
    ],
    "institutions/kyudai": [
        ("ueno", "RegisterInstitution", "InstitutionRegistered", {"name": "筑紫大学(架空)", "indirect_rate": "0.30"}),
        ("doi", "ChangeInstitutionTerms", "InstitutionTermsChanged", {"indirect_rate": "0.20", "forms": ["sakura"]}),
    ],
    "researchers/hara": [
        ("ueno", "RegisterResearcher", "ResearcherRegistered", {"post": "教授", "languages": ["ja"]}),
        ("mori", "RequestResearcherRenewal", "ResearcherRenewalRequested", {}),
        ("ueno", "ChangeResearcherAvailability", "ResearcherAvailabilityChanged", {"available": True, "capacity": 2}),
        ("ueno", "MoveResearcher", "ResearcherMoved", {"institution_id": "elsewhere"}),
        ("ueno", "MoveResearcher", "ResearcherMoved", {"institution_id": "kyudai"}),
        ("ueno", "RetireResearcher", "ResearcherRetired", {}),
    ],
    "seeds/told": [
        ("hara", "PublishSeed", "SeedPublished", {"title": "常圧焼結", "summary": "窯で焼き固めます。", "trl": 3}),
        ("tanaka", "RequestSeedRenewal", "SeedRenewalRequested", {}),
        ("ueno", "ReviseSeed", "SeedRevised", {"trl": 4}),
        ("hara", "RetireSeed", "SeedRetired", {}),
    ],
    "exchange-events/salon": [
        ("tanaka", "PlanExchangeEvent", "ExchangeEventPlanned", {"kind": "technology_exchange", "host": "kyudai"}),
        ("mori", "HoldExchangeEvent", "ExchangeEventHeld", {"seeds": ["told"], "needs": ["n1"], "attendance": 42}),
        ("tanaka", "MakeContact", "ContactMade", {"company": "ariake", "researcher": "hara"}),
    ],
    "recommendations/one": [
        ("seki", "AdoptRecommendation", "RecommendationAdopted", {"title": "金融機関との連携を深めること"}),
        ("seki", "ProgressRecommendation", "RecommendationProgressed", {"note": "三行と協定を結んだ。"}),
        ("seki", "FulfillRecommendation", "RecommendationFulfilled", {}),
    ],
}


@pytest.mark.parametrize("address", STORIES)
async def test_a_register_is_kept_by_those_who_may(call: Call, address: str) -> None:
    for place, (person, name, event, data) in enumerate(STORIES[address]):
        body = {"data": data, **({"reason": WHY} if RULES[name].reason else {})}
        answer = await call(person).post(f"/v1/{address}/commands/{name}", json=body)
        assert answer.status_code == (200 if place else 201), answer.text
        told = answer.json()
        assert [one["type"] for one in told["events"]] == [event]
        assert (told["version"], answer.headers["etag"]) == (place + 1, f'"v{place + 1}"')


def test_every_command_beside_the_cases_has_its_story() -> None:
    told = {name for story in STORIES.values() for _, name, _, _ in story}
    dossiers = {name for name in BESIDE_THE_CASES if RULES[name].stream == "dossier"}
    assert told | dossiers == set(BESIDE_THE_CASES)


@pytest.mark.parametrize("name", BESIDE_THE_CASES)
async def test_a_register_is_kept_by_nobody_else(call: Call, name: str) -> None:
    rule = RULES[name]
    assert set(EVERYBODY) | {Role.system} == set(Role)
    body = {"data": rule.data.example, "reason": WHY}  # type: ignore[attr-defined]
    for role, person in EVERYBODY.items():
        if role not in rule.by:
            answer = await call(person).post(f"/v1/{KINDS[rule.stream]}/x/commands/{name}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted"), (role, answer.text)


async def test_a_contact_of_a_meeting_that_was_held_becomes_a_case(call: Call) -> None:
    salon = "/v1/exchange-events/friday/commands"
    consent = {**RULES["OpenCase"].data.example["consent"]}  # type: ignore[attr-defined]
    need = {"title": "耐熱部品", "public_summary": "窯で焼ける耐熱部品を作りたい。", "consent": consent}
    opened = {"origin": "exchange_meeting", "company_id": "ariake", "exchange_event_id": "friday", **need}
    unknown = await call("tanaka").post("/v1/cases", json={"data": opened})
    assert (unknown.json()["code"], unknown.json()["pointer"]) == ("invalid_field", "/data/exchange_event_id")
    planned = await call("tanaka").post(f"{salon}/PlanExchangeEvent", json={"data": {"kind": "second_friday_salon"}})
    assert planned.status_code == 201, planned.text
    early = await call("tanaka").post("/v1/cases", json={"data": opened})
    assert early.json()["code"] == "not_yet_happened"
    held = await call("tanaka").post(f"{salon}/HoldExchangeEvent", json={"data": {"attendance": 12}})
    assert held.status_code == 200, held.text
    nobody = await call("tanaka").post(f"{salon}/MakeContact", json={"data": {"company": "ariake", "researcher": "x"}})
    assert nobody.json()["pointer"] == "/data/researcher"
    met = await call("tanaka").post(f"{salon}/MakeContact", json={"data": {"company": "ariake", "researcher": "hara"}})
    assert met.status_code == 200, met.text
    case = await call("tanaka").post("/v1/cases", json={"data": opened})
    assert case.status_code == 201, case.text
    assert (await call("noda").get(case.headers["location"])).json()["origin"] == "exchange_meeting"
