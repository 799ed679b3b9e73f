"""The fixed words of a dossier's pages, by language: headings, labels, and how to check it."""

from collections.abc import Mapping
from typing import Final

from domain.statements.brief import Basis
from domain.statements.words import said
from domain.terms import Role

_JA: Final = {
    "center": "九州地域産学官交流センター",
    "preview": "下書き(未発行)。内容の確認用であり、貸し手には共有されていません。",
    "version": "第#版",
    "lender": "提供先",
    "issued": "発行日",
    "purpose": "利用目的",
    "valid": "有効期限",
    "consent": "企業の同意",
    "consent_until": "同意の期限",
    "dossier": "資料番号",
    "facts": "引用した記録(件)",
    "happened": "起きたこと",
    "missing": "確認できていないこと",
    "due": "次の期日",
    "nothing": "該当なし",
    "as_of": "時点",
    "confirmed": "企業確認済み",
    "cites": "根拠",
    "number": "番号",
    "fact": "記録",
    "happened_on": "発生日",
    "recorded_on": "記録日",
    "role": "記録者の役割",
    "leaf": "ログの位置とハッシュ",
    "list_note": "各行の根拠 [番号] はこの一覧の番号です。ハッシュは記録されたバイト列の SHA-256(RFC 9162 の葉)です。",
    "check": "この資料の確かめ方",
    "content_hash": "内容のハッシュ(SHA-256)",
    "observed": "観察",
    "declared": "申告",
    "contractual": "契約",
    "computed": "算出",
    "contents": "目次",
    "summary": "要点",
    "section": "区分",
    "line": "行",
    "statement": "記載",
    "basis": "種別",
    "skip": "本文へ移動",
    "check_html": "根拠(記録、証明、チェックポイント)は PDF に添付されています。JSON の SHA-256 は次の値です。",
}
_EN: Final = {
    "center": "Kyushu Regional Industry-Academia-Government Exchange Center",
    "preview": "Preview, not issued. For checking the content; it is not shared with the lender.",
    "version": "Version #",
    "lender": "For",
    "issued": "Issued on",
    "purpose": "Purpose",
    "valid": "Valid until",
    "consent": "Consent of the company",
    "consent_until": "Consent valid until",
    "dossier": "Dossier",
    "facts": "Records cited",
    "happened": "What happened",
    "missing": "What is missing",
    "due": "What is due next",
    "nothing": "Nothing",
    "as_of": "as of",
    "confirmed": "confirmed by the company",
    "cites": "cites",
    "number": "No.",
    "fact": "Record",
    "happened_on": "Happened",
    "recorded_on": "Recorded",
    "role": "Recorded by",
    "leaf": "Place in the log, hash",
    "list_note": "A line cites by the numbers of this list. A hash is the SHA-256 of the kept bytes (RFC 9162).",
    "check": "How to check this dossier",
    "content_hash": "Hash of the content (SHA-256)",
    "observed": "observed",
    "declared": "declared",
    "contractual": "contractual",
    "computed": "computed",
    "contents": "Contents",
    "summary": "In short",
    "section": "Section",
    "line": "Line",
    "statement": "Statement",
    "basis": "Kind",
    "skip": "Skip to the content",
    "check_html": "The PDF carries the evidence (records, proofs, checkpoint). The SHA-256 of the JSON form is this:",
}
_STEPS: Final = {
    "ja": (
        "添付の evidence.zip を保存し、監査用の verify_bundle.py(同梱)で検証する。PDF のままでも検証できる。",
        "検証鍵はセンターから別の経路で入手し、--key で指定する。",
        "添付の dossier.json の SHA-256 が下記のハッシュと一致することを確かめる。発行の記録にも同じ値がある。",
        "バイト列を添付できない記録(同意の範囲外の事項を含むもの)は、葉のハッシュと包含証明のみを添付する。",
    ),
    "en": (
        "Save the attached evidence.zip and check it, or the PDF itself, with the auditors' verify_bundle.py inside.",
        "Get the verifier key from the center another way and give it with --key.",
        "The SHA-256 of the attached dossier.json is the hash below; the record of the issue holds the same.",
        "Of records that hold more than the consent covers, the leaf hash and its proof are attached, not the bytes.",
    ),
}


def words(language: str) -> Mapping[str, object]:
    """All fixed words in *language*, with those of the field that the pages need."""
    own: dict[str, object] = dict(_JA if language == "ja" else _EN)
    codes = ("lending_evaluation", "new_loan", "business_evaluation", "enterprise_value_charge", "monitoring")
    for code in (*codes, *Role, *Basis):
        own.setdefault(str(code), getattr(said(code), language))
    return {**own, "steps": list(_STEPS[language])}
