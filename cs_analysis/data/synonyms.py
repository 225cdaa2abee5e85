"""Other names by which tables and columns come in, as data: what `schema.find_table` and `find_column` also know.

The names and labels of the schema itself come first; a synonym may not mean two things within one table (a test
sees to it), and names that could change an amount or mistake a flag for a date are left to the mapping file.
"""

from __future__ import annotations

TABLE_SYNONYMS: dict[str, tuple[str, ...]] = {
    "accounts": ("account", "customers", "customer", "clients", "顧客一覧", "顧客マスタ", "顧客マスター", "取引先"),
    "contracts": ("contract", "contract_lines", "subscriptions", "契約一覧", "契約明細", "契約マスタ"),
    "mrr_months": ("mrr", "monthly_mrr", "mrr_by_month", "月別MRR", "月額推移", "MRR推移"),
    "time_entries": ("time_entry", "timesheet", "timesheets", "工数入力", "工数実績", "作業時間"),
    "csms": ("csm", "CS担当", "CS担当者", "担当者一覧"),
    "onboarding_steps": ("onboarding", "onboarding_step", "導入", "オンボーディング"),
    "survey_responses": ("survey", "surveys", "nps", "nps_responses", "アンケート回答", "NPS回答"),
    "usage": ("usages", "usage_months", "利用", "利用実績"),
    "stages": ("stage", "success_stages", "段階"),
    "contacts": ("contact", "担当者（顧客）", "顧客担当者", "連絡先"),
    "activities": ("activity", "活動履歴", "対応履歴"),
    "tasks": ("task", "to_do", "ToDo一覧", "タスク一覧"),
    "costs": ("cost", "コスト"),
    "ledger": ("revenue_ledger", "台帳", "MRR台帳"),
    "initiatives": ("initiative", "施策一覧"),
}
# fmt: off
COLUMN_SYNONYMS: dict[str, tuple[str, ...]] = {
    "account_id": ("customer_id", "client_id", "customer_code", "顧客コード", "顧客番号", "取引先コード", "取引先ID"),
    "account_name": ("customer_name", "client_name", "company_name", "会社名", "企業名", "取引先名", "顧客名称"),
    "segment": ("customer_segment", "セグメント", "顧客区分"),
    "industry": ("sector", "業界"),
    "company_size": ("size", "従業員規模", "規模"),
    "touch_model": ("touch", "タッチ"),
    "csm": ("csm_name", "customer_success_manager", "CS担当", "CS担当者", "CSM担当", "担当者", "担当者名", "担当CSM"),
    "parent_account_id": ("parent_id", "parent_account", "親顧客ID", "親会社コード"),
    "contract_start": ("contract_start_date", "契約開始", "利用開始日"),
    "contract_end": ("contract_end_date", "契約終了", "契約満了日"),
    "churn_date": ("cancel_date", "cancellation_date", "解約年月日", "退会日"),
    "contract_id": ("contract_number", "contract_no", "subscription_id", "契約番号", "契約コード"),
    "product": ("product_name", "plan", "商品名", "製品", "プラン"),
    "start_date": (
        "start", "contract_start_date", "service_start_date", "subscription_start_date", "契約開始日", "利用開始日",
        "サービス開始日", "開始年月日",
    ),
    "end_date": (
        "end", "contract_end_date", "service_end_date", "subscription_end_date", "expiry_date", "expiration_date",
        "契約終了日", "契約満了日", "満了日", "利用終了日", "サービス終了日", "終了年月日", "契約期間終了日",
    ),
    "mrr": ("monthly_mrr", "monthly_recurring_revenue", "月額MRR", "月額料金", "月額金額", "月額利用料", "月次MRR"),
    "billing_months": ("billing_period_months", "請求期間", "請求サイクル月数"),
    "quantity": ("seats", "licences", "licenses", "席数", "ライセンス数"),
    "currency": ("currency_code", "通貨コード", "通貨単位", "通貨種別", "取引通貨", "契約通貨"),
    "notice_date": ("cancellation_notice_date", "解約申出日", "解約申請日"),
    "churn_reason": ("cancellation_reason", "reason", "解約事由"),
    "month": ("year_month", "対象月", "対象年月"),
    "date": ("work_date", "activity_date", "作業日", "活動日", "実施日"),
    "task": ("task_type", "作業", "作業内容"),
    "hours": ("時間", "作業時間"),
    "hourly_cost": ("hourly_rate", "cost_per_hour", "時給", "単価"),
    "available_hours": ("monthly_hours", "稼働時間"),
    "step": ("step_name", "ステップ名"),
    "owner": ("担当区分",),
    "planned_date": ("plan_date", "予定完了日"),
    "completed_date": ("completion_date", "完了年月日", "完了実績日"),
    "is_go_live": ("go_live", "golive", "本稼働"),
    "respondent": ("respondent_id", "回答者ID", "回答者名"),
    "wave": ("survey", "survey_wave"),
    "invited_date": ("sent_date", "送付日", "配信日"),
    "responded_date": ("response_date", "answered_date", "回答年月日"),
    "score": ("nps", "nps_score", "スコア", "推奨度"),
    "comment": ("comments", "自由記述", "ご意見"),
    "contact": ("contact_name", "担当者名", "担当者氏名"),
    "subject": ("タイトル",),
    "text": ("body", "内容", "メモ"),
    "title": ("task_title", "タスク名"),
    "due_date": ("deadline", "due", "期日", "締切"),
    "done_date": ("closed_date", "完了年月日"),
    "amount": ("請求金額", "請求額"),
}
# fmt: on
# What may follow a header without changing its meaning. Units that do (千円, 税込) are not among them.
HARMLESS_TAILS = (
    "(円)",
    "(税抜)",
    "(税抜き)",
    "(円・税抜)",
    "(円、税抜)",
    "(税抜・円)",
    "(時間)",
    "(必須)",
    "(required)",
    "(任意)",
    "(optional)",
    "*",
)  # fmt: skip
