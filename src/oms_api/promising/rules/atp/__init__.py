"""Available to promise: how many units can be promised by when.

Days are integers counted from the day of asking (0 = today). A step function is a tuple of `Step`s with rising days:
each holds from its day until the next one's; the first starts on day 0, the last holds for ever.

`steps` projects and looks ahead, `periods` nets each period by itself (Oracle Inventory's way, and discrete ATP),
`rule` chooses between them and sets the fences, `capable` asks what could be had beyond ATP.
"""

from oms_api.promising.rules.atp.capable import (
    Capable,
    Generator,
    Load,
    capable,
    drop_shipped,
    gathered,
    made,
)
from oms_api.promising.rules.atp.periods import (
    accumulated,
    discrete_atp,
    discrete_steps,
    period_atp,
    period_steps,
    project_periods,
)
from oms_api.promising.rules.atp.rule import (
    DEFAULT,
    UNLIMITED,
    Mode,
    Projection,
    Rule,
    beyond,
    fenced_demand,
    fenced_supply,
    projected_by,
)
from oms_api.promising.rules.atp.steps import (
    PAST_DUE_SUPPLY_DAY,
    Amounts,
    Step,
    Steps,
    combined,
    daily,
    delivery_steps,
    first_day,
    kit,
    look_ahead,
    project,
    quantity_on,
    risen,
    steps,
)

__all__ = [
    "DEFAULT", "PAST_DUE_SUPPLY_DAY", "UNLIMITED", "Amounts", "Capable", "Generator", "Load", "Mode", "Projection",
    "Rule", "Step", "Steps", "accumulated", "beyond", "capable", "combined", "daily", "delivery_steps",
    "discrete_atp", "discrete_steps", "drop_shipped", "fenced_demand", "fenced_supply", "first_day", "gathered", "kit",
    "look_ahead", "made", "period_atp", "period_steps", "project", "project_periods", "projected_by", "quantity_on",
    "risen", "steps",
]  # fmt: skip
