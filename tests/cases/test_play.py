"""Case scripts, played through HTTP on servers of their own."""

import json
import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "rules"))

from dossier_texts import verdicts

from activities.contract import workflow_id
from domain.canonical import canonical
from domain.envelope import Organization
from domain.state import Consent
from domain.terms import OrganizationKind
from dossier.document import document_of
from store.briefs import preview_of
from store.cases import Cases
from workers.cli import run
from workers.play.player import Player
from workers.play.report import summary
from workers.play.script import BadScript, load, parse, shipped
from workers.play.theatre import Servers, Theatre, servers, stage
from workflows import referral_case

HEAD = """
script: probe
orgs: {jfs: {kind: bank}, ariake: {kind: company, prefecture: saga}}
people: {sato: {role: bank_officer, org: jfs}, tanaka: {role: coordinator}}
steps:
"""
NEED = """
  - as: sato
    do: ReferNeed
    with:
      bank_reference: P-1
      company: {corporate_number: "4990101234567", name: 有明陶業株式会社, prefecture: saga}
      title: 耐熱ガラス部品
      public_summary: 窯で焼ける耐熱ガラス部品を作りたい。
      consent:
        recipients: [center, universities]
        purposes: [collaboration]
        data_classes: [public_summary]
        valid_until: 2029-03-31
        given_by: 代表取締役
        method: signed_paper
"""


@pytest.fixture(scope="module")
async def running():
    async with servers() as found:
        yield found


async def played(running: Servers, text: str) -> list[tuple[str, ...]]:
    async with stage(running) as theatre:
        return [one.faults async for one in Player(parse(text, "probe.yaml"), theatre).play()]


async def runs_of(running: Servers, case_id: str) -> int:
    """How many runs of the case's workflow continued one another."""
    handle = running.client.get_workflow_handle(workflow_id(case_id))
    described = await handle.describe()
    run_id, count = described.raw_description.workflow_execution_info.first_run_id or described.run_id, 0
    while run_id:
        count += 1
        history = await running.client.get_workflow_handle(workflow_id(case_id), run_id=run_id).fetch_history()
        run_id = history.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return count


async def verdicts_of_all(theatre: Theatre) -> dict[str, dict[str, list[str]]]:
    """What a dossier of each case would say that none may say, were its company to let a lender read all of it."""
    assert theatre.machine is not None
    store, found = theatre.machine.store, {}
    lender = Organization(org_id="reader", kind=OrganizationKind.lender, name="読み手銀行")
    await store.directory.register_organization(lender)
    now = await store.clock.now()
    for row in await store.overview.cases(readers=None, limit=100, merged_too=True):
        case = await Cases(store.ledger).today(row.case_id)
        assert case is not None
        consent = Consent(
            consent_id="everything",
            recipients=("lenders",),
            purposes=("lending_evaluation",),
            data_classes=("public_summary", "need_detail", "trade_secret"),
            valid_until=date(2099, 3, 31),
            recorded_at=now,
        )
        open_case = case.but(consents={**case.consents, "everything": consent})
        brief = await preview_of(store, open_case, "reader", now, now=now)
        body = canonical(document_of(brief)[1])
        found[row.case_id] = verdicts(body)
    assert found, "there is a case"
    return {case_id: words for case_id, words in found.items() if words}


async def test_six_years_go_over_several_runs_and_all_that_was_planned_is_told(
    running: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Script 10 plays as it says, over several runs: 22 of 24 milestones reached, 5 of them missed before, 2 dropped.

    The play leaves no quiet moments, in which a run turns over in real years, so the bound that comes at the latest
    is put low.
    """
    monkeypatch.setattr(referral_case, "_TOO_MANY", 80)
    async with stage(running) as theatre:
        player = Player(load("six-years"), theatre)
        results = [one async for one in player.play()]
        assert {one.number: one.faults for one in results if one.faults} == {}
        told = [kind for one in results if one.seen for kind, *_ in one.seen.events]
        [case_id] = {one.seen.case["case_id"] for one in results if one.seen and "case_id" in one.seen.case}
        runs = await runs_of(running, case_id)
        assert await verdicts_of_all(theatre) == {}
    counts = [told.count(f"Milestone{word}") for word in ("Planned", "Reached", "Missed", "Dropped")]
    assert (counts, runs > 3) == ([24, 22, 5, 2], True), runs
    assert told.count("AgreementRenewed") == 5 and told.count("CoordinatorAssigned") == 4
    assert {"ReminderSent", "CaseEscalated", "AgreementExpired"} <= set(told), "timers acted on their own"


@pytest.mark.parametrize("name", sorted({*shipped()} - {"six-years"}))
async def test_a_shipped_script_plays_as_it_says(running: Servers, name: str) -> None:
    async with stage(running) as theatre:
        results = [one async for one in Player(load(name), theatre).play()]
        assert {one.number: one.faults for one in results if one.faults} == {}
        assert await verdicts_of_all(theatre) == {}
    counts = summary(results)
    assert counts["passed"] > counts["not run"]


async def test_a_script_in_odd_but_legal_forms_plays(running: Servers) -> None:
    async with stage(running) as theatre:
        player = Player(load(str(Path(__file__).parent / "odd_but_legal.yaml")), theatre)
        results = [one async for one in player.play()]
    assert {one.number: one.faults for one in results if one.faults} == {}
    assert [one.not_run for one in results if one.not_run] == ["statistics"]
    assert "employees" in player.notes[0]


async def test_every_expectation_can_fail(running: Servers) -> None:
    expectations = (
        "{events: [CaseOpened]}",
        "{events_include: [NeedTriaged]}",
        "{events: [{type: CaseOpened, data: {origin: seed}}, NeedReferred, CompanyConsentRecorded]}",
        "{rejected: consent_required}",
        "{stage: review}",
        "{status: closed}",
        "{coordinator: tanaka}",
        "{visible: [need.colour]}",
        "{hidden: [need.title]}",
        "{hidden: [consents.consent_id]}",
        "{visible: [consents.colour]}",
        "{timers: [offer]}",
        "{same_case: true}",
        "{lender_feed: {jfs: [NeedReferred]}}",
    )
    for wanted in expectations:
        [faults] = await played(running, f"{HEAD}{NEED}    expect: {wanted}\n")
        assert faults, wanted


async def test_what_a_failed_step_did_not_save_fails_the_steps_that_need_it(running: Servers) -> None:
    saving = NEED + "    save: {a: case_id, b: no.such.path}\n"
    asking = "  - {as: sato, see: case, case: $b}\n  - {as: sato, see: case, case: $a}\n"
    first, second, third = await played(running, f"{HEAD}{saving}{asking}")
    assert "no.such.path" in first[0]
    assert "$b" in second[0]
    assert third == ()


async def test_what_the_product_lacks_keeps_no_step_from_being_played(running: Servers) -> None:
    async with stage(running) as theatre:
        text = f"{HEAD}{NEED}    expect: {{stage: intake, statistics: {{name: dispositions}}}}\n"
        [one] = [one async for one in Player(parse(text, "probe.yaml"), theatre).play()]
    assert one.not_run == "statistics"
    assert one.seen is not None
    assert one.seen.case["stage"] == "intake"


async def test_a_rejection_nobody_expects_is_a_fault(running: Servers) -> None:
    first, second = await played(running, f"{HEAD}{NEED}  - {{as: tanaka, do: StartReview}}\n")
    assert first == ()
    assert "coordinator_required" in second[0]


async def test_timers_act_at_their_own_time_while_a_script_waits(running: Servers) -> None:
    text = f"{HEAD}{NEED}  - {{wait: 3bd, expect: {{events: [ReminderSent, CaseEscalated]}}}}\n"
    assert await played(running, text) == [(), ()]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("steps: []", "script"),
        ("script: x\nsteps: [{as: sato}]", "steps.1"),
        ("script: x\nsteps: [{as: sato, do: A, wait: P1D}]", "do and wait"),
        ("script: x\nsteps: [{do: A}]", "as"),
        ("script: x\nsteps: [{as: a, do: A, expect: {colour: red}}]", "colour"),
        ("script: x\nsteps: [{as: a, do: A, needs: luck}]", "needs"),
        ("script: x\norgs: {a: {kind: planet}}\nsteps: []", "orgs.a.kind"),
        ("script: x\nsteps: [{as: a, see: case, case: $b}]", r"steps.1: \$b was not saved"),
        ("script: x\nsteps: [{as: a, do: A, do: B}]", "do is written twice"),
        ("- 1", "mapping"),
        ("script: [", "probe"),
    ],
)
def test_a_script_that_cannot_be_played_names_its_fault(text: str, word: str) -> None:
    with pytest.raises(BadScript, match=word):
        parse(text, "probe")


def test_words_and_days_stay_what_was_written() -> None:
    text = "script: x\nsteps:\n- {as: a, do: A, with: {on: 2026-04-10, made: yes, rate: 0.30, at: 13:30, level: 4}}"
    assert parse(text, "probe").steps[0].data == {
        "on": "2026-04-10",
        "made": "yes",
        "rate": "0.30",
        "at": "13:30",
        "level": 4,
    }


def test_a_script_that_waits_needs_time_skipping(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["play", "declined"]) == 2
    assert "--time-skipping" in capsys.readouterr().err
    assert run(["play", "declined", "--against", "http://127.0.0.1:1"]) == 2


def test_a_script_nobody_knows_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["play", "no-such-script"]) == 2
    assert "ceramics" in capsys.readouterr().err


def test_a_failed_expectation_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "probe.yaml"
    path.write_text(f"{HEAD}{NEED}    expect: {{stage: review}}\n", encoding="utf-8")
    assert run(["play", str(path), "--json"]) == 1
    [told] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told["result"] == "failed"
    assert "expected review, seen intake" in told["faults"][0]
