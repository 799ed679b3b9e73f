"""Every problem's status and title, by its code; the codes of rules are those of `domain.refusals`."""

from typing import Final, NamedTuple


class Title(NamedTuple):
    """The HTTP status of a problem and what it is called."""

    status: int
    ja: str
    en: str


_RULES: Final = {
    "consent_required": Title(422, "企業の同意が必要です", "Consent required"),
    "recipient_not_consented": Title(422, "提供先が同意に含まれていません", "Recipient not consented"),
    "consent_withdrawn": Title(422, "同意は撤回されています", "Consent withdrawn"),
    "reference_reused": Title(409, "整理番号は使用済みです", "Reference used before"),
    "coordinator_required": Title(422, "担当コーディネーターが必要です", "Coordinator required"),
    "triage_required": Title(422, "振り分けが必要です", "Triage required"),
    "four_eyes_required": Title(422, "二人による決定が必要です", "Second person required"),
    "compliance_required": Title(422, "コンプライアンス確認が必要です", "Compliance check required"),
    "regional_search_first": Title(422, "域内の探索が先です", "Regional search first"),
    "disclosure_exceeds_consent": Title(422, "開示が同意の範囲を超えています", "Disclosure exceeds consent"),
    "offer_limit": Title(422, "依頼の上限に達しています", "Offer limit reached"),
    "assignment_incomplete": Title(422, "決定の要件が揃っていません", "Assignment incomplete"),
    "own_interest": Title(422, "自身に利害があります", "Own interest"),
    "joint_visit_required": Title(422, "同行訪問が必要です", "Joint visit required"),
    "nda_required": Title(422, "秘密保持契約が必要です", "Non-disclosure agreement required"),
    "not_yet_happened": Title(422, "まだ起きていません", "Not yet happened"),
    "report_unconfirmed": Title(422, "報告書は未確認です", "Report unconfirmed"),
    "visit_required": Title(422, "訪問が必要です", "Visit required"),
    "version_not_approved": Title(422, "契約案は未承認です", "Version not approved"),
    "costs_inconsistent": Title(422, "費用の内訳が合いません", "Costs inconsistent"),
    "agreement_immutable": Title(422, "締結済みの契約は変更できません", "Agreement immutable"),
    "renewal_too_late": Title(422, "更新の期限を過ぎています", "Renewal too late"),
    "agreement_not_effective": Title(422, "有効な契約がありません", "Agreement not effective"),
    "payment_required": Title(422, "入金の確認が必要です", "Payment required"),
    "unknown_agreement": Title(422, "契約がありません", "Unknown agreement"),
    "not_owner": Title(422, "権利者ではありません", "Not the owner"),
    "co_owner_consent_required": Title(422, "共有者の同意が必要です", "Co-owner's consent required"),
    "publication_review_open": Title(422, "公表の確認中です", "Publication review open"),
    "evidence_required": Title(422, "根拠資料が必要です", "Evidence required"),
    "second_assessor_required": Title(422, "第二の評価者が必要です", "Second assessor required"),
    "work_open": Title(422, "継続中の手続きがあります", "Open work"),
    "disposition_unfounded": Title(422, "終了区分の根拠がありません", "Disposition unfounded"),
    "reason_required": Title(422, "理由が必要です", "Reason required"),
    "merge_not_possible": Title(422, "統合できません", "Merge not possible"),
    "cancellation_unconfirmed": Title(422, "取消しは未確認です", "Cancellation unconfirmed"),
    "event_immutable": Title(422, "記録は変更できません", "Event immutable"),
    "citation_required": Title(422, "根拠となる記録が必要です", "Citation required"),
    "lending_consent_required": Title(422, "融資評価への同意が必要です", "Consent to lending evaluation required"),
    "occurred_after_recorded": Title(422, "未来の日時です", "In the future"),
    "document_required": Title(422, "書類が必要です", "Document required"),
    "not_permitted": Title(403, "権限がありません", "Not permitted"),
    "case_closed": Title(422, "案件は終了しています", "Case closed"),
    "already_done": Title(422, "既に行われています", "Already done"),
    "unknown_case": Title(404, "案件がありません", "Unknown case"),
    "unknown_entry": Title(404, "登録がありません", "Unknown entry"),
    "version_stale": Title(412, "版が古くなっています", "Version stale"),
    "not_rendered": Title(501, "資料を作成できません", "Not rendered"),
    "invalid_field": Title(422, "項目の内容が正しくありません", "Invalid field"),
}
_EDGE: Final = {
    "bad_request": Title(400, "リクエストが正しくありません", "Bad request"),
    "malformed_json": Title(400, "JSON として読めません", "Malformed JSON"),
    "invalid_idempotency_key": Title(400, "Idempotency-Key が正しくありません", "Invalid Idempotency-Key"),
    "invalid_if_match": Title(400, "If-Match が正しくありません", "Invalid If-Match"),
    "unauthenticated": Title(401, "認証が必要です", "Authentication required"),
    "insufficient_scope": Title(403, "範囲外の操作です", "Beyond the scope"),
    "not_found": Title(404, "このアドレスには何もありません", "Nothing at this address"),
    "unknown_command": Title(404, "コマンドがありません", "Unknown command"),
    "unknown_batch": Title(404, "一括受付がありません", "Unknown batch"),
    "unknown_document": Title(404, "書類がありません", "Unknown document"),
    "unknown_event": Title(404, "イベントがありません", "Unknown event"),
    "withheld": Title(410, "同意の範囲外になりました", "Withheld by the company"),
    "unknown_checkpoint": Title(404, "チェックポイントがありません", "Unknown checkpoint"),
    "not_sealed": Title(404, "まだ封印されていません", "Not sealed yet"),
    "unknown_schema": Title(404, "スキーマがありません", "Unknown schema"),
    "unknown_person": Title(404, "利用者が登録されていません", "Unknown person"),
    "unknown_key": Title(404, "キーがありません", "Unknown key"),
    "method_not_allowed": Title(405, "このメソッドは使えません", "Method not allowed"),
    "body_too_slow": Title(408, "本文が時間内に届きません", "Body too slow"),
    "idempotency_key_reused": Title(409, "Idempotency-Key は使用済みです", "Idempotency-Key used before"),
    "already_rotated": Title(409, "キーは更新中です", "Already rotated"),
    "corporate_number_taken": Title(409, "法人番号は登録済みです", "Corporate number registered before"),
    "body_too_large": Title(413, "内容が大きすぎます", "Body too large"),
    "unsupported_media_type": Title(415, "この形式は受け付けられません", "Unsupported media type"),
    "rate_limited": Title(429, "リクエストが多すぎます", "Too many requests"),
    "unfit_file": Title(422, "ファイルを受け付けられません", "Unfit file"),
    "internal_error": Title(500, "内部エラーが発生しました", "Internal error"),
    "outcome_unknown": Title(503, "結果が確認できません", "Outcome unknown"),
    "engine_unavailable": Title(503, "処理エンジンに接続できません", "Engine unavailable"),
    "database_unavailable": Title(503, "データベースに接続できません", "Database unavailable"),
    "database_full": Title(503, "データベースの空き容量がありません", "Database full"),
    "key_missing": Title(503, "暗号鍵がありません", "Key missing"),
}
TITLES: Final = {**_RULES, **_EDGE}
"""All codes the interface answers with. A code never changes its meaning."""
