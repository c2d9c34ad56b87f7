#!/bin/sh
# The three questions that started this project, asked of the packaged model.
set -eu
indexer build smollm2 --offline > /dev/null
export EXPLORER_INDEX=smollm2

ask() {
    printf '\n$ %s\n\n' "$1"
    eval "$1"
}

ask 'explorer neighbors "king - man + woman" -k 5'
ask 'explorer middleman large tall --side out -k 5'
ask 'explorer analogy "dog + small" --target Chihuahua --against "dog + large" -k 5'
printf '\nMore: explorer --help, and the README.\n'
