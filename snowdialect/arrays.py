"""Inputs and outputs of a network as .npy and .npz files."""

from collections.abc import Collection, Mapping
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple
from zipfile import ZipFile, ZipInfo

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snowdialect.errors import SnowError
from snowdialect.files import replacing

MANY = ".npz"
"""What the name of a file ends with that holds several arrays by their names."""

LONGEST_NAME = 1 << 12
"""Bytes of the name of an array in it: zip files take some more."""


class Inputs(NamedTuple):
    batch: NDArray[np.float32]
    """N x the shape of one input."""
    is_batch: bool
    """Whether the file held a batch, rather than one input."""

    def like_input(self, outputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Output batches in the shape that answers the file: without batch axis for one input."""
        return {name: output if self.is_batch else output[0] for name, output in outputs.items()}


def read_input(path: Path, shape: tuple[int, ...]) -> Inputs:
    """Reads one input of `shape`, or a batch of them. Raises SnowError, one line, for anything else."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise SnowError(f"{path}: not a regular file")
    try:
        # Mapped, a file that claims more elements than it has takes no memory for them.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OverflowError, SyntaxError, TokenError) as error:
        raise SnowError(f"{path}: not a .npy file of numbers") from error
    if not isinstance(array, np.ndarray):
        raise SnowError(f"{path}: holds several arrays; want a .npy file with one")
    return _as_inputs(str(path), array, shape)


def read_samples(samples: str | NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The batch of inputs of `shape` in a file or an array; either may hold one input without batch axis. Raises
    SnowError, one line, for anything else."""
    if isinstance(samples, str):
        return read_input(Path(samples), shape).batch
    return _as_inputs("calibrate", samples, shape).batch


def _as_inputs(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> Inputs:
    expect_numbers(name, array)
    if array.shape == shape:
        return Inputs(_to_float32(name, array[None]), False)
    if array.shape[1:] == shape and array.ndim == len(shape) + 1:
        if len(array) == 0:
            raise SnowError(f"{name}: holds an empty batch")
        return Inputs(_to_float32(name, array), True)
    held = "x".join(map(str, array.shape)) or "a scalar"
    wanted = "x".join(map(str, shape))
    raise SnowError(f"{name}: holds {held}; the network wants {wanted}, or a batch Nx{wanted}")


def numbers(name: str, x: ArrayLike) -> NDArray[Any]:
    """What is given as an array of numbers. Raises SnowError, which calls it `name`, for anything else."""
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise SnowError(f"{name}: is no array: its parts have different shapes") from error
    expect_numbers(name, array)
    return array


def input_batch(name: str, x: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A batch of inputs of `shape`. Raises SnowError, one line, for one of another shape, and for what is no number."""
    with np.errstate(over="ignore"):
        array = np.asarray(numbers(f"input '{name}'", x), np.float32)
    if array.ndim != len(shape) + 1 or array.shape[1:] != shape:
        wanted = "x".join(map(str, shape))
        raise SnowError(f"input '{name}' has shape {array.shape}; want a batch Nx{wanted}")
    if not np.isfinite(array).all():
        raise SnowError(f"input '{name}' holds values that are not finite")
    return array


def batch_size(batches: Mapping[str, NDArray[Any]]) -> int:
    """How many inputs there are, as many of each, or 1 without any. Raises SnowError where their numbers differ."""
    sizes = {name: len(batch) for name, batch in batches.items()}
    if len(set(sizes.values())) > 1:
        held = ", ".join(f"{size} of {name}" for name, size in sizes.items())
        raise SnowError(f"as many of each input are wanted, not {held}")
    return next(iter(sizes.values()), 1)


def expect_numbers(name: str, array: NDArray[Any]) -> None:
    """Raises SnowError, which calls an array `name`, when it does not hold numbers that float32 stands for."""
    if array.dtype.kind not in "fiub":
        raise SnowError(f"{name}: holds {array.dtype}, not numbers")


def _to_float32(name: str, array: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        result = np.array(array, np.float32)
    if not np.isfinite(result).all():
        raise SnowError(f"{name}: holds values that are not finite as float32")
    return result


def write_outputs(path: Path, outputs: Mapping[str, NDArray[Any]]) -> None:
    """Writes arrays as float32: into a .npz file with their names, or the only one into another file, a .npy.

    `check_output_kind` tells before what the file can hold.
    """
    arrays = {name: output.astype(np.float32) for name, output in outputs.items()}
    # Into a pipe NumPy cannot save, and where there is no room it does not say so; nor does it take just any name.
    data = BytesIO()
    if path.suffix == MANY:
        with ZipFile(data, "w") as archive:
            for name, array in arrays.items():
                with archive.open(ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                    np.save(member, array)
    else:
        (array,) = arrays.values()
        np.save(data, array)
    with replacing(path, "wb") as file:
        file.write(data.getbuffer())


def check_output_kind(path: Path, names: Collection[str]) -> None:
    """Raises SnowError where a network has several outputs and the file holds one array, where it has none, and for
    names of outputs that are too long for a file."""
    if not names:
        raise SnowError(f"{path}: the network has no output to write there")
    if any(len(name.encode()) > LONGEST_NAME for name in names):
        raise SnowError(f"{path}: an output's name has more than {LONGEST_NAME} bytes")
    if path.suffix != MANY and len(names) > 1:
        raise SnowError(f"{path}: the network has {len(names)} outputs, which want a {MANY} file: {', '.join(names)}")
