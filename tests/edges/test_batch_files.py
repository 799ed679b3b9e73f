"""A broken table says what is wrong, in which row and column; a sound one is read whoever wrote it."""

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from broken_tables import Broken, all_broken
from openpyxl import load_workbook
from tables import FIELDS, HEADER, book_of, csv_of, row, saved, shared, text_of, xlsx_of

from domain.envelope import FORESEEN, Actor, Command, Context
from domain.refusals import Refusal
from domain.stages.intake import ReferNeed
from domain.streams import decide
from domain.terms import Role
from gateway.batches.faults import OF_A_FILE, OF_A_ROW, UnfitFile
from gateway.batches.reading import Format, Reading, read_table, readings
from gateway.batches.referring import fault_of
from gateway.batches.template import template_csv, template_xlsx
from gateway.problems import refused

NOW = datetime(2026, 4, 1, tzinfo=UTC)
BANK = Actor(role=Role.bank_officer, org_id="jfs", person="sato")
BROKEN = all_broken()


def read(content: bytes, form: Format = "csv") -> list[Reading]:
    """The rows of a file, without a store."""
    return readings(read_table(content, form), {})


def data_of(content: bytes, form: Format = "csv") -> ReferNeed:
    """The need in the first row, which is sound."""
    [first, *_] = read(content, form)
    assert first.body is not None, first.faults
    assert isinstance(first.body.data, ReferNeed)
    return first.body.data


def faults_of(one: Reading) -> list[tuple[int, str, str]]:
    """What is wrong with a row, by its shape or by the law."""
    found = list(one.faults)
    if one.body is not None:
        command = Command(command_id="c", case_id="x", name="ReferNeed", data=one.body.data, actor=BANK)
        facts = decide(None, command, Context(now=NOW, paper=FORESEEN))
        found += [fault_of(refused(facts))] if isinstance(facts, Refusal) else []
    return [(one.row, fault.column, fault.code) for fault in found]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The broken files, as a bank would have them."""
    place = tmp_path_factory.mktemp("broken")
    for one in BROKEN:
        (place / one.name).write_bytes(one.content)
    return place


def test_there_are_many_ways_to_break_a_table() -> None:
    names = [one.name for one in BROKEN]
    assert len(names) == len(set(names)) >= 40
    told = {code for one in BROKEN for _, _, code in one.faults}
    assert told >= {*OF_A_FILE, *OF_A_ROW} - {"ambiguous_document"}, "every fault has a file"


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
def test_a_broken_table_is_blamed_where_it_is_broken(folder: Path, broken: Broken) -> None:
    form: Format = "csv" if broken.name.endswith(".csv") else "xlsx"
    content = (folder / broken.name).read_bytes()
    if broken.whole:
        with pytest.raises(UnfitFile) as unfit:
            read(content, form)
        told = (unfit.value.row, unfit.value.column, unfit.value.code)
        assert [told] == broken.faults
        assert unfit.value.text.ja and unfit.value.text.en
    else:
        rows = read(content, form)
        assert [fault for one in rows for fault in faults_of(one)] == broken.faults
        assert all(fault.text.ja and fault.text.en for one in rows for fault in one.faults)


def test_the_byte_that_fits_no_encoding_is_named() -> None:
    content = csv_of(row(), encoding="cp932") + b"\xff\xff"
    with pytest.raises(UnfitFile) as unfit:
        read(content[:-2] + b"\x81")
    assert unfit.value.facts == {"byte": len(content) - 2}


def test_all_ways_to_write_a_table_are_one() -> None:
    rows = [row("F-1"), row("F-2", consent__document_id="")]
    told = [one.body for one in read(csv_of(*rows))]
    assert None not in told
    for encoding in ("utf-8-sig", "cp932"):
        assert [one.body for one in read(csv_of(*rows, encoding=encoding))] == told
    assert [one.body for one in read(xlsx_of(*rows), "xlsx")] == told
    assert [one.body for one in read(shared(xlsx_of(*rows)), "xlsx")] == told
    for header in (FIELDS, [one.split(" [")[0] for one in HEADER]):
        assert [one.body for one in read(text_of(rows, header).encode())] == told
        assert [one.body for one in read(saved(book_of(rows, header)), "xlsx")] == told
    spaced = [one.split(" [")[0].replace(": ", "：") for one in HEADER]
    assert [one.body for one in read(text_of(rows, spaced).encode())] == told
    turned = [list(reversed(one)) for one in rows]
    assert [one.body for one in read(text_of(turned, HEADER[::-1]).encode())] == told
    assert [one.body for one in read(csv_of(*rows).replace(b"\r\n", b"\n"))] == told


@pytest.mark.parametrize(
    "told", ["2027-03-31", "2027/3/31", "2027年3月31日", "令和9年3月31日", "２０２７／０３／３１", "令和９年３月３１日"]
)
def test_a_day_is_taken_where_it_is_beyond_doubt(told: str) -> None:
    assert data_of(csv_of(row(desired_by=told))).desired_by == date(2027, 3, 31)


def test_a_day_of_a_spreadsheet_is_a_day() -> None:
    book = xlsx_of(row(desired_by=datetime.fromisoformat("2027-03-31T00:00"), consent__valid_until=date(2029, 3, 31)))
    assert data_of(book, "xlsx").desired_by == date(2027, 3, 31)


def test_numbers_of_a_spreadsheet_are_references_and_corporate_numbers() -> None:
    need = data_of(xlsx_of(row(bank_reference=31, company__corporate_number=4990101234567)), "xlsx")
    assert need.company is not None
    assert (need.bank_reference, need.company.corporate_number) == ("31", "4990101234567")


def test_full_width_digits_are_digits_and_texts_stay_as_they_are() -> None:
    told = {
        "company__corporate_number": "４９９０１０１２３４５６７",
        "company__name": "ｱﾘｱｹﾄｳｷﾞﾖｳ(ｶ)",
        "title": "①𠮷野家🍚",
    }
    need = data_of(csv_of(row(**told)))
    assert need.company is not None
    assert (need.company.corporate_number, need.company.name) == ("4990101234567", "ｱﾘｱｹﾄｳｷﾞﾖｳ(ｶ)")
    assert need.title == "①𠮷野家🍚"


def test_codes_are_known_by_their_words_too() -> None:
    words = {"urgency": "高", "budget_band": "5000万円以上", "company__prefecture": "佐賀県", "consent__method": "電子"}
    need = data_of(csv_of(row(**words, consent__recipients="交流センター、大学 [universities]")))
    assert need.company is not None
    assert need.consent is not None
    assert (need.urgency, need.budget_band, need.company.prefecture) == ("high", "over_50m", "saga")
    assert (need.consent.method, need.consent.recipients) == ("electronic", ("center", "universities"))


def test_a_text_that_looks_like_a_formula_is_a_text_unless_it_is_one() -> None:
    assert data_of(csv_of(row(title="-20℃でも割れない釉薬"))).title == "-20℃でも割れない釉薬"
    assert data_of(csv_of(row(title="+α の強度"))).title == "+α の強度"


def test_empty_rows_do_not_shift_the_numbers_of_the_others() -> None:
    empty: list[Any] = [""] * len(HEADER)
    assert [one.row for one in read(csv_of(row("F-1"), empty, row("F-2")))] == [2, 4]
    assert [one.row for one in read(xlsx_of(row("F-1"), [None], row("F-2")), "xlsx")] == [2, 4]


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_template_that_is_filled_in_is_taken(language: Any) -> None:
    [header] = csv.reader(io.StringIO(template_csv(language).decode("utf-8-sig")))
    assert data_of(text_of([row("F-1")], header).encode()).bank_reference == "F-1"
    book = load_workbook(io.BytesIO(template_xlsx(language)))
    sheet = book.worksheets[0]
    assert [cell.value for cell in sheet[1]] == header
    for number, cell in enumerate(row("F-1"), 1):
        sheet.cell(2, number, cell)
    assert data_of(saved(book), "xlsx").bank_reference == "F-1"
    with pytest.raises(UnfitFile, check=lambda fault: fault.code == "no_rows"):
        read(template_xlsx(language), "xlsx")


def test_a_template_offers_the_values_of_each_column() -> None:
    book = load_workbook(io.BytesIO(template_xlsx("ja")))
    needs, guide, lists = book.worksheets
    offered = [one for one in needs.data_validations.dataValidation if one.type == "list"]
    assert len(offered) == 7
    for one in offered:
        place = one.formula1.split("!")[1].replace("$", "")
        values = [cell.value for [cell] in lists[place]]
        letter = str(one.sqref).split("2:")[0]
        field = needs[f"{letter}1"].value.split("[")[1].rstrip("]")
        for value in values:
            changes = {field.replace(".", "__"): value}
            assert read(csv_of(row(**changes)))[0].body is not None, value
    assert [line[0].value for line in guide.iter_rows(min_row=2)] == HEADER


def test_every_field_of_a_need_has_its_column() -> None:
    need = data_of(csv_of(row(program_tags="a;b", urgency="high", consent__method="electronic")))
    made = {"company_id", "need_id", "referral_id"}
    told = need.model_dump(exclude_none=True, exclude=made)
    assert told.keys() == ReferNeed.model_fields.keys() - made
    assert {*told["company"], *told["consent"]} >= {"corporate_number", "prefecture", "recipients", "method"}


def test_every_code_of_a_table_is_explained_to_the_bank() -> None:
    page = (Path(__file__).parents[2] / "docs" / "bulk-intake.md").read_text("utf-8")
    for code, words in {**OF_A_FILE, **OF_A_ROW}.items():
        assert f"| `{code}` | {words.ja} | {words.en} |" in page
