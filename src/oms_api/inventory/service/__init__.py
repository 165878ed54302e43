"""The verbs of the stock ledger, one file a verb."""
