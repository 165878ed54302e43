"""State tables: which action leads from which state to which; one look-up for verbs, `actions` and error messages."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from oms_api.kit.errors import InvalidTransition, Path

S = TypeVar("S", bound=StrEnum)


class States(Generic[S]):
    """`States({"orderConfirm": {PENDING: CONFIRMED}})`: action → from → to. Actions are named like their mutation."""

    def __init__(self, table: Mapping[str, Mapping[S, S]]) -> None:
        self.table = table

    def allowed(self, state: S) -> list[str]:
        return [action for action, moves in self.table.items() if state in moves]

    def may(self, action: str, state: S) -> bool:
        return state in self.table[action]

    def after(self, action: str, state: S, subject: str, path: Path = ("input", "id")) -> S:
        """The state that follows. Raises InvalidTransition with the present state and what is allowed."""
        moves = self.table[action]
        if state not in moves:
            allowed = self.allowed(state)
            raise InvalidTransition(
                f"{subject} is {state}; {action} needs {' or '.join(moves)}."
                + (f" Allowed now: {', '.join(allowed)}." if allowed else ""),
                path=path,
                details={"current_state": str(state), "allowed_actions": allowed},
            )
        return moves[state]
