#!/bin/sh
# The three questions that started this project, asked of the packaged model. Two of them are about
# its weights alone, and are answered before words are run through it.
set -eu

index() {
    indexer build smollm2 --offline "$@" > /dev/null
}

ask() {
    printf '\n$ %s\n\n' "$1"
    EXPLORER_INDEX=smollm2 sh -c "$1"
}

index --spaces embed,neuron,head --no-findings
ask 'explorer neighbors "king - man + woman" -k 5'
ask 'explorer middleman large tall --side out -k 5'
printf '\nThe model now runs words, which takes about as long again.\n\n'
index
ask 'explorer analogy "dog + small" --target Chihuahua --against "dog + large" -k 5'
printf '\nMore: explorer --help, and the README.\n'
