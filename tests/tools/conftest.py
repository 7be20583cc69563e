from tests.engine.conftest import make_options, work_folder

__all__ = ["make_options", "work_folder"]
