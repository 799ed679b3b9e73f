"""Universities, colleges of technology, institutes: registered with their terms, which are data and no constants."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from domain.catalogue.entry import Entry, begun, require_new, require_own
from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, decides, evolves, require
from domain.records import Code, Key, Line, Rate
from domain.terms import OrganizationKind, Role

STREAM: Final = "institution"
KINDS: Final = frozenset(
    {
        *(OrganizationKind.university, OrganizationKind.graduate_school, OrganizationKind.kosen),
        *(OrganizationKind.research_institute, OrganizationKind.public_test_institute, OrganizationKind.tlo),
    }
)


class InstitutionRegistered(EventData):
    """An institution entered the catalogue."""

    institution_id: Key
    name: Line
    kind: OrganizationKind
    prefecture: Code | None = None
    country: Code = "jp"
    indirect_rate: Rate | None = None
    forms: tuple[Code, ...] = ()
    payment_first: bool = True


class InstitutionTermsChanged(EventData):
    """The institution's terms changed."""

    institution_id: Key
    indirect_rate: Rate | None = None
    forms: tuple[Code, ...] | None = None
    payment_first: bool | None = None


class RegisterInstitution(CommandData):
    """Put an institution with its terms into the catalogue."""

    example: ClassVar[Mapping[str, Any]] = {
        "name": "筑紫大学(架空)",
        "kind": "university",
        "prefecture": "fukuoka",
        "indirect_rate": "0.30",
        "forms": ["institution_form", "sakura"],
    }
    institution_id: Key | None = None
    name: Line
    kind: OrganizationKind = OrganizationKind.university
    prefecture: Code | None = None
    country: Code = "jp"
    indirect_rate: Rate | None = None
    forms: tuple[Code, ...] = Field((), max_length=20)
    payment_first: bool = True


class ChangeInstitutionTerms(CommandData):
    """Change the institution's terms."""

    example: ClassVar[Mapping[str, Any]] = {"indirect_rate": "0.20"}
    institution_id: Key | None = None
    indirect_rate: Rate | None = None
    forms: tuple[Code, ...] | None = Field(None, max_length=20)
    payment_first: bool | None = None


class Institution(Entry):
    """One institution of the catalogue."""

    name: str
    kind: OrganizationKind
    prefecture: str | None
    country: str
    indirect_rate: str | None
    forms: tuple[str, ...]
    payment_first: bool

    @property
    def standing(self) -> str:
        """Institutions stay registered."""
        return "registered"


_KEEPERS: Final = frozenset({Role.university_liaison, Role.data_steward})


@decides(RegisterInstitution, by=_KEEPERS, stream=STREAM, opens=True)
def register_institution(one: Institution | None, data: RegisterInstitution, ask: Ask) -> Iterable[EventData]:
    """Its own office or a data steward registers it; what is no institution does not become one."""
    require_new(one)
    require_own(ask.command.case_id, ask)
    require(data.kind in KINDS, "invalid_field", "/data/kind", problem=f"{data.kind} is no kind of institution")
    known = ask.directory.organizations.get(ask.command.case_id)
    fits = known is None or known.kind in KINDS
    require(fits, "invalid_field", "/data/institution_id", problem=f"it is a {known.kind if known else ''}")
    body = data.model_dump(exclude={"institution_id"})
    return [InstitutionRegistered(institution_id=ask.command.case_id, **body)]


@decides(ChangeInstitutionTerms, by=_KEEPERS, stream=STREAM)
def change_institution_terms(one: Institution, data: ChangeInstitutionTerms, ask: Ask) -> Iterable[EventData]:
    """Signed agreements keep the terms they were signed under."""
    require_own(one.entry_id, ask)
    body = data.model_dump(exclude_none=True, exclude={"institution_id"})
    require(body, "invalid_field", "/data", problem="no term is changed")
    return [InstitutionTermsChanged(institution_id=one.entry_id, **body)]


@evolves(InstitutionRegistered, stream=STREAM)
def institution_registered(one: Institution | None, fact: InstitutionRegistered, event: Event) -> Institution:
    """The institution is in the catalogue."""
    return Institution(**fact.model_dump(exclude={"institution_id"}), **begun(event))


@evolves(InstitutionTermsChanged, stream=STREAM)
def institution_terms_changed(one: Institution, fact: InstitutionTermsChanged, event: Event) -> Institution:
    """The new terms hold for what is signed from now on."""
    return one.but(**fact.model_dump(exclude={"institution_id"}, exclude_none=True))
