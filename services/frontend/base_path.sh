#!/bin/sh
# What nginx has to know of BASE_PATH, the path that a server in front serves the product below: lines for nginx.conf.
#
# Some of those servers take the path off, and then there is nothing to do. For those that leave it on, nginx takes it off
# and asks itself, so that all that it serves is served below the path too. Its own paths go first, as in the proxy: below
# /api, /api/v1/queue is the queue.

LC_ALL=C
BASE_PATH=$(printf %s "$BASE_PATH" | sed 's/^[[:space:]]*//; s/[[:space:]]*$//')
case $BASE_PATH in
    '') exit ;;
    [!/]* | */ | *//* | */. | */.. | */./* | */../* | *[!A-Za-z0-9._~/-]*)
        echo "BASE_PATH must be a path such as /ollama, which begins with / and does not end with one, of letters," \
            "digits and -._~, got '$BASE_PATH'." >&2
        exit 2
        ;;
esac
cat <<END
location $BASE_PATH/ {
    access_log off;  # it is told below
    proxy_send_timeout 24h;
    proxy_read_timeout 24h;
    proxy_pass http://127.0.0.1:8080/;
}
END
