# Debian as its installer leaves it. The second layer removes a package and changes the state of another, as a build does
# that cleans up after itself.

image debian
debian ca-certificates
rm -rf "$root"/var/lib/apt/lists/*
layer debian

quietly chroot "$root" dpkg --purge --force-all e2fsprogs logsave
quietly chroot "$root" dpkg --remove ca-certificates
layer debian
