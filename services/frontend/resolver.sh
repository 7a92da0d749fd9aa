#!/bin/sh
# What nginx has to know of /etc/resolv.conf, which it does not read itself: reads that file's text from standard input,
# writes lines for nginx.conf. Docker's name server is 127.0.0.11; Podman's is another in every network.
#
# Only the first one is taken. The C library asks the others if that is silent, but nginx would take turns, and those that
# follow may be the host's own, which know no container.

server=127.0.0.1 # where the C library asks if none is named
while read -r keyword address _ || [ -n "$keyword" ]; do
    case $keyword:$address in
        nameserver:*%*) continue ;; # an address with a zone, of which nginx knows nothing
        nameserver:*:*) server="[$address]" && break ;;
        nameserver:*) server=$address && break ;;
    esac
done
# IPv4 alone, because the proxy listens there.
printf 'resolver %s valid=5s ipv6=off;\nmap "" $name_server { default "%s"; }\n' "$server" "$server"
