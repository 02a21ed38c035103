"""What a generator planted is found: who goes with what, rhythms, who left; nothing leaks back."""

import json

import numpy as np
import pandas as pd
import pytest

from bench import histories
from cli import portrait_table
from services.portrait.maths import (
    drawing,
    features,
    leaving,
    measure,
    offering,
    offers,
    rhythm,
    trial,
)
from services.portrait.maths.baskets import bought_after
from services.portrait.maths.story import Story, frame
from tests.support import planted

SHAPE = histories.Shape(customers=500, orders=5_000, lines=12_000, products=60)


@pytest.fixture(scope="module")
def found():
    return histories.draw(SHAPE)


@pytest.fixture(scope="module")
def story(found):
    return planted.story(found)


@pytest.fixture(scope="module")
def report(story):
    return trial.evaluate(story, story.last_day, 90)


def rows(report, question):
    return {row["method"]: row for row in report.figures[question]}


def test_products_of_a_family_speak_for_each_other(found, story):
    base = offering.ground(story, story.last_day)
    choice = offering.Fresh("ease", 100.0)
    likes = offering.weights_of(base, choice)
    ranked = offering.fresh(base, choice, likes, 1)

    family = found.product.max() // 5 + 1
    nearest = likes.argmax(axis=0)
    assert (nearest // 5 == np.arange(len(nearest)) // 5).mean() > 0.9
    assert family == 12
    assert np.isfinite(ranked.score).all()


def test_the_chosen_method_beats_what_is_popular_and_says_so(report):
    fresh, again = rows(report, "fresh"), rows(report, "again")

    assert fresh["chosen"]["hit"][1] > fresh["popular"]["hit"][2]
    assert report.choice.fresh_wins
    assert again["own"]["hit"][0] > again["popular"]["hit"][0]
    for row in (*fresh.values(), *again.values()):
        assert row["hit"][1] <= row["hit"][0] <= row["hit"][2]


def test_who_left_is_told_from_who_is_only_between_two_orders(report, found, story):
    told = report.figures["leaving"]
    assert told["auc"] > max(0.85, told["recency_auc"])
    assert abs(told["predicted"] - told["true"]) < 0.08

    model = leaving.fit(story, story.last_day, 90)
    facts = features.facts(story, story.last_day, 90)
    chance = leaving.told(model, facts)
    gone = found.left_on[facts.index] > 0
    assert chance["leaving"][gone].mean() > 2 * chance["leaving"][~gone].mean()
    assert all(len(row) <= 3 for row in chance["causes"])
    sure = chance[chance["leaving"] > 900]
    assert all(row for row in sure["causes"])


def test_the_usual_gap_is_the_planted_one(found, story):
    usual = rhythm.usual_gaps(story.buys)
    many = story.buys.groupby("customer").size()
    known = usual.index[many.reindex(usual.index) >= 8]

    ratio = usual[known] / found.gap[known]
    assert ((ratio > 0.8) & (ratio < 1.25)).mean() > 0.9


def test_nothing_that_is_learnt_or_chosen_has_seen_the_days_it_is_tried_on(story, report):
    """Orders after the cut change no number of before."""
    test = report.figures["split"]["test"]
    early = story.until(test)
    noise = pd.DataFrame(
        {"customer": [3] * 9, "order": range(10**6, 10**6 + 9), "product": range(9)}
    ).assign(day=test + 1)
    later = Story(
        story.customers,
        pd.concat([early.buys, noise[["customer", "order", "day"]].assign(amount=99_00)]),
        pd.concat([early.items, noise]),
        story.pays,
        story.meets,
    )
    choice = offering.Again(60, 0.3)
    whole = offering.again(offering.ground(story, test), choice, 5)
    learnt = leaving.fit(story, test, 90)
    for one in (early, later):
        same = offering.again(offering.ground(one, test), choice, 5)
        np.testing.assert_array_equal(same.column, whole.column)
        np.testing.assert_allclose(same.score, whole.score)
        np.testing.assert_array_equal(leaving.fit(one, test, 90).weights, learnt.weights)


def test_what_was_bought_is_never_called_new_and_what_was_not_never_again(story):
    plan = drawing.Sketch(as_of=story.last_day - 60, window=365, rules=[])
    again, fresh = drawing.draw(story, plan).offers
    bought = story.until(plan.as_of).items[["customer", "product"]].drop_duplicates()
    had = set(bought.itertuples(index=False, name=None))

    assert set(zip(again["customer"], again["product"], strict=True)) <= had
    assert not set(zip(fresh["customer"], fresh["product"], strict=True)) & had
    for _key, one in fresh.groupby("customer"):
        assert one["rank"].tolist() == list(range(1, len(one) + 1))
    for who, why in zip(fresh["customer"], fresh["because"], strict=True):
        assert all((who, one) in had for one in json.loads(why))


def test_every_product_has_the_customers_it_fits_best_of_those_who_lack_it(story):
    """Not only those whose own ten name it: a product nobody's list names is to be sold too."""
    plan = drawing.Sketch(as_of=story.last_day, window=365, rules=[], most=3)
    _again, found = drawing.draw(story, plan).offers
    items = story.until(plan.as_of).items
    customers = items["customer"].nunique()
    had = items.groupby("product")["customer"].nunique()
    fitting = found.groupby("product")["customer"].nunique().reindex(had.index, fill_value=0)

    assert len(had) == SHAPE.products
    assert (fitting >= np.minimum(offers.EACH, customers - had)).all()
    assert not found.duplicated(["customer", "product"]).any()
    base = offering.ground(story, plan.as_of)
    likes = offering.weights_of(base, plan.choice.fresh)
    whole = offering.fresh(base, plan.choice.fresh, likes, SHAPE.products)
    for column in (0, 7, 59):
        product = base.found.products[column]
        best = np.sort(whole.score[whole.column == column])[::-1][: offers.EACH]
        mine = np.sort(found.loc[found["product"] == product, "score"])[::-1][: offers.EACH]
        np.testing.assert_allclose(mine, best)


def test_of_few_answers_nothing_is_told_and_the_fall_backs_are_used():
    few = planted.story(histories.draw(histories.Shape(30, 300, 700, 20)))
    found = trial.evaluate(few, few.last_day, 90)
    printed = "\n".join(portrait_table.lines(found.figures, found.choice.as_json()))

    assert not trial.enough(found.figures["fresh"])
    assert not found.choice.fresh_wins
    assert found.choice.again == trial.OWN or not found.choice.again_wins
    assert printed.count("too few to tell") == 2
    assert "leaving: too little history to learn from" in printed


def test_where_recency_alone_does_as_well_it_is_what_is_used(story):
    learnt = leaving.fit(story, story.last_day, 90, leaving.PLAIN)
    choice = trial.Methods(trial.OWN, trial.DEFAULT.fresh, leaving_wins=False)
    plan = drawing.Sketch(as_of=story.last_day, window=365, rules=[], choice=choice)
    table = drawing.draw(story, plan).table
    facts = features.facts(story, story.last_day, 90)
    chance = np.rint(learnt.chance(features.features(facts)) * 1000)
    worse = {"auc": 0.7, "recency_auc": 0.7, "brier": 0.2, "recency_brier": 0.2}
    better = worse | {"auc": 0.71}

    np.testing.assert_array_equal(table.loc[facts.index, "leaving"], chance)
    assert {one[0] for told in table["causes"].dropna() for one in told} == {"recency"}
    assert not trial.sees(worse)
    assert trial.sees(better)
    assert not trial.sees(better | {"brier": 0.21})


def test_a_product_that_is_no_longer_sold_is_not_offered(story):
    kept = np.arange(0, 60, 2)
    plan = drawing.Sketch(as_of=story.last_day, window=365, rules=[], offered=kept)

    for table in drawing.draw(story, plan).offers:
        assert set(table["product"]) <= set(kept)


def test_answers_count_customers_by_hand():
    items = frame(
        "customer order product day",
        [(1, 1, 1, 10), (1, 2, 2, 20), (2, 3, 1, 10), (1, 4, 1, 50), (1, 5, 3, 50), (2, 6, 2, 50)],
    )
    buys = frame("customer order day amount", [(1, 1, 10, 5)])
    told = Story(np.array([1, 2]), buys, items, frame("customer day amount"), frame("customer day"))
    base, bought = offering.ground(told, 40), bought_after(told, 40, 60)
    own = offering.again(base, offering.Again(), 10)

    again = measure.answers(base, own, bought, before=True)
    fresh = measure.answers(base, own, bought, before=False)

    assert (again.hit.tolist(), again.recall.tolist()) == ([1.0], [1.0])
    assert (fresh.hit.tolist(), fresh.recall.tolist()) == ([0.0], [0.0])
    assert measure.interval(np.array([1.0, 0.0] * 50))[1:] == pytest.approx((0.4, 0.6), abs=0.03)


def test_too_little_history_gives_no_probability():
    assert (
        leaving.fit(planted.story(histories.draw(histories.Shape(20, 60, 80, 20))), 0, 90) is None
    )
