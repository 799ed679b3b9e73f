"""Puts a dossier together: every section, numbered, its first page, and the list of what it cites."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from domain.calendar import japanese_day
from domain.law import require
from domain.reasons import Wording
from domain.statements import beginnings, gaps, observations, results, work
from domain.statements.brief import Basis, Brief, Citation, Content, Section, Statement, Summary
from domain.statements.reading import Draft, Reading
from domain.statements.types import type_said
from domain.visibility import told

TEMPLATE: Final = 1
"""The templates of this release. What was issued by older ones is rebuilt by older ones, so they stay."""

TITLES: Final[Mapping[str, Wording]] = {
    "D0": Wording("表題・同意の範囲", "Header and consent"),
    "D1": Wording("技術ニーズ", "Technical need"),
    "D2": Wording("センターによる審査", "Independent review"),
    "D3": Wording("関与した研究機関", "Who looked at it"),
    "D4": Wording("現地での観察", "On-site observation"),
    "D5": Wording("技術成熟度", "Technology readiness"),
    "D6": Wording("連携・契約", "Collaboration"),
    "D7": Wording("進捗・マイルストーン", "Progress"),
    "D8": Wording("知的財産", "Intellectual property"),
    "D9": Wording("製品・市場に関する事実", "Product and market facts"),
    "D10": Wording("研究開発に関する企業の申告", "R&D facts as stated by the company"),
    "D11": Wording("未確認事項・期限・訂正", "Gaps, due dates, corrections"),
    "D12": Wording("ローカルベンチマークとの対応", "Crosswalk to the Local Benchmark"),
    "D13": Wording("引用した記録の一覧", "List of records cited"),
}
_SECTIONS: Final[Mapping[str, Callable[[Reading], Iterable[Draft]]]] = {
    "D0": beginnings.header,
    "D1": beginnings.need,
    "D2": beginnings.review,
    "D3": beginnings.researchers,
    "D4": observations.visits,
    "D5": observations.readiness,
    "D6": work.collaboration,
    "D7": work.progress,
    "D8": results.rights,
    "D9": results.market,
    "D10": results.company_facts,
    "D11": gaps.gaps,
}
_VIEWS: Final = (
    (Wording("経営者", "The manager"), ()),
    (Wording("事業(強み・技術力)", "The business (strengths and technology)"), ("D4", "D5", "D7", "D9")),
    (Wording("企業を取り巻く環境・関係者", "Environment and stakeholders"), ()),
    (
        Wording(
            "内部管理体制(研究開発・商品開発の体制、知的財産権の保有・活用)",
            "Internal control (set-up of research and development, holding and use of intellectual property)",
        ),
        ("D6", "D8", "D10"),
    ),
)
"""The four views of the Local Benchmark (METI) and the sections that serve each; its six indicators stay empty."""
_REPORTS: Final = frozenset({"VisitReportFiled", "VisitReportConfirmed"})
_ROOM: Final = 12
"""How many lasting lines, the newest, one part of the first page holds beside one line a section."""


def compose(brief: Brief) -> Content:
    """What a dossier made from *brief* says. Raises Refused: `citation_required`, or `not_rendered` by this release."""
    require(brief.template == TEMPLATE, "not_rendered", problem=f"template {brief.template}")
    reading = Reading(brief)
    drafts = {name: list(write(reading)) or [_nothing(reading)] for name, write in _SECTIONS.items()}
    sections = {name: _numbered(name, lines) for name, lines in drafts.items()}
    marked = [
        (draft, line) for name, lines in drafts.items() for draft, line in zip(lines, sections[name], strict=True)
    ]
    sections["D12"] = _numbered("D12", list(_crosswalk(reading, sections, drafts)))
    cited = _cited(brief, [line for lines in sections.values() for line in lines])
    events = {one.event.event_id: one.event for one in brief.exhibits}
    sections["D13"] = _numbered(
        "D13",
        [
            Draft(f"{one.type_ja}({one.type})", f"{one.type_en} ({one.type})", Basis.computed, (events[one.event_id],))
            for one in cited
        ],
    )
    return Content(
        brief=brief,
        sections=tuple(
            Section(section=name, title_ja=TITLES[name].ja, title_en=TITLES[name].en, lines=tuple(lines))
            for name, lines in sections.items()
        ),
        summary=Summary(**{place: _first_page(marked, place) for place in ("happened", "missing", "due")}),
        citations=cited,
        reports=tuple(dict.fromkeys(told(events[one.event_id], "report_id") for one in cited if one.type in _REPORTS)),
    )


def _nothing(reading: Reading) -> Draft:
    """A section without a line says so, as of the last event there is."""
    return Draft(
        "この区分に記載できる記録はない。", "There is no record to tell here.", Basis.computed, (reading.last,)
    )


def _numbered(section: str, drafts: Sequence[Draft]) -> list[Statement]:
    """*drafts* with their numbers; a line without a citation has no form (invariant 27)."""
    for number, one in enumerate(drafts, 1):
        require(one.cites, "citation_required", line=f"{section}.{number}")
    return [
        Statement(
            line_id=f"{section}.{number}",
            statement_ja=one.ja,
            statement_en=one.en,
            basis=one.basis,
            cites=tuple(dict.fromkeys(event.event_id for event in one.cites)),
            as_of=max(japanese_day(event.occurred_at) for event in one.cites),
            confirmed_by=one.confirmed_by,
        )
        for number, one in enumerate(drafts, 1)
    ]


def _first_page(marked: Sequence[tuple[Draft, Statement]], place: str) -> tuple[str, ...]:
    """The lines for one part of the first page, in order: the newest of each section, and lasting ones."""
    here = [(draft.mark, line.line_id) for draft, line in marked if draft.mark and draft.mark.place == place]
    kept = [line_id for mark, line_id in here if mark.lasting][-_ROOM:]
    newest = {line_id.partition(".")[0]: line_id for mark, line_id in here if not mark.lasting}
    return tuple(line_id for _, line_id in here if line_id in {*kept, *newest.values()})


def _crosswalk(
    reading: Reading, sections: Mapping[str, Sequence[Statement]], drafts: Mapping[str, Sequence[Draft]]
) -> Iterable[Draft]:
    """D12: which lines serve which view; nothing is filled in that the lines do not say."""
    for view, names in _VIEWS:
        pairs = [pair for name in names for pair in zip(drafts[name], sections[name], strict=True)]
        lines = [line.line_id for draft, line in pairs if draft.basis is not Basis.computed]
        events = [event for draft, _ in pairs if draft.basis is not Basis.computed for event in draft.cites]
        served = ", ".join(lines)
        yield Draft(
            f"{view.ja}: {served or '該当する記載なし'}",
            f"{view.en}: {served or 'no line serves it'}",
            Basis.computed,
            tuple(events) or (reading.last,),
        )


def _cited(brief: Brief, lines: Iterable[Statement]) -> tuple[Citation, ...]:
    wanted = {event_id for line in lines for event_id in line.cites}
    return tuple(
        Citation(
            event_id=one.event.event_id,
            type=one.event.type,
            type_ja=type_said(one.event.type).ja,
            type_en=type_said(one.event.type).en,
            occurred_at=one.event.occurred_at,
            recorded_at=one.event.recorded_at,
            actor_role=one.event.actor.role.value,
            leaf_index=one.leaf_index,
            leaf_hash=one.leaf_hash,
        )
        for one in brief.exhibits
        if one.event.event_id in wanted
    )
