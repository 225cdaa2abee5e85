"""Invented names for the sample company: accounts in Japanese and English, people on both sides."""

from __future__ import annotations

import numpy as np


def _words(text: str) -> list[str]:
    return text.split()


_HEADS_JA = _words(
    "あおば さくら みなと ひかり 若葉 白樺 青嶺 東雲 朝日野 北斗 南風 西浜 中川 緑丘 大和田 富士見 瑞穂 "
    "三河台 琵琶 しらかば はやぶさ つばめ こだま ひまわり すずらん 桜坂 清流 高千穂 若狭 丹波 播磨 筑後 "
    "出雲野 越前 信濃路 上総 常陸野 日高 十勝野 知床"
)
_TRADES_JA = {
    "製作所": "製造", "精機": "製造", "電機": "製造", "化学": "製造", "食品": "食品", "物流": "運輸",
    "運輸": "運輸", "商事": "卸売・小売", "ストア": "卸売・小売", "建設": "建設", "不動産": "不動産",
    "ホテル": "宿泊・飲食", "システムズ": "情報通信", "データ": "情報通信", "ネット": "情報通信",
    "メディカル": "医療・福祉", "ケア": "医療・福祉", "教育研究所": "教育", "フィナンシャル": "金融・保険",
    "保険サービス": "金融・保険",
}  # fmt: skip
_HEADS_EN = _words(
    "Amberfield Birchway Cedarline Driftwood Eastmoor Fernhill Greyharbor Hollowbrook Ironleaf Juniper "
    "Kestrel Larkspur Mossbank Northgate Oakhaven Pinecrest Quarrystone Redfern Silverbay Thornbury "
    "Umberland Vinehurst Westmere Yarrow Alderton Bluefinch Copperhill Dunmoor Elmstead Foxglove"
)
_TRADES_EN = {
    "Manufacturing": "製造", "Precision": "製造", "Foods": "食品", "Logistics": "運輸",
    "Trading": "卸売・小売", "Retail": "卸売・小売", "Construction": "建設", "Properties": "不動産",
    "Hotels": "宿泊・飲食", "Systems": "情報通信", "Analytics": "情報通信", "Health": "医療・福祉",
    "Learning": "教育", "Capital": "金融・保険",
}  # fmt: skip
_ENDINGS_EN = ("Inc.", "Ltd.", "K.K.", "Group")
_FAMILY = _words(
    "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 斎藤 清水 "
    "山崎 森 池田 橋本 阿部 石川 前田 藤田 小川 岡田 後藤 長谷川 村上 近藤 石井 坂本 遠藤 青木 藤井 西村 "
    "福田 太田 三浦 岡本 松田 中川 中野 原田 小野 田村"
)
_GIVEN = _words(
    "翔太 美咲 大輔 陽子 健一 直美 拓也 彩 誠 由美子 亮 恵 浩 真由美 隆 千尋 学 明美 剛 さやか 和也 奈緒 "
    "哲也 裕子 修 愛 悠人 葵 蓮 結衣 陽介 麻衣 聡 香織 淳 友美 純一 絵里 優 真理"
)


def companies(n: int, rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``n`` account names (different up to some 5,000, numbered beyond) with their industry.

    Returns the names, the industries and whether a name is Japanese (about two of three).
    """
    pool = [(f"株式会社{head}{trade}", industry) for head in _HEADS_JA for trade, industry in _TRADES_JA.items()]
    pool += [(f"{head}{trade}株式会社", industry) for head in _HEADS_JA[::2] for trade, industry in _TRADES_JA.items()]
    japanese = len(pool)
    pool += [
        (f"{head} {trade} {_ENDINGS_EN[(i + j) % 4]}", industry)
        for i, head in enumerate(_HEADS_EN)
        for j, (trade, industry) in enumerate(_TRADES_EN.items())
    ]
    names = np.array([name for name, _industry in pool], dtype=object)
    industries = np.array([industry for _name, industry in pool], dtype=object)
    rounds = -(-n // len(pool))
    pick = np.concatenate([rng.permutation(len(pool)) for _round in range(rounds)])[:n]
    chosen = names[pick]
    if rounds > 1:  # the second company of a name is called 2, and so on
        number = np.arange(n) // len(pool) + 1
        chosen[len(pool) :] = [f"{name} {k}" for name, k in zip(chosen[len(pool) :], number[len(pool) :], strict=True)]
    return chosen, industries[pick], pick < japanese


def people(n: int, rng) -> np.ndarray:
    """``n`` Japanese personal names, all different up to 2,000."""
    pool = np.array([f"{family} {given}" for family in _FAMILY for given in _GIVEN], dtype=object)
    return pool[np.concatenate([rng.permutation(len(pool)) for _round in range(-(-n // len(pool)))])[:n]]


def person(number: np.ndarray) -> np.ndarray:
    """The personal name of a number; consecutive numbers give different names."""
    pool = np.array([f"{family} {given}" for given in _GIVEN for family in _FAMILY], dtype=object)
    return pool[np.asarray(number) * 37 % len(pool)]
