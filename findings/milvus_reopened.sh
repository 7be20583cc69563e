#!/usr/bin/env bash
# pymilvus 3.0.2 with milvus-lite 3.2.2, Python 3.11, seen 2026-12-01.
# Guess: a collection that was made with its index, and searched, can be searched by the next process that opens its file,
# as a server keeps a collection loaded whichever client made it, and as it is in the process that made it.
# Seen: the next process finds it "released", and every search ends with code 101 until load_collection is called.
# Ends with status 1 once that is otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pymilvus==3.0.2" "milvus-lite==3.2.2"
cat > "$folder/common.py" <<'PYTHON'
import logging
import sys
from pymilvus import DataType, MilvusClient
from pymilvus.exceptions import MilvusException

logging.disable(logging.CRITICAL)
client = MilvusClient(sys.argv[1])
search = lambda: len(client.search("items", data=[[1.0, 0.0]], limit=3)[0])
PYTHON
cat > "$folder/make.py" <<'PYTHON'
from common import *
schema = client.create_schema(auto_id=False)
schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=99)
schema.add_field("numbers", DataType.FLOAT_VECTOR, dim=2)
index = client.prepare_index_params()
index.add_index("numbers", index_type="FLAT", metric_type="IP")
client.create_collection("items", schema=schema, index_params=index)
client.upsert("items", [{"id": name, "numbers": [1.0, 0.0]} for name in "abc"])
assert search() == 3
client.close()
PYTHON
cat > "$folder/again.py" <<'PYTHON'
from common import *
try:
    raise SystemExit(f"otherwise now: found {search()} items without load_collection")
except MilvusException as error:
    print("seen:", error.message)
    assert error.code == 101 and "released" in error.message, error
client.load_collection("items")
assert search() == 3
print("seen: 3 items after load_collection")
PYTHON
cd "$folder"
venv/bin/python make.py "$folder/items.db"
venv/bin/python again.py "$folder/items.db"
