"""The columns of 合同签约 that are no fields: n/m, three axes, what is overdue and unbilled."""

from typing import Any, ClassVar

from services.core.days import today
from services.deals.progress import ContractFigures, figures
from services.receivables.measures import OF_CONTRACT
from views.deals.measured import MeasuredColumns, columns, numbers


def gaps(one: ContractFigures) -> dict[str, int]:
    """Return 已回款未开票 and 已开票未回款 of a contract, in 分; one of them is 0."""
    rest = one.paid - one.invoiced
    return {"unbilled": max(rest, 0), "uncollected": max(-rest, 0)}


class ContractColumns(MeasuredColumns):
    """How contracts stand."""

    grid_order: ClassVar[Any] = (
        *("name", "customer_id", "amount", "state", "plans", "paid", "overdue", "signed_on"),
    )

    extra_columns: ClassVar[Any] = columns(OF_CONTRACT)
    numeric = numbers(OF_CONTRACT)

    def figures(self, rows: list[Any]) -> dict[int, ContractFigures]:
        """Return how contracts stand today."""
        return figures(self.session, rows, day=today(self.now()))
