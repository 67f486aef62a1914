# What `cargo xtask bench image` measures on: five layers of what production images hold, about 350 MB packed and 870 MB
# unpacked. `next` has the first four layers of `bench` and another fifth. The argument is a program written in Go.

program=$1

image bench
debian ca-certificates,curl,git,perl,python3,vim
mv "$root/var/lib/apt/lists" "$work/lists"
mkdir "$root/var/lib/apt/lists"
layer bench

rmdir "$root/var/lib/apt/lists"
cp -r "$work/lists" "$root/var/lib/apt/lists"
quietly env DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y -qq --no-install-recommends \
    nginx-light nodejs npm python3-pip redis-server
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
echo next >>"$work/tags"
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
