"""Pure decisions of the orders: amounts, units, states. No session, no clock."""
