"""Program files and the text of their code: what is written is what is read, and nothing else is read."""

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp, TensorType, f32
from xdsl.irdl import irdl_op_definition

from lowering import driver
from lowering.compiler import compile_model
from snowdialect import compile as compile_to_run
from snowdialect import load
from snowdialect.backend.code_text import EMPTY, IllegalCode, assemble_code, disassemble
from snowdialect.backend.container import VERSION, load_program, write_program
from snowdialect.backend.encoding import decode
from snowdialect.backend.program import NO_LAYER, Code, Program
from snowdialect.dialects import cnn, snowflake
from snowdialect.errors import SnowError
from snowdialect.models import DIGITS, held_back_digits


@pytest.fixture(scope="module")
def digits() -> Program:
    return compile_model(DIGITS, (1, 8, 8))


@pytest.fixture(scope="module")
def digits_file(digits: Program, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("program") / "digits.snow"
    write_program(digits, path)
    return path.read_bytes()


def same(one: Program, other: Program) -> bool:
    def plain(program: Program) -> Program:
        return replace(program, images=(), codes=())

    arrays = [
        [(image.address, image.words) for image in program.images]
        + [(code.address, array) for code in program.codes for array in (code.words, code.layers, code.tiles)]
        for program in (one, other)
    ]
    return plain(one) == plain(other) and all(
        a == b and np.array_equal(x, y) for (a, x), (b, y) in zip(*arrays, strict=True)
    )


def with_code(program: Program, *words: int) -> Program:
    """The program with these instructions, filled up to one block, as its only code."""
    bank = program.machine.icache_instructions
    block = np.array([[*words, *[EMPTY] * (bank - len(words))]], np.uint32)
    nothing = np.full_like(block, NO_LAYER, np.int32)
    return replace(program, codes=(Code(program.codes[0].address, block, nothing, nothing),))


# Assembling modules


def test_a_program_has_the_instructions_of_its_module(digits: Program) -> None:
    context = driver.make_context()
    module = driver.read_model(DIGITS, (1, 8, 8)).module
    driver.lower(context, module, "snowflake")
    (placed,) = (op for op in module.body.block.ops if isinstance(op, snowflake.ProgramOp))
    words = digits.codes[0].words.reshape(-1)
    bank = digits.machine.icache_instructions
    positions = [
        (op, position)
        for op, position in snowflake.positions(placed.body.block, bank)
        if isinstance(op, snowflake.InstructionOp)
    ]
    assert digits.instructions == positions[-1][1] + 1
    for op, position in positions:
        row, values = decode(int(words[position]))
        assert op.ROW is row
        for field in row.written_fields:
            if not isinstance(value := op.field_value(field), str):
                assert values[field.name] == value


def test_a_program_describes_its_layers(digits: Program) -> None:
    # The max pools behind the convolutions are computed with them.
    assert [(layer.name, layer.kind, layer.mode) for layer in digits.layers] == [
        ("0", "conv2d", "indp"),
        ("3", "conv2d", "coop"),
        ("6", "linear", "coop"),
        ("7", "host", None),
    ]
    # An 8x8 map under a 3x3 window with a border of 1: 22 of 24 rows, and columns, are no padding.
    assert digits.layers[0].macs == 16 * 1 * 22 * 22
    assert digits.layers[2].macs == 10 * 512


def test_memory_holds_weights_and_code_in_their_places(digits: Program) -> None:
    memory = digits.initial_memory()
    code = digits.codes[0]
    first = code.address * digits.machine.transfer_words
    low, high = memory[first : first + 2].view(np.uint16)
    assert int(low) | int(high) << 16 == code.words[0, 0]
    for image in digits.images:
        start = image.address * digits.machine.transfer_words
        np.testing.assert_array_equal(memory[start : start + len(image.words)], image.words)
    assert len(memory) == first + len(code.words) * digits.block_words


def test_a_module_above_the_last_level_has_no_program() -> None:
    from snowdialect.backend.assemble import assemble

    module = driver.read_model(DIGITS, (1, 8, 8))
    driver.set_machine(module.module, "zc706")
    with pytest.raises(SnowError, match='cnn.conv2d "0" has no place in a program: lower the module to snowflake'):
        assemble(module.module, module.weights(), "digits")


def test_a_function_of_the_host_without_a_name_in_programs() -> None:
    from snowdialect.backend.assemble import assemble

    @irdl_op_definition
    class OddOp(cnn.HostFunctionOp):
        name = "cnn.odd"

    x = cnn.InputOp("x", TensorType(f32, (1, 4)))
    module = ModuleOp([x, OddOp(x.result)])
    driver.set_machine(module, "zc706")
    with pytest.raises(SnowError, match="cnn.odd.*: has no name in program files, see docs/add-a-dialect.md"):
        assemble(module, None, "odd")


# Files


def test_what_is_written_is_read(digits: Program, digits_file: bytes, tmp_path: Path) -> None:
    path = tmp_path / "digits.snow"
    path.write_bytes(digits_file)
    program = load_program(path)
    assert same(program, digits)
    assert not program.images[0].words.flags.writeable
    write_program(program, tmp_path / "again.snow")
    assert (tmp_path / "again.snow").read_bytes() == digits_file


@pytest.mark.parametrize("share", range(0, 100, 7))
def test_a_truncated_file_is_an_error_of_one_line(digits_file: bytes, share: int, tmp_path: Path) -> None:
    path = tmp_path / "short.snow"
    path.write_bytes(digits_file[: len(digits_file) * share // 100])
    with pytest.raises(SnowError, match="short.snow: (truncated: [0-9]+ of [0-9]+ bytes|is empty)"):
        load_program(path)


def test_an_altered_byte_is_noticed_wherever_it_is(digits_file: bytes, tmp_path: Path) -> None:
    path = tmp_path / "altered.snow"
    places = [*range(80), *range(80, len(digits_file), len(digits_file) // 50)]
    for place in places:
        altered = bytearray(digits_file)
        altered[place] ^= 0x10
        path.write_bytes(altered)
        with pytest.raises(SnowError, match="altered.snow: ") as caught:
            load_program(path)
        assert "\n" not in str(caught.value)


def test_other_files_and_newer_versions_are_named(digits_file: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.snow"
    path.write_bytes(DIGITS.read_bytes())
    with pytest.raises(SnowError, match="x.snow: not a program"):
        load_program(path)
    path.write_bytes(digits_file[:8] + struct.pack("<I", VERSION + 1) + digits_file[12:])
    with pytest.raises(SnowError, match=f"x.snow: has version {VERSION + 1} of the format"):
        load_program(path)
    path.write_bytes(digits_file + b"\0")
    with pytest.raises(SnowError, match="x.snow: altered"):
        load_program(path)


@pytest.mark.parametrize(
    "before, after",
    [
        (b'"address":0,', b'"address":-1'),
        (b'"machine":{', b'"machina":{'),
        (b'"macs":16,', b'"macs":15,'),
        (b'"type":"<u4"', b'"type":"|O4"'),
        (b'{"code":0}', b'{"code":9}'),
        (b'{"code":0}', b'{"code":0.0}'),
        (b'"macs":', b'"macs":"many","mics":'),
        (b'"attributes":{"region":', b'"attributes":{"region":99'),
        (b'"attributes":{"region":', b'"attributes":{"regain":'),
        (b'"operation":"output"', b'"operation":"outcome"'),
        (b'"shape":[', b'"shape":[1000000000000000000000000000000,'),
        (b'"words":', b'"words":9999999999'),
        (b'"steps":[', b'"steps":{'),
        (b'"shape":[1280]', b'"shape":[64,20]'),
    ],
)
def test_a_file_that_is_not_damaged_but_wrong_is_an_error(
    digits_file: bytes, before: bytes, after: bytes, tmp_path: Path
) -> None:
    assert digits_file.count(before) >= 1
    altered = bytearray(digits_file.replace(before, after, 1))
    more = len(altered) - len(digits_file)
    total, header = struct.unpack_from("<QQ", altered, 16)
    struct.pack_into("<QQ", altered, 16, total + more, header + more)
    altered[12:16] = struct.pack("<I", zlib.crc32(altered[16:], zlib.crc32(altered[:12])))
    path = tmp_path / "wrong.snow"
    path.write_bytes(altered)
    with pytest.raises(SnowError, match="wrong.snow: not a valid program: .+") as caught:
        load_program(path)
    assert "\n" not in str(caught.value)


def test_a_failed_write_leaves_nothing(digits: Program, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_program(digits, tmp_path / "nowhere" / "digits.snow")
    assert not list(tmp_path.iterdir())


def test_python_compiles_writes_and_loads(digits: Program, tmp_path: Path) -> None:
    compile_to_run(DIGITS, input_shape=(1, 8, 8)).write(tmp_path / "digits.snow")
    assert same(load(tmp_path / "digits.snow").program, digits)


def test_python_runs_one_input_or_a_batch() -> None:
    program = compile_to_run(DIGITS, input_shape=(1, 8, 8))
    images, labels = held_back_digits()
    one, batch = program.run(images[0]), program.run(images[:3])
    assert one.output.shape == (10,) and batch.output.shape == (3, 10)
    np.testing.assert_array_equal(one.output, batch.output[0])
    np.testing.assert_array_equal(batch.output.argmax(axis=1), labels[:3])
    assert one.cycles == batch.cycles > 0


# Text


def test_text_and_code_are_the_same(digits: Program) -> None:
    text = disassemble(digits)
    again = assemble_code(text, "digits.s", digits)
    assert same(again, digits)
    assert disassemble(again) == text


def test_an_edited_instruction_is_the_only_difference(digits: Program) -> None:
    text = disassemble(digits)
    edited = assemble_code(text.replace("mov result_shift, 8", "mov result_shift, 7", 1), "digits.s", digits)
    different = np.argwhere(edited.codes[0].words != digits.codes[0].words)
    assert len(different) == 1
    row, values = decode(int(edited.codes[0].words[tuple(different[0])]))
    assert (row.name, values["immediate"]) == ("config", 7)


def test_labels_fills_and_locations() -> None:
    program = with_code(compile_model(DIGITS, (1, 8, 8)))
    text = """
.program 569
.loc "3" "rows 0 to 2"  ; a comment; "quoted"
loop:
    addi r1, r1, -1
    ble r1, r0, loop
    .fill 6
    beq r0, r0, end
.loc
    .fill 511
end:
    mov done, 0
.end
"""
    made = assemble_code(text, "x.s", program)
    code = made.codes[0]
    assert decode(int(code.words[0, 1])).values["target"] == -1
    assert decode(int(code.words[0, 6])).values["target"] == 505
    assert (code.words[0, 2:6] == EMPTY).all()
    assert made.layers[code.layers[0, 6]].name == "3" and made.tiles[code.tiles[0, 6]] == "rows 0 to 2"
    assert code.layers[0, 7] == NO_LAYER
    printed = disassemble(made)
    assert "at0_0:\n    addi r1, r1, -1\n    ble r1, r0, at0_0\n    .fill 6" in printed
    assert same(assemble_code(printed, "x.s", made), made)


@pytest.mark.parametrize(
    "line, text, reason",
    [
        (2, "mac.coop r77, r1, 3", "unknown register r77: expected r0 to r31"),
        (2, "mac.coop r7, r1", "'mac.coop r7, r1' is not of the form"),
        (2, "mac.both r7, r1, 5", "unknown mode both: expected coop, indp"),
        (2, "mac.coop r7, r1, 5, last, last", "a flag stands twice in 'last, last'"),
        (2, "mac.coop r7, r1, 4096", r"mac: length 4096 does not fit into its field \(0 to 4095\)"),
        (2, "mov result_shift, 32", "result_shift 32 is above its maximum of 31"),
        (2, "frob r1", "unknown instruction 'frob'"),
        (2, "beq r0, r0, nowhere", "label 'nowhere' is not in this program"),
        (2, "beq r0, r0, far\n.fill 512\nfar:\nmov done, 0", "'far' lies in another instruction bank than its branch"),
        (3, "x:\nx:", "label 'x' stands here a second time"),
        (3, "addi r0, r0, 0\n.fill 0", ".fill to 0, but the bank is filled to 1 of 512"),
        (2, ".fill x", "wants a place in the bank, got 'x'"),
        (2, '.loc "nobody"', "the program has no layer 'nobody'"),
        (2, ".loc 3", ".loc wants the name of a layer, and of its tiles, in quotes, got 3"),
        (2, r'.loc "\q"', ".loc wants text as JSON quotes it"),
        (2, ".word 3", "unknown directive .word"),
        (2, ".program 3", "a program begins before the one above has its .end"),
        (1, "", "a program wants at least one instruction"),
    ],
)
def test_bad_text_is_named_by_file_and_line(digits: Program, line: int, text: str, reason: str) -> None:
    with pytest.raises(SnowError, match=f"^bad.s:{line}: {reason}"):
        assemble_code(f".program 569\n{text}\n.end\n", "bad.s", digits)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("mov done, 0", "bad.s:1: 'mov done, 0' stands outside a program"),
        (".end", "bad.s:1: .end stands outside a program"),
        (".program 569\nmov done, 0", "bad.s:2: the last program has no .end"),
        ("", "bad.s:1: holds 0 programs, to replace 1"),
        (".program 5\nmov done, 0\n.end", "bad.s:1: this code, at 5 to 37, covers region 'input'"),
    ],
)
def test_text_that_is_no_program_for_this_one(digits: Program, text: str, reason: str) -> None:
    with pytest.raises(SnowError, match=f"^{reason}"):
        assemble_code(text, "bad.s", digits)


def test_a_word_that_is_no_instruction_is_named_by_its_place(digits: Program) -> None:
    with pytest.raises(IllegalCode, match="code 0, block 0, instruction 1: 0xf0000000 is no instruction: opcode 15"):
        disassemble(with_code(digits, EMPTY, 0xF0000000))
    with pytest.raises(IllegalCode, match="code 0: a branch goes to instruction -3 of 512"):
        disassemble(with_code(digits, 11 << 28 | (-3 & 0xFFF) << 6))
