#!/bin/sh
# Called by ejabberd with the text that a person should read from the picture: the picture here is
# one empty pixel, and the text goes to a file, where a test finds it.
printf '%s\n' "$1" >>"$(dirname "$0")/captcha.txt"
base64 -d <<'PNG'
iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==
PNG
