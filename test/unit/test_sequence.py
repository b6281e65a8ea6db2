"""Layers that follow each other: pieces of the sequence are made at the same time, as if one came after the other."""

import pytest
from chains import chain
from xdsl.parser import Parser

from lowering import driver
from lowering.tile_steps import sequence
from lowering.tile_steps.layer import TileProgram

NETWORK = chain(128, 8)
"""Each layer leaves something pending."""


def tile_programs() -> str:
    context = driver.make_context()
    module = Parser(context, NETWORK).parse_module()
    driver.lower(context, module, "tile")
    return str(module)


@pytest.fixture
def whole() -> str:
    """What becomes of the network in one piece."""
    return tile_programs()


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> list[tuple[range, sequence.LeftBefore]]:
    """The network comes in three pieces. Gets the layers whose programs this process makes, and what it takes to be
    left to the first of them."""
    made: list[tuple[range, sequence.LeftBefore]] = []
    programs = sequence.Following.programs

    def noting(self: sequence.Following, piece: range, left: sequence.LeftBefore) -> list[TileProgram]:
        made.append((piece, left))
        return programs(self, piece, left)

    monkeypatch.setattr(sequence, "WORTH_IT", 1)
    monkeypatch.setattr(sequence, "available_processes", lambda: 3)
    monkeypatch.setattr(sequence.Following, "programs", noting)
    return made


def test_other_processes_make_what_this_one_does(
    whole: str, in_pieces: list[tuple[range, sequence.LeftBefore]]
) -> None:
    assert whole.count(" overlaps ") == 5
    assert not in_pieces
    assert tile_programs() == whole
    # This process has made some of them at most.
    assert {layer for piece, _ in in_pieces for layer in piece} < set(range(6))


def test_what_is_left_is_guessed(
    monkeypatch: pytest.MonkeyPatch, whole: str, in_pieces: list[tuple[range, sequence.LeftBefore]]
) -> None:
    monkeypatch.setattr(sequence, "map_in_processes", lambda work, tasks, _: list(map(work, tasks)))
    assert tile_programs() == whole
    # Before the second and third piece the layer before, with nothing left to it.
    assert [piece for piece, _ in in_pieces] == [*map(range, (0, 1, 2, 3, 4), (2, 2, 4, 4, 6))]
    assert in_pieces[3][1] == ()
    assert in_pieces[2][1] and in_pieces[4][1]


def test_a_piece_is_made_again_after_a_wrong_guess(
    monkeypatch: pytest.MonkeyPatch, whole: str, in_pieces: list[tuple[range, sequence.LeftBefore]]
) -> None:
    def guessed(self: sequence.Following, piece: range) -> tuple[sequence.LeftBefore, list[TileProgram]]:
        left = () if piece.start else None
        return left, self.programs(piece, left)

    monkeypatch.setattr(sequence, "map_in_processes", lambda work, tasks, _: list(map(work, tasks)))
    monkeypatch.setattr(sequence.Following, "guessed", guessed)
    assert tile_programs() == whole
    assert [piece for piece, _ in in_pieces] == [range(0, 2), range(2, 4), range(4, 6), range(2, 4), range(4, 6)]


@pytest.mark.parametrize(
    ("steps", "count", "lengths"),
    [
        ([5], 4, [1]),
        ([5, 5, 5, 5], 0, [4]),
        ([5, 5, 5, 5], 2, [2, 2]),
        ([100, 1, 1, 1], 3, [1, 3]),
        ([1, 1, 1, 100], 2, [4]),
    ],
)
def test_pieces_have_about_as_many_steps(steps: list[int], count: int, lengths: list[int]) -> None:
    pieces = sequence.cut(steps, count)
    assert [*map(len, pieces)] == lengths
    assert [layer for piece in pieces for layer in piece] == [*range(len(steps))]
