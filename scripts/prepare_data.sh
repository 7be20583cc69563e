#!/usr/bin/env bash
# Prepare the official data, from the signed addresses to the files that the option files name.
#
#   bash scripts/prepare_data.sh ADDRESSES_FILE [OUT] [-- ARGUMENTS OF data split]
#
# ADDRESSES_FILE  see scripts/download_data.sh; "-" if the files lie in OUT/download already
# OUT             datasets/ccks by default
#
# What OUT holds in the end:
#   download/                     the official files as they came
#   extracted/                    a folder for each archive
#   item_images/                  <stem>.jpg, 384x384, and report.jsonl
#   item_*_info.jsonl             the official item files
#   item_*_pair.jsonl             the official pair files
#   pair_train.jsonl, pair_val.jsonl   the split of item_train_pair.jsonl
#   attributes.yml                the attribute names that most training items have
#
# Every step can be interrupted and run again; what is done is not done twice. Once all is done,
# download/ and extracted/ may be removed. Environment: PYTHON (an interpreter that has
# requirements.txt; found or set up otherwise), PROCESSES (all cores).
# Exit status: 0 done, 2 something needs your hand (the message says what).
set -eu

fail() { echo "error: $*" >&2; exit 2; }

usage="usage: bash scripts/prepare_data.sh ADDRESSES_FILE [OUT] [-- ARGUMENTS OF data split]"
case "${1:-}" in -h | --help) sed -n '2,/^set /{s/^# \{0,1\}//;/^set /!p;}' "$0"; exit 0 ;; esac
[ $# -ge 1 ] || fail "$usage"
addresses=$1
shift
out=datasets/ccks
if [ $# -ge 1 ] && [ "$1" != -- ]; then
    out=$1
    shift
fi
if [ $# -ge 1 ]; then
    [ "$1" = -- ] || fail "$usage"
    shift
fi
scripts=$(cd "$(dirname "$0")" && pwd)
if [ -z "${PYTHON:-}" ]; then
    here=$PWD
    cd "$scripts/.."
    source scripts/setup.sh requirements.txt
    case "$PYTHON" in */*) PYTHON=$PWD/$PYTHON ;; esac
    cd "$here"
fi

# With -P no folder of the current one, such as data or options, is taken for one of the project's.
prepare() { PYTHONPATH="$scripts/..${PYTHONPATH:+:$PYTHONPATH}" "$PYTHON" -P -m scripts data "$@"; }
step() { echo; echo "== $*"; }

step "1/6 download to $out/download"
mkdir -p "$out/download" "$out/extracted" || fail "$out: cannot be made; give another OUT"
if [ "$addresses" = - ]; then
    echo "skipped: the files in $out/download are taken as they are"
else
    bash "$scripts/download_data.sh" "$addresses" "$out/download"
fi

step "2/6 extract to $out/extracted"
prepare extract "$out/download" "$out/extracted"

step "3/6 collect the item and pair files"
# Item and pair files come inside an archive or as files of their own.
found=0
while IFS= read -r -d '' file; do
    name=$(basename "$file")
    target=$out/$name
    if [ -f "$target" ] && ! cmp -s "$file" "$target"; then
        fail "$file differs from $target; remove the one that is wrong, then run again"
    fi
    if [ ! -f "$target" ]; then
        { cp "$file" "$target.part" && mv -f "$target.part" "$target"; } ||
            fail "$target: cannot be written; make room or grant permission, then run again"
    fi
    echo "$target: $(wc -l <"$target" | tr -d ' ') lines"
    found=$((found + 1))
done < <(find "$out/download" "$out/extracted" -type f \( -name 'item_*_info.jsonl' -o -name 'item_*_pair.jsonl' \) \
    ! -path '*/__MACOSX/*' -print0 | sort -z)
for name in item_train_info.jsonl item_train_pair.jsonl; do
    if [ ! -f "$out/$name" ]; then
        fail "$name is in none of the archives ($found item and pair files found); add its address"
    fi
done

step "4/6 resize the images to $out/item_images"
prepare resize "$out/extracted" "$out/item_images" ${PROCESSES:+--processes "$PROCESSES"}

step "5/6 select the most frequent attributes"
prepare attributes "$out/item_train_info.jsonl" --output "$out/attributes.yml"

step "6/6 split the training pairs"
prepare split "$out/item_train_info.jsonl" "$out/item_train_pair.jsonl" "$out" \
    --images "$out/item_images" "$@"

echo
echo "done: $out is ready"
