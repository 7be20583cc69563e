"""Items in a collection of Milvus, embedded in this process or on a cluster; the one file that knows pymilvus.

Letters of shapes: M queries or items, W numbers an item.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import numpy as np
from pymilvus import DataType, MilvusClient
from pymilvus.exceptions import MilvusException

from options.errors import UserError
from options.printable import without_credentials
from tools.catalogue.search_backend import Neighbour, Numbers, query_numbers

ID, EMBEDDING = "item_id", "embedding"
LONGEST_ID = 65_535
"""Bytes."""
AT_ONCE = 1000
"""Items or queries of a request, which may have 64 MiB."""
MOST_NEIGHBOURS = 16_384
"""Of a query, as Milvus allows."""


class MilvusIndex:
    """A search backend that keeps its items in Milvus, by their ids; see tools/catalogue/search_backend.py."""

    def __init__(self, address: str, collection: str, threshold_width: int) -> None:
        """Use a collection at the address of a cluster, or in a folder of Milvus Lite; raises UserError if it is away.

        The address may hold credentials: http://user:password@host:19530.
        """
        self._address, self._collection, self._threshold_width = address, collection, threshold_width
        with self._mendable():
            self._client = MilvusClient(address)

    def exists(self) -> bool:
        """Return whether the collection is there."""
        with self._mendable():
            return bool(self._client.has_collection(self._collection))

    def create(self, width: int, search: str) -> None:
        """Make the collection for items of W numbers, in place of one that is there.

        `search` is FLAT (exact) or AUTOINDEX.
        """
        with self._mendable():
            if self.exists():
                self._client.drop_collection(self._collection)
            schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field(ID, DataType.VARCHAR, is_primary=True, max_length=LONGEST_ID)
            schema.add_field(EMBEDDING, DataType.FLOAT_VECTOR, dim=width)
            index = self._client.prepare_index_params()
            index.add_index(EMBEDDING, index_type=search, metric_type="IP")
            # Strong: a search sees what was added and removed before it.
            self._client.create_collection(
                self._collection, schema=schema, index_params=index, consistency_level="Strong"
            )

    def close(self) -> None:
        """Leave Milvus, which makes a folder of Milvus Lite free for another process."""
        self._client.close()

    def __len__(self) -> int:
        """Return how many items there are."""
        with self._mendable():
            found = self._client.query(self._collection, filter="", output_fields=["count(*)"])
        return int(found[0]["count(*)"])

    def add(self, item_ids: Sequence[str], packed: Numbers) -> None:
        """Add items, with their numbers (M, W); an interrupted addition may be repeated."""
        numbers = np.ascontiguousarray(packed, np.float32)
        rows = ({ID: item_id, EMBEDDING: own} for item_id, own in zip(item_ids, numbers, strict=True))
        with self._mendable():
            while some := list(islice(rows, AT_ONCE)):
                self._client.upsert(self._collection, some)

    def remove(self, item_ids: Sequence[str]) -> None:
        """Remove items that are there; an interrupted removal may be repeated."""
        with self._mendable():
            for first in range(0, len(item_ids), AT_ONCE):
                self._client.delete(self._collection, ids=list(item_ids[first : first + AT_ONCE]))

    def search(self, packed: Numbers, k: int) -> list[list[Neighbour]]:
        """Return the k items with the highest margins for each of M queries (M, W), the highest first."""
        queries = query_numbers(packed, self._threshold_width)
        found: list[list[Neighbour]] = []
        with self._mendable():
            for first in range(0, len(queries), AT_ONCE):
                hits = self._client.search(
                    self._collection,
                    data=list(queries[first : first + AT_ONCE]),
                    limit=min(k, MOST_NEIGHBOURS),
                    output_fields=[ID],
                    search_params={"metric_type": "IP"},
                )
                found += [[Neighbour(str(hit[ID]), float(hit["distance"])) for hit in own] for own in hits]
        return found

    @contextmanager
    def _mendable(self) -> Iterator[None]:
        try:
            yield
        except MilvusException as error:
            raise UserError(
                f"Milvus at {without_credentials(self._address)}, collection {self._collection}: {error.message}; is "
                "it running, and is its address right (--address)? If the collection is gone, build with --rebuild"
            ) from error
