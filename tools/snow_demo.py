"""`make demo`: compiles the digits classifier that ships with the project and runs it at every level."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from xdsl.dialects.builtin import ModuleOp

import snow_cli
from lowering import driver
from lowering.check import FLOAT, LevelResult, check
from snowdialect.dialects.snowflake import InstructionOp
from snowdialect.models import DIGITS, held_back_digits

if TYPE_CHECKING:
    from snowdialect.interpreters import Run

SHOWN = 6
SHADES = " ░▒▓█"
INPUT_SHAPE = (1, 8, 8)


def main() -> int:
    return snow_cli.run_command(run, debug=False)


def run() -> int:
    console = Console()
    images, labels = held_back_digits()
    context = driver.make_context()
    program = driver.read_model(DIGITS, INPUT_SHAPE)
    console.print(
        f"[bold]{DIGITS.name}[/bold], a Torch7 network, goes through four dialects to instructions.\n"
        f"All levels run on the {len(images)} images that it was not trained on and must agree bit by bit:"
    )
    started = time.perf_counter()
    results: list[LevelResult] = []
    table = Table("level", "against the reference", "layers", "accuracy", "seconds")
    for result in check(context, program.module, images, program.weights()):
        results.append(result)
        table.add_row(*level_row(result, labels))
    console.print(table)
    last = results[-1]
    if last.difference is not None:
        console.print(f"[red]{last.difference}[/red]")
        return 1
    console.print(instruction_table(program.module, last.run))
    predicted = predictions(last.run)
    console.print(Columns(picture(*shown) for shown in list(zip(images, labels, predicted, strict=True))[:SHOWN]))
    right = int((predicted == labels).sum())
    console.print(
        f"The program of instructions reads {right} of {len(labels)} digits right. "
        f"Everything took {time.perf_counter() - started:.1f} s."
    )
    return 0


def level_row(result: LevelResult, labels: NDArray[np.uint8]) -> Sequence[str]:
    if result.level == FLOAT:
        verdict, layers = "(before quantisation)", ""
    else:
        verdict = "is the reference" if result.level == "cnn" else "equal"
        if result.difference is not None:
            verdict = "[red]differs[/red]"
        layers = str(result.layers_compared)
    accuracy = np.mean(predictions(result.run) == labels)
    return result.level, verdict, layers, f"{accuracy:.2%}", f"{result.seconds:.2f}"


def predictions(run: "Run") -> NDArray[np.int64]:
    """Most likely class of each image."""
    return np.argmax(run.outputs["output"], axis=1)


def instruction_table(module: ModuleOp, run: "Run") -> Table:
    """Instructions by mnemonic: in the program, and executed for one image."""
    static = Counter(op.ROW.mnemonic for op in module.walk() if isinstance(op, InstructionOp))
    table = Table("instruction", "in the program", "executed")
    for mnemonic in sorted(static):
        table.add_row(mnemonic, str(static[mnemonic]), str(run.instructions[mnemonic]))
    table.add_section()
    table.add_row("all", str(static.total()), str(run.instructions.total()))
    return table


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
