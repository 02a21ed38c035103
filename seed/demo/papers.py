"""How the papers of the demo company look: its head, and what its contracts say."""

from sqlalchemy.orm import Session

from models.deals.paper_template import PaperKind, PaperTemplate

COMPANY = "武汉亚为电子科技有限公司（演示）"
HEAD = """地址：湖北省武汉市东湖新技术开发区示例路 1 号　电话：027-0000 0000
税号：91420100MA00000000　开户行：示例银行武汉分行　账号：0000 0000 0000 0000"""
CLAUSES = {
    PaperKind.contract: """1. 产品按国家标准及双方确认的技术协议验收，质保期自验收之日起十二个月。
2. 买方按回款计划付款；逾期付款的，每日按未付金额的万分之五支付违约金。
3. 卖方按约定日期交货；逾期交货的，每日按未交货物金额的万分之五支付违约金。
4. 因本合同发生争议，双方协商解决；协商不成的，由卖方所在地人民法院管辖。""",
    PaperKind.quotation: """1. 以上价格含税、含运费，自报价之日起三十日内有效。
2. 交货期自合同签订之日起计算，以合同约定为准。""",
    PaperKind.statement: "请核对以上款项；如有不符，请在收到之日起七个工作日内告知。",
}


def seed_papers(session: Session) -> None:
    """Create one template of each kind of paper."""
    for kind in PaperKind:
        about = {"company": COMPANY, "head": HEAD, "clauses": CLAUSES.get(kind)}
        session.add(PaperTemplate(kind=kind, name=str(kind), prices=True, active=True, **about))
    session.flush()
