"""Names and payloads between gateway, workflows and activities: ids and outcomes, never documents or personal data."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

TASK_QUEUE: Final = "hashi-cases"
INTAKE_QUEUE: Final = "hashi-intake"
"""Needs in bulk wait here, apart from the cases: each worker takes one stretch of rows at a time."""
CASE_WORKFLOW: Final = "ReferralCase"
INTAKE_WORKFLOW: Final = "IntakeBatch"
COMMAND_UPDATE: Final = "command"
SYNC_UPDATE: Final = "sync"
LOOK_SIGNAL: Final = "look"
APPLY: Final = "apply_command"
FALL_DUE: Final = "fall_due"
COMMIT_ROWS: Final = "commit_rows"

DELIVERY_WORKFLOW: Final = "LenderDelivery"
PUSH: Final = "push_to_endpoint"
WAKE_SIGNAL: Final = "wake"
VERIFICATION: Final = "jp.hashi.feed.endpoint_verification.v1"
"""The type of the challenge that a new endpoint answers."""
DRAINING: Final = "Draining"
"""The type of the rejection while a run turns over: the same command may be sent again at once."""
STAGE_ATTRIBUTE: Final = "HashiStage"
CENTER_ATTRIBUTE: Final = "HashiCenter"
SEARCH_ATTRIBUTES: Final = {STAGE_ATTRIBUTE: "Keyword", CENTER_ATTRIBUTE: "Keyword"}


def workflow_id(case_id: str) -> str:
    """The workflow of a case; opaque as the case id is."""
    return f"case-{case_id}"


def intake_workflow_id(batch_id: str) -> str:
    """The workflow that commits a batch of needs; opaque as the batch id is."""
    return f"intake-{batch_id}"


def delivery_id(endpoint_id: str) -> str:
    """The workflow that pushes to an endpoint."""
    return f"delivery-{endpoint_id}"


class Payload(BaseModel):
    """A frozen record which Temporal carries; new fields need a default, so that old histories still decode."""

    model_config = ConfigDict(frozen=True)


class Ticket(Payload):
    """A command as the engine sees it: the body lies sealed in the store under *command_id*."""

    case_id: str
    command_id: str
    name: str
    role: str
    org_id: str
    person: str
    stream: str = ""
    """Where the command goes; empty: to the case."""

    @property
    def workflow_id(self) -> str:
        """The workflow that queues for the stream."""
        return self.stream or workflow_id(self.case_id)


class Due(Payload):
    """A deadline of a case: which timer, whose, in how many seconds from now (0: past)."""

    timer: str
    owner: str
    due_in: float


class Standing(Payload):
    """Where a case stands now: what the workflow needs to wait and to be readable."""

    version: int = 0
    stage: str = "intake"
    status: str = "open"
    owner: str = ""
    deadlines: tuple[Due, ...] = ()
    """Earliest first; at most a handful, the rest is in the store."""
    last_events: tuple[str, ...] = ()
    finished: bool = False
    """True once nothing can fall due any more: the run may end."""


class EventRef(Payload):
    """An event by reference."""

    id: str
    type: str
    version: int


class Answer(Payload):
    """What became of one command; a repetition gets the same answer."""

    outcome: Literal["accepted", "refused", "nothing_due", "failed"]
    events: tuple[EventRef, ...] = ()
    code: str = ""
    """The refusal's code, when refused; its words are looked up by command id. The kind of error, when failed."""


class Reply(Payload):
    """An activity's two pieces of news: the answer to the command, and where the case stands now."""

    answer: Answer
    standing: Standing | None = None
    """None: nothing was learnt of the case."""
    touched: tuple[str, ...] = ()
    """Other cases that the command changed in the store, of which their workflows do not know yet."""


class CaseStart(Payload):
    """The input of a case's run: after continue-as-new the standing is known, at first it is not."""

    case_id: str
    center_id: str = "center"
    standing: Standing | None = None


class BatchStart(Payload):
    """The input of a batch's run: whose rows to commit; they lie sealed in the store."""

    batch_id: str


class Stretch(Payload):
    """How far a batch is after some of its rows: counts, no content."""

    settled: int
    left: int
    state: str


class Pushing(Payload):
    """To which endpoint a workflow pushes; and what an activity says of it when it comes back."""

    endpoint_id: str
    is_over: bool = False
    """True: nothing is pushed to it any more, until somebody starts it again."""
