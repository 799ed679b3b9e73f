"""Write the golden of the present templates, never that of released ones: `python tests/rules/golden_dossier.py`.

A brief as data, events in their kept bytes, and what the templates made of it, which `test_templates.py` makes again.
"""

import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from rules_dossier import LENDING, brief_of  # noqa: E402
from rules_story import Story  # noqa: E402

from domain.canonical import canonical  # noqa: E402
from domain.statements.brief import Brief  # noqa: E402
from domain.statements.compose import TEMPLATE  # noqa: E402
from dossier.document import document_of  # noqa: E402
from store.codec import encode  # noqa: E402

FOLDER: Final = Path(__file__).parent / "dossiers"


def story() -> Story:
    """A case with something to tell in every section, good and bad."""
    case = Story().licensed()
    case.must("ueno", "RecordFiling", {"invention_id": "i1", "office": "jpo", "number": "2026-012345"})
    case.must("hayashi", "AssessReadiness", {"level": 3, "basis": "密度の測定"}, evidence=("doc_evidence",))
    for milestone, due in (("m1", "2027-01-15"), ("m2", "2027-03-10")):
        case.must("hayashi", "PlanMilestone", {"milestone_id": milestone, "title": f"密度 {milestone}", "due_on": due})
    case.must("hayashi", "RecordMilestone", {"milestone_id": "m1", "result": "missed"})
    case.must("ueno", "SuspendResearch", {"expected_resume_on": "2027-02-01"}, reason="safety")
    case.must("arita", "ReportProduct", {"product_id": "p1", "name": "反射鏡", "released_on": "2026-12-01"})
    order = case.must("arita", "ReportOrders", {"product_id": "p1", "order_band": "10m_50m"}).events[-1]
    case.must("arita", "DeclareCompanyFacts", {"rd_staff": 4, "patents": 2, "as_of": "2026-04-01"})
    case.must("arita", "RecordConsent", LENDING)
    right = {"corrects_event_id": order.event_id, "right_value": {"order_band": "3m_10m"}}
    return case.must("doi", "CorrectEvent", right, reason="other").must("mori", "ConfirmDecision")


def frame(brief: Brief) -> dict[str, Any]:
    """What of *brief* is not in the events."""
    told = brief.model_dump(mode="json", exclude={"case", "exhibits", "consent"})
    return {**told, "consent_id": brief.consent.consent_id}


def main() -> int:
    """Write the files of the present template, unless they are there."""
    folder = FOLDER / f"template-{TEMPLATE}"
    if folder.exists():
        print(f"{folder.name} was released; its files stay. New sentences are a new TEMPLATE beside the old one.")
        return 1
    folder.mkdir(parents=True)
    brief = brief_of(story())
    (folder / "events.jsonl").write_bytes(b"".join(encode(one.event) + b"\n" for one in brief.exhibits))
    (folder / "frame.json").write_bytes(canonical(frame(brief)))
    (folder / "dossier.json").write_bytes(canonical(document_of(brief)[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
