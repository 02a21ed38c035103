"""Dates, times and shares as people, spreadsheets and databases write them."""

import datetime as dt

import pytest

from models.sales.opportunity import Opportunity
from services.core import texts
from services.importing.check.finding import Finder
from services.importing.mapping.declared import inputs_for
from services.importing.mapping.sources import Source

DAYS = [
    "2027-03-05",
    "2027/3/5",
    "2027.3.5",
    "２０２７／３／５",
    "20270305",
    "2027/3/5 0:00",
    "2027-03-05 00:00:00",
    "2027-03-05 23:59:59.000",
    "2027-03-05T00:00:00+08:00",
    "2027-03-04T16:00:00Z",
    "2027-03-05T15:59:59.999999Z",
    "2027年3月5日",
    "2027年03月05日 14:30",
    "2027年3月5日 下午2:30",
    "2027年3月5日 星期五",
    "2027/3/5 2:30 PM",
    "20270305143000",
    "5-Mar-2027",
    "Mar 5, 2027",
]
NO_DAYS = [
    "3/5/2027", "03-05-2027", "27/3/5", "2027-3", "2027-02-29", "2027/3-5", "20271305",
    "2027-03-05 25:00", "2027-03-05 14:30 下午", "2027年3月5日 上午13:00", "1899-12-31",
    "5 Foo 2027", "2027-03-05 abc", "9" * 80,
]  # fmt: skip


@pytest.mark.parametrize("text", DAYS)
def test_a_date_takes_the_day_of_every_form_that_can_only_be_one(text):
    assert texts.date(text) == dt.date(2027, 3, 5)
    assert texts.moment(text).tzinfo is dt.UTC


@pytest.mark.parametrize("text", NO_DAYS)
def test_what_may_be_two_days_or_none_is_refused(text):
    for parse in (texts.date, texts.moment):
        with pytest.raises(ValueError, match="请输入"):
            parse(text)


def test_a_time_beside_a_day_is_kept_where_a_time_is_asked():
    at = dt.datetime(2027, 3, 5, 6, 30, tzinfo=dt.UTC)

    for text in (
        "2027-03-05 14:30",
        "2027年3月5日 下午2:30",
        "2027-03-05T06:30Z",
        "20270305143000",
    ):
        assert texts.moment(text) == at


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("expected_on", "46451", dt.date(2027, 3, 5)),
        ("expected_on", "46451.75", dt.date(2027, 3, 5)),
        ("expected_on", "2027/3/5 0:00", dt.date(2027, 3, 5)),
        ("probability", "30%", 30),
        ("probability", "30", 30),
    ],
)
def test_a_file_may_give_serial_dates_and_percentages(small, key, text, value):
    finder, one = Finder(small.session), inputs_for(Opportunity)[key]

    assert finder.value(one, Source(column=key), text) == value


@pytest.mark.parametrize("text", ["12", "999999", "3/5/2027", "-46451"])
def test_a_number_that_is_no_serial_date_is_refused(small, text):
    one = inputs_for(Opportunity)["expected_on"]

    with pytest.raises(ValueError, match="请输入日期"):
        Finder(small.session).value(one, Source(column="x"), text)
