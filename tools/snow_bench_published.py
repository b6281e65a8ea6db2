"""Published figures of the machine and of others on the same work, for the tables of snow-bench.

Hand-written code: arXiv 1708.02579. Compilers for the machine: arXiv 1708.00117 and EMC2 2018. Networks are without
their linear layers, on 256 multipliers at 250 MHz.
"""

from typing import NamedTuple


class HandCode(NamedTuple):
    """A layer of AlexNet (one weird trick): the published time of the hand-written code at 250 MHz."""

    mops: int
    """Millions of operations, none on padding; a multiply-accumulate is two."""
    milliseconds: float
    efficiency: float
    """Percent of that time in which all multipliers could do these."""


HAND_CODE = {
    "conv1": HandCode(139, 1.56, 69.87),
    "conv2": HandCode(409, 3.22, 99.07),
    "conv3": HandCode(202, 1.59, 99.37),
    "conv4": HandCode(269, 2.16, 97.22),
    "conv5": HandCode(179, 1.42, 98.59),
}


class OneUnit(NamedTuple):
    """A layer on a machine of one CU at 142.86 MHz: published times."""

    hand_milliseconds: float
    compiler_milliseconds: float


ONE_UNIT = {
    "conv3": OneUnit(11.11, 11.08),
    "conv4": OneUnit(14.84, 14.77),
    "conv5": OneUnit(9.89, 9.86),
}

MAPS_STATIONARY_BYTES = {"maps and weights in": 8_716_288, "maps out": 100_352}
"""Traffic of a 3x3 convolution of 16x16x256 to 14x14x256, all kernels sent again for every two output rows."""


class Network(NamedTuple):
    """A network without linear layers; None where nothing is published."""

    compiler_fps: float | None = None
    """Frames per second of the compiler of arXiv 1708.00117."""
    compiler_gb_per_second: float | None = None
    hand_fps: float | None = None
    hand_percent: float | None = None
    """Efficiency of the hand code: what to compare, as its GoogLeNet and ResNet-50 have other operations than ours."""
    zigzag_fps: float | None = None
    """The best mapping that ZigZag 3.9.1 finds for as many multipliers and as much memory."""
    scale_sim_fps: float | None = None
    """SCALE-Sim 3.0.0: a systolic array of 16x16, with unlimited bandwidth."""
    instructions: int | None = None
    """Static instructions of the compiler of EMC2 2018."""
    milliseconds_at_200_mhz: float | None = None
    """Its time for a frame, on the machine at another clock."""


NETWORKS = {
    "alexnet": Network(
        compiler_fps=93.6,
        compiler_gb_per_second=1.2,
        hand_fps=100.3,
        hand_percent=94.07,
        instructions=51_400,
        milliseconds_at_200_mhz=14.0,
    ),
    "resnet18": Network(
        compiler_fps=21.4,
        compiler_gb_per_second=2.2,
        zigzag_fps=31.2,
        scale_sim_fps=31.4,
        instructions=308_000,
        milliseconds_at_200_mhz=58.3,
    ),
    "resnet34": Network(instructions=524_000, milliseconds_at_200_mhz=106.0),
    "resnet50": Network(hand_fps=17.7, hand_percent=95.5, instructions=514_000, milliseconds_at_200_mhz=149.8),
    "googlenet": Network(hand_fps=36.3, hand_percent=91.6),
}

SYSTOLIC = 16
"""Rows and columns of the systolic array that SCALE-Sim simulates: as many multipliers as the machine has."""


def scale_sim_cycles(pixels: int, kernels: int, words: int) -> int:
    """Cycles of a layer in SCALE-Sim 3.0.0, output stationary and with unlimited bandwidth: for each block of 16 output
    pixels and 16 kernels, all words under a kernel, and as many cycles as it takes to fill and drain the array."""
    blocks = -(-pixels // SYSTOLIC) * -(-kernels // SYSTOLIC)
    return blocks * (words + 2 * (SYSTOLIC - 1)) - 1
