#!/usr/bin/env bash
# pymilvus 3.0.2 with milvus-lite 3.2.2, Python 3.11, seen 2026-12-01.
# Guess: delete(ids=[...]) takes the ids as values, as upsert does, so that any id that was added can be removed.
# Seen: the ids are written into a filter as they are, in apostrophes: levi's-501 ends in a syntax error, and a\new (a
# backslash and an n) is answered with its id, as if it were deleted, and stays.
# Ends with status 1 once that is otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pymilvus==3.0.2" "milvus-lite==3.2.2"
cat > "$folder/delete.py" <<'PYTHON'
import logging
import sys
from pymilvus import DataType, MilvusClient
from pymilvus.exceptions import MilvusException

logging.disable(logging.CRITICAL)
client = MilvusClient(sys.argv[1])
schema = client.create_schema(auto_id=False)
schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=99)
schema.add_field("numbers", DataType.FLOAT_VECTOR, dim=2)
index = client.prepare_index_params()
index.add_index("numbers", index_type="FLAT", metric_type="IP")
client.create_collection("items", schema=schema, index_params=index)
ids = ["plain", "levi's-501", "a\\new"]
client.upsert("items", [{"id": name, "numbers": [1.0, 0.0]} for name in ids])
for name in ids:
    try:
        print("seen:", repr(name), "answered with", client.delete("items", ids=[name]))
    except MilvusException as error:
        print("seen:", repr(name), "refused:", error.message.splitlines()[0])
left = sorted(hit["id"] for hit in client.search("items", data=[[1.0, 0.0]], limit=9)[0])
print("seen: left are", left)
if left != ["a\\new", "levi's-501"]:
    raise SystemExit("otherwise now")
PYTHON
"$folder/venv/bin/python" "$folder/delete.py" "$folder/items.db"
