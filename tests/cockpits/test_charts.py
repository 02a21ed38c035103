"""What a chart says where its picture cannot show it."""

import pandas as pd

from dashboards.core import charts


def test_a_bar_that_runs_out_of_the_picture_says_how_far():
    data = pd.DataFrame(
        [
            {"label": f"客户{n}", "amount": 100_0000_00, "paid": 50_0000_00, "pick": []}
            for n in range(30)
        ]
    )
    found = charts.bars(
        charts.top(data, "amount", ("amount", "paid")),
        [("amount", "合同额"), ("paid", "已回款")],
        "x",
    )

    assert found.layout.xaxis.range[1] == 125
    (told,) = found.layout.annotations
    assert (told.text, told.y) == ("1,000 / 500 »", found.data[0].y[-1])
    few = charts.bars(data[:5], [("amount", "合同额")], "x")
    assert len(few.layout.annotations) == 0
