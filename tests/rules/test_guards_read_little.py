"""Guards of money read the rows they are about, whatever the database knows of its tables."""

import sqlalchemy as sa

from models.deals.contract import Contract
from tests.support.world import World, seed_people

MANY = 2000  # so many that nobody would read a table whole for one row
FILL = """
INSERT INTO payment_plan (contract_id, ordinal, amount, due_on)
SELECT :contract, 10 + n, 100, DATE '2026-11-01' FROM generate_series(1, :many) AS n;
INSERT INTO payment (code, contract_id, customer_id, paid_on, amount, method, state, confirmed_at,
    created_at, updated_at)
SELECT 'M-' || n, :contract, :customer, DATE '2026-11-01', 100, 'bank', 'confirmed', NOW(), NOW(),
    NOW() FROM generate_series(1, :many) AS n;
INSERT INTO payment_allocation (payment_id, plan_id, amount)
SELECT p.id, n.id, 100 FROM payment AS p JOIN payment_plan AS n
ON n.contract_id = p.contract_id AND p.code = 'M-' || (n.ordinal - 10);
SET CONSTRAINTS guard_part_added IMMEDIATE
"""
READ = """
SELECT COALESCE(SUM(COALESCE(seq_tup_read, 0) + COALESCE(idx_tup_fetch, 0)), 0)
FROM pg_stat_xact_user_tables WHERE relname IN ('payment', 'payment_allocation', 'payment_plan')
"""


def test_a_fresh_postgresql_reads_each_payment_by_its_key(databases):
    with databases.lent("postgres", seed_people) as app, World(app) as world:
        customer = world.approved()
        key = world.approved(model=Contract, key=world.contract(customer))
        values = {"contract": key, "customer": customer, "many": MANY}
        with sa.create_engine(app.config["SQLALCHEMY_DATABASE_URI"]).connect() as connection:
            for statement in FILL.split(";"):
                asked = {k: v for k, v in values.items() if f":{k}" in statement}
                connection.execute(sa.text(statement), asked)
            settled = "SELECT SUM(settled) FROM payment_plan"
            assert connection.execute(sa.text(settled)).scalar_one() == 100 * MANY
            read = connection.execute(sa.text(READ)).scalar_one()
            connection.rollback()
        assert read < 40 * MANY
