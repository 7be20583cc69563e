"""How far all processes are with the embeddings of a catalogue, seen by the shards in its folder."""

import sys
import time

from tqdm import tqdm

from engine.stop_request import StoppedError, StopRequest
from tools.catalogue.embedding_folder import EmbeddingFolder
from tools.catalogue.embedding_shard import RECORD

LOOK_SECONDS = 5.0
"""Between two looks at the folder, which may lie on another machine."""
TELL_SECONDS = 600.0
"""After which it is told that nothing comes from the other processes."""


class EmbeddingWatch:
    """Counts the items that are done, those of other processes when their shard is whole, on a progress bar."""

    def __init__(self, folder: EmbeddingFolder, show: bool) -> None:
        self._folder = folder
        self._missing = set(range(folder.record.num_shards))
        self.num_items = 0
        """Of the shards that were whole at the last look."""
        self._own_items = 0
        """Of the shard that this process is at."""
        self._show = show
        self._look()
        # Shards of other processes come all at once, so that only the mean rate since the start says much.
        self._bar = tqdm(
            total=len(folder), initial=self.num_items, desc="embed", unit="item", smoothing=0.0,
            disable=None if show else True,
        )  # fmt: skip

    @property
    def missing(self) -> list[int]:
        """Shards that were not whole at the last look, in order."""
        return sorted(self._missing)

    def add(self, num_items: int) -> None:
        """Count items of the shard that this process is at."""
        self._own_items += num_items
        self._update()

    def finish_shard(self, number: int) -> None:
        """Count the shard that this process has written."""
        self._found(number)
        self._own_items = 0
        self._update()

    def wait_for_others(self, stop: StopRequest) -> None:
        """Return once all shards are whole; raises StoppedError when asked to stop."""
        told = time.monotonic()
        while self._missing:
            if stop.agreed():
                raise StoppedError(f"embed: {self.progress()}; run the same command again")
            time.sleep(min(1.0, LOOK_SECONDS))
            before = len(self._missing)
            self._update()
            if len(self._missing) < before:
                told = time.monotonic()
            elif time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                tqdm.write(
                    f"no shard of another process has come for {TELL_SECONDS / 60:.0f} minutes; missing: "
                    f"{', '.join(map(str, self.missing[:5]))}{' ...' if len(self._missing) > 5 else ''}. If a machine "
                    "is lost, start the command there again; or end this one and start it anew on fewer",
                    file=sys.stderr,
                )

    def progress(self) -> str:
        """Say how many items are kept."""
        return f"{self.num_items:,} of {len(self._folder):,} items are kept in {self._folder.path}"

    def close(self) -> None:
        """End the bar."""
        self._bar.close()

    def _update(self) -> None:
        if self._show and time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._look()
        self._bar.update(self.num_items + self._own_items - self._bar.n)

    def _look(self) -> None:
        self._looked_at = time.monotonic()
        names = {file.name for file in self._folder.path.glob(f"shard_*{RECORD}")}
        for number in self.missing:
            shard = self._folder.shard(number)
            if shard.file(RECORD).name in names and shard.is_whole():
                self._found(number)

    def _found(self, number: int) -> None:
        if number in self._missing:
            self._missing.remove(number)
            self.num_items += len(self._folder.shard(number).rows)
