"""The programs over the columns of a wave: prices of what runs short, and the best choice of one column a claim."""

from collections.abc import Mapping, Sequence
from typing import Any

from oms_api.sourcing.rules.wave.claims import SCALE, Column, Key

MIP_GAP = 5e-4


class Master:
    """A linear program by HiGHS: one column of each claim, no more of anything than there is."""

    def __init__(self, claims: int, most: Mapping[Key, int]) -> None:
        # the library takes a tenth of a second and 40 MB to load: only a wave pays for it
        import highspy

        self._library: Any = highspy
        self._highs = self._library.Highs()
        self._highs.silent()
        for option, value in (("threads", 1), ("random_seed", 1), ("mip_rel_gap", MIP_GAP)):
            self._highs.setOptionValue(option, value)
        self._most = most
        self.rows: dict[Key, int] = {}
        """Of what the columns take, by what it is."""
        self.columns: list[Column] = []
        self._known: dict[object, int] = {}
        for _ in range(claims):
            self._highs.addRow(1.0, 1.0, 0, [], [])
        self._claims = claims
        self.value = 0.0
        """Score of the program's last solution, on the wave's scale."""

    def add(self, column: Column) -> bool:
        """Whether the column is new."""
        if column.name in self._known:
            return False
        self._known[column.name] = len(self.columns)
        indices, factors = [column.claim], [1.0]
        for use, units in column.uses.items():
            row = self.rows.get(use)
            if row is None:
                row = self.rows[use] = self._claims + len(self.rows)
                self._highs.addRow(-self._library.kHighsInf, float(self._most[use]), 0, [], [])
            indices.append(row)
            factors.append(float(units))
        self._highs.addCol(column.score / SCALE, 0.0, self._library.kHighsInf, len(indices), indices, factors)
        self.columns.append(column)
        return True

    def prices(self) -> dict[Key, int]:
        """What a unit of each thing that runs short is worth, whole numbers of the wave's scale."""
        self._highs.run()
        status = self._highs.getModelStatus()
        if status != self._library.HighsModelStatus.kOptimal:
            raise RuntimeError(f"the program of a wave is {status.name}, not solved")
        self.value = float(self._highs.getInfo().objective_function_value) * SCALE
        duals = self._highs.getSolution().row_dual
        found = {key: max(0, round(-duals[row] * SCALE)) for key, row in self.rows.items()}
        return {key: price for key, price in found.items() if price}

    def choose(self, start: Sequence[Column], seconds: float, nodes: int) -> list[Column] | None:
        """The best column of each claim by branch and bound over the columns; None when none was found in time.

        `start` is a choice that is known already. Nodes bound the work, so that the answer is the same on every
        machine; seconds bound it too, and where they are what ends it the answer depends on the machine.
        """
        highs, library = self._highs, self._library
        highs.setOptionValue("time_limit", seconds)
        highs.setOptionValue("mip_max_nodes", nodes)
        for at in range(len(self.columns)):
            highs.changeColIntegrality(at, library.HighsVarType.kInteger)
        solution = library.HighsSolution()
        values = [0.0] * len(self.columns)
        for column in start:
            values[self._known[column.name]] = 1.0
        solution.col_value = values
        highs.setSolution(solution)
        highs.run()
        if not highs.getInfo().primal_solution_status:
            return None
        values = highs.getSolution().col_value
        chosen: dict[int, Column] = {}
        for at, column in enumerate(self.columns):
            if values[at] > 0.5:
                chosen[column.claim] = column
        return [chosen[at] for at in range(self._claims)] if len(chosen) == self._claims else None
