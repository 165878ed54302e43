"""`python -m oms_api` is `oms`."""

from oms_api.cli import main

main()
