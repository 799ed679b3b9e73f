"""D8 to D10: rights, products and orders, and what the company states of its own research and development."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from domain.calendar import after_months
from domain.reasons import Wording
from domain.statements.brief import Basis
from domain.statements.reading import HAPPENED, TROUBLE, Draft, Reading, Told, joined, plain
from domain.statements.words import day_said, listed, reason_said, said
from domain.views import LAID_OPEN_MONTHS

_Tell = Callable[[Reading, Told], Draft]


def _draft(one: Told, ja: str, en: str, basis: Basis = Basis.observed, *, trouble: bool = False) -> Draft:
    day = day_said(one.event.occurred_at)
    mark = TROUBLE if trouble else HAPPENED
    return Draft(f"{day.ja}、{ja}。", f"On {day.en} {en}.", basis, one.cites, mark)


def rights(reading: Reading) -> Iterable[Draft]:
    """D8: what is decided, filed and transferred; nothing of what an invention is (novelty)."""
    yield from (_RIGHTS[one.event.type](reading, one) for one in reading.all(*_RIGHTS))


def _owner(reading: Reading, one: Told) -> Draft:
    owner = said(one.fact.owner)
    return _draft(one, f"発明1件の帰属が決まった: {owner.ja}", f"the owner of one invention was decided: {owner.en}")


def _filed(reading: Reading, one: Told) -> Draft:
    fact, office, number = one.fact, said(one.fact.office), _public_number(reading, one)
    joint = Wording("共同で" if fact.joint else "", "jointly " if fact.joint else "")
    return _draft(
        one,
        f"発明1件を{joint.ja}特許出願した({office.ja}{number.ja})",
        f"a patent application on one invention was {joint.en}filed ({office.en}{number.en})",
    )


def _public_number(reading: Reading, one: Told) -> Wording:
    """A number is told once it is public: granted, or laid open 18 months after the filing (Patent Act, art. 64)."""
    fact = one.fact
    granted = reading.brief.case.inventions.get(fact.invention_id)
    laid_open = after_months(one.event.occurred_at, LAID_OPEN_MONTHS) <= reading.brief.issued_at
    public = laid_open or (granted is not None and granted.granted) or one.event.type == "PatentGranted"
    if not fact.number or not public:
        return Wording("", "") if fact.number is None else Wording("、番号は公開前", ", number not public yet")
    number = plain(fact.number)
    return Wording(f"、{number.ja}", f", {number.en}")


def _granted(reading: Reading, one: Told) -> Draft:
    office, number = said(one.fact.office), _public_number(reading, one)
    return _draft(one, f"特許が成立した({office.ja}{number.ja})", f"a patent was granted ({office.en}{number.en})")


def _terms(reading: Reading, one: Told) -> Wording:
    fact = one.fact
    parts = [
        Wording(f"{ja} {told.ja}", f"{en} {told.en}")
        for ja, en, text in (
            ("分野", "field", fact.field),
            ("地域", "territory", fact.territory),
            ("期間", "term", fact.term),
        )
        if text
        for told in [plain(text)]
    ]
    found = listed(parts)
    return Wording(f"({found.ja})", f" ({found.en})") if found.ja else Wording("", "")


def _from_to(reading: Reading, one: Told) -> Wording:
    """The parties, where they are organizations by id; a person is not named."""
    known = reading.brief.names
    giver, taker = known.get(one.fact.licensor or ""), known.get(one.fact.licensee or "")
    return Wording(
        (f"{giver}から" if giver else "") + (f"{taker}へ" if taker else ""),
        (f" by {giver}" if giver else "") + (f" to {taker}" if taker else ""),
    )


def _license(reading: Reading, one: Told) -> Draft:
    exclusivity, terms, parties = said(one.fact.exclusivity), _terms(reading, one), _from_to(reading, one)
    return _draft(
        one,
        f"{parties.ja}{exclusivity.ja}実施許諾が行われた{terms.ja}",
        f"a license ({exclusivity.en}) was granted{parties.en}{terms.en}",
        Basis.contractual,
    )


def _assigned(reading: Reading, one: Told) -> Draft:
    terms, parties = _terms(reading, one), _from_to(reading, one)
    return _draft(
        one, f"{parties.ja}権利が譲渡された{terms.ja}", f"rights were assigned{parties.en}{terms.en}", Basis.contractual
    )


def _know_how(reading: Reading, one: Told) -> Draft:
    terms, parties = _terms(reading, one), _from_to(reading, one)
    return _draft(
        one,
        f"{parties.ja}ノウハウが供与された{terms.ja}",
        f"know-how was transferred{parties.en}{terms.en}",
        Basis.contractual,
    )


def _abandoned(reading: Reading, one: Told) -> Draft:
    why = reason_said(one.event.reason)
    return _draft(one, f"技術移転が取りやめとなった{why.ja}", f"a transfer was given up{why.en}", trouble=True)


def _founded(reading: Reading, one: Told) -> Draft:
    name = reading.name(one.fact.startup_company_id)
    return _draft(one, f"大学発ベンチャー({name})が設立された", f"a start-up ({name}) was founded")


def _listed(reading: Reading, one: Told) -> Draft:
    name, market = reading.name(one.fact.startup_company_id), plain(one.fact.market)
    return _draft(one, f"{name}が株式を公開した({market.ja})", f"{name} went public ({market.en})")


_RIGHTS: Final[Mapping[str, _Tell]] = {
    "InventionOwnershipDecided": _owner,
    "PatentApplicationFiled": _filed,
    "PatentGranted": _granted,
    "LicenseGranted": _license,
    "RightsAssigned": _assigned,
    "KnowHowTransferred": _know_how,
    "TransferAbandoned": _abandoned,
    "StartupFounded": _founded,
    "StartupListed": _listed,
}


def market(reading: Reading) -> Iterable[Draft]:
    """D9: prototype, release, orders as bands, public money, and what became of it; as reported, no outlook."""
    names = _names(reading)
    for one in reading.all("ProductPrototyped", "ProductReleased", "OrdersReported", "FundingRecorded"):
        reporter = said(one.event.actor.role)
        told = _MARKET[one.event.type](reading, one, names)
        yield _draft(one, f"{told.ja}(報告: {reporter.ja})", f"{told.en} (reported by: {reporter.en})", Basis.declared)
    for one in reading.all("FollowUpRecorded"):
        yield _draft(one, *_followed(reading, one), Basis.declared, trouble=one.fact.continued is False)


def _names(reading: Reading) -> dict[str, Wording]:
    found = {}
    for one in reading.all("ProductPrototyped", "ProductReleased"):
        if one.fact.name:
            name = plain(one.fact.name)
            found[one.fact.product_id] = Wording(f"「{name.ja}」", f" “{name.en}”")
    return found


def _product(ja: str, en: str) -> Callable[[Reading, Told, Mapping[str, Wording]], Wording]:
    def tell(reading: Reading, one: Told, names: Mapping[str, Wording]) -> Wording:
        name = names.get(one.fact.product_id, Wording("", ""))
        return Wording(ja.format(name.ja), en.format(name.en))

    return tell


def _orders(reading: Reading, one: Told, names: Mapping[str, Wording]) -> Wording:
    name, fact = names.get(one.fact.product_id, Wording("", "")), one.fact
    band = said(fact.order_band) if reading.may(one, "order_band") else None
    customer = plain(fact.customer_class) if fact.customer_class and reading.may(one, "customer_class") else None
    corrected = Wording("、訂正後の値", ", as corrected") if one.corrected else Wording("", "")
    return Wording(
        f"製品{name.ja}を受注した"
        + (f"。受注額(帯) {band.ja}{corrected.ja}" if band else "")
        + (f"、顧客区分 {customer.ja}" if customer else ""),
        f"orders for the product{name.en} came in"
        + (f": {band.en} (band{corrected.en})" if band else "")
        + (f", class of customer: {customer.en}" if customer else ""),
    )


def _funding(reading: Reading, one: Told, names: Mapping[str, Wording]) -> Wording:
    fact, source = one.fact, plain(one.fact.source)
    programme = plain(fact.programme) if fact.programme else Wording("", "")
    band = said(fact.amount_band) if fact.amount_band and reading.may(one, "amount_band") else None
    return Wording(
        f"公的資金を得た({source.ja} {programme.ja}".rstrip() + (f"、{band.ja})" if band else ")"),
        f"public funding was obtained ({source.en} {programme.en}".rstrip() + (f", {band.en})" if band else ")"),
    )


_MARKET: Final = {
    "ProductPrototyped": _product("製品{}を試作した", "the product{} was prototyped"),
    "ProductReleased": _product("製品{}を発売した", "the product{} was released"),
    "OrdersReported": _orders,
    "FundingRecorded": _funding,
}


def _followed(reading: Reading, one: Told) -> tuple[str, str]:
    fact = one.fact
    parts = [Wording("終了後の状況が報告された", "the time after was reported on")]
    if fact.continued is not None and reading.may(one, "continued"):
        parts.append(
            Wording("(事業は継続)", "(business goes on)")
            if fact.continued
            else Wording("(継続せず)", "(not continued)")
        )
    if fact.jobs is not None and reading.may(one, "jobs"):
        parts.append(Wording(f"(雇用 {fact.jobs}名)", f"(jobs: {fact.jobs})"))
    told = joined(parts)
    return told.ja, told.en


def company_facts(reading: Reading) -> Iterable[Draft]:
    """D10: hard facts as the company states them, each with its day."""
    for one in reading.all("CompanyFactsDeclared"):
        fact, day = one.fact, day_said(one.fact.as_of)
        parts = [
            Wording(f"{ja} {told.ja}", f"{en} {told.en}")
            for name, ja, en, told in (
                ("rd_staff", "研究開発要員", "R&D staff", _count(fact.rd_staff, "名")),
                ("rd_spend_band", "研究開発費(帯)", "R&D spending (band)", said(fact.rd_spend_band)),
                ("patents", "保有特許", "patents held", _count(fact.patents, "件")),
                ("certificates", "認証", "certificates", listed([plain(each) for each in fact.certificates])),
            )
            if getattr(fact, name) not in (None, ()) and reading.may(one, name)
        ]
        if parts:
            found = listed(parts)
            yield Draft(
                f"企業の申告({day.ja}時点): {found.ja}。",
                f"As stated by the company (as of {day.en}): {found.en}.",
                Basis.declared,
                one.cites,
                HAPPENED,
            )


def _count(number: int | None, unit: str) -> Wording:
    return Wording(f"{number}{unit}", str(number))
