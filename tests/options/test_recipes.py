from pathlib import Path

import pytest

from engine.experiment import ExperimentOptions
from options.errors import UserError
from options.read import read_options

FOLDER = Path(__file__).parents[2] / "options"


@pytest.mark.parametrize("name", ["small_data", "fine_tune"])
def test_a_recipe_reads_pictures_where_there_are_any_and_names_nothing_of_one_shop(name: str) -> None:
    file = FOLDER / f"{name}.yml"
    text_alone = read_options(ExperimentOptions, file)
    both = read_options(
        ExperimentOptions, file, ["data.train.images=images", "data.val.images=images", "data.test=null"]
    )
    assert text_alone.model.image_encoder is None
    assert both.model.image_encoder is not None
    assert both.data.text.attributes == "all"
    assert both.model.agreement is None
    assert both.predict.decider == "trees"


def test_a_share_of_positives_needs_room_for_both_labels() -> None:
    with pytest.raises(UserError, match="positive_share needs a batch_size of at least 2"):
        read_options(ExperimentOptions, FOLDER / "fine_tune.yml", ["train.batch_size=1"])
