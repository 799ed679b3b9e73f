"""What is read in a dossier, whatever its form: the text of its JSON, HTML and PDF in both languages."""

import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from pypdf import PdfReader

from domain.statements.vocabulary import forbidden_in
from dossier.html import html_of
from dossier.pdf import pdf_of


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._skipped = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._skipped = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.found.append(data)


def text_of_html(page: bytes) -> str:
    """What a reader of the page reads."""
    parser = _Text()
    parser.feed(page.decode())
    return " ".join(parser.found)


def text_of_pdf(paper: bytes) -> str:
    """What a reader of the paper reads, page after page."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(paper)).pages)


def texts(body: bytes) -> Iterator[tuple[str, str]]:
    """Each form of the dossier whose canonical JSON is *body*, and what is read in it."""
    yield "json", body.decode()
    for lang in ("ja", "en"):
        yield f"html {lang}", text_of_html(html_of(body, lang))
        yield f"pdf {lang}", text_of_pdf(pdf_of(body, lang))


def verdicts(body: bytes) -> dict[str, list[str]]:
    """The words in each form that no dossier may say; a line's end in the middle of a word hides none."""
    found = {}
    for form, text in texts(body):
        words = forbidden_in(text) or forbidden_in(re.sub(r"\s+", "", text))
        if words:
            found[form] = words
    return found
