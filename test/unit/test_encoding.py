"""Every instruction of the table as a word and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowdialect.backend.encoding import EncodingError, decode, encode
from snowdialect.machine.instructions import BY_NAME, CONFIGURATION, INSTRUCTIONS, Field, Instruction


def _values(row: Instruction) -> st.SearchStrategy[dict[str, int]]:
    def value(field: Field) -> st.SearchStrategy[int]:
        return st.integers(field.minimum, field.maximum)

    if row.name == "config":
        return st.sampled_from(range(len(CONFIGURATION))).flatmap(
            lambda number: st.fixed_dictionaries(
                {"register": st.just(number), "immediate": st.integers(0, CONFIGURATION[number].maximum)}
            )
        )
    return st.fixed_dictionaries({field.name: value(field) for field in row.written_fields})


legal = st.sampled_from(INSTRUCTIONS).flatmap(lambda row: st.tuples(st.just(row), _values(row)))


@given(legal)
def test_a_legal_instruction_survives_its_encoding(instruction: tuple[Instruction, dict[str, int]]) -> None:
    row, values = instruction
    word = encode(row.name, values)
    assert 0 <= word < 1 << 32
    assert decode(word) == (row, values)


@given(st.integers(0, (1 << 32) - 1))
def test_a_word_is_an_instruction_that_encodes_to_it_or_an_error_of_one_line(word: int) -> None:
    try:
        row, values = decode(word)
    except EncodingError as error:
        assert str(error).startswith(f"{word:#010x} is no instruction: ") and "\n" not in str(error)
    else:
        assert encode(row.name, values) == word


@pytest.mark.parametrize("row", INSTRUCTIONS, ids=lambda row: row.name)
def test_the_fields_of_an_instruction_fit_its_word(row: Instruction) -> None:
    assert all(row.low_bit(field) >= 0 for field in row.fields)


def test_fields_lie_where_the_table_says() -> None:
    values = {"mode": 1, "flags": 0b01, "rm": 4, "rk": 5, "length": 192}
    assert encode("mac", values) == 7 << 28 | 1 << 27 | 1 << 22 | 4 << 17 | 5 << 12 | 192
    assert encode("addi", {"rd": 1, "rs": 2, "immediate": -1}) == 4 << 28 | 1 << 23 | 2 << 18 | 0x1FFFF << 1


@pytest.mark.parametrize(
    "word, reason",
    [
        (0xF0000000, "opcode 15"),
        (3 << 28 | 1, "add has no use for its lowest 13 bits, which hold 1"),
        (7 << 28 | 1 << 26, "mac has no flags 16"),
        (1 << 27 | 9 << 22, "mov has no register 9"),
        (1 << 27 | 32, "result_shift 32 is above its maximum of 31"),
        (12 << 28 | 1, "ld has no use for its lowest 3 bits, which hold 1"),
        (12 << 28 | 1 << 27 | 3 << 20, "ld wants 0 in its field rd, not 3"),
    ],
)
def test_words_that_are_no_instruction_say_why(word: int, reason: str) -> None:
    with pytest.raises(EncodingError, match=reason):
        decode(word)


def test_a_value_that_does_not_fit_is_named() -> None:
    with pytest.raises(EncodingError, match=r"addi: immediate 65536 does not fit into its field \(-65536 to 65535\)"):
        encode("addi", {"rd": 0, "rs": 0, "immediate": 65536})
    with pytest.raises(EncodingError, match="done 1 is above its maximum of 0"):
        encode("config", {"register": BY_NAME["config"].field("register").names.index("done"), "immediate": 1})
