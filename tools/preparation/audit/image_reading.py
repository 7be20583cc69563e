"""Every image of all splits, each file once, by several processes."""

import sys
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from tools.preparation.audit.image_file import ImageFacts, ImageTask, read_facts
from tools.preparation.worker_pool import WorkerFailure, run_isolated

ImagesByName = dict[tuple[str, str], ImageFacts]
"""What is known of an image, by folder and name."""


def read_images(
    names: Iterable[tuple[str, str]], size: int, follow_links: bool, processes: int, time_limit: float
) -> ImagesByName:
    """Return what is known of each image, given by folder and name.

    Args:
        names: folder and name of each image.
        size: height and width in pixels that the model reads images at.
        follow_links: whether links out of the folder are read.
        processes: number of worker processes.
        time_limit: seconds an image may take.
    """
    tasks = [ImageTask(folder, name, size, follow_links) for folder, name in dict.fromkeys(names)]
    images: ImagesByName = {}
    if not tasks:
        return images
    with tqdm(total=len(tasks), desc="images", unit="image", leave=False) as bar:
        for task, result in run_isolated(
            read_facts, tasks, processes=min(processes, len(tasks)), time_limit=time_limit
        ):
            if isinstance(result, WorkerFailure):
                file = str(Path(task.folder) / task.name)
                result = ImageFacts(file, fault="image-broken", reason=f"cannot be decoded: {result.reason}")
            # Read from a pipe, equal names of formats would be as many strings.
            result = result._replace(format=sys.intern(result.format), mode=sys.intern(result.mode))
            images[task.folder, task.name] = result
            bar.update()
    return images
