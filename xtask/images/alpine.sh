# Alpine's database of installed packages, written here, around a real busybox.

image alpine
mkdir -p "$root/bin" "$root/etc/apk" "$root/lib/apk/db" "$root/usr/lib"
cat >"$root/etc/os-release" <<'END'
NAME="Alpine Linux"
ID=alpine
VERSION_ID=3.20.3
PRETTY_NAME="Alpine Linux v3.20"
HOME_URL="https://alpinelinux.org/"
BUG_REPORT_URL="https://gitlab.alpinelinux.org/alpine/aports/-/issues"
END
echo 3.20.3 >"$root/etc/alpine-release"
printf 'https://dl-cdn.alpinelinux.org/alpine/v3.20/main\n' >"$root/etc/apk/repositories"
printf 'alpine-baselayout\nbusybox\nlibssl3=3.3.2-r0\n' >"$root/etc/apk/world"
cp /bin/busybox "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
: >"$root/usr/lib/libcrypto.so.3"
: >"$root/usr/lib/libssl.so.3"
# One folder after another, each with its files; a package without files; one that provides a command and a library.
cat >"$root/lib/apk/db/installed" <<'END'
C:Q1pSfcL0cwhVNRmYEYUNhyFsb3Rnk=
P:alpine-baselayout
V:3.6.5-r0
A:x86_64
S:8917
I:331776
T:Alpine base dir structure and init scripts
U:https://git.alpinelinux.org/cgit/aports/tree/main/alpine-baselayout
L:GPL-2.0-only
o:alpine-baselayout
m:Natanael Copa <ncopa@alpinelinux.org>
t:1714981135
c:66187892e05b03a41d08e9acabd19b7576a1c875
D:/bin/sh
F:dev
M:0:0:755
F:etc
R:alpine-release
Z:Q1b4hGaXl0UgyHnZ6eX7h6R3aJcuQ=
F:etc/apk

C:Q12r8ewfDPjDuwIdCxMm7D2x3hyPI=
P:busybox
V:1.36.1-r29
A:x86_64
S:508978
I:950272
T:Size optimized toolbox of many common UNIX utilities
U:https://busybox.net/
L:GPL-2.0-only
o:busybox
m:Sören Tempel <soeren+alpine@soeren-tempel.net>
t:1718036204
c:1747c01fb96905f101c25609011589d28e01cbb8
D:so:libc.musl-x86_64.so.1
p:cmd:busybox=1.36.1-r29 cmd:sh=1.36.1-r29
F:bin
R:busybox
a:0:0:755
Z:Q1sSQgnkrX9DnjhVLQDv3mJL4brz8=
R:sh
a:0:0:777
Z:Q1pcfTfDNEbNKQc2s1tia7da05M8Q=

C:Q1VKtlM93ESyMVuKObpOGqvZNB+uI=
P:musl
V:1.2.5-r0
A:x86_64
S:409216
I:667648
T:the musl c library (libc) implementation
U:https://musl.libc.org/
L:MIT
o:musl
m:Timo Teräs <timo.teras@iki.fi>
t:1712090283
p:so:libc.musl-x86_64.so.1=1

C:Q1vPPx+lqf3qhPV4AHa/JHxxvpoqs=
P:libcrypto3
V:3.3.2-r0
A:x86_64
S:1830812
I:4378624
T:Crypto library from openssl
U:https://www.openssl.org/
L:Apache-2.0
o:openssl
m:Ariadne Conill <ariadne@dereferenced.org>
t:1725454163
D:so:libc.musl-x86_64.so.1
p:so:libcrypto.so.3=3
F:usr
F:usr/lib
R:libcrypto.so.3
a:0:0:755
Z:Q1C9iOgEcnvcVfd1mRXfZbP0qnn6k=

C:Q1+QW5Lyr7gBWJJQIn+qjBYcC/BEA=
P:libssl3
V:3.3.2-r0
A:x86_64
S:371208
I:892928
T:SSL shared libraries
U:https://www.openssl.org/
L:Apache-2.0
o:openssl
m:Ariadne Conill <ariadne@dereferenced.org>
t:1725454163
D:so:libc.musl-x86_64.so.1 so:libcrypto.so.3
p:so:libssl.so.3=3
F:usr
F:usr/lib
R:libssl.so.3
a:0:0:755
Z:Q1NkMhU43IHQ9uu1pMxm6I5fTjtUM=

C:Q1WhfAJBmGSR1TTkKg9l0kKmhVsLA=
P:py3-requests
V:2.32.3-r0
A:noarch
S:125000
I:491520
T:HTTP request library for Python3
U:https://requests.readthedocs.io/
L:Apache-2.0
o:py3-requests
m:Francesco Colista <fcolista@alpinelinux.org>
t:1718036204
D:py3-urllib3 python3~3.12
r:python3-requests
p:py3.12:requests=2.32.3-r0

END
layer alpine
