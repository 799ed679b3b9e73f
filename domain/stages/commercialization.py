"""S9 commercialization 事業化: prototype, release, orders; and the facts a company declares of itself."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import Field

from domain.consents import NEED_DETAIL
from domain.envelope import CommandData, Event, EventData
from domain.law import Ask, View, decides, evolves, refuse, require
from domain.records import Code, Day, Key, Line
from domain.state import Case, Product, changed
from domain.terms import Band, Role, Stage


class ProductPrototyped(EventData):
    """A prototype exists."""

    product_id: Key
    name: Line | None = None


class ProductReleased(EventData):
    """The product is on the market."""

    happens: ClassVar[str] = "released_on"
    product_id: Key
    name: Line | None = None
    released_on: Day


class OrdersReported(EventData):
    """Orders came in."""

    carries: ClassVar[Mapping[str, str]] = {"order_band": NEED_DETAIL, "customer_class": NEED_DETAIL}
    product_id: Key
    order_band: Band
    customer_class: Line | None = None


class FundingRecorded(EventData):
    """Public money supports the work."""

    carries: ClassVar[Mapping[str, str]] = {"amount_band": NEED_DETAIL}
    source: Line
    programme: Line | None = None
    amount_band: Band | None = None
    period: Line | None = None


class CompanyFactsDeclared(EventData):
    """Hard facts on research and development, as the company states them."""

    carries: ClassVar[Mapping[str, str]] = {
        "rd_staff": NEED_DETAIL,
        "rd_spend_band": NEED_DETAIL,
        "patents": NEED_DETAIL,
        "certificates": NEED_DETAIL,
    }
    rd_staff: int | None = None
    rd_spend_band: Band | None = None
    patents: int | None = None
    certificates: tuple[Line, ...] = ()
    as_of: Day


class ReportProduct(CommandData):
    """Report a prototype, or with `released_on` a released product."""

    creates: ClassVar[Mapping[str, str]] = {"product_id": "product"}
    example: ClassVar[Mapping[str, Any]] = {"name": "反射鏡", "released_on": "2028-04-30"}
    product_id: Key | None = None
    name: Line | None = None
    released_on: Day | None = None
    result: Code | None = None


class ReportOrders(CommandData):
    """Report orders as a band and the class of the customer, never its name."""

    example: ClassVar[Mapping[str, Any]] = {"order_band": "10m_50m", "customer_class": "大手電機メーカー"}
    product_id: Key | None = None
    order_band: Band
    customer_class: Line | None = None


class RecordFunding(CommandData):
    """Record public money that supports the work."""

    example: ClassVar[Mapping[str, Any]] = {"source": "NEDO", "programme": "実用化助成", "amount_band": "3m_10m"}
    source: Line
    programme: Line | None = None
    amount_band: Band | None = None
    period: Line | None = None


class DeclareCompanyFacts(CommandData):
    """Declare hard facts on the company's research and development."""

    example: ClassVar[Mapping[str, Any]] = {"rd_staff": 3, "patents": 1, "as_of": "2026-03-31"}
    rd_staff: int | None = Field(None, ge=0, le=1_000_000, strict=True)
    rd_spend_band: Band | None = None
    patents: int | None = Field(None, ge=0, le=1_000_000, strict=True)
    certificates: tuple[Line, ...] = Field((), max_length=50)
    as_of: Day | None = None


_REPORTERS = frozenset({Role.company_representative, Role.bank_officer})


@decides(ReportProduct, by=_REPORTERS, coordinated=True)
def report_product(case: Case, data: ReportProduct, ask: Ask) -> Iterable[EventData]:
    """A prototype first or at once a release."""
    product_id = data.product_id or next(iter(case.products), None) or ask.new_id("product")
    known = case.products.get(product_id)
    if data.released_on is None and data.result != "released":
        require(known is None, "already_done", "/data/product_id", fact=product_id)
        return [ProductPrototyped(product_id=product_id, name=data.name)]
    released_on = data.released_on or ask.day
    require(released_on <= ask.today, "not_yet_happened", "/data/released_on", at=released_on)
    require(not (known and known.released_on), "already_done", "/data/product_id", fact=product_id)
    name = data.name or (known.name if known else None)
    return [ProductReleased(product_id=product_id, name=name, released_on=released_on)]


@decides(ReportOrders, by=_REPORTERS)
def report_orders(case: Case, data: ReportOrders, ask: Ask) -> Iterable[EventData]:
    """Orders belong to a product of the case."""
    key = data.product_id or next(reversed(case.products), None)
    if key is None or key not in case.products:
        refuse("invalid_field", "/data/product_id", problem="there is no such product")
    return [OrdersReported(product_id=key, order_band=data.order_band, customer_class=data.customer_class)]


@decides(RecordFunding, by={Role.company_representative, Role.coordinator}, coordinated=True)
def record_funding(case: Case, data: RecordFunding, ask: Ask) -> Iterable[EventData]:
    """Funding is a fact of the case."""
    return [FundingRecorded(**data.model_dump())]


@decides(DeclareCompanyFacts, by={Role.company_representative, Role.coordinator})
def declare_company_facts(case: Case, data: DeclareCompanyFacts, ask: Ask) -> Iterable[EventData]:
    """Declared facts carry the day they were true."""
    as_of = data.as_of or ask.day
    require(as_of <= ask.today, "not_yet_happened", "/data/as_of", at=as_of)
    return [CompanyFactsDeclared(**{**data.model_dump(), "as_of": as_of})]


def _product(case: Case, product_id: str, **changes: Any) -> Case:
    known = case.products.get(product_id) or Product(product_id=product_id, name=None)
    return case.with_("products", product_id, changed(known, **changes))


@evolves(ProductPrototyped, bank=View.full, enters=Stage.commercialization)
def product_prototyped(case: Case, fact: ProductPrototyped, event: Event) -> Case:
    """A prototype is there."""
    return _product(case, fact.product_id, name=fact.name, prototyped=True)


@evolves(ProductReleased, bank=View.full, enters=Stage.commercialization)
def product_released(case: Case, fact: ProductReleased, event: Event) -> Case:
    """The product is on the market."""
    return _product(case, fact.product_id, name=fact.name, released_on=fact.released_on)


@evolves(OrdersReported, bank=View.full)
def orders_reported(case: Case, fact: OrdersReported, event: Event) -> Case:
    """Orders add up."""
    return _product(case, fact.product_id, orders=(*case.products[fact.product_id].orders, fact.order_band))


@evolves(FundingRecorded, bank=View.full)
def funding_recorded(case: Case, fact: FundingRecorded, event: Event) -> Case:
    """The funding is on record."""
    return case


@evolves(CompanyFactsDeclared, bank=View.full)
def company_facts_declared(case: Case, fact: CompanyFactsDeclared, event: Event) -> Case:
    """The declaration is on record."""
    return case
