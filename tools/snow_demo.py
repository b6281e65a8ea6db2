"""`make demo`: compiles the digits classifier that ships with the project, simulates it and runs it at every level."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

import snow_cli
import snowdialect as snow
from lowering import driver
from lowering.check import FLOAT, LevelResult, check
from snow_profile import print_profile
from snowdialect.models import DIGITS, held_back_digits

SHOWN = 6
SHADES = " ░▒▓█"
INPUT_SHAPE = (1, 8, 8)


def main() -> int:
    return snow_cli.run_command(run, debug=False)


def run() -> int:
    console = Console()
    images, labels = held_back_digits()
    started = time.perf_counter()
    predicted = simulate(console, images)
    console.print(Columns(picture(*shown) for shown in list(zip(images, labels, predicted, strict=True))[:SHOWN]))
    right = int((predicted == labels).sum())
    console.print(f"The program reads {right} of {len(labels)} digits right.\n")
    if not all_levels_agree(console, images, labels):
        return 1
    console.print(f"Everything took {time.perf_counter() - started:.1f} s.")
    return 0


def simulate(console: Console, images: NDArray[np.float32]) -> NDArray[np.int64]:
    """Compiles the network to a program file and runs that in the simulator; returns the classes of the images."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.snow"
        snow.compile(DIGITS, INPUT_SHAPE).write(path)
        console.print(
            f"[bold]{DIGITS.name}[/bold], a Torch7 network, compiles to {path.name}, {path.stat().st_size} bytes: "
            f"a program for the machine.\nIn the simulator it takes, for each of the {len(images)} images that the "
            "network was not trained on:"
        )
        result = snow.load(path).run(images)
    print_profile(result.report)
    return predictions(result.outputs)


def all_levels_agree(console: Console, images: NDArray[np.float32], labels: NDArray[np.uint8]) -> bool:
    """Runs every level and the simulator, and prints what comes out."""
    console.print("On the way it went through four dialects. All run on these images and must agree bit by bit:")
    source = driver.read_model(DIGITS, INPUT_SHAPE)
    results: list[LevelResult] = []
    table = Table("level", "against the reference", "layers", "accuracy", "instructions", "seconds")
    for result in check(driver.make_context(), source.module, images, source.weights(), DIGITS.name):
        results.append(result)
        table.add_row(*level_row(result, labels))
    console.print(table)
    difference = results[-1].difference
    if difference is not None:
        console.print(f"[red]{difference}[/red]")
    return difference is None


def level_row(result: LevelResult, labels: NDArray[np.uint8]) -> Sequence[str]:
    if result.level == FLOAT:
        verdict, layers = "(before quantisation)", ""
    else:
        verdict = "is the reference" if result.level == "cnn" else "equal"
        if result.difference is not None:
            verdict = "[red]differs[/red]"
        layers = str(result.layers_compared)
    accuracy = np.mean(predictions(result.run.outputs) == labels)
    executed = str(result.run.instructions.total() or "")
    return result.level, verdict, layers, f"{accuracy:.2%}", executed, f"{result.seconds:.2f}"


def predictions(outputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.int64]:
    """Most likely class of each image."""
    return np.argmax(outputs["output"], axis=1)


def picture(image: NDArray[np.float32], label: int, predicted: int) -> Panel:
    """The image, two characters a pixel, over the answer."""
    text = Text()
    for row in image[0]:
        text.append("".join(2 * SHADES[round(pixel * (len(SHADES) - 1))] for pixel in row.tolist()) + "\n")
    answer = f"is {label}, read as {predicted}"
    text.append(answer, style="green" if label == predicted else "red")
    return Panel(text, expand=False)


if __name__ == "__main__":
    raise SystemExit(main())
