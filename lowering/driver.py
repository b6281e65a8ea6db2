"""What every command does with a program: read it from a file, bring it to a level, name what went wrong."""

import gc
import os
from collections import Counter
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from itertools import groupby
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.universe import Universe
from xdsl.utils.exceptions import ParseError, VerifyException

from lowering.context import ProgramContext, program_context
from lowering.pipeline import BY_LAYER, LAST_PASSES, LEVEL_OF_PASS, LEVELS, TILE, latest_level, passes_between
from snowdialect.errors import SnowError
from snowdialect.files import check_outputs
from snowdialect.parser import SnowParser

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from snowdialect.weights import Weights

MODEL_FRONTENDS = {"t7": "torch7", "net": "torch7", "txt": "torch7", "onnx": "onnx"}
"""The module of `snowdialect.frontends` that reads a model file, by extension; .txt is Torch7's text form."""

WEIGHTS = "snow.weights"

CHOOSE_SCHEDULE = "cnn-choose-schedule"
"""The pass that --schedule is for."""

DESCRIBE_LAYERS = "cnn-describe-layers"
"""The pass that knows what becomes of each layer."""

FOLD_LIMITS = "cnn-fold-limits"
"""The pass that has to know whether --calibrate is given."""

QUANTIZE = "cnn-quantize"
"""The pass behind which there is no float any more."""

CALIBRATE = "cnn-calibrate"
"""The pass that --calibrate is for."""

BOUND_ACCUMULATORS = "cnn-bound-accumulators"
"""The pass that finds out what reports say of wraps."""

ASSIGN_ADDRESSES = "tile-assign-addresses"
"""The pass without which a program is at level tile, but cannot leave it."""

LAYERS = {"cnn": ("cnn.conv2d", "cnn.linear"), "tile": ("tile.layer",), "loop": ("loop.layer",)}
"""Of each level the operations that a conversion to the next one leaves none of."""

Observer = Callable[[str, ModuleOp], None]
"""Called with the name of a pass and what it made."""

PassOptions = Mapping[str, Mapping[str, Any]]
"""Options of passes, by the names of passes and of their fields."""

NO_OPTIONS: PassOptions = {}


class Source(NamedTuple):
    """A module, and where it came from."""

    module: ModuleOp
    path: Path
    imported_weights: "Weights | None"
    """The tensors of a model file; None for a file whose weights lie in a file beside it."""

    @property
    def weights_path(self) -> Path | None:
        """The file of its weights: what the module names, beside it."""
        name = self.module.attributes.get(WEIGHTS)
        return self.path.parent / name.data if isinstance(name, StringAttr) else None

    def weights(self) -> "Weights | None":
        """What `cnn.weight` reads; None when the module names no file.

        Raises SnowError when that file is absent.
        """
        if self.imported_weights is not None:
            return self.imported_weights
        path = self.weights_path
        if path is None:
            return None
        if extension_of(path) in MODEL_FRONTENDS:
            return read_model(path, input_shape(self.module)).imported_weights
        from snowdialect.weights import open_weights

        return open_weights(path)


def make_context() -> ProgramContext:
    """A context that knows every installed dialect and imports those that a program uses."""
    context = ProgramContext()
    for name, factory in Universe.get_multiverse().all_dialects.items():
        context.register_dialect(name, factory)
    return context


def read_source(
    context: ProgramContext,
    path: Path,
    shape: tuple[int, ...] | None = None,
    outputs: Sequence[Path | None] = (),
) -> Source:
    """Reads a `.mlir` file, assembly (`.s`) or a model file; `shape` is of a model's input, without batch.

    Passes find its weights by the context. Raises SnowError, one line, for a file of another kind or one that does not
    hold what its ending says, and when one of `outputs`, files to be written, is that of its weights.
    """
    source = _read_file(context, path, shape)
    check_outputs(outputs, (source.weights_path,))
    if shape is not None and input_shape(source.module) != tuple(shape):
        held, wanted = ("x".join(map(str, sizes)) for sizes in (input_shape(source.module), shape))
        raise SnowError(f"{path}: takes {held}, not {wanted}; only a model file can leave it open")
    context.weights = source.weights
    return source


def _read_file(context: Context, path: Path, shape: tuple[int, ...] | None) -> Source:
    extension = extension_of(path)
    if extension in MODEL_FRONTENDS:
        return read_model(path, shape)
    if extension not in ("mlir", "s"):
        raise unknown_kind(path, ("mlir", "s", *MODEL_FRONTENDS))
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        raise SnowError(f"{path}: not a text file") from None
    expect_text(text, str(path))
    if extension == "s":
        return Source(parse_assembly(context, text, str(path)), path, None)
    try:
        module = SnowParser(context, text, str(path)).parse_module()
    except ParseError as error:
        raise SnowError(describe_parse_error(error)) from error
    verify(module, str(path))
    return Source(module, path, None)


def unknown_kind(path: Path, known: Iterable[str]) -> SnowError:
    """What is said of a file whose ending is none of those that are known."""
    if extension_of(path) == "snow":
        return SnowError(f"{path}: is compiled already; snow-run runs it, snow-asm disassemble shows its code")
    endings = ", ".join(f".{ending}" for ending in known)
    return SnowError(f"{path}: unknown kind of file (known endings: {endings})")


def expect_text(text: str, name: str) -> None:
    """Raises SnowError for a text that holds nothing, of which the parser would only say where it ends."""
    if not text.strip():
        raise SnowError(f"{name}: is empty")


def read_model(path: Path, shape: tuple[int, ...] | None, kind: str | None = None) -> Source:
    """Imports a trained network; its module is at level `cnn`, in float, and names no weights file.

    `kind` is the ending of such files, by default that of this one.
    """
    from snowdialect.weights import Weights

    frontend: Any = import_module(f"snowdialect.frontends.{MODEL_FRONTENDS[kind or extension_of(path)]}")
    module, tensors = frontend.import_model(path, shape)
    return Source(module, path, Weights(tensors, str(path)))


def checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of an input, as whole numbers above zero. Raises SnowError, one line, for anything else."""
    try:
        sizes = tuple(index(size) for size in shape)
    except TypeError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise SnowError(f"an input shape is a tuple of sizes such as (3, 224, 224), not {shape!r}")
    return sizes


def set_machine(module: ModuleOp, name_or_path: str | Path) -> None:
    """Stores a machine in the module, for the passes to come.

    Raises SnowError for one that is unknown, and when the module was already lowered for another one.
    """
    from snowdialect.dialects import target
    from snowdialect.machine import load_machine

    machine = load_machine(name_or_path)
    if target.MACHINE_ATTRIBUTE in module.attributes and (level := level_of(module)) != LEVELS[0]:
        present = target.machine_of(module)
        if present != machine:
            raise SnowError(f"the program is at level {level}, made for {present.name}; {machine.name} comes too late")
    target.set_machine(module, machine)


def pass_options(
    schedule: str | None = None,
    calibrate: "str | os.PathLike[str] | ArrayLike | None" = None,
    input_layout: str | None = None,
) -> PassOptions:
    """What `--schedule`, `--calibrate` and `--input-layout` stand for; samples may be in an array, too.

    Raises SnowError for samples that are neither a file's name nor numbers.
    """
    options = {
        CHOOSE_SCHEDULE: {"schedule": schedule, "input_layout": input_layout},
        CALIBRATE: {"samples": None if calibrate is None else _samples(calibrate)},
        FOLD_LIMITS: {"calibrated": None if calibrate is None else True},
    }
    given = {
        name: {key: value for key, value in fields.items() if value is not None} for name, fields in options.items()
    }
    return {name: fields for name, fields in given.items() if fields}


def _samples(calibrate: "str | os.PathLike[str] | ArrayLike") -> "str | NDArray[Any]":
    """What cnn-calibrate takes."""
    if not isinstance(calibrate, str | os.PathLike):
        from snowdialect.arrays import numbers

        return numbers("calibrate", calibrate)
    if not (path := os.fspath(calibrate)):
        raise SnowError("the file of samples to calibrate on has an empty name")
    return path


def expect_samples(module: ModuleOp, options: PassOptions) -> None:
    """Raises SnowError for samples that do not fit the network, which cnn-calibrate would find out only after others
    have done their work."""
    if CALIBRATE in options:
        from snowdialect.arrays import read_samples

        read_samples(options[CALIBRATE]["samples"], input_shape(module))


def parse_assembly(context: Context, text: str, name: str) -> ModuleOp:
    """The module of the dialect `snowflake` that an assembly text stands for.

    Raises SnowError for the code of a program without its data.
    """
    from snowdialect.backend.assembly import parse_assembly

    directives = {line.split(maxsplit=1)[0] for line in text.splitlines() if line.lstrip().startswith(".")}
    if ".program" in directives and ".output" not in directives:
        raise SnowError(f"{name}: holds code alone; snow-asm assemble --replace P.snow takes the data from a program")
    return parse_assembly(context, text, name)


def level_of(module: ModuleOp) -> str:
    """The lowest level that any operation of the module belongs to."""
    present = {op.dialect_name() for op in module.walk()}
    return next((level for level in reversed(LEVELS) if level in present), LEVELS[0])


def passes_that_remain(module: ModuleOp, level: str = LEVELS[-1], options: Container[str] = ()) -> tuple[str, ...]:
    """Names of the passes, in order, that bring a module to `level`; those on request that `options` hold, too."""
    present = level_of(module)
    names = passes_between(None if present == LEVELS[0] else present, level, options)
    return (ASSIGN_ADDRESSES, *names) if present == TILE.dialect and _lacks_addresses(module) else names


def _lacks_addresses(module: ModuleOp) -> bool:
    from snowdialect.dialects import tile

    return any(isinstance(op, tile.RegionOp) and op.address is None for op in module.body.ops)


def expect_not_past(module: ModuleOp, name: str) -> None:
    """Raises SnowError for a pass whose level the module has left."""
    present = level_of(module)
    if LEVELS.index(present) > LEVELS.index(latest_level(name)):
        own = LEVEL_OF_PASS[name]
        raise SnowError(f"the program is at level {present}; {name}, which works on {own}, comes too late")


def expect_not_early(module: ModuleOp, name: str) -> None:
    """Raises SnowError for a pass whose level the layers of the module have not reached, so that it would find nothing.
    What holds no layers, or some at the level of the pass, is left to it."""
    present, own = LEVELS.index(level_of(module)), LEVELS.index(LEVEL_OF_PASS.get(name, LEVELS[0]))
    if present < own and any(op.name in LAYERS.get(LEVELS[present], ()) for op in module.body.ops):
        conversion = f"convert-{LEVELS[present]}-to-{LEVELS[present + 1]}"
        raise SnowError(
            f"the program is at level {LEVELS[present]}; {name}, which works on {LEVELS[own]}, comes too early: run "
            f"{conversion} first"
        )


def expect_placed(module: ModuleOp, name: str) -> None:
    """Raises SnowError for a program that was left in the middle of level snowflake, where no pass begins anew."""
    from snowdialect.dialects.snowflake import ProgramOp, Stage

    stages = (op.stage.data for op in module.body.ops if isinstance(op, ProgramOp))
    if (stage := next((stage for stage in stages if stage is not Stage.PLACED), None)) is not None:
        raise SnowError(f"{name}: holds a program that is {stage}; name the passes that remain for it")


def expect_no_option_past(path: Path | str, module: ModuleOp, options: Iterable[str]) -> None:
    """Raises SnowError when one of the passes in `options` will not run, as the module has left its level."""
    passes = passes_that_remain(module, options=frozenset(options))
    if past := [name for name in options if name not in passes]:
        raise SnowError(
            f"{path}: is at level {level_of(module)}; options for {past[0]}, which lies above, come too late"
        )


def lower(
    context: Context,
    module: ModuleOp,
    level: str,
    observer: Observer | None = None,
    options: PassOptions = NO_OPTIONS,
    *,
    verify_each: bool = True,
    first: str | None = None,
    last: str | None = None,
    without: Container[str] = (),
) -> None:
    """Brings a module to `level`, in place. A network that is already at level `cnn` is quantised on the way.

    A pass that runs on request does so when `options` hold some for it; before the pass `first` and behind `last` no
    other runs, nor do those in `without`, which are optional ones (lowering/pipeline.py). Without `verify_each` only
    the network is verified, at the end of level `cnn`: what the passes below make of it is theirs, and verifying it
    takes a third of the time. Where nothing is looked at between passes, layers that are not below level `tile` yet are
    lowered in several processes. Raises SnowError when the module is below `level`, or a pass cannot do its work.
    """
    present = level_of(module)
    if LEVELS.index(present) > LEVELS.index(level):
        raise SnowError(f"the program is at level {present}, which is below {level}")
    names = passes_that_remain(module, level, options)
    if first in names:
        names = names[names.index(first) :]
    if last in names:
        names = names[: names.index(last) + 1]
    names = tuple(name for name in names if name not in without)
    available, announce = Universe.get_multiverse().all_passes, program_context(context).announce

    def run(names: Iterable[str], module: ModuleOp) -> None:
        for name in names:
            apply_pass(context, module, available[name](), options, verified=verify_each or name == LAST_PASSES[0])
            if observer is not None:
                observer(name, module)

    shared_out = observer is None and not verify_each and LEVELS.index(present) <= LEVELS.index(TILE.dialect)
    with without_collection():
        for by_layer, group in groupby(names, BY_LAYER.__contains__):
            if by_layer and shared_out:
                from lowering.workers import lower_layers

                announce("lowering layers ...")
                lower_layers(module, partial(run, tuple(group)))
                continue
            for name in group:
                announce(f"{name} ...")
                run((name,), module)


@contextmanager
def without_collection() -> Generator[None]:
    """Keeps Python's collector of cycles out: IR is all cycles, and nearly all of it lives until the end. To look for
    dead ones takes a third of the time and finds nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def apply_pass(
    context: Context,
    module: ModuleOp,
    kind: type[ModulePass],
    options: PassOptions = NO_OPTIONS,
    *,
    verified: bool = True,
) -> None:
    """Runs a pass, with its default options where there are no others, and verifies what it made."""
    kind(**options.get(kind.name, {})).apply(context, module)
    if verified:
        verify(module, kind.name)


def verify(module: ModuleOp, origin: str) -> None:
    """Verifies a module. Raises SnowError, one line, that names `origin` (a pass or a file) and the layer."""
    try:
        module.verify()
    except VerifyException as error:
        raise SnowError(f"{origin}: {describe_verify_error(module, error)}") from error
    _check_order(module.body.block, {}, origin)
    _check_ports(module, origin)


def _check_ports(module: ModuleOp, origin: str) -> None:
    """Rejects inputs, and outputs, that nothing tells apart."""
    from snowdialect.dialects.cnn import InputOp

    inputs = [op.input_name.data for op in module.body.block.ops if isinstance(op, InputOp)]
    for what, names in (("inputs", inputs), ("outputs", output_names(module))):
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise SnowError(f"{origin}: several {what} are called '{twice[0]}'")


def _check_order(block: Block, known: dict[SSAValue, None], origin: str) -> None:
    """Rejects one of our operations that uses a value before it is there, or outside of its region.

    MLIR allows the former in a module, but ours are executed from top to bottom.
    """
    outer = len(known)
    known.update(dict.fromkeys(block.args))
    for op in block.ops:
        if op.dialect_name() in LEVELS and any(operand not in known for operand in op.operands):
            from snowdialect.dialects.locations import layer_name

            raise SnowError(f'{origin}: {op.name} "{layer_name(op)}": uses a value that is not there yet')
        for region in op.regions:
            if len(region.blocks) == 1:
                _check_order(region.block, known, origin)
        known.update(dict.fromkeys(op.results))
    while len(known) > outer:
        known.popitem()


def describe_verify_error(module: ModuleOp, error: VerifyException) -> str:
    """One line for an error of which xDSL would print the whole module: layer, operation, reason."""
    reason = first_line(error)
    op = next((op for op in _in_order_of_verification(module) if not _verifies(op)), None)
    if op is None:
        return reason
    if reason.startswith(op.name):
        return reason
    from snowdialect.dialects.locations import layer_name

    return f'{op.name} "{layer_name(op)}": {reason}'


def describe_parse_error(error: ParseError) -> str:
    """`file:line:column: reason`."""
    return f"{error.span.get_location()}: {first_line(error.msg)}"


def first_line(error: object) -> str:
    """The first line of a message that says something."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def rebase_weights(module: ModuleOp, source: Path, target: Path) -> None:
    """Makes the path of the weights file, relative to folder `source`, relative to folder `target`."""
    name = module.attributes.get(WEIGHTS)
    if isinstance(name, StringAttr) and not Path(name.data).is_absolute():
        module.attributes[WEIGHTS] = StringAttr(Path(os.path.relpath(source / name.data, target)).as_posix())


def _in_order_of_verification(op: Operation) -> Iterator[Operation]:
    """An operation behind those inside: its verifier may rely on theirs."""
    for region in op.regions:
        for inner in (inner for block in region.blocks for inner in block.ops):
            yield from _in_order_of_verification(inner)
    yield op


def _verifies(op: Operation) -> bool:
    try:
        op.verify(verify_nested_ops=False)
    except VerifyException:
        return False
    return True


def extension_of(path: Path) -> str:
    """The ending of a file's name, without the dot, in small letters."""
    return path.suffix.removeprefix(".").lower()


def expect_network(module: ModuleOp, path: Path) -> None:
    """Raises SnowError for a module that computes nothing."""
    from snowdialect.dialects import cnn

    if not any(isinstance(op, cnn.OutputOp) for op in module.body.ops):
        raise SnowError(f"{path}: holds no network: it has no output")


def output_names(module: ModuleOp) -> list[str]:
    """The names of a network's outputs."""
    from snowdialect.dialects.cnn import OutputOp

    return [op.output_name.data for op in module.body.block.ops if isinstance(op, OutputOp)]


def input_shape(module: ModuleOp) -> tuple[int, ...]:
    """Shape of the input of a program that has one, without batch."""
    from snowdialect.dialects import cnn

    shapes = [cnn.shape_of(op.result)[1:] for op in module.walk() if isinstance(op, cnn.InputOp)]
    if len(shapes) != 1:
        raise SnowError(f"the program has {len(shapes)} inputs; from files only programs with one can be run")
    return shapes[0]
