"""How exporting systems and hand-kept sheets call what we call otherwise, as data: what a proposed mapping rests on.

Unlike a synonym of the schema, a hint is never applied by itself: it only makes a line of a proposal, which somebody
has to confirm. Patterns are compared with a header in the form that :func:`cs_analysis.data.schema.normalise` gives it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

CERTAIN, LIKELY, UNSURE = "certain", "likely", "unsure"


class Hint(NamedTuple):
    """A header that means a column of ours, in these tables; `needs` is a header that must be there as well."""

    tables: tuple[str, ...]
    pattern: str
    column: str
    certainty: str = CERTAIN
    needs: str = ""

    def fits(self, header: str) -> bool:
        """Whether a header, normalised, is what this hint is about."""
        return re.fullmatch(self.pattern, header) is not None


_REVENUE = ("contracts", "mrr_months")
_WORK = ("time_entries", "activities")
HINTS: tuple[Hint, ...] = (
    # Salesforce
    Hint(("contracts",), "opportunityid|商談id|contractnumber|契約番号", "contract_id"),
    Hint(("contracts",), "amountcurrency|opportunitycurrency|金額通貨|currencyisocode", "currency"),
    Hint(("contracts",), "(contract|service|subscription)start(date)?", "start_date", LIKELY),
    Hint(("contracts",), "(contract|service|subscription)end(date)?", "end_date", LIKELY),
    Hint(("contracts",), "closedate|完了予定日", "start_date", UNSURE),
    Hint(("accounts",), "employees|従業員数?|numberofemployees", "company_size", LIKELY),
    Hint(("accounts",), "accountowner|companyowner|取引先所有者|所有者", "csm", UNSURE),
    # HubSpot
    Hint(("accounts",), "recordid", "account_id", CERTAIN, "companyname"),
    Hint(("contracts",), "recordid", "contract_id", CERTAIN, "dealname"),
    Hint(("contracts", "activities", "tasks"), "associatedcompanyids?(\\(primary\\))?", "account_id"),
    Hint(("contracts",), "(annual|total)contractvalue", "amount", LIKELY),
    Hint(("contracts",), "monthlyrecurringrevenue(\\(mrr\\))?|recurringrevenueamount", "mrr", LIKELY),
    Hint(("contracts",), "closedlostreason|lossreason|失注理由|解約(事由|の理由)", "churn_reason", UNSURE),
    # Stripe
    Hint(("contracts",), "id|subscriptionid", "contract_id", LIKELY, "customer(id)?"),
    Hint(("accounts",), "id", "account_id", LIKELY, "(e?mail|name)"),
    Hint(("contracts",), "plan(nickname|name)?|productname", "product"),
    Hint(("contracts",), "start(date|edat)?(\\(utc\\))?", "start_date", LIKELY),
    Hint(("contracts",), "ended(at|date)(\\(utc\\))?", "end_date", LIKELY),
    Hint(("contracts",), "cancell?edat(\\(utc\\))?", "notice_date", LIKELY),
    Hint(("contracts",), "planamount|unitamount|price", "amount", LIKELY),
    # kintone and hand-kept sheets
    Hint(("contracts",), "明細(番号|id|no)|契約(no|コード)", "contract_id", LIKELY),
    Hint(("contracts",), "(ご?利用|ご?契約|サービス)開始(年月)?日?", "start_date", LIKELY),
    Hint(("contracts",), "(ご?利用|ご?契約|サービス)(終了|満了)(年月)?日?", "end_date", LIKELY),
    Hint(("contracts", "mrr_months", "accounts"), "(ご?契約)?月額(利用料金?|料金|費用|単価)?(\\(.*\\))?",
         "mrr", UNSURE),
    Hint(("contracts",), "(契約|受注|年額|請求)金額?(\\(.*\\))?"
         "|(年額|年間(ご?利用|ご?契約)?(料金?|金額|費用))(\\(.*\\))?", "amount", UNSURE),
    Hint(("accounts", *_REVENUE), "(お客様|顧客|取引先|得意先|クライアント)(コード|番号|no|id)", "account_id", LIKELY),
    Hint(("accounts",), "(お客様|顧客|取引先|得意先|貴社|御社|クライアント|会社|企業|法人)(名称?)?|name|customer",
         "account_name", LIKELY),
    Hint(("accounts",), "(営業|主)?担当", "csm", UNSURE),
    Hint(("accounts",), "業態|業種名", "industry", LIKELY),
    # forms
    Hint(("survey_responses",),
         "タイムスタンプ|timestamp|回答日時|submit(date|ted.*)|送信日時|完了時刻|completiontime|datesubmitted",
         "responded_date", LIKELY),
    Hint(("survey_responses",), "enddate|終了時刻", "responded_date", UNSURE),
    Hint(("survey_responses",), ".*(薦め|勧め|すすめ|推奨|recommend).*", "score", LIKELY),
    Hint(("survey_responses",), ".*(理由|ご意見|ご要望|why|reason|feedback).*", "comment", LIKELY),
    Hint(("survey_responses",),
         "(お|ご)?(名前|氏名|回答者名?)|(your)?name|"
         "メールアドレス|e?mail(address)?", "respondent", LIKELY),
    Hint(("survey_responses",), "お?役[割職].*|(your)?role|jobtitle", "role", LIKELY),
    # task tools
    Hint(("onboarding_steps",), "(task|card)?name|タスク名?|カード名|件名|課題名?", "step", LIKELY),
    Hint(("onboarding_steps",), "start(date)?|着手日|開始日時?", "started_date", LIKELY),
    Hint(("onboarding_steps",), "due(date)?|期限日?|予定日", "planned_date", LIKELY),
    Hint(("onboarding_steps",), "completed(at|date|on)|完了日時?", "completed_date"),
    Hint(("onboarding_steps",), "completed|完了", "completed_date", LIKELY),
    Hint(("onboarding_steps",), "court|担当側|ボール|誰の番", "owner", LIKELY),
    Hint(("tasks",), "taskid|課題キー|キー", "task_id"),
    Hint(("tasks",), "name|taskname|件名", "title", LIKELY),
    Hint(("tasks",), "duedate|期限日|期日", "due_date", LIKELY),
    Hint(("tasks",), "completed(at|date|on)|完了日時?", "done_date", LIKELY),
    # time sheets
    Hint(("time_entries",),
         "担当|氏名|名前|(社員|従業員|スタッフ|ユーザー?)名?|作業者|member|user(name)?|person|who", "csm", LIKELY),
    Hint(("time_entries",), "(作業|業務)(内容|項目|分類|区分)|カテゴリー?名?|タスク名?|activity|category|tasks?",
         "task", LIKELY),
    Hint(("time_entries",), "description|説明", "task", UNSURE),
    Hint(("time_entries",), "プロジェクト名?", "account_id", LIKELY),
    Hint(("time_entries",), "startdate|開始日|勤務日|年月日", "date", LIKELY),
    Hint(("time_entries",), "(作業|所要|実働|合計|労働|業務)?時間(数)?|工数\\(.*\\)|duration|minutes|分",
         "hours", UNSURE),
    # help desks
    Hint(("activities",), "created?(at|date|on)|(作成|受付|起票|登録)日時?", "date", LIKELY),
    Hint(("activities",), "ticketname", "subject", LIKELY),
    Hint(("activities",), "description|説明|詳細", "text", LIKELY),
    Hint(("activities",), "assignee|ticketowner|対応者", "csm", UNSURE),
    Hint(("activities",), "organi[sz]ation|組織", "account_id", LIKELY),
    Hint(("onboarding_steps", "survey_responses", "contracts", "mrr_months", "contacts", "tasks", *_WORK),
         "(お客様|顧客|取引先|得意先|貴社|御社|クライアント|会社)名?|customer|client|company|accountname"
         "|associatedcompany|projects?",
         "account_id", LIKELY),
)  # fmt: skip
# columns whose values say which rows count at all
STATUS = re.compile(
    r"(deal|opportunity|lead|subscription|contract|lifecycle)?(stage|status)|フェーズ|ステータス|状態|状況|契約状態|ステージ"
    r"|ライフサイクルステージ"
)
# the columns of a time sheet from which hours can be derived
CLOCK = {"start": r"(開始|出勤)(時刻|時間)?|from|start(time)?", "end": r"(終了|退勤)(時刻|時間)?|to|end(time)?",
         "break": r"休憩(時間)?(\(分\))?|break"}  # fmt: skip
# the columns that tell which period an amount covers
PERIOD = re.compile(r".*(term|interval|period|frequency|cycle|契約期間|契約月数|支払|請求(周期|間隔|サイクル|方法)).*")
# the columns that tell how many of these periods, as Stripe has them
EVERY = re.compile(r".*intervalcount|every")
# a month that does not say its year, or which day or year a number is; or that says what kind of amount it holds
_KIND = r"(予算|実績|計画|見込み?|予定|目標|売上|plan|budget|forecast|actual|target)"
LOOSE_MONTH = (
    rf"((\d{{2}}|\d{{4}})[年/.]?)?\d{{1,2}}月(度|分)?\(?{_KIND}?\)?|\d{{4}}[年/.]?\d{{1,2}}\(?{_KIND}\)?"
    r"|(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?"
    rf"|dec(ember)?)[./,']*(\d{{2}}|\d{{4}})?\(?{_KIND}?\)?"
)
# words for a side, as whose court a step is in
SIDES = re.compile(
    r"(自社|当社|弊社|社内|ベンダー|先方|顧客|客先|お客様?|御社|貴社|双方|両方|us|we|internal|vendor|customer|client|they|them|both)側?"
)
# the header under which kintone marks the first row of a record
RECORD_START = "レコードの開始行"
