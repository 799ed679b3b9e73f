"""A row of a batch on the one way of a command: asked, kept and driven as a need that its bank sent alone."""

from typing import Final

import psycopg
import structlog

from activities.batches import NotNow, Referred
from domain.canonical import canonical
from domain.envelope import Actor, Command
from domain.reasons import Wording
from domain.stages.intake import ReferNeed
from domain.terms import Role
from gateway.ask import Asking, Wish
from gateway.batches.columns import column_at
from gateway.batches.faults import RowFault
from gateway.problems import Problem, internal_error
from store.batches import Batch, BatchRow
from store.connect import Store, StoreUnreachable

log = structlog.get_logger("batches")
_LATER: Final = frozenset({"outcome_unknown", "engine_unavailable", "database_unavailable"})
_ERASED: Final = RowFault("", "erased", Wording("行の内容は消去されています。", "What the row said was erased."))


class Referrals:
    """Refers rows, on the store and the way of commands of one process."""

    def __init__(self, store: Store, asking: Asking) -> None:
        self._store = store
        self._asking = asking

    async def refer(self, batch: Batch, row: BatchRow) -> Referred:
        """Refer the need in *row*, as whoever commits *batch*; the same row again is the same need. Raises NotNow."""
        if row.data is None:
            return Referred("refused", [_ERASED.told()])
        wish = wish_of(self._store, batch.batch_id, row.row, _actor(batch), ReferNeed.model_validate(row.data))
        try:
            answer = await self._asking.ask(wish)
            ours = "Idempotency-Replayed" not in answer.headers or await self._is_ours(wish.command)
            return Referred("committed" if ours else "already_there")
        except Problem as problem:
            if problem.code in _LATER:
                raise NotNow(problem.code) from None
            return Referred("refused", [fault_of(problem).told()])
        except (StoreUnreachable, psycopg.OperationalError):
            raise NotNow("database_unavailable") from None
        except Exception as error:
            log.error(  # noqa: TRY400 - a traceback may hold what nobody may read
                "row_failed", batch_id=batch.batch_id, row=row.row, error=type(error).__qualname__
            )
            return Referred("refused", [fault_of(internal_error()).told()])

    async def _is_ours(self, command: Command) -> bool:
        """Whether this very row began the case, before its worker was lost."""
        briefing = await self._store.desk.briefing(command.case_id, command.command_id, ())
        return bool(briefing.done)


def wish_of(store: Store, batch_id: str, row: int, actor: Actor, data: ReferNeed) -> Wish:
    """The wish of one row; its command always has the same id."""
    command = Command(
        command_id=f"c-{store.seals.fingerprint(canonical(['intake row', batch_id, row]))[:20].hex()}",
        case_id=store.seals.case_id_for(actor.org_id, data.bank_reference),
        name=ReferNeed.__name__,
        data=data,
        actor=actor,
    )
    return Wish(command, keyed=True)


def fault_of(problem: Problem) -> RowFault:
    """What *problem* says, as the fault of a row."""
    at = problem.pointer or (problem.faults[0].at if problem.faults else "")
    return RowFault(column_at(at)[0], problem.code, problem.detail)


def _actor(batch: Batch) -> Actor:
    return Actor(role=Role.bank_officer, org_id=batch.org_id, person=batch.person_id)
