"""`snow-opt`: xDSL's driver with our inputs, passes and targets."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from io import BytesIO, StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass, PassPipeline
from xdsl.printer import Printer
from xdsl.utils.arg_spec import ArgSpec, parse_pipeline
from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException, ParseError, VerifyException
from xdsl.xdsl_opt_main import xDSLOptMain

import snow_cli
from lowering import driver
from lowering.context import ProgramContext
from lowering.pipeline import LEVEL_OF_PASS, passes_between
from snowdialect.errors import SnowError, did_you_mean
from snowdialect.files import check_outputs, replacing
from snowdialect.parser import SnowParser
from snowdialect.universe import UNIVERSE

if TYPE_CHECKING:
    from snowdialect.weights import Weights

DESCRIPTION = """\
Reads a network or a program at any level, applies passes, and prints it.

FILE is MLIR text (.mlir), Snowflake assembly (.s), a Torch7 model (.t7, .net, or
.txt in text form) or an ONNX model (.onnx); without FILE, MLIR text comes from the
standard input.

Weights stay out of the text: with -o DIR/NAME.EXT a model's weights go to
DIR/NAME.safetensors, and snow.weights in the output names the file relative to
DIR. On the standard output, snow.weights is relative to the current directory,
and for a model it names the model file itself; no file is written."""


class _HeldOutput(StringIO):
    """Keeps what xDSL's driver writes past its closing, until the run is known to have succeeded."""

    text = ""

    def close(self) -> None:
        if not self.closed:
            self.text = self.getvalue()
        super().close()


class SnowOptMain(xDSLOptMain):
    version_format = "snow-opt with xdsl {xdsl_version}"

    def __init__(self, args: Sequence[str] | None = None):
        self.imported_weights: Weights | None = None
        self.output = _HeldOutput()
        self.started = time.perf_counter()
        super().__init__(DESCRIPTION, args)

    def register_all_arguments(self, arg_parser: argparse.ArgumentParser) -> None:
        super().register_all_arguments(arg_parser)
        self.parser = arg_parser
        arg_parser.prog = "snow-opt"
        arg_parser.usage = "snow-opt [FILE] [--lower-to-snowflake] [-p PASSES] [-t TARGET] [-o OUT] [options]"
        arg_parser.formatter_class = argparse.RawDescriptionHelpFormatter
        arg_parser.add_argument(
            "--lower-to-snowflake",
            action="store_true",
            help="run all passes that remain, after those of -p, down to instructions; those with options at the "
            "end of -p run at their place among them",
        )
        snow_cli.add_model_arguments(arg_parser)
        snow_cli.add_compile_arguments(arg_parser)
        arg_parser.add_argument(
            "--print-ir-after",
            metavar="PASS",
            action="append",
            default=[],
            help="print the module after PASS to stderr; may be repeated",
        )
        arg_parser.add_argument(
            "--no-debuginfo", dest="print_debuginfo", action="store_false", help="do not print locations"
        )
        arg_parser.set_defaults(print_debuginfo=True)
        snow_cli.add_debug_argument(arg_parser)

    def register_all_frontends(self) -> None:
        super().register_all_frontends()
        self.available_frontends["mlir"] = self._parse_mlir
        self.available_frontends["s"] = self._parse_assembly
        for extension in driver.MODEL_FRONTENDS:
            self.available_frontends[extension] = self._import_model

    def register_all_dialects(self) -> None:
        self.ctx: ProgramContext = ProgramContext(announce=snow_cli.show_progress, note=snow_cli.show_note)
        super().register_all_dialects()

    def setup_pipeline(self) -> None:
        self.options = driver.pass_options(self.args.schedule, self.args.calibrate, self.args.input_layout)
        try:
            named = list(parse_pipeline(self.args.passes))
        except ArgSpecParseError as error:
            self.parser.error(f"argument -p/--passes: {str(error).splitlines()[-1].strip()}")
        in_place = _options_in_place(named) if self.args.lower_to_snowflake else {}
        self.requested = {*self.options, *in_place} - {spec.name for spec in named}
        # Which of these remain for a module is seen when it is there.
        whole = passes_between(requested={*self.options, *in_place}) if self.args.lower_to_snowflake else ()
        remaining = (in_place.get(name, ArgSpec(name, {})) for name in whole)
        specs = tuple(map(self._with_options, (*named, *remaining)))
        arguments = {
            "--schedule": (self.args.schedule, driver.CHOOSE_SCHEDULE),
            "--input-layout": (self.args.input_layout, driver.CHOOSE_SCHEDULE),
            "--calibrate": (self.args.calibrate, driver.CALIBRATE),
        }
        for argument, (value, name) in arguments.items():
            if value and name not in {spec.name for spec in specs}:
                self.parser.error(f"argument {argument}: {name} is not among the passes to run")
        passes: list[ModulePass] = []
        for spec in specs:
            if spec.name not in self.available_passes:
                self._unknown_pass(spec.name)
            kind = self.available_passes[spec.name]()
            try:
                passes.append(kind.from_spec(spec))
            except ValueError as error:
                problem = driver.first_line(error).removeprefix(f"{spec.name} ")
                self.parser.error(f"pass {spec.name}: {problem}")
        for name in self.args.print_ir_after:
            if name not in {spec.name for spec in specs}:
                self.parser.error(f"argument --print-ir-after: {name} is not among the passes to run")
        self.pipeline = PassPipeline(tuple(passes[: len(named)]), self._after_pass)
        self.lowering = PassPipeline(tuple(passes[len(named) :]), self._after_pass)

    def _with_options(self, spec: ArgSpec) -> ArgSpec:
        """A pass with what the options of the command say of it, beside the options that it names itself."""
        options = self.options.get(spec.name, {})
        own = spec.normalize_parameter_names().parameters
        return ArgSpec(spec.name, {**{name: (value,) for name, value in options.items()}, **own})

    def prepare_input(self) -> tuple[list[tuple[IO[bytes], int]], str]:
        if self._frontend not in self.available_frontends:
            raise driver.unknown_kind(Path(self.args.input_file or "stdin"), self.available_frontends)
        self.args.frontend = self._frontend  # xDSL knows small letters only.
        return super().prepare_input()

    def parse_chunk(self, chunk: IO[bytes], file_extension: str, start_offset: int = 0) -> ModuleOp | None:
        if file_extension == "mlir":
            chunk = BytesIO(chunk.read())
            driver.expect_text(chunk.getvalue().decode(errors="replace"), self.get_input_name())
        try:
            module = super().parse_chunk(chunk, file_extension, start_offset)
        except UnicodeDecodeError:
            raise SnowError(f"{self.get_input_name()}: not a text file") from None
        except ParseError as error:
            # An attribute that is wrong in itself is found while it is read.
            if self.args.verify_diagnostics and isinstance(error.__cause__, VerifyException):
                raise error.__cause__ from None
            raise
        if module is not None:
            if self.imported_weights is None:
                check_outputs(self._outputs, (driver.Source(module, Path(self.get_input_name()), None).weights_path,))
                driver.rebase_weights(module, Path(self.get_input_name()).parent, self._output_folder())
            if self.args.machine is not None:
                driver.set_machine(module, self.args.machine)
            # From here on, the path of the weights is relative to the folder of the output.
            self.ctx.weights = driver.Source(module, self._output_folder() / "output", self.imported_weights).weights
        return module

    def apply_passes(self, prog: ModuleOp) -> None:
        """Applies the passes that are named, and of the whole pipeline those that remain then."""
        self.running: ModulePass | None = None
        with _failures_of_others(self._running_of_others):
            super().apply_passes(prog)
        if not self.args.lower_to_snowflake:
            return
        driver.expect_no_option_past(self.get_input_name(), prog, self.requested)
        remaining = driver.passes_that_remain(prog, options=self.requested)
        passes = tuple(step for step in self.lowering.passes if step.name in remaining)
        if passes:
            PassPipeline(passes, self._after_pass).apply(self.ctx, prog)
        driver.expect_placed(prog, self.get_input_name())

    def _running_of_others(self) -> str | None:
        """The pass that is running, if it is not ours."""
        name = None if self.running is None else self.running.name
        return None if name is None or name in LEVEL_OF_PASS else f"pass {name}"

    def output_resulting_program(self, prog: ModuleOp) -> str:
        ours = self.args.target in {*UNIVERSE.all_targets, self.parser.get_default("target")}
        with _failures_of_others(lambda: None if ours else f"target {self.args.target}"):
            return super().output_resulting_program(prog)

    def prepare_output(self) -> IO[str]:
        return sys.stdout if self.args.output_file is None else self.output

    def run(self) -> None:
        inputs = self.args.input_file, self.args.calibrate
        files = (None if name is None else Path(name) for name in inputs)
        check_outputs(self._outputs, (*files, snow_cli.machine_file(self.args.machine)))
        super().run()
        if self.args.output_file is None:
            return
        if self.imported_weights is not None and self._weights_file is not None:
            from snowdialect.weights import write_weights

            write_weights(self._weights_file, self.imported_weights)
        with replacing(self.args.output_file) as file:
            file.write(self.output.text)

    @property
    def _outputs(self) -> tuple[Path | None, ...]:
        """The files to be written: the output, and the weights of a model."""
        output = None if self.args.output_file is None else Path(self.args.output_file)
        return output, self._weights_file if self._frontend in driver.MODEL_FRONTENDS else None

    @property
    def _frontend(self) -> str:
        """The kind of the input, by its ending if by nothing else."""
        name = self.args.input_file
        return self.args.frontend or ("mlir" if name is None else driver.extension_of(Path(name)))

    @property
    def _weights_file(self) -> Path | None:
        """Where the weights of an imported model go: beside the output, if that is a file."""
        if self.args.output_file is None:
            return None
        path = Path(self.args.output_file)
        return None if path.exists() and not path.is_file() else path.with_suffix(".safetensors")

    def _output_folder(self) -> Path:
        """The folder to which paths in the output are relative."""
        return Path() if self._weights_file is None else self._weights_file.parent

    def _import_model(self, stream: IO[bytes]) -> ModuleOp:
        if self.args.split_input_file:
            raise SnowError(f"{self.args.input_file}: a model file cannot be split")
        if self.args.input_file is None:
            raise SnowError("a model is read from a file, not from the standard input")
        path = Path(self.args.input_file)
        program = driver.read_model(path, self.args.input_shape, self._frontend)
        self.imported_weights = program.imported_weights
        weights = self._weights_file
        name = os.path.relpath(path) if weights is None else weights.name
        try:
            name.encode()
        except UnicodeEncodeError:
            raise SnowError(f"{name}: the text of a module cannot hold this name, which is no UTF-8") from None
        program.module.attributes[driver.WEIGHTS] = StringAttr(Path(name).as_posix())
        return program.module

    def _parse_mlir(self, stream: IO[bytes]) -> ModuleOp:
        parser = SnowParser(self.ctx, stream.read(), self.get_input_name())
        return parser.parse_module(not self.args.no_implicit_module)

    def _parse_assembly(self, stream: IO[bytes]) -> ModuleOp:
        text = stream.read().decode()
        driver.expect_text(text, self.get_input_name())
        return driver.parse_assembly(self.ctx, text, self.get_input_name())

    def _after_pass(self, previous: ModulePass | None, module: ModuleOp, following: ModulePass | None) -> None:
        """xDSL's callback between passes; its reports go to stderr, since the program goes to stdout."""
        if previous is not None and self.args.time_passes:
            print(f"{previous.name}: {time.perf_counter() - self.started:.3f} s", file=sys.stderr)
        if not self.args.disable_verify:
            self._verify(module, self.get_input_name() if previous is None else previous.name)
        if previous is not None and (self.args.print_between_passes or previous.name in self.args.print_ir_after):
            print(f"// IR after {previous.name}:", file=sys.stderr)
            Printer(sys.stderr, print_debuginfo=self.args.print_debuginfo).print_op(module)
            print(file=sys.stderr)
        self.running = following
        if following is not None:
            driver.expect_not_past(module, following.name)
            driver.expect_not_early(module, following.name)
        snow_cli.show_progress(f"{following.name} ..." if following is not None else "")
        self.started = time.perf_counter()

    def _verify(self, module: ModuleOp, origin: str) -> None:
        if self.args.verify_diagnostics:
            # xDSL's driver prints the exception itself, and the module with it, for tests to match.
            module.verify()
        else:
            driver.verify(module, origin)

    def _unknown_pass(self, name: str) -> NoReturn:
        self.parser.error(f"unknown pass '{name}'{did_you_mean(name, self.available_passes)}")


def _options_in_place(named: list[ArgSpec]) -> dict[str, ArgSpec]:
    """Takes those passes from the end of the list that have options and that the pipeline holds anyway."""
    found: dict[str, ArgSpec] = {}
    while named and named[-1].parameters and named[-1].name not in found:
        if named[-1].name not in passes_between(requested=(named[-1].name,)):
            break
        spec = named.pop()
        found[spec.name] = spec
    return found


@contextmanager
def _failures_of_others(running: Callable[[], str | None]) -> Generator[None]:
    """Makes one line of what a pass or target of xDSL lets out, which asserts what it cannot do. `running` names it."""
    try:
        yield
    except (SnowError, DiagnosticException, MemoryError, RecursionError):
        raise
    except Exception as error:
        if (name := running()) is None:
            raise
        raise SnowError(f"{name} of xDSL failed: {type(error).__name__}: {driver.first_line(error)}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    def body() -> int:
        SnowOptMain(arguments).run()
        return 0

    # The arguments are parsed inside, by xDSL's constructor, which can fail as well.
    debug = "--debug" in (sys.argv[1:] if arguments is None else arguments)
    return snow_cli.run_command(body, debug, alone=arguments is None)
