import pytest
import torch
from torch import nn

from engine.optimizer import build_optimizer, set_learning_rate
from engine.options import OptimizerOptions


def parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    shapes: list[tuple[int, ...]] = [(3, 4), (5,), ()]
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


@pytest.mark.parametrize(("name", "kind"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_the_fused_optimizer_takes_the_steps_of_the_plain_one(
    name: str, kind: type[torch.optim.Adam], weight_decay: float
) -> None:
    options = OptimizerOptions.model_validate(
        {"name": name, "lr": 0.01, "weight_decay": weight_decay, "betas": (0.8, 0.99)}
    )
    ours, theirs = parameters(), parameters()
    optimizer = build_optimizer(options, ours)
    plain = kind(theirs, lr=0.01, weight_decay=weight_decay, betas=(0.8, 0.99), foreach=False, fused=False)
    generator = torch.Generator().manual_seed(1)
    for step in range(5):
        for first, second in zip(ours, theirs, strict=True):
            first.grad = torch.randn(first.shape, generator=generator)
            second.grad = first.grad.clone()
        set_learning_rate(optimizer, 0.01 / (step + 1))
        plain.param_groups[0]["lr"] = 0.01 / (step + 1)
        optimizer.step()
        plain.step()
    for first, second, start in zip(ours, theirs, parameters(), strict=True):
        assert torch.allclose(first, second, rtol=1e-5, atol=1e-7)
        assert not torch.allclose(first, start)


def test_adam_and_adamw_differ_in_their_weight_decay() -> None:
    ends = []
    for name in ("adam", "adamw"):
        weights = parameters()
        optimizer = build_optimizer(
            OptimizerOptions.model_validate({"name": name, "lr": 0.1, "weight_decay": 0.5}), weights
        )
        weights[0].grad = torch.ones(3, 4)
        optimizer.step()
        ends.append(weights[0].detach())
    assert not torch.allclose(*ends)


def test_frozen_weights_are_left_out() -> None:
    weights = parameters()
    weights[1].requires_grad_(False)
    optimizer = build_optimizer(OptimizerOptions(), weights)
    assert [id(weight) for weight in optimizer.param_groups[0]["params"]] == [id(weights[0]), id(weights[2])]


def test_the_defaults_are_the_published_ones() -> None:
    group = build_optimizer(OptimizerOptions(), parameters()).param_groups[0]
    assert (group["lr"], group["weight_decay"], group["betas"]) == (2e-6, 1e-6, (0.9, 0.999))


def test_the_learning_rate_is_set_in_every_group() -> None:
    first, second, third = parameters()
    optimizer = torch.optim.Adam([{"params": [first]}, {"params": [second, third], "lr": 0.5}])
    set_learning_rate(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]
