from options.nearest import nearest, nearest_path

PATHS = ["train", "train.steps", "train.optimizer.lr", "evaluate.batch_size", "data.text.max_tokens"]


def test_similar_words_are_found_and_others_are_not() -> None:
    assert nearest("stpes", ["steps", "seed"]) == "steps"
    assert nearest("Batch-Size", ["batch_size"]) == "batch_size"
    assert nearest("zzz", ["steps", "seed"]) is None


def test_key_of_the_same_section_wins() -> None:
    assert nearest_path("step", "train", ["steps", "optimizer"], PATHS) == "train.steps"
    assert nearest_path("trian", "", ["train"], PATHS) == "train"


def test_key_of_another_section_is_found_by_its_last_part() -> None:
    assert nearest_path("lr", "train", ["steps", "optimizer"], PATHS) == "train.optimizer.lr"
    assert nearest_path("max_token", "", ["train"], PATHS) == "data.text.max_tokens"
    assert nearest_path("zzz", "", ["train"], PATHS) is None


def test_one_wrong_letter_of_a_two_letter_key_is_forgiven() -> None:
    assert nearest("lx", ["name", "lr", "betas"]) == "lr"
    assert nearest("xx", ["name", "lr", "betas"]) is None


def test_of_equally_like_words_the_first_is_meant() -> None:
    assert nearest("tet", ["test", "text"]) == "test"
    assert nearest("tet", ["text", "test"]) == "text"
