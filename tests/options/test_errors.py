import resource
import subprocess
import sys
from pathlib import Path

import pytest

from options.errors import UserError, exit_on_user_error, install_command


def test_user_error_ends_the_command_with_status_2_and_its_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as exit_info, exit_on_user_error():
        raise UserError("pairs.jsonl:3: item 7 不存在")
    assert exit_info.value.code == 2
    captured = capsys.readouterr()
    assert captured.err == "error: pairs.jsonl:3: item 7 不存在\n"
    assert captured.out == ""


def test_subclasses_of_user_error_end_the_command_too() -> None:
    class MissingItemError(UserError):
        pass

    with pytest.raises(SystemExit), exit_on_user_error():
        raise MissingItemError("item 7")


def test_our_own_mistakes_keep_their_traceback() -> None:
    with pytest.raises(ValueError, match="ours"), exit_on_user_error():
        raise ValueError("ours")


def test_decorated_command_passes_its_arguments_and_result_through() -> None:
    @exit_on_user_error()
    def main(number: int) -> int:
        if number < 0:
            raise UserError("negative")
        return number + 1

    assert main(1) == 2
    with pytest.raises(SystemExit):
        main(-1)
    assert main(2) == 3


def test_what_is_installed_goes_to_the_python_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    help_text = subprocess.run(install_command("--help"), shell=True, capture_output=True, text=True, check=True).stdout
    assert "pip install" in help_text
    assert install_command("-r requirements.txt") == f"{sys.executable} -m pip install -r requirements.txt"
    monkeypatch.setattr(sys, "executable", "/my tools/python")
    assert install_command("wandb") == "'/my tools/python' -m pip install wandb"


def processor_seconds() -> float:
    """Processor time of all ended child processes, which other work on the machine hardly changes."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_wrong_file_ends_quickly_and_without_torch(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yml"
    file.write_text("name: a\nsed: 3\n", encoding="utf-8")
    program = f"""
import sys
from pathlib import Path
from engine.experiment import ExperimentOptions
from options.errors import exit_on_user_error
from options.read import read_options
try:
    with exit_on_user_error():
        read_options(ExperimentOptions, Path({str(file)!r}))
finally:
    print(sorted({{"torch", "timm", "transformers", "numpy"}} & set(sys.modules)))
"""
    seconds = []
    for _ in range(3):
        start = processor_seconds()
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        seconds.append(processor_seconds() - start)
        assert run.returncode == 2
        assert run.stdout == "[]\n"
        assert run.stderr.startswith("error: the options have")
        assert "sed: is not an option; did you mean seed?" in run.stderr
        assert "Traceback" not in run.stderr
    assert min(seconds) < 1.0
