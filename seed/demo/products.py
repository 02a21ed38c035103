"""What the demo company sells."""

from sqlalchemy.orm import Session

from models.sales.product import Product

# code, name, line, unit, price in 分
PRODUCTS = (
    ("YW-S100", "振动传感器 S100", "传感器", "只", 1_280_00),
    ("YW-S200", "无线温振传感器 S200", "传感器", "只", 2_680_00),
    ("YW-D400", "数据采集器 D400", "采集设备", "台", 18_600_00),
    ("YW-D800", "边缘计算网关 D800", "采集设备", "台", 32_800_00),
    ("YW-C10", "PLC 控制柜 C10", "控制系统", "套", 86_000_00),
    ("YW-C20", "产线控制系统 C20", "控制系统", "套", 268_000_00),
    ("YW-V30", "机器视觉检测站 V30", "视觉检测", "套", 158_000_00),
    ("YW-M1", "设备健康管理平台 M1", "软件", "套", 120_000_00),
    ("YW-T1", "现场安装调试", "服务", "人天", 2_400_00),
    ("YW-W1", "年度维保服务", "服务", "年", 36_000_00),
)


def seed_products(session: Session) -> None:
    """Create the products."""
    for code, name, line, unit, price in PRODUCTS:
        session.add(Product(code=code, name=name, category=line, unit=unit, price=price))
    session.flush()
