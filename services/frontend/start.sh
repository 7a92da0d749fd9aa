#!/bin/sh
# Writes what nginx.conf includes after what this container has around it, then becomes nginx.
set -e
sh /etc/nginx/resolver.sh </etc/resolv.conf >/tmp/resolver.conf
sh /etc/nginx/hosts.sh >/tmp/hosts.conf
sh /etc/nginx/base_path.sh >/tmp/base_path.conf
exec nginx -g 'daemon off;'
