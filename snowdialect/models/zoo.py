"""The networks with seeded weights that snow-zoo writes."""

from snowdialect.models.alexnet import ALEXNET
from snowdialect.models.seeded import Model
from snowdialect.models.small import SMALL_MODELS

MODELS: dict[str, Model] = {"alexnet": ALEXNET, **SMALL_MODELS}
"""The networks by name."""
