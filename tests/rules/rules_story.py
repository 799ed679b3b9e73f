"""A told story: people act on one case at set times, and timers act on the way, all on the pure core."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Self

import domain.stages  # noqa: F401 - binds the rules
from domain.calendar import JST
from domain.case import decide, fold, record
from domain.envelope import Actor, Command, Context, Directory, Event, EventData, Organization, Person, Reason
from domain.law import RULES
from domain.mentions import mentioned
from domain.refusals import Refusal
from domain.stages.timing import due_command
from domain.state import Case
from domain.terms import Role
from domain.timers import deadlines, first_due
from domain.views import case_view, seen_events

START: Final = datetime(2026, 4, 1, 9, 0, tzinfo=JST)

_ORGS: Final = (
    Organization(org_id="center", kind="center", name="交流センター", prefecture="fukuoka"),
    Organization(org_id="jfs-fukuoka", kind="bank", name="福岡支店"),
    Organization(org_id="jfs-saga", kind="bank", name="佐賀支店"),
    Organization(org_id="ariake", kind="company", name="有明陶業", prefecture="saga"),
    Organization(org_id="genkai", kind="company", name="玄海精密", prefecture="saga"),
    Organization(org_id="kyudai", kind="university", name="筑紫大学", prefecture="fukuoka", indirect_rate="0.30"),
    Organization(org_id="sadai", kind="university", name="佐嘉大学", prefecture="saga", payment_first=False),
    Organization(org_id="hokudai", kind="university", name="石狩大学", prefecture="hokkaido", indirect_rate="0.20"),
    Organization(org_id="aist", kind="research_institute", name="鳥栖研究所", prefecture="saga"),
    Organization(org_id="tlo", kind="tlo", name="筑紫TLO", prefecture="fukuoka"),
    Organization(org_id="lawyers", kind="expert_office", name="専門家事務所"),
    Organization(org_id="lender", kind="lender", name="融資公庫"),
)
_PEOPLE: Final = {
    "sato": (Role.bank_officer, "jfs-fukuoka"),
    "ono": (Role.bank_officer, "jfs-fukuoka"),
    "ide": (Role.bank_officer, "jfs-saga"),
    "tanaka": (Role.coordinator, "center"),
    "kondo": (Role.coordinator, "center"),
    "mori": (Role.senior_coordinator, "center"),
    "mizuki": (Role.senior_coordinator, "center"),
    "arita": (Role.company_representative, "ariake"),
    "genda": (Role.company_representative, "genkai"),
    "hayashi": (Role.researcher, "kyudai"),
    "noda": (Role.researcher, "kyudai"),
    "baba": (Role.researcher, "sadai"),
    "ito": (Role.researcher, "hokudai"),
    "abe": (Role.researcher, "aist"),
    "ueno": (Role.university_liaison, "kyudai"),
    "kubo": (Role.university_liaison, "kyudai"),
    "saga-desk": (Role.university_liaison, "sadai"),
    "sapporo-desk": (Role.university_liaison, "hokudai"),
    "toda": (Role.tlo_officer, "tlo"),
    "hori": (Role.expert, "lawyers"),
    "kato": (Role.auditor, "center"),
    "doi": (Role.data_steward, "center"),
    "seki": (Role.strategy_analyst, "center"),
    "admin": (Role.administrator, "center"),
    "kashi": (Role.lender_officer, "lender"),
    "system": (Role.system, "center"),
}
ORGS: Final = {one.org_id: one for one in _ORGS}
PEOPLE: Final = {
    name: Person(person_id=name, role=role, org_id=org, name=name) for name, (role, org) in _PEOPLE.items()
}
ACTORS: Final = {name: Actor(role=role, org_id=org, person=name) for name, (role, org) in _PEOPLE.items()}

CONSENT: Final = {
    "recipients": ["center", "universities"],
    "purposes": ["collaboration"],
    "data_classes": ["public_summary", "need_detail"],
    "valid_until": "2030-03-31",
    "given_by": "代表取締役",
    "method": "signed_paper",
    "document_id": "doc_consent",
}
TO_EXPERTS: Final = {**CONSENT, "recipients": ["center", "universities", "experts"]}
NEED: Final = {
    "bank_reference": "F-2026-0031",
    "company_id": "ariake",
    "title": "溶解炉を使わない耐熱ガラス部品",
    "public_summary": "陶磁器用の電気窯で焼結できる耐熱ガラス部品を作りたい。",
    "description": "割れと透明度の低下が起きる。月二千個。",
    "tried_before": "昇温条件を三通り試した。",
    "consent": CONSENT,
}
SIGNING: Final = {
    "effective_on": "2026-11-17",
    "ends_on": "2027-03-31",
    "costs": {"direct": "2000000", "indirect": "600000", "visiting": "0"},
    "ownership": "institution",
    "options": ["exclusive_license"],
    "document_id": "doc_agreement",
}
VISIT: Final = {
    "at": "2026-05-01T13:00:00+09:00",
    "place": "本社工場",
    "attendees": [{"role": "coordinator", "org": "center"}, {"role": "researcher", "org": "kyudai"}],
}
FINDINGS: Final = "窯の温度分布は均一。釉薬の配合は酸化亜鉛系。冷却が課題。"
SECRET_PASSAGE: Final = "釉薬の配合は酸化亜鉛系。"


class OffScript(Exception):
    """A step of a story that had to be accepted was refused."""


@dataclass
class Reached:
    """What stories have come to, by which tests: commands accepted, event types recorded, refusal codes answered."""

    tests: set[str] = field(default_factory=set)
    commands: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)


TOLD: Final = Reached()
"""What the told tests of this run have reached."""


@dataclass
class Said:
    """The first event of one type that a story had, and the commands that caused such events."""

    data: dict[str, Any]
    commands: set[str] = field(default_factory=set)


SAID: Final[dict[str, Said]] = {}
"""By event type."""


def remember(command: Command, events: Iterable[Event]) -> None:
    """Keep an example of each type of *events*, which *command* caused."""
    for event in events:
        if event.type not in SAID:
            SAID[event.type] = Said(event.data.model_dump(mode="json", exclude_none=True, by_alias=True))
        SAID[event.type].commands.add(command.name)


class Story:
    """One case as people and timers make it; `do` acts at the present moment, `at` and `pass_time` let time pass."""

    def __init__(self, reached: Reached | None = None, case_id: str = "c1") -> None:
        self.reached = reached or Reached()
        self.case_id = case_id
        self.now = START
        self.case: Case | None = None
        self.events: list[Event] = []
        self.last: Command | None = None
        self.others: dict[str, Any] = {}
        self._count = 0

    # time

    def at(self, day: int | str) -> Self:
        """Let time pass until *day* after the start, or until an instant as text; timers act on the way."""
        self.pass_time(START + timedelta(days=day) if isinstance(day, int) else datetime.fromisoformat(day))
        return self

    def pass_time(self, to: datetime | timedelta) -> list[Event]:
        """Let time pass *to* a moment, or by a span; the events of timers, each at its own time."""
        to = self.now + to if isinstance(to, timedelta) else to
        before = len(self.events)
        while self.case and (due := first_due(self.case, to)):
            self.now = max(self.now, due.due_at)
            version = self.case.version
            self.give(due_command(self.case, due))
            if self.case.version == version:
                raise AssertionError(f"{due} falls due for ever")
        self.now = max(self.now, to)
        return self.events[before:]

    def fired(self, to: datetime | timedelta | int | str) -> list[str]:
        """The types of what timers did until *to*."""
        before = len(self.events)
        if isinstance(to, int | str):
            self.at(to)
        else:
            self.pass_time(to)
        return [one.type for one in self.events[before:]]

    # acting

    def command(self, person: str, name: str, data: Mapping[str, Any] | None = None, **around: Any) -> Command:
        """A command as somebody outside writes it: its data read as JSON."""
        self._count += 1
        body = RULES[name].data.model_validate_json(json.dumps(data or {}))
        if isinstance(reason := around.get("reason"), str):
            around["reason"] = Reason(code=reason)
        elif isinstance(reason, Mapping):
            around["reason"] = Reason(**reason)
        around.setdefault("command_id", f"{self.case_id}-{self._count}")
        return Command(case_id=self.case_id, name=name, data=body, actor=ACTORS[person], **around)

    def do(self, person: str, name: str, data: Mapping[str, Any] | None = None, **around: Any) -> Any:
        """Somebody gives a command now: the events it caused, or its Refusal."""
        return self.give(self.command(person, name, data, **around))

    def give(self, command: Command) -> Any:
        """Decide *command* now and record what it causes."""
        self.last = command
        context = Context(now=self.now, case_no="K2026-000001", directory=self.directory(command), others=self.others)
        facts = decide(self.case, command, context)
        if isinstance(facts, Refusal):
            self.reached.codes.add(facts.code)
            return facts
        return self._keep(command, facts, context)

    def _keep(self, command: Command, facts: Iterable[EventData], context: Context) -> tuple[Event, ...]:
        if not facts:
            return ()
        events, self.case = record(self.case, command, facts, context)
        self.events.extend(events)
        remember(command, events)
        self.reached.commands.add(command.name)
        self.reached.events |= {one.type for one in events}
        return events

    def says(self, person: str, name: str, data: Mapping[str, Any] | None = None, **around: Any) -> list[str] | str:
        """The types of the events that a command caused, or the code of its refusal."""
        outcome = self.do(person, name, data, **around)
        return outcome.code if isinstance(outcome, Refusal) else [one.type for one in outcome]

    def must(self, person: str, name: str, data: Mapping[str, Any] | None = None, **around: Any) -> Self:
        """Somebody gives a command that is accepted."""
        outcome = self.do(person, name, data, **around)
        if isinstance(outcome, Refusal):
            raise OffScript(f"{name} by {person}: {outcome.code} ({outcome.en})")
        return self

    def directory(self, command: Command) -> Directory:
        """What the ledger looks up for *command*: the ids it mentions, as far as they are known."""
        ids = mentioned(self.case, command)
        return Directory(
            organizations={key: one for key, one in ORGS.items() if key in ids},
            people={key: one for key, one in PEOPLE.items() if key in ids},
            documents={one: sha256(one.encode()).hexdigest() for one in ids if one.startswith("doc_")},
        )

    def attach(self, bank_id: str) -> Self:
        """Another bank's referral of the same wish follows this case from now on."""
        attached = {
            "referral_id": f"r-{bank_id}",
            "bank_id": bank_id,
            "bank_reference": "S-1",
            "absorbed_case_id": "c2",
        }
        return self.must("system", "CompleteMerge", {"referrals": [attached]})

    # looking

    @property
    def state(self) -> Case:
        """The case as it stands."""
        assert self.case is not None, "nothing is stored"
        return self.case

    @property
    def stands(self) -> tuple[str, str]:
        """Stage and status."""
        return self.state.stage.value, self.state.status.value

    def sees(self, person: str) -> dict[str, Any]:
        """The case as *person* reads it."""
        return case_view(self.state, ACTORS[person], self.now)

    def reads(self, person: str) -> list[tuple[int, Event, dict[str, Any]]]:
        """The history as *person* reads it."""
        return seen_events(self.events, ACTORS[person], self.state, self.now)

    def text_for(self, person: str) -> str:
        """Everything *person* reads of the case, as one text."""
        shown = [(number, one.type, body) for number, one, body in self.reads(person)]
        return json.dumps([self.sees(person), shown], ensure_ascii=False, default=str)

    def waits(self) -> list[str]:
        """The names of the timers that run, sorted."""
        return sorted({one.timer.value for one in deadlines(self.state)})

    def due(self, timer: str) -> str:
        """When the next step of *timer* falls due, local time to the minute."""
        found = next(one for one in deadlines(self.state) if one.timer == timer)
        return found.due_at.astimezone(JST).strftime("%Y-%m-%d %H:%M")

    def refolded(self) -> Case | None:
        """The state folded anew from all events."""
        return fold(self.events)

    # starting points, each from the beginning

    def referred(self, **changes: Any) -> Self:
        """Day 0: the need is in, with its consent."""
        return self.must("sato", "ReferNeed", {**NEED, **changes})

    def in_review(self, **changes: Any) -> Self:
        """Day 1: coordinator tanaka has begun the review."""
        self.referred(**changes).at(1)
        return self.must("tanaka", "AssignCoordinator", {"coordinator_id": "tanaka"}).must("tanaka", "StartReview")

    def triaged(self, route: str = "joint_research", **changes: Any) -> Self:
        """Day 5: checked and sent on its way."""
        self.in_review(**changes).at(5)
        self.must("tanaka", "RecordComplianceCheck", {"kind": "antisocial", "result": "passed"})
        return self.must("tanaka", "TriageNeed", {"route": route, "initial_trl": 2})

    def searching(self, *candidates: str, **changes: Any) -> Self:
        """Day 6: the regional search has a shortlist."""
        self.triaged(**changes).at(6)
        self.must("tanaka", "OpenSearch", {"search_id": "s1", "scope": "regional"})
        found = [{"researcher_id": one, "reasons": ["専門が近い。"]} for one in candidates or ("hayashi",)]
        return self.must("tanaka", "ShortlistResearchers", {"search_id": "s1", "candidates": found})

    def offered(self, **changes: Any) -> Self:
        """Day 6: hayashi of kyudai is asked, as a1."""
        return self.searching(**changes).offer("a1", "hayashi", "kyudai")

    def offer(self, assignment_id: str, researcher: str, institution: str, **more: Any) -> Self:
        """Ask one more researcher now."""
        offer = {"assignment_id": assignment_id, "researcher_id": researcher, "institution_id": institution}
        return self.must("tanaka", "OfferAssignment", {**offer, **more})

    def assign(self, assignment_id: str, researcher: str, desk: str) -> Self:
        """Everybody says yes to an offer, nothing is in the way, the researcher is assigned."""
        self.must(researcher, "AcceptAssignment", {"assignment_id": assignment_id})
        self.must(desk, "AcceptAssignment", {"assignment_id": assignment_id})
        self.must(researcher, "DeclareInterests", {"assignment_id": assignment_id, "interests": []})
        self.must(desk, "DecideConflict", {"assignment_id": assignment_id, "decision": "cleared"})
        return self.must("tanaka", "ConfirmAssignment", {"assignment_id": assignment_id})

    def assigned(self, **changes: Any) -> Self:
        """Day 16: hayashi is assigned."""
        return self.offered(**changes).at(16).assign("a1", "hayashi", "ueno")

    def visited(self, **changes: Any) -> Self:
        """Day 31: the visit v1 was held."""
        self.assigned(**changes).must("tanaka", "ScheduleVisit", {**VISIT, "visit_id": "v1"})
        return self.at(31).must("tanaka", "RecordVisitHeld", {"visit_id": "v1"})

    def reported(self, **changes: Any) -> Self:
        """Day 36: the report r1 is filed."""
        report = {"report_id": "r1", "findings": FINDINGS, "feasibility": "feasible_with_conditions", "trl_seen": 2}
        return self.visited(**changes).at(36).must("hayashi", "FileVisitReport", report)

    def report_confirmed(self, **changes: Any) -> Self:
        """Day 40: the company has confirmed the report, with one passage hidden."""
        self.reported(**changes).at(40)
        return self.must("arita", "ConfirmVisitReport", {"report_id": "r1", "redactions": [SECRET_PASSAGE]})

    def drafted(self, **changes: Any) -> Self:
        """Day 150: the first text of g1 is on the table."""
        draft = {"agreement_id": "g1", "template_family": "sakura", "template_no": "4", "parties": ["kyudai", "ariake"]}
        return self.report_confirmed(**changes).at(150).must("ueno", "DraftAgreement", draft)

    def approved(self, **changes: Any) -> Self:
        """Day 230: both sides approve the first text."""
        self.drafted(**changes).at(230).must("arita", "ApproveAgreement", {"agreement_id": "g1"})
        return self.must("ueno", "ApproveAgreement", {"agreement_id": "g1"})

    def signed(self, **changes: Any) -> Self:
        """Day 230 (2026-11-17): g1 binds until 2027-03-31."""
        return self.approved(**changes).must("ueno", "SignAgreement", SIGNING)

    def in_research(self, **changes: Any) -> Self:
        """Day 230: the money is there, research runs."""
        self.signed(**changes).must("ueno", "ConfirmPayment", {"amount_band": "1m_3m"})
        return self.must("hayashi", "StartResearch")

    def with_invention(self, owner: str | None = None, **changes: Any) -> Self:
        """Day 260: i1 is disclosed; its *owner* is decided where given."""
        disclosure = {"invention_id": "i1", "inventors": ["hayashi"], "related_agreement": "g1"}
        self.in_research(**changes).at(260).must("hayashi", "DiscloseInvention", disclosure)
        return self.must("ueno", "DecideOwnership", {"invention_id": "i1", "owner": owner}) if owner else self

    def licensed(self, **changes: Any) -> Self:
        """Day 260: the institution licenses i1 to the company, as t1."""
        self.with_invention("institution", **changes)
        return self.must("ueno", "RecordLicense", {"transfer_id": "t1", "invention_ids": ["i1"], "exclusivity": "sole"})


def refused(outcome: object) -> bool:
    """Whether *outcome*, of `do` or `says`, is a refusal."""
    return isinstance(outcome, str | Refusal)
