"""Companies that do not exist: city + name + trade + form, each composed once."""

import random
from collections.abc import Iterator

# (region code of the city's districts, city, how many of a hundred customers)
CITIES = (
    ("4201", "武汉", 26),
    ("4301", "长沙", 9),
    ("4101", "郑州", 8),
    ("3101", "上海", 12),
    ("3205", "苏州", 10),
    ("3301", "杭州", 9),
    ("3401", "合肥", 6),
    ("4401", "广州", 7),
    ("4403", "深圳", 7),
    ("5101", "成都", 6),
)
NAMES = [
    "长江",
    "东湖",
    "光谷",
    "楚天",
    "汉正",
    "华科",
    "中南",
    "江汉",
    "珞珈",
    "鼎盛",
    "恒远",
    "瑞丰",
    "博纳",
    "天工",
    "联众",
    "新宇",
    "宏图",
    "远景",
    "立信",
    "正源",
    "启明",
    "同辉",
    "海川",
    "金石",
    "凯越",
    "德润",
    "安泰",
    "和顺",
    "佳禾",
    "卓越",
    "泰合",
    "永信",
    "科信",
    "华瑞",
    "万和",
    "嘉实",
    "明德",
    "通达",
    "创维达",
    "汇川源",
]
TRADES = {
    "machinery": ["机械", "装备", "重工", "精密机械", "数控设备"],
    "auto": ["汽车零部件", "汽车电子", "新能源汽车", "车桥"],
    "power": ["电力设备", "电气", "输配电", "能源科技"],
    "electronics": ["电子", "光电", "半导体", "智能科技"],
    "metal": ["钢铁", "特钢", "有色金属", "冶金设备"],
    "chemical": ["化工", "新材料", "石化工程", "涂料"],
    "pharma": ["制药", "生物医药", "医药包装"],
    "food": ["食品", "饮料", "乳业", "粮油"],
    "building": ["建材", "建筑工程", "水泥", "装配式建筑"],
    "transport": ["物流", "港口机械", "轨道交通"],
    "water": ["水务", "环保工程", "水处理"],
    "software": ["信息技术", "软件", "网络科技"],
}
FORMS = ("有限公司", "有限公司", "有限公司", "股份有限公司", "集团有限公司")


def companies(draw: random.Random) -> Iterator[tuple[str, str, str]]:
    """Yield (company, industry code, region prefix) for ever, no company twice."""
    seen: set[str] = set()
    while True:
        prefix, city, _share = draw.choices(CITIES, [share for *_rest, share in CITIES])[0]
        industry = draw.choice(list(TRADES))
        stem = f"{city}{draw.choice(NAMES)}{draw.choice(TRADES[industry])}"
        if stem not in seen:  # the form alone makes no other company
            seen.add(stem)
            yield f"{stem}{draw.choice(FORMS)}", industry, prefix
