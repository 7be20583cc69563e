import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from losses.contrastive import ContrastiveLoss
from losses.logistic import LogisticLoss
from losses.options import LossOptions, PairLossOptions
from models.embedding import PairScore

section: TypeAdapter[PairLossOptions] = TypeAdapter(LossOptions)


def test_the_self_adaptive_threshold_loss_is_built_by_its_name() -> None:
    options = section.validate_python({"name": "self_adaptive_threshold"})

    assert isinstance(options.build(), LogisticLoss)


def test_the_fixed_threshold_loss_is_built_with_its_first_values() -> None:
    options = section.validate_python({"name": "fixed_threshold", "scale": 4.0, "threshold": 0.25})

    loss = options.build()

    assert isinstance(loss, LogisticLoss)
    assert loss.log_scale is not None
    assert loss.log_scale.exp().item() == pytest.approx(4.0)
    assert loss.decision_threshold == 0.25


def test_the_learned_threshold_loss_is_built_with_its_first_value() -> None:
    options = section.validate_python({"name": "learned_threshold", "threshold": -2.5})

    loss = options.build()

    assert isinstance(loss, LogisticLoss)
    assert loss.decision_threshold == -2.5


def test_the_contrastive_loss_is_built_with_its_margin() -> None:
    options = section.validate_python({"name": "contrastive", "margin": 0.5})

    loss = options.build()

    assert isinstance(loss, ContrastiveLoss)
    assert loss.margin == 0.5


@pytest.mark.parametrize("name", ["self_adaptive_threshold", "fixed_threshold", "learned_threshold", "contrastive"])
def test_every_loss_prefers_right_scores_and_can_be_built_from_its_name_alone(name: str) -> None:
    loss = section.validate_python({"name": name}).build()
    same = torch.tensor([True, False])

    right = loss(PairScore(torch.tensor([0.95, -0.5]), torch.zeros(2)), same)
    wrong = loss(PairScore(torch.tensor([-0.5, 0.95]), torch.zeros(2)), same)

    assert (right < wrong).all()


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "triplet"},
        {"name": "contrastive", "margin": 2.5},
        {"name": "contrastive", "margin": 0.0},
        {"name": "fixed_threshold", "scale": 0.0},
        {"name": "fixed_threshold", "threshold": 1.0},
        {"name": "learned_threshold", "scale": 1.0},
        {"name": "self_adaptive_threshold", "scale": 1.0},
        {"name": "self_adaptive_threshold", "in_batch_negatives": {"weight": 0.0}},
    ],
)
def test_what_no_loss_can_be_built_from_is_refused(fault: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        section.validate_python(fault)


def test_reading_options_does_not_import_torch() -> None:
    code = "import sys, losses.options; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0
