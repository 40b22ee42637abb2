#!/bin/sh
# Stands in for `berth serve --data-dir DIR --announce`: does what the shell commands in DIR/plan say.
if [ "$1" != serve ] || [ "$2" != --data-dir ] || [ "$4" != --announce ] || [ $# -ne 4 ]; then
    echo "unexpected arguments: $*" >&2
    exit 64
fi
cd "$3" && . ./plan
