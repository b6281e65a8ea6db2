"""Machine files: what is wrong with one is said in a line that names the file."""

from dataclasses import replace
from pathlib import Path

import pytest

from snowdialect.machine import Machine, MachineError, load_machine, shipped_machines

ZC706 = (Path(__file__).parents[2] / "snowdialect/machine/zc706.toml").read_text()


def test_the_shipped_machine() -> None:
    machine = load_machine()
    assert "zc706" in shipped_machines()
    assert load_machine("zc706") == machine
    assert machine.multipliers == 256
    assert (machine.mbuf_bank_words, machine.wbuf_bank_words) == (16384, 8192)
    assert (machine.all_units, machine.all_vmacs) == (15, 15)
    assert Machine.from_dict(machine.to_dict()) == machine


def test_a_file_of_the_users(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(ZC706.replace('"zc706"', '"small"').replace("compute_units = 4", "compute_units = 2"))
    machine = load_machine(str(file))
    assert (machine.name, machine.compute_units, machine.all_units) == ("small", 2, 3)


def test_a_machine_becomes_a_file_and_the_file_the_machine(tmp_path: Path) -> None:
    file = tmp_path / "fast.toml"
    machine = replace(load_machine(), name='a "fast" one', bandwidth=8_400_000_000)
    file.write_text(machine.to_toml())
    assert load_machine(str(file)) == machine


def test_a_machine_that_is_changed_is_checked_too() -> None:
    with pytest.raises(MachineError, match="^machine 'zc706': 4144 loads could be in flight with load_units = 4, "):
        replace(load_machine(), load_queue_depth=1024, transfer_overhead=8)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("vmacs = 4 ", "vmac = 4 ", "unknown key 'vmac' in section [compute]"),
        ("vmacs = 4 ", "", "missing machine key 'vmacs'"),
        ("vmacs = 4 ", "vmacs = 0 ", "machine key 'vmacs' wants a positive integer, got 0"),
        ("vmacs = 4 ", "vmacs = 4.0 ", "machine key 'vmacs' wants a positive integer, got 4.0"),
        ("vmacs = 4 ", "vmacs = true ", "machine key 'vmacs' wants a positive integer, got True"),
        ("vmacs = 4 ", "vmacs = 5 ", "machine 'zc706': 5 vMACs a compute unit: want 1 to 4"),
        ('name = "zc706"', "name = 706", "machine key 'name' wants a non-empty string"),
        ('name = "zc706"', "", "missing machine key 'name'"),
        ('name = "zc706"', 'name = "a\\nb"', "machine key 'name' wants a non-empty string of printable characters"),
        (
            'name = "zc706"',
            'name = "a\\u001b[2Jb"',
            "machine key 'name' wants a non-empty string of printable characters",
        ),
        ("vmacs = 4 ", '"a\\nb" = 4 ', "unknown key 'a?b' in section [compute]"),
        ("[compute]", "[computer]", "unknown section or key 'computer'"),
        ('name = "zc706"', 'name = "zc706"\nmemory = 1', "Cannot overwrite"),
        ("clusters = 1", "clusters = 2", "machine 'zc706': 2 clusters: only one cluster can be targeted"),
        ("macs = 16 ", "macs = 8 ", "machine 'zc706': 8 MACs a vMAC: only 16 can be targeted"),
        ("compute_units = 4 ", "compute_units = 3 ", "machine 'zc706': 3 compute units: want 1, 2 or 4"),
        ("registers = 32", "registers = 16", "machine 'zc706': 16 registers: instruction fields address 32"),
        ("delay_slots = 4", "delay_slots = 1", "machine 'zc706': 1 delay slots: the control core has 4"),
        ("icache_banks = 2", "icache_banks = 1", "machine 'zc706': 1 instruction banks: the control core has 2"),
        (
            "icache_instructions = 512 ",
            "icache_instructions = 32 ",
            "machine 'zc706': 32 instructions a bank: a branch reaches 64 to 2048",
        ),
        ("load_units = 4", "load_units = 5", "machine 'zc706': 5 load units: want 1 to 4"),
        ("transfer_words = 32 ", "transfer_words = 16 ", "machine 'zc706': 16 words a transfer: want 32 (64 B)"),
        ("mbuf_banks = 2", "mbuf_banks = 1", "machine 'zc706': mbuf_banks = 1: want 2"),
        (
            "wbuf_words = 16_384 ",
            "wbuf_words = 16_400 ",
            "machine 'zc706': wbuf_words = 16400: a bank must hold whole transfers of 32 words",
        ),
        ("mbuf_words = 32_768 ", "mbuf_words = 131_072 ", "machine 'zc706': mbuf_words = 131072: want at most 65536"),
        ("[compute]", "[compute", "Expected ']'"),
        ("clock_hz = 250", "clock_hz = 36_028", "machine 'zc706': clock_hz = 36028000000: want 1000 to 10000000000"),
        (
            "bandwidth = 4_200_000_000",
            "bandwidth = 1",
            "machine 'zc706': bandwidth = 1: want 2500000 to 1024000000000 ",
        ),
        ("bandwidth = 4_200", "bandwidth = 4_200_000", "machine 'zc706': bandwidth = 4200000000000: want 2500000 to "),
        ("bandwidth = 4_200", "bandwidth = 4_200_000_000_000_0", "machine key 'bandwidth' wants a number below 2^63"),
        ("bandwidth = 4", f"bandwidth = 0x{'f' * 5000} #", "machine key 'bandwidth' wants a number below 2^63"),
        ("bandwidth = 4", f"bandwidth = {'4' * 5000} #", "Exceeds the limit"),
        (
            "write_back_latency = 12",
            "write_back_latency = 1_000_001",
            "machine 'zc706': write_back_latency = 1000001: ",
        ),
        (
            "memory_latency = 64",
            "memory_latency = 1_000_001",
            "machine 'zc706': memory_latency = 1000001: want at most ",
        ),
        (
            "memory_latency = 64",
            "memory_latency = 20_000",
            "machine 'zc706': 5048 loads could be in flight with load_units = 4, load_queue_depth = 8, "
            "memory_latency = 20000, transfer_overhead = 16: want at most 4096",
        ),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = tmp_path / "machine.toml"
    assert old in ZC706
    file.write_text(ZC706.replace(old, new, 1))
    with pytest.raises(MachineError) as caught:
        load_machine(str(file))
    assert str(caught.value).startswith(f"{file}: {message}")
    assert "\n" not in str(caught.value)


def test_a_section_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "machine.toml"
    file.write_text('name = "flat"\nmemory = 3\n')
    with pytest.raises(MachineError, match="'memory' must be a section$"):
        load_machine(str(file))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"none\.toml: No such file or directory$"):
        load_machine(str(tmp_path / "none.toml"))
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MachineError, match=r"binary\.toml: 'utf-8' codec"):
        load_machine(str(binary))
    with pytest.raises(MachineError, match=r"^unknown machine 'zc707' \(shipped: .*zc706.*; or give a \.toml file\)$"):
        load_machine("zc707")
