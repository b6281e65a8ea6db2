"""Where outputs go, and what is said when they cannot."""

import os
import threading
from pathlib import Path

import pytest

from snowdialect.errors import SnowError
from snowdialect.files import check_outputs, check_replaceable, replacing


def write(path: Path, text: str = "text") -> None:
    with replacing(path) as file:
        file.write(text)


def test_a_symbolic_link_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    link.symlink_to(target)
    for text in ("new", "old"):
        write(link, text)
        assert link.is_symlink() and target.read_text() == text
    assert os.listdir(tmp_path / "folder") == ["target"]


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    write(tmp_path / ("x" * 255))
    path = tmp_path / ("x" * 256)
    with pytest.raises(OSError) as caught:
        check_replaceable(path)
    assert caught.value.filename == str(path)


def test_links_in_a_circle(tmp_path: Path) -> None:
    (path := tmp_path / "circle").symlink_to(path)
    with pytest.raises(OSError) as caught:
        check_replaceable(path)
    assert caught.value.filename == str(path)
    # As an input, whoever reads it says so.
    check_outputs((), (path,))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no folder in which nobody can create a file")
def test_a_folder_that_takes_no_files_is_found_before_the_work() -> None:
    with pytest.raises(OSError) as caught:
        check_outputs((Path("/proc/x.snow"),), ())
    assert caught.value.filename == "/proc/x.snow"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_device_is_named() -> None:
    with pytest.raises(OSError) as caught:
        write(Path("/dev/full"))
    assert caught.value.filename == "/dev/full"


def test_an_error_of_another_file_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught, replacing(tmp_path / "output"):
        (tmp_path / "absent").read_bytes()
    assert caught.value.filename == str(tmp_path / "absent")
    assert os.listdir(tmp_path) == []


def test_a_pipe_is_written_directly(tmp_path: Path) -> None:
    os.mkfifo(path := tmp_path / "pipe")
    writer = threading.Thread(target=write, args=(path,))
    check_outputs((path,), ())
    writer.start()
    assert path.read_text() == "text"
    writer.join()


def test_outputs_are_no_inputs(tmp_path: Path) -> None:
    (link := tmp_path / "link").symlink_to(path := tmp_path / "file")
    for outputs, inputs in (((path,), (None, link)), ((path, link), ())):
        with pytest.raises(SnowError, match="file of this command already"):
            check_outputs(outputs, inputs)
