"""`hashi dossier`: the evidence dossier of a case for one lender, as a file."""

import hashlib
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import click

from domain.calendar import JST
from workers.cli import show
from workers.cli.api import Api, acts, path
from workers.cli.faults import BadInput
from workers.cli.shape import Command, wants_json

_FORMS: Final = ("pdf", "html", "json")


@click.command(
    cls=Command,
    example="hashi dossier 0f3a… --lender jfs-fukuoka -o dossier.pdf --as coordinator\n"
    "hashi dossier 0f3a… --lender jfs-fukuoka --as-of 2027-04-01T09:00:00+09:00 --lang en -o dossier.html --as lender",
)
@click.argument("case_id", metavar="CASE")
@click.option("--lender", required=True, metavar="L", help="The lender it is for.")
@click.option("--as-of", metavar="TIME", help="As it was issued, or would have been, at that moment (RFC 3339).")
@click.option("--lang", type=click.Choice(["ja", "en"]), help="The language; by default the one it was asked for in.")
@click.option("--format", "form", type=click.Choice(_FORMS), help="By default what the file's name says, else pdf.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@acts
def dossier(
    api: Api, case_id: str, *, lender: str, as_of: str | None, lang: str | None, form: str | None, output: Path
) -> None:
    """Write the evidence dossier of CASE to FILE. 技術評価補完資料

    What was issued last; where nothing was, a preview, which says so on its first page.
    """
    form = form or (output.suffix[1:] if output.suffix[1:] in _FORMS else "pdf")
    moment = _moment(as_of)
    issued = _issued(api, case_id, lender, moment)
    if issued:
        found = api.file(path("dossiers", issued["dossier_id"]), version=issued["version"], format=form, lang=lang)
    else:
        found = api.file(path("cases", case_id, "dossier"), lender=lender, as_of=as_of, format=form, lang=lang)
    _write(output, found.body)
    told = {
        "file": str(output),
        "format": form,
        "bytes": len(found.body),
        "sha256": hashlib.sha256(found.body).hexdigest(),
        "content_hash": found.headers["etag"].strip('"'),
        **(issued or {"preview": True}),
    }
    if wants_json():
        show.document(told)
    else:
        what = f"{issued['dossier_id']} version {issued['version']}" if issued else "a preview, not issued"
        show.say(f"written: {output} ({what}; {len(found.body):,} bytes)")


def _issued(api: Api, case_id: str, lender: str, as_of: datetime | None) -> dict[str, Any] | None:
    """The version issued last for the lender, before *as_of*."""
    issues = [
        (issue["issued_at"], issue["version"], one["dossier_id"])
        for one in api.get(path("cases", case_id, "dossiers")).body["items"]
        for issue in one["issues"]
        if one["lender_id"] == lender
        and one["status"] != "revoked"
        and (as_of is None or datetime.fromisoformat(issue["issued_at"]) <= as_of)
    ]
    if not issues:
        return None
    _, version, dossier_id = max(issues)
    return {"dossier_id": dossier_id, "version": version}


def _moment(as_of: str | None) -> datetime | None:
    if as_of is None:
        return None
    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError as error:
        raise BadInput(
            f"--as-of: {as_of} is no day such as 2027-04-01, nor an instant such as 2027-04-01T09:00:00+09:00",
            field="--as-of",
        ) from error
    if len(as_of) == len("2027-04-01"):
        return datetime.combine(moment.date() + timedelta(days=1), time(), JST)
    if moment.tzinfo is None:
        raise BadInput(f"--as-of: {as_of} has no offset, such as +09:00", field="--as-of")
    return moment


def _write(output: Path, content: bytes) -> None:
    try:
        output.write_bytes(content)
    except OSError as error:
        raise BadInput(f"-o: {output} cannot be written: {error.strerror}", field="-o") from error
