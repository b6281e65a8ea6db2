"""Assembly text: every instruction both ways, whole modules, and what it says of bad text."""

from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.parser import Parser

from lowering.driver import make_context
from snowdialect.backend.assembly import SnowflakeAsmTarget, parse_assembly
from snowdialect.backend.instruction_text import parse_instruction
from snowdialect.dialects import snowflake
from snowdialect.dialects.target import machine_attribute
from snowdialect.errors import SnowError
from snowdialect.machine import load_machine
from snowdialect.machine.instructions import INSTRUCTIONS, Field, Instruction, Kind

CONTEXT = make_context()
MACHINE = f".machine {machine_attribute(load_machine())}\n"


def printed(text: str, name: str = "test.s") -> str:
    output = StringIO()
    SnowflakeAsmTarget().emit(CONTEXT, parse_assembly(CONTEXT, text, name), output)
    return output.getvalue()


def field_text(field: Field) -> st.SearchStrategy[str]:
    match field.kind:
        case Kind.REGISTER:
            return st.integers(0, field.maximum).map(lambda index: f"r{index}")
        case Kind.LABEL:
            return st.sampled_from(["loop0", "x_1", "a.b"])
        case Kind.CHOICE:
            return st.sampled_from(field.names)
        case Kind.FLAGS:
            chosen = st.sets(st.sampled_from(field.names))
            return chosen.map(lambda flags: "".join(f", {name}" for name in field.names if name in flags))
        case _:
            return st.integers(field.minimum, field.maximum).map(str)


@st.composite
def instruction_lines(draw: st.DrawFn, instruction: Instruction) -> str:
    fields = {field.name: draw(field_text(field)) for field in instruction.written_fields}
    text = instruction.syntax.format(**fields)
    return f"    {instruction.mnemonic}{text if text.startswith('.') else ' ' + text}"


@pytest.mark.parametrize("instruction", INSTRUCTIONS, ids=lambda instruction: instruction.name)
@settings(max_examples=40)
@given(st.data())
def test_every_instruction_is_read_as_it_was_printed(instruction: Instruction, data: st.DataObject) -> None:
    line = data.draw(instruction_lines(instruction))
    op = parse_instruction(line, lambda register: snowflake.GetRegisterOp(register).result)
    assert op.ROW is instruction
    assert op.assembly_line() == line


@pytest.mark.parametrize("instruction", INSTRUCTIONS, ids=lambda instruction: instruction.name)
@settings(max_examples=40)
@given(st.data())
def test_the_mlir_text_says_the_same(instruction: Instruction, data: st.DataObject) -> None:
    line = data.draw(instruction_lines(instruction))
    registers: dict[snowflake.ScalarRegister, snowflake.GetRegisterOp] = {}
    op = parse_instruction(
        line, lambda register: registers.setdefault(register, snowflake.GetRegisterOp(register)).result
    )
    text = "\n".join(map(str, (*registers.values(), op)))
    module = Parser(CONTEXT, text).parse_module()
    again = module.body.block.last_op
    assert isinstance(again, snowflake.InstructionOp)
    assert again.assembly_line() == line


PROGRAM = """\
.program 240
.loc "conv 1; first"
bank0:
    mov result_shift, 8
    mov r1, -3
loop0:
    addi r1, r1, 1
    ble r1, r0, loop0
    mac.coop r2, r3, 192, last, relu
    addi r2, r2, 64
    addi r3, r3, 1536
    addi r0, r0, 0
.loc
    tmov.memory r4, r5, 6
    .fill 511
    mov done, 0
.end
"""


def test_print_parse_print_is_the_identity() -> None:
    text = (
        '.weights "net.safetensors"\n'
        + MACHINE
        + '.input %x = cnn.input "x; y" : tensor<1x1x8x8xf32>\n'
        + '.const %w = cnn.weight "conv.weight" : tensor<4x1x3x3xf32> loc("conv 1")\n'
        + PROGRAM
        + '.host %p = cnn.softmax %x : (tensor<1x1x8x8xf32>) -> tensor<1x1x8x8xf32> loc("prob")\n'
        + PROGRAM.replace("240", "272")
        + '.output cnn.output "y" %p : tensor<1x1x8x8xf32>\n'
    )
    assert printed(text) == text


def test_comments_spacing_and_number_formats_do_not_matter() -> None:
    loose = (
        MACHINE + ";\n.program 0 ; code\n\n  mov   r1 ,0x10;sixteen\nmac.indp r1,r2,3 , relu,last\nmov done,0\n.end\n"
    )
    assert printed(loose) == MACHINE + (
        ".program 0\n    mov r1, 16\n    mac.indp r1, r2, 3, last, relu\n    mov done, 0\n.end\n"
    )


def test_the_layer_of_every_instruction_survives() -> None:
    module = parse_assembly(CONTEXT, MACHINE + PROGRAM, "test.s")
    (program,) = module.body.block.ops
    assert isinstance(program, snowflake.ProgramOp)
    layers = {type(op): str(op.location) for op in program.body.block.ops}
    assert layers[snowflake.MacOp] == 'loc("conv 1; first")'
    assert layers[snowflake.TmovOp] == "loc(unknown)"


@pytest.mark.parametrize(
    "line, reason",
    [
        ("    frobnicate r1", "unknown instruction 'frobnicate'"),
        ("    addi r1, r2", "'addi r1, r2' is not of the form addi rd, rs, immediate"),
        ("    addi r1, r2, 65536", "immediate 65536 is outside -65536 to 65535"),
        ("    addi r32, r2, 0", "unknown register r32: expected r0 to r31"),
        ("    mac.slow r1, r2, 16", "unknown mode slow: expected coop, indp"),
        ("    mac.coop r1, r2, 16, first", "unknown flag first: expected last, relu"),
        ("    mov speed, 3", "unknown register speed"),
        ("    ld r1, 3, 0", "is not of the form ld rd, rs, length, unit or ld.icache rs, length, unit"),
        ("    .fill much", ".fill wants a place in the bank"),
        ("    .loc conv1", ".loc wants the name of a layer, and of a part of it, in quotes, got conv1"),
        ('.input %x = cnn.input "x" : tensor<1x1xf32>', ".input stands inside a program"),
        (".program 3", "a program begins before the one above has its .end"),
    ],
)
def test_bad_text_is_named_with_its_line(line: str, reason: str) -> None:
    with pytest.raises(SnowError) as error:
        printed(f"{MACHINE}.program 0\n{line}\n    mov done, 0\n.end\n")
    assert str(error.value).startswith("test.s:3: ")
    assert reason in str(error.value)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("mov r1, 0", "test.s:1: 'mov r1, 0' stands outside a program"),
        (".end", "test.s:1: .end stands outside a program"),
        (".program 0\n mov done, 0", "test.s:2: the last program has no .end"),
        (".program here", "test.s:1: .program wants the address of its code"),
        ("\n.host %x = cnn.nothing", "test.s:2: "),
        ('\n.output cnn.output "y" %y : tensor<1x1xf32>', "test.s:2: %y is used but not defined"),
        ("\n.weights", "test.s:2: .weights wants a value"),
        ("\n.weights <", "test.s:2: "),
        (MACHINE + ".program 0\n.end", "test.s: the program does not end with config done"),
        (MACHINE + ".program 0\nble r1, r0, away\n mov done, 0\n.end", "goes to @away, which is no label"),
    ],
)
def test_a_text_that_is_no_program_is_one_line(text: str, reason: str) -> None:
    with pytest.raises(SnowError) as error:
        printed(text)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_not_placed_has_no_assembly() -> None:
    module = Parser(CONTEXT, "snowflake.program structured at 0 { }").parse_module()
    with pytest.raises(SnowError, match="assembly wants a program that is placed, this one is structured"):
        SnowflakeAsmTarget().emit(CONTEXT, module, StringIO())
