"""Runs a program as the machine would: bits and cycles. Knows docs/isa.md and nothing of the compiler."""

from snowdialect.simulator.faults import IllegalProgram
from snowdialect.simulator.simulate import SimulationResult, simulate

__all__ = ["IllegalProgram", "SimulationResult", "simulate"]
