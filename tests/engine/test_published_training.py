"""The published network's training and outputs, through our own loop and our own way of the data.

Both sides are float32 and add up in other orders, which gave relative differences of at most 5e-7 in the losses, 2e-6
in the gradient norms and 4e-7 in tensors (against their largest number).
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from data.loading import Split, load_split, pair_batches
from data.pair_dataset import PairDataset, product_groups
from data.pair_sampler import TrainingOrder
from engine.encode import EncodingPlan, encode_items
from engine.experiment import ExperimentOptions
from engine.named_checkpoint import load_checkpoint_weights
from engine.pair_scores import score_pairs
from engine.train_loop import StepFigures, train
from engine.training import first_state
from engine.training_model import TrainingModel
from models.embedding import pair_score, unpack
from models.item_encoder import ItemEncoder, build_item_encoder
from models.published import ours_to_published
from tests.engine.conftest import ALONE
from tests.published_network import NETWORK, Library, arrays, published_options

LOSS_TOLERANCE = 2e-5
GRADIENT_TOLERANCE = 5e-5
TENSOR_TOLERANCE = 2e-5
OUTPUT_TOLERANCE = 1e-4

both_libraries = pytest.mark.parametrize("library", ["timm", "transformers"])


def published_encoder(options: ExperimentOptions) -> ItemEncoder:
    encoder = build_item_encoder(options.model, options.data.image)
    load_checkpoint_weights(NETWORK, encoder, options.model)
    return encoder


def read_split(options: ExperimentOptions) -> Split:
    assert options.data.train is not None
    return load_split(options.data.train, options.data, options.reads, labelled=True)


def relative_error(actual: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((actual - wanted).abs().max() / wanted.abs().max())


def trained(options: ExperimentOptions, encoder: ItemEncoder) -> tuple[list[float], list[StepFigures]]:
    """Train the encoder as the options say, and return the loss and the figures of every step."""
    model = TrainingModel(encoder, options.loss, options.train.precision)
    state = first_state(model, options.train, ALONE.device)
    split = read_split(options)
    order = TrainingOrder(
        seed=options.seed,
        num_pairs=len(split.pairs),
        batch_size=options.train.batch_size,
        accumulate=options.train.accumulate,
        rank=0,
        num_processes=1,
        first_step=0,
        last_step=options.train.steps,
    )
    dataset = PairDataset(split.pairs, split.items, product_groups(split.pairs, np.arange(len(split.catalog))))
    batches = pair_batches(dataset, order, workers=0, pin=False)
    losses: list[float] = []
    figures: list[StepFigures] = []

    def record(step: StepFigures) -> None:
        losses.append(float(state.loss_sum.item()))
        state.loss_sum.zero_()
        figures.append(step)

    train(state, model, batches, options.train, options.seed, ALONE, record)
    return losses, figures


@both_libraries
def test_training_takes_the_published_course(library: Library, tmp_path: Path) -> None:
    options = published_options(tmp_path / "published.yml", library)
    encoder = published_encoder(options)
    losses, figures = trained(options, encoder)
    trace = arrays("training_trace.npz")
    rates = [step.learning_rate for step in figures]
    norms = [float(step.gradient_norm.item()) for step in figures]
    assert len(losses) == 8
    assert rates == pytest.approx(trace["learning_rates"].tolist(), rel=1e-12)
    assert losses == pytest.approx(trace["losses"].tolist(), rel=LOSS_TOLERANCE)
    assert norms == pytest.approx(trace["gradient_norms"].tolist(), rel=GRADIENT_TOLERANCE)
    final = ours_to_published(encoder.state_dict(), library)
    compared = [name for name in trace if name.removeprefix("final.") in final]
    assert len(compared) >= 4
    for name in compared:
        assert relative_error(final[name.removeprefix("final.")], trace[name]) < TENSOR_TOLERANCE, name


@both_libraries
def test_the_course_shows_a_changed_learning_rate_or_clip_norm(library: Library, tmp_path: Path) -> None:
    trace = arrays("training_trace.npz")
    for override in ("train.clip_norm=0.25", "train.optimizer.lr=0.00051", "train.optimizer.betas=[0.8, 0.999]"):
        options = published_options(tmp_path / "published.yml", library, override, "train.steps=3")
        losses, _ = trained(options, published_encoder(options))
        assert losses != pytest.approx(trace["losses"][:3].tolist(), rel=LOSS_TOLERANCE), override


@both_libraries
def test_files_become_the_published_embeddings_and_scores(library: Library, tmp_path: Path) -> None:
    options = published_options(tmp_path / "published.yml", library, "evaluate.batch_size=3")
    encoder, split = published_encoder(options), read_split(options)
    expected = arrays("inputs_and_outputs.npz")

    batch = split.items.batch(range(len(split.catalog)))
    longest = batch.token_ids.shape[1]
    assert torch.equal(batch.token_ids, expected["token_ids"][:, :longest])
    assert torch.equal(batch.attention_mask, expected["attention_mask"][:, :longest].bool())
    assert not expected["attention_mask"][:, longest:].any()
    torch.testing.assert_close(batch.images[:2], expected["images_of_items_0_and_1"], rtol=0, atol=0)

    plan = EncodingPlan(options.evaluate.batch_size, options.data.workers, options.train.precision)
    items = encode_items(encoder, split.items, plan, ALONE, "encode")
    assert items is not None
    embedding = unpack(items.packed, encoder.threshold_width)
    assert relative_error(embedding.threshold, expected["p"]) < OUTPUT_TOLERANCE
    assert relative_error(embedding.match, expected["q"]) < OUTPUT_TOLERANCE
    source, target = (torch.from_numpy(rows) for rows in (split.pairs.source, split.pairs.target))
    score = pair_score(embedding.rows(source), embedding.rows(target))
    logits = torch.stack([score.threshold, score.match], dim=1)
    torch.testing.assert_close(logits, expected["logits"], rtol=OUTPUT_TOLERANCE, atol=0)
    margins = score_pairs(items, split.pairs, encoder.threshold_width).margin
    wanted = (expected["logits"][:, 1] - expected["logits"][:, 0]).double().numpy()
    np.testing.assert_allclose(margins, wanted, rtol=OUTPUT_TOLERANCE)
    assert split.pairs.same is not None
    assert split.pairs.same.tolist() == expected["labels"].bool().tolist()
