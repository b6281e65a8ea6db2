"""What is damaged, how, and which commands read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx_files
import program_files
import torch7_files
from mutations import BYTES, TEXT, Mutation, any_of

from lowering.pipeline import passes_between
from snowdialect import machine
from snowdialect.models import DIGITS
from snowdialect.models.small import SMALL_MODELS

SHARED = Path(__file__).parents[3] / "shared" / "models"
"""More networks, where there are some beside the checkout."""

CNN_PASSES = ",".join(passes_between(level="cnn"))
TILE_PASSES = ",".join(passes_between(level="tile"))


class Subject(NamedTuple):
    """An intact file."""

    content: bytes
    options: tuple[str, ...] = ()
    """What the commands need besides, such as the shape of a network's input."""
    beside: tuple[str, ...] = ()
    """Files of `program_files` that lie in the folder, too."""


class Stage(NamedTuple):
    """A command that reads a file, and the share of files, of those the stages before could read, that it gets."""

    share: float
    arguments: str
    """Words with {path}, {output} and {folder} in them; the options of the subject come behind."""
    small_only: bool = False
    """Whether it gets only what the stage before made few and small layers of: others rightly take their time."""


class Target(NamedTuple):
    """A kind of file."""

    suffix: str
    subjects: Callable[[], list[Subject]]
    mutate: Mutation
    stages: tuple[Stage, ...]
    bombs: Callable[[], Mapping[str, bytes]] = dict
    """Files that are built to do harm."""
    bomb_options: tuple[str, ...] = ()


MODEL_STAGES = (
    Stage(1, "snow-opt {path} -o {output}.mlir"),
    Stage(0.3, f"snow-opt {{path}} -p {CNN_PASSES} -o {{output}}.mlir", small_only=True),
    Stage(0.3, f"snow-opt {{path}} -p {TILE_PASSES} -o {{output}}.mlir", small_only=True),
    Stage(0.2, "snow-compile {path} --no-cache -o {output}.snow", small_only=True),
)


def torch7_models(ascii: bool) -> list[Subject]:
    """Networks of the zoo, small enough to be mostly structure, and published ones."""
    rng = np.random.default_rng(1)
    models = [
        Subject(torch7_files.written(model.build(rng), ascii), _shape(model.input_shape))
        for model in SMALL_MODELS.values()
    ]
    if not ascii:
        models.append(Subject(DIGITS.read_bytes(), _shape((1, 8, 8))))
    return models + [
        Subject(path.read_bytes(), _shape(shape))
        for name, shape in PUBLISHED.items()
        if (path := SHARED / "torch7" / name).is_file() and (path.suffix == ".txt") == ascii
    ]


def onnx_networks() -> list[Subject]:
    """Networks made here, and a published one."""
    made = [onnx_files.classifier(), onnx_files.residual(), onnx_files.computed(), onnx_files.mobile()]
    path = SHARED / "onnx" / "trained" / "vnn21_Convnet_maxpool.onnx"
    return [Subject(content) for content in (*made, *([path.read_bytes()] if path.is_file() else []))]


PUBLISHED = {
    "opencv/net_batch_norm_net.t7": (4, 5, 6),
    "opencv/net_concat_net.t7": (2, 6, 6),
    "opencv/ascii/net_concat_net.txt": (2, 6, 6),
    "trained/mnist_convnet_maxpool.t7": (1, 28, 28),
}


def _shape(sizes: tuple[int, ...]) -> tuple[str, str]:
    return "--input-shape", "x".join(map(str, sizes))


def made(*names: str, beside: tuple[str, ...] = ()) -> Callable[[], list[Subject]]:
    """Files that the commands have made."""
    return lambda: [Subject(program_files.files()[name], beside=beside) for name in names]


def machines() -> list[Subject]:
    """The machines that come with the project."""
    folder = Path(machine.__file__).parent
    return [
        Subject(path.read_bytes(), beside=("net.mlir", "net.safetensors")) for path in sorted(folder.glob("*.toml"))
    ]


COMPILE = Stage(1, "snow-compile {path} --no-cache -o {output}.snow")
MACHINE = Stage(1, "snow-compile {folder}/net.mlir --machine {path} --no-cache -o {output}.snow")

TARGETS: dict[str, Target] = {
    "torch7": Target(
        "t7", lambda: torch7_models(False), torch7_files.BINARY, MODEL_STAGES, torch7_files.bombs, _shape((1, 8, 8))
    ),
    "onnx": Target("onnx", onnx_networks, onnx_files.MUTATION, MODEL_STAGES, onnx_files.bombs),
    "torch7-ascii": Target("t7", lambda: torch7_models(True), torch7_files.ASCII, MODEL_STAGES),
    "mlir": Target(
        "mlir",
        made("net.mlir", "cnn.mlir", "tile.mlir", "loop.mlir", "snowflake.mlir", beside=("net.safetensors",)),
        any_of(TEXT),
        (Stage(1, "snow-opt {path} -o {output}.mlir"), COMPILE),
    ),
    "assembly": Target("s", made("net.s", beside=("net.safetensors",)), any_of(TEXT), (COMPILE,)),
    "code": Target(
        "s",
        made("code.s", beside=("net.snow",)),
        any_of(TEXT),
        (Stage(1, "snow-asm assemble {path} --replace {folder}/net.snow -o {output}.snow"),),
    ),
    "program": Target(
        "snow",
        made("net.snow", beside=("input.npy",)),
        program_files.PROGRAM,
        (
            Stage(1, "snow-asm disassemble {path} -o {output}.s"),
            Stage(0.5, "snow-run {path} --input {folder}/input.npy --output {output}.npy"),
        ),
    ),
    "weights": Target(
        "safetensors",
        made("net.safetensors", beside=("now.mlir", "input.npy")),
        program_files.TENSORS,
        (Stage(1, "snow-run {folder}/now.mlir --input {folder}/input.npy --output {output}.npy"),),
    ),
    "machine": Target(
        "toml",
        machines,
        any_of(TEXT),
        (MACHINE,),
    ),
    "input": Target(
        "npy",
        made("input.npy", beside=("net.mlir", "net.safetensors")),
        any_of(BYTES),
        (Stage(1, "snow-run {folder}/net.mlir --input {path} --output {output}.npy"),),
    ),
}
