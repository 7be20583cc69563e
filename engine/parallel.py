"""Training on several processes at once: the same model in each, gradients exchanged while they are computed."""

from torch import nn
from torch.nn.parallel import DistributedDataParallel

from engine.distributed import Processes, copy_from_first

BUCKET_MEBIBYTES = 25
"""Of gradients that are sent together."""


def share_statistics(model: nn.Module) -> None:
    """Give all processes the first one's statistics of batch normalisation, which on the CPU each takes by itself."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for buffer in module.buffers(recurse=False):
                copy_from_first(buffer)


def data_parallel(
    model: nn.Module,
    processes: Processes,
    bucket_mebibytes: int = BUCKET_MEBIBYTES,
    static_graph: bool = False,
) -> nn.Module:
    """Return the module to call in training: the model itself, or on several processes one that exchanges gradients.

    `static_graph` is for models that use the same weights at every step, without accumulation.
    """
    if processes.count == 1:
        return model
    on_gpu = processes.device.type == "cuda"
    if on_gpu:
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
    has_statistics = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())
    return DistributedDataParallel(
        model,
        device_ids=[processes.device] if on_gpu else None,
        forward_sync_buffers=has_statistics,
        gradient_as_bucket_view=True,
        bucket_cap_mb=bucket_mebibytes,
        static_graph=static_graph,
        # Else the gradients are put into other buckets after the first step of a process, and where more than two
        # numbers are added their place in the bucket decides in which order: a resumed run would differ in last bits.
        find_unused_parameters=processes.count > 2 and not static_graph,
    )
