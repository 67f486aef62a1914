#!/bin/sh
# Builds the image that `cargo xtask bench image` measures on: five layers of what production images hold, about 350 MB
# packed and 870 MB unpacked, from package registries alone. Two OCI layouts: `bench`, and `next`, which has the first
# four layers of `bench` and another fifth.
#
#   bench/image.sh FOLDER GO_PROGRAM    as root; FOLDER appears when it is complete
set -eu

layout=$1
program=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
root=$work/root
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

# Adds what changed since the last layer to the tags named. Status times, since packages keep their files' own times.
layer() {
    (cd "$root" && find . \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp \) -prune -o \
        -cnewer "$work/marker" ! -type d -print0 | sort -z |
        tar --null --no-recursion -T - --numeric-owner -cf "$work/layer.tar")
    for tag in "$@"; do
        umoci raw add-layer --image "$work/layout:$tag" "$work/layer.tar"
    done
    mark
}
mark() {
    sleep 1.1
    touch "$work/marker"
}

umoci init --layout "$work/layout"
umoci new --image "$work/layout:bench"
touch -d @0 "$work/marker"

debootstrap --variant=minbase --include=ca-certificates,curl,git,perl,python3,vim "$suite" "$root" >"$work/log" 2>&1 ||
    { tail "$work/log" >&2; exit 1; }
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb
mv "$root/var/lib/apt/lists" "$work/lists"
mkdir "$root/var/lib/apt/lists"

layer bench

rmdir "$root/var/lib/apt/lists"
cp -r "$work/lists" "$root/var/lib/apt/lists"
DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y -qq --no-install-recommends \
    nginx-light nodejs npm python3-pip redis-server >"$work/log" 2>&1 || { tail "$work/log" >&2; exit 1; }
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
layer bench

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check --target "$root/opt/py" \
    boto3 django flask numpy pandas requests
layer bench

mkdir -p "$root/opt/js"
(cd "$root/opt/js" && npm init -y >/dev/null && npm install --silent --no-audit --no-fund \
    eslint express jest lodash react typescript webpack >/dev/null)
layer bench

umoci tag --image "$work/layout:bench" next
mkdir -p "$root/opt/java" "$root/usr/local/bin"
for artifact in org.springframework.boot:spring-boot:3.2.0 org.apache.logging.log4j:log4j-core:2.14.1 \
    com.google.guava:guava:32.1.2-jre org.hibernate.orm:hibernate-core:6.4.0.Final \
    org.apache.kafka:kafka-clients:3.6.0; do
    mvn -q -B dependency:copy "-Dartifact=$artifact" "-DoutputDirectory=$root/opt/java"
done
cp "$program" "$root/usr/local/bin/"
layer bench

mkdir -p "$root/opt/next"
echo "flask==3.0.0" >"$root/opt/next/requirements.txt"
layer next

# A layout for each, since the peers take a layout of one image.
rm -rf "$layout" "$layout.new"
mkdir -p "$layout.new"
for tag in bench next; do
    cp -r "$work/layout" "$layout.new/$tag"
done
umoci rm --image "$layout.new/bench:next"
umoci rm --image "$layout.new/next:bench"
mv "$layout.new" "$layout"
