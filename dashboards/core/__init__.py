"""What every summary stands on: periods, scope, SQL, tables, charts."""
