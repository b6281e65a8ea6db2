"""`snow-zoo`: writes a known network as a Torch7 file."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import snow_cli

DESCRIPTION = """\
Writes a network as a Torch7 file and prints the --input-shape it takes.

Networks: digits is trained and ships with the project; the others have seeded
weights: alexnet (one weird trick), resnet18, resnet34, resnet50, vgg16,
googlenet, squeezenet (1.0), and small ones for one kind of layer each: conv,
conv-rgb, conv-grouped, conv-residual, conv-bn, concat, max-pool, avg-pool,
linear."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "snow-zoo", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", metavar="NAME", help="which network")
    parser.add_argument("-o", "--output", metavar="M.t7", type=Path, required=True, help="file to write")
    parser.add_argument("--features", action="store_true", help="leave the linear classifier off")
    parser.add_argument("--seed", metavar="N", type=_seed, help="seed of the weights (default: 0)")
    snow_cli.add_debug_argument(parser)
    options = parser.parse_args(arguments)
    return snow_cli.run_command(lambda: run(options), options.debug, alone=arguments is None)


def run(options: argparse.Namespace) -> int:
    import numpy as np

    from snowdialect.errors import SnowError
    from snowdialect.files import check_outputs, replacing
    from snowdialect.frontends.torch7.writer import save
    from snowdialect.models import DIGITS
    from snowdialect.models.zoo import MODELS

    check_outputs((options.output,), ())
    if options.name == "digits":
        if options.seed is not None:
            raise SnowError("digits is trained, it takes no --seed")
        if options.features:
            raise SnowError("digits is written as it was trained, it takes no --features")
        with replacing(options.output, "wb") as file:
            file.write(DIGITS.read_bytes())
        print(f"{options.output}: trained classifier of digits; --input-shape 1x8x8")
        return 0
    if options.name not in MODELS:
        raise SnowError(f"unknown network '{options.name}'; known are digits, {', '.join(MODELS)}")
    model = MODELS[options.name]
    if options.features and model.classifier is None:
        raise SnowError(f"{options.name} has no classifier that --features could leave off")
    snow_cli.show_progress(f"writing {options.output} ...")
    save(options.output, model.build(np.random.default_rng(options.seed or 0), options.features))
    snow_cli.show_progress()
    print(f"{options.output}: {model.about}; --input-shape {'x'.join(map(str, model.input_shape))}")
    return 0


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 0 or more")
    return int(text)
