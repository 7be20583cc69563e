#!/usr/bin/env bash
# Download the files of the official data from your own signed addresses.
#
#   bash scripts/download_data.sh ADDRESSES_FILE OUT
#
# ADDRESSES_FILE has a line a file:   URL  FILE_NAME  [SIZE_BYTES]  [SHA256]
# ("-" for an unknown size; blank lines and lines that start with # are passed over).
# A file is NAME.part until it is complete and its size and checksum are right; run again to go on
# after an interruption. Environment: TRIES (5) attempts a file, PAUSE (3) seconds between them.
# Exit status: 0 all files are there, 2 something needs your hand (the message says what).
set -u

fail() { echo "error: $*" >&2; exit 2; }

[ $# -eq 2 ] || fail "usage: bash scripts/download_data.sh ADDRESSES_FILE OUT"
addresses=$1
out=$2
tries=${TRIES:-5}
pause=${PAUSE:-3}
[ -r "$addresses" ] || fail "$addresses: cannot be read; write a line 'URL FILE_NAME [SIZE_BYTES] [SHA256]' for each file"
command -v curl >/dev/null || fail "curl is missing; install it"
mkdir -p "$out" || fail "$out: cannot be made"

size_of() { wc -c <"$1" | tr -d ' '; }
sha256_of() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }

# Say what is wrong with a complete file, or nothing.
fault_of() { # FILE SIZE SHA256
    local found
    if [ "$2" != - ]; then
        found=$(size_of "$1")
        [ "$found" = "$2" ] || { echo "has $found bytes instead of $2"; return; }
    fi
    if [ "$3" != - ]; then
        found=$(sha256_of "$1")
        [ "$found" = "$3" ] || echo "has the SHA-256 $found instead of $3"
    fi
}

# Fetch what is missing of one file; the reason of a failure is left in $reason.
fetch() { # URL NAME SIZE SHA256
    local url=$1 file=$out/$2 size=$3 sha=$4 part=$out/$2.part attempt status code
    for ((attempt = 1; attempt <= tries; attempt++)); do
        [ "$attempt" -eq 1 ] || sleep "$pause"
        if [ -f "$part" ] && [ "$size" != - ]; then
            if [ "$(size_of "$part")" -gt "$size" ]; then rm -f "$part"; fi
        fi
        if [ ! -f "$part" ] || [ "$size" = - ] || [ "$(size_of "$part")" != "$size" ]; then
            # The address stays off the command line: a signed address is a secret, and ps shows arguments.
            code=$(printf 'url = "%s"\n' "$url" | curl --config - --fail --location --silent --show-error \
                --connect-timeout 30 --speed-limit 1 --speed-time 60 --continue-at - \
                --output "$part" --write-out '%{http_code}')
            status=$?
            case "$status:$code" in
                0:*) ;;
                22:416 | 33:*)  # the server has no more, or cannot resume
                    if [ "$size" != - ] || [ "$sha" = - ]; then rm -f "$part"; reason="cannot be resumed"; continue; fi ;;
                22:401 | 22:403) reason="the server refuses the address (HTTP $code); it has probably expired, get a fresh one"; return 1 ;;
                22:404 | 22:410) reason="the server has no such file (HTTP $code); check the address"; return 1 ;;
                23:*) reason="$part: cannot be written; make room or grant permission"; return 1 ;;
                *) reason="the transfer failed (curl $status, HTTP $code); run again to go on from $( [ -f "$part" ] && size_of "$part" || echo 0) bytes"; continue ;;
            esac
        fi
        [ -f "$part" ] || : >"$part"
        reason=$(fault_of "$part" "$size" "$sha")
        if [ -z "$reason" ]; then
            mv -f "$part" "$file"
            return 0
        fi
        rm -f "$part"
        reason="$reason; check the address, the size and the checksum in $addresses"
    done
    return 1
}

failed=0
number=0
while read -r url name size sha rest || [ -n "${url:-}" ]; do
    number=$((number + 1))
    case "$url" in '' | '#'*) continue ;; esac
    size=${size:--}
    sha=$(printf %s "${sha:--}" | tr 'A-F' 'a-f')
    place=$addresses:$number
    case "$name" in '' | . | .. | */* | -*) fail "$place: '$name' is no plain file name; write 'URL FILE_NAME [SIZE_BYTES] [SHA256]'" ;; esac
    case "$url" in *'"'* | *'\'*) fail "$place: the address holds a quote or backslash; write it as %22 or %5C" ;; esac
    case "$size" in -) ;; *[!0-9]*) fail "$place: the size '$size' is no number of bytes; write - if it is unknown" ;; esac
    case "$sha" in -) ;; *[!0-9a-f]*) fail "$place: '$sha' is no SHA-256" ;; esac
    [ "$sha" = - ] || [ ${#sha} -eq 64 ] || fail "$place: '$sha' is no SHA-256 of 64 digits"
    [ -z "${rest:-}" ] || fail "$place: has more than URL, FILE_NAME, SIZE_BYTES and SHA256: '$rest'"
    if [ -f "$out/$name" ] && [ -z "$(fault_of "$out/$name" "$size" "$sha")" ]; then
        echo "$name: stands already"
        continue
    fi
    echo "$name: downloading"
    if fetch "$url" "$name" "$size" "$sha"; then
        echo "$name: complete, $(size_of "$out/$name") bytes"
    else
        echo "error: $name: $reason" >&2
        failed=$((failed + 1))
    fi
done < <(tr -d '\r' <"$addresses")  # lines may end as Windows writes them

[ "$failed" -eq 0 ] || fail "$failed file(s) are missing; mend what is said above and run the same command again"
