"""A dossier as JSON, HTML and PDF: the same sentences, to be read by all, and nothing of the data taken as markup."""

import io
import json
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
from dossier_texts import text_of_html, text_of_pdf, verdicts
from pypdf import PdfReader
from rules_dossier import LENDING, brief_of
from rules_story import TOLD, Story

from domain.canonical import canonical
from domain.reasons import Wording
from domain.statements import compose
from dossier.document import document_of
from dossier.glyphs import NoGlyph, require_glyphs
from dossier.html import html_of
from dossier.pdf import Attachment, pages_of, pdf_of

RARE = "髙﨑𠮷邉濵①㈱Ⅲ㎡祇葛ｱｲｳ"
INJECTED = [
    '#read("/etc/passwd")',
    "*bold* _x_ $x^2$ @ref <a> \\ `code`",
    "<script>alert(1)</script>&amp;",
    "{{ 7*7 }} {% x %}",
]


def body_of(**need: Any) -> bytes:
    """The canonical JSON of a dossier on a need that says so and so."""
    case = Story(TOLD).report_confirmed(**need).must("arita", "RecordConsent", LENDING)
    return canonical(document_of(brief_of(case))[1])


@pytest.fixture(scope="module")
def body() -> bytes:
    return body_of(title=f"部品 {RARE}", description=" ".join(INJECTED))


@pytest.fixture(scope="module", params=["ja", "en"])
def paper(request: pytest.FixtureRequest, body: bytes) -> tuple[str, bytes]:
    return request.param, pdf_of(body, request.param, [Attachment("evidence.zip", b"PK-x", "application/zip", "x")])


def squeezed(text: str) -> str:
    """*text* without spaces and line ends."""
    return re.sub(r"\s+", "", text)


def test_the_paper_is_pdf_a_3_with_its_fonts_and_its_evidence_inside(paper: tuple[str, bytes], body: bytes) -> None:
    lang, made = paper
    reader = PdfReader(io.BytesIO(made))
    assert b"<pdfaid:part>3</pdfaid:part>" in made and b"<pdfaid:conformance>A</pdfaid:conformance>" in made
    assert reader.root_object["/Lang"] == lang and "/StructTreeRoot" in reader.root_object
    assert {name: one[0] for name, one in reader.attachments.items()} == {"dossier.json": body, "evidence.zip": b"PK-x"}
    fonts = {str(font) for page in reader.pages for font in (page["/Resources"]["/Font"]).values()}
    assert fonts and "NotoSansJP" in made.decode("latin-1")


def test_the_same_dossier_is_the_same_paper(body: bytes) -> None:
    assert pdf_of(body, "ja") == pdf_of(body, "ja")


def test_every_page_bears_the_fixed_sentence(paper: tuple[str, bytes], body: bytes) -> None:
    lang, made = paper
    notice = squeezed(json.loads(body)["notice"][lang])
    pages = [squeezed(page.extract_text()) for page in PdfReader(io.BytesIO(made)).pages]
    assert len(pages) > 1 and all(notice in page for page in pages)


def test_every_form_says_every_sentence_and_every_rare_character(paper: tuple[str, bytes], body: bytes) -> None:
    lang, made = paper
    printed, shown = squeezed(text_of_pdf(made)), squeezed(text_of_html(html_of(body, lang)))
    for section in json.loads(body)["sections"][:-1]:
        for line in section["lines"]:
            sentence = squeezed(line[f"statement_{lang}"])
            assert sentence in shown, line
            assert sentence in printed, line
    assert RARE in shown and RARE in printed


def test_words_of_the_data_are_printed_as_they_are(body: bytes) -> None:
    printed, page = squeezed(text_of_pdf(pdf_of(body, "ja"))), html_of(body, "ja").decode()
    for words in INJECTED:
        assert squeezed(words) in printed
    assert "<script" not in page and "&lt;script&gt;" in page and "{{ 7*7 }}" in page


class Outline(HTMLParser):
    """What matters to somebody who does not see the page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags = Counter[str]()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.headings: list[int] = []
        self.scopes: list[str | None] = []
        self.language: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags[tag] += 1
        self.ids += [one for one in [told.get("id")] if one]
        self.targets += [one[1:] for one in [told.get("href")] if one and one.startswith("#")]
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag == "th":
            self.scopes.append(told.get("scope"))
        if tag == "html":
            self.language = told.get("lang")


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_page_is_readable_by_all(body: bytes, lang: str) -> None:
    page, outline = html_of(body, lang).decode(), Outline()
    outline.feed(page)
    assert (outline.language, outline.tags["h1"], outline.tags["main"], outline.tags["script"]) == (lang, 1, 1, 0)
    assert not re.search(r"(?:src|href)=[\"'](?!#)", page), "nothing is loaded from elsewhere"
    assert len(outline.ids) == len(set(outline.ids)) and set(outline.targets) <= set(outline.ids)
    assert all(later - earlier <= 1 for earlier, later in zip(outline.headings, outline.headings[1:], strict=False))
    assert outline.scopes and set(outline.scopes) <= {"col", "row"}
    assert ('<span lang="ja">' in page) == (lang == "en"), "Japanese on an English page is read out as Japanese"


def test_no_form_says_a_verdict_and_a_planted_one_is_found(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """3c; the planted word is the control."""
    assert verdicts(body) == {}
    planted = {**compose.TITLES, "D5": Wording("有望な技術", "A promising technology")}
    monkeypatch.setattr(compose, "TITLES", planted)
    found = verdicts(body_of())
    assert found["json"] == ["有望", "promising"] or found["json"] == ["promising", "有望"]
    assert {form: words[0].lower() for form, words in found.items() if form != "json"} == {
        **dict.fromkeys(("html ja", "pdf ja"), "有望"),
        **dict.fromkeys(("html en", "pdf en"), "promising"),
    }


def test_a_character_without_a_glyph_is_named_and_not_left_out() -> None:
    body = body_of(title="部品 한")
    with pytest.raises(NoGlyph, match=r"/sections/1/lines/0/statement_en holds “한” \(U\+D55C\)"):
        require_glyphs(json.loads(body))
    with pytest.raises(NoGlyph):
        pdf_of(body, "ja")
    assert "한" in html_of(body, "ja").decode()


def test_pages_can_be_looked_at(body: bytes) -> None:
    pages = pages_of(body, "ja", ppi=30)
    assert len(pages) > 1 and all(one.startswith(b"\x89PNG") for one in pages)
