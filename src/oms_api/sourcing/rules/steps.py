"""How long a search may take, counted in steps, never in time: the same question gets the same answer."""


class OverBudget(Exception):
    """The search took more steps than it was given."""


class Steps:
    """Steps that are left of a budget; one is 0.2 to 0.5 µs."""

    def __init__(self, left: int) -> None:
        self.given = self.left = left

    def spend(self, steps: int) -> None:
        """Take so many; OverBudget when there are not so many left."""
        self.left -= steps
        if self.left < 0:
            raise OverBudget

    def lend(self, most: int) -> "Steps":
        """A budget of its own, out of this one: at most so many steps."""
        return Steps(max(min(most, self.left), 0))

    def settle(self, lent: "Steps") -> None:
        """Take what was spent of a budget that was lent."""
        self.left -= lent.given - max(lent.left, 0)
