# Programs of Debian's packages without Debian's database, as images have them that are built from archives: nothing but
# the files themselves tells what they are.

image binaries
mkdir -p "$root/etc" "$work/packages"
cp /etc/os-release "$root/etc/os-release"
. /etc/os-release
cd "$work/packages"
# The newest of each name that has a version in it.
newest() {
    apt-cache search --names-only "^$1\$" | cut -d ' ' -f 1 | sort -V | tail -n 1
}
quietly apt-get download bash busybox-static curl haproxy memcached nginx openssl perl-base redis-tools redis-server \
    apache2-bin gawk git sqlite3 "nodejs/$VERSION_CODENAME" \
    "$(newest 'libpython3\.[0-9]+-minimal')" "$(newest 'python3\.[0-9]+-minimal')" "$(newest 'postgresql-[0-9]+')" \
    "$(newest 'php[0-9.]+-cli')" "$(newest 'libruby[0-9.]+')" "$(newest 'ruby[0-9.]+')" "$(newest 'libnode[0-9]+')" \
    "$(newest 'golang-[0-9.]+-go')" mariadb-server-core
for package in *.deb; do
    dpkg -x "$package" "$root"
done
rm -rf "$root/usr/share"
layer binaries

# A kernel with some of its modules.
mkdir "$work/kernel"
cd "$work/kernel"
quietly apt-get download "$(newest 'linux-image-[0-9.]+-[0-9]+-cloud-[a-z0-9]+')"
dpkg-deb --fsys-tarfile ./*.deb | tar -x -C "$root" --wildcards './boot/*' './lib/modules/*/kernel/net/ipv4/*' \
    './lib/modules/*/kernel/drivers/net/*'
layer binaries
cd /
