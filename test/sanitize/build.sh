#!/bin/bash
# build.sh SOURCE BUILD: the tools and unit tests with sanitizers.
set -euo pipefail
cmake -G Ninja -S "$1" -B "$2" -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O1 -DSANITIZE=address,undefined -DBUILD_TESTING=ON
exec ninja -C "$2"
