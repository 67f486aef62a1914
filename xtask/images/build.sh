#!/bin/sh
# Builds images from package registries alone, by a recipe beside this file, as root.
#
#   build.sh RECIPE FOLDER [ARGUMENT...]    FOLDER appears when it is complete: an OCI layout for each tag, by its name,
#                                           or what the recipe itself makes in FOLDER.new
set -eu

recipe=$1
folder=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
root=$work/root
: >"$work/tags"
umoci init --layout "$work/layout"
rm -rf "$folder" "$folder.new"
mkdir -p "$folder.new"

# Runs a program that prints more than anybody reads; all of it is shown when it fails.
quietly() {
    "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
}

# An image without layers, of an empty root.
image() {
    umoci new --image "$work/layout:$1"
    echo "$1" >>"$work/tags"
    rm -rf "$root"
    mkdir "$root"
    touch -d @0 "$work/marker"
    : >"$work/before"
}

# What a layer may hold, of the root.
held() {
    (cd "$root" && find . \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp \) -prune -o "$@")
}

# Adds what changed in the root since the last layer to the tags named. Status times, since packages keep their files'
# own times. What is gone, while its folder is not, is marked as a layer does: `.wh.NAME`.
layer() {
    held -print | LC_ALL=C sort >"$work/after"
    LC_ALL=C comm -23 "$work/before" "$work/after" | while read -r gone; do
        parent=$root/$(dirname "$gone")
        [ ! -d "$parent" ] || touch "$parent/.wh.$(basename "$gone")"
    done
    held -cnewer "$work/marker" ! -type d -print0 | sort -z |
        tar --null --no-recursion -C "$root" -T - --numeric-owner -cf "$work/layer.tar"
    find "$root" -name '.wh.*' -delete
    mv "$work/after" "$work/before"
    for tag in "$@"; do
        umoci raw add-layer --image "$work/layout:$tag" "$work/layer.tar"
    done
    sleep 1.1
    touch "$work/marker"
}

# Debian's smallest base with the packages named, for the whole root, without what was only needed to install it.
debian() {
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    quietly debootstrap --variant=minbase "--include=$1" "$suite" "$root"
    rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb
}

. "$here/$recipe.sh"

# A layout for each, since the peers take a layout of one image.
while read -r tag; do
    cp -r "$work/layout" "$folder.new/$tag"
    while read -r other; do
        [ "$other" = "$tag" ] || umoci rm --image "$folder.new/$tag:$other"
    done <"$work/tags"
    umoci gc --layout "$folder.new/$tag" >/dev/null 2>&1
done <"$work/tags"
mv "$folder.new" "$folder"
