"""The networks with seeded weights that snow-zoo writes."""

from snowdialect.models.alexnet import ALEXNET
from snowdialect.models.googlenet import GOOGLENET
from snowdialect.models.resnet import RESNET18, RESNET34, RESNET50
from snowdialect.models.seeded import Model
from snowdialect.models.small import SMALL_MODELS
from snowdialect.models.squeezenet import SQUEEZENET
from snowdialect.models.vgg import VGG16

PUBLISHED_MODELS: dict[str, Model] = {
    "alexnet": ALEXNET,
    "resnet18": RESNET18,
    "resnet34": RESNET34,
    "resnet50": RESNET50,
    "vgg16": VGG16,
    "googlenet": GOOGLENET,
    "squeezenet": SQUEEZENET,
}
"""Published networks."""

MODELS: dict[str, Model] = {**PUBLISHED_MODELS, **SMALL_MODELS}
"""The networks by name."""
