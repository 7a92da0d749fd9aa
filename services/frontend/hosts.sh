#!/bin/sh
# What nginx has to know of ALLOWED_HOSTS, the names by which the product may be called beside those that are nobody's on
# the internet: lines for a map in nginx.conf. The proxy reads the same.

LC_ALL=C
ALLOWED_HOSTS=$(printf %s "$ALLOWED_HOSTS" | sed 's/^[[:space:]]*//; s/[[:space:]]*$//')
told=,
set -f  # a * means no files
IFS=,
for name in $ALLOWED_HOSTS; do
    name=$(printf %s "$name" | tr '[:upper:]' '[:lower:]' | sed 's/^[[:space:]]*//; s/[[:space:]]*$//; s/\.$//')
    case $name in
        '*') line='"~." "";' ;;
        .* | *. | *..* | *[!a-z0-9._-]*)
            echo "ALLOWED_HOSTS must be host names separated by commas, such as ai.example.com, or * for any, got" \
                "'$ALLOWED_HOSTS'." >&2
            exit 2
            ;;
        *) line="\"$name\" \"\";" ;;
    esac
    case $name$told in
        ,* | *",$name,"*) continue ;;  # nothing, or what nginx was told already
    esac
    told=$told$name,
    echo "$line"
done
