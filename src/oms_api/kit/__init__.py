"""What every domain may use. No commerce word may enter here.

Reads bottom-up: `clock`, `ids`, `money`, `errors` stand on nothing; `db` runs statements and owns the only commit;
`events` writes facts into the change that made them true; `jobs` tells facts to reactions and runs timers;
`idempotency` and `graphql` are the one write path from a request to the stored answer.
"""
