"""Commercialization: prototype, release and orders, as company or bank report them."""

from rules_story import Story


def test_a_product_is_prototyped_then_released_then_ordered(story: Story) -> None:
    story.licensed()
    assert story.says("arita", "ReportOrders", {"order_band": "1m_3m"}) == "invalid_field"
    assert story.says("arita", "ReportProduct", {"name": "反射鏡"}) == ["ProductPrototyped"]
    assert story.stands == ("commercialization", "open")
    assert story.says("arita", "ReportProduct", {"name": "反射鏡"}) == "already_done"
    assert story.says("sato", "ReportProduct", {"released_on": "2027-01-01"}) == "not_yet_happened"
    assert story.says("sato", "ReportProduct", {"released_on": "2026-12-17"}) == ["ProductReleased"]
    assert story.says("sato", "ReportProduct", {"released_on": "2026-12-17"}) == "already_done"
    assert story.says("arita", "ReportOrders", {"order_band": "10m_50m", "customer_class": "大手電機"}) == [
        "OrdersReported"
    ]
    assert [str(one) for one in story.state.products.popitem()[1].orders] == ["10m_50m"]


def test_only_a_released_product_ends_as_commercialized(story: Story) -> None:
    story.licensed().must("arita", "ReportProduct", {"product_id": "p"})
    assert story.says("tanaka", "CloseCase", {"disposition": "commercialized"}) == "disposition_unfounded"
    story.must("arita", "ReportProduct", {"product_id": "p", "released_on": "2026-12-17"})
    assert story.says("tanaka", "CloseCase", {"disposition": "commercialized"}) == ["CaseClosed"]


def test_funding_and_company_facts_are_on_record(story: Story) -> None:
    story.in_review()
    funding = {"source": "NEDO", "programme": "実用化助成", "amount_band": "3m_10m"}
    assert story.says("tanaka", "RecordFunding", funding) == ["FundingRecorded"]
    assert story.says("arita", "DeclareCompanyFacts", {"rd_staff": 3}) == ["CompanyFactsDeclared"]
    assert story.says("arita", "DeclareCompanyFacts", {"as_of": "2027-01-01"}) == "not_yet_happened"
