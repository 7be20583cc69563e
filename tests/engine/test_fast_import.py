import gc

import pytest

from engine.fast_import import fast_import


def test_the_collector_rests_meanwhile_and_leaves_what_is_there_alone_afterwards() -> None:
    made: list[object] = []
    try:
        with fast_import():
            assert not gc.isenabled()
            made.append(made)
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_it_works_again_after_an_import_that_fails() -> None:
    with pytest.raises(ImportError), fast_import():
        import no_such_package  # noqa: F401
    assert gc.isenabled()
    gc.unfreeze()
