"""Items in a collection of Milvus, embedded in this process or on a cluster; the one file that knows pymilvus.

Letters of shapes: M queries or items, W numbers an item.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import numpy as np
from pymilvus import DataType, MilvusClient
from pymilvus.exceptions import MilvusException

from options.errors import UserError
from options.printable import without_credentials
from tools.catalogue.search_backend import MOST_NEIGHBOURS, Neighbour, Numbers, query_numbers

ID, EMBEDDING = "item_id", "embedding"
LONGEST_STORED = 65_535
"""Bytes of what the collection may keep as an id."""
LONGEST_KEY = 1024
"""Bytes of an id that is kept as it is; a longer one is kept by its digest, so that many fit into a request."""
DANGEROUS = re.compile("[%'\"\\\\\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What an id is put into a filter without, as pymilvus quotes ids without escaping them."""
ESCAPED = re.compile("%([0-9A-F]{1,4});")
DIGEST = "%#"
"""What the key of a long id begins with, as no escaped id does."""
AT_ONCE = 1000
"""Items or queries of a request, which may have 64 MiB."""


class MilvusIndex:
    """A search backend that keeps its items in Milvus, by their ids; see tools/catalogue/search_backend.py."""

    def __init__(self, address: str, collection: str, threshold_width: int, item_ids: Iterable[str] = ()) -> None:
        """Use a collection at the address of a cluster, or in a folder of Milvus Lite; raises UserError if it is away.

        The address may hold credentials: http://user:password@host:19530. The ids are of items that are there.
        """
        self._address, self._collection, self._threshold_width = address, collection, threshold_width
        self._long_ids: dict[str, str] = {}
        self._keys(item_ids)
        with self._mendable():
            self._client = MilvusClient(address)

    def exists(self) -> bool:
        """Return whether the collection is there."""
        with self._mendable():
            return bool(self._client.has_collection(self._collection))

    def load(self) -> None:
        """Make a collection that is there ready for searching, as another process may not have left it.

        Raises UserError where it is gone.
        """
        with self._mendable():
            self._client.load_collection(self._collection)

    def create(self, width: int, search: str) -> None:
        """Make the collection for items of W numbers, in place of one that is there.

        `search` is FLAT (exact) or AUTOINDEX.
        """
        with self._mendable():
            if self.exists():
                self._client.drop_collection(self._collection)
            schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field(ID, DataType.VARCHAR, is_primary=True, max_length=LONGEST_STORED)
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

    @property
    def width(self) -> int:
        """How many numbers an item of the collection has, 0 where it is of something else."""
        with self._mendable():
            fields = self._client.describe_collection(self._collection)["fields"]
        return next((int(field["params"]["dim"]) for field in fields if field["name"] == EMBEDDING), 0)

    def __len__(self) -> int:
        """Return how many items there are."""
        with self._mendable():
            found = self._client.query(self._collection, filter="", output_fields=["count(*)"])
        return int(found[0]["count(*)"])

    def add(self, item_ids: Sequence[str], packed: Numbers) -> None:
        """Add items, with their numbers (M, W); an interrupted addition may be repeated."""
        numbers = np.ascontiguousarray(packed, np.float32)
        rows = ({ID: key, EMBEDDING: own} for key, own in zip(self._keys(item_ids), numbers, strict=True))
        with self._mendable():
            while some := list(islice(rows, AT_ONCE)):
                self._client.upsert(self._collection, some)

    def remove(self, item_ids: Sequence[str]) -> None:
        """Remove items that are there; an interrupted removal may be repeated."""
        keys = self._keys(item_ids)
        with self._mendable():
            for first in range(0, len(keys), AT_ONCE):
                self._client.delete(self._collection, ids=keys[first : first + AT_ONCE])

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
                found += [
                    [Neighbour(self._item_id(str(hit[ID])), float(hit["distance"])) for hit in own] for own in hits
                ]
        return found

    def _keys(self, item_ids: Iterable[str]) -> list[str]:
        """Return what items are kept by, remembering which long ids that is of."""
        keys = []
        for item_id in item_ids:
            key = escaped(item_id)
            if len(key.encode()) > LONGEST_KEY:
                key = DIGEST + hashlib.sha256(item_id.encode()).hexdigest()
                self._long_ids[key] = item_id
            keys.append(key)
        return keys

    def _item_id(self, key: str) -> str:
        return self._long_ids.get(key, key) if key.startswith(DIGEST) else unescaped(key)

    @contextmanager
    def _mendable(self) -> Iterator[None]:
        try:
            yield
        except MilvusException as error:
            advice = "if the collection is gone, build with --rebuild"
            if "://" in self._address:
                advice = f"is it running, and is its address right (--address)? {advice.capitalize()}"
            raise UserError(
                f"Milvus at {without_credentials(self._address)}, collection {self._collection}: {error.message}; "
                f"{advice}"
            ) from error


def escaped(item_id: str) -> str:
    """Return an id with %HEX; for each character that is dangerous in a filter; an ordinary one stays as it is."""
    return DANGEROUS.sub(lambda match: f"%{ord(match[0]):X};", item_id)


def unescaped(key: str) -> str:
    """Undo escaped."""
    return ESCAPED.sub(lambda match: chr(int(match[1], 16)), key)
