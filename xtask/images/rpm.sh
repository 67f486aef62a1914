# The same packages, built here, as three distributions keep them: SQLite as AlmaLinux 9, NDB as SLES 15, and Berkeley DB
# as CentOS 7.

# package NAME DIST VENDOR PREAMBLE [SUBPACKAGE]: adds it to those that the next distribution installs.
package() {
    spec=$work/rpmbuild/$1.spec
    mkdir -p "$work/rpmbuild"
    cat >"$spec" <<END
Name: $1
Vendor: $3
Summary: Sample package
URL: https://example.com/$1
$4

%description
Sample.
$5
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/usr/share/doc/$1 %{buildroot}/usr/lib64 %{buildroot}/etc
echo sample >%{buildroot}/usr/bin/$1
echo sample >%{buildroot}/usr/share/doc/$1/README
echo sample >%{buildroot}/usr/lib64/lib$1.so.1
echo sample >%{buildroot}/etc/$1.conf

%files
/usr/bin/$1
%doc /usr/share/doc/$1/README
%config /etc/$1.conf
END
    [ -n "$5" ] || echo "/usr/lib64/lib$1.so.1" >>"$spec"
    quietly rpmbuild -bb "--define=_topdir $work/rpmbuild" "--define=dist $2" "--define=debug_package %{nil}" \
        "--define=_build_id_links none" "--define=_buildhost builder" --target=x86_64 "$spec"
}

packages() {
    rm -rf "$work/rpmbuild"
    package openssl "$1" "$2" 'Epoch: 1
Version: 3.0.7
Release: 27%{?dist}
License: ASL 2.0
Requires: openssl-libs = 1:%{version}-%{release}' '
%package libs
Summary: Libraries
License: ASL 2.0 and BSD
Provides: libssl.so.3()(64bit)
%description libs
Sample.
%files libs
/usr/lib64/libopenssl.so.1
'
    package nodejs "$1" "$2" 'Epoch: 1
Version: 18.19.0
Release: 1.module+el9+1+abc%{?dist}
License: MIT and ASL 2.0
ModularityLabel: nodejs:18:9030020231212081010:rhel9
Requires: openssl-libs >= 1:3' ''
    package bash "$1" "$2" 'Version: 5.1.8
Release: 6%{?dist}
License: GPLv3+
Provides: /bin/sh' ''
    package tzdata "$1" "$2" 'Version: 2024a
Release: 1%{?dist}
License: Public Domain
BuildArch: noarch' ''
    package python3-requests "$1" "$2" 'Version: 2.25.1~rc1
Release: 6^git1%{?dist}
License: Apache-2.0 AND (MIT OR BSD-3-Clause)
Requires: bash' ''
}

# distribution TAG OS-RELEASE... with the packages installed, their database in SQLite.
distribution() {
    image "$1"
    mkdir -p "$root/etc" "$root/usr/lib"
    printf '%s\n' "$2" >"$root/usr/lib/os-release"
    ln -s ../usr/lib/os-release "$root/etc/os-release"
    find "$work/rpmbuild/RPMS" -name '*.rpm' >"$work/rpms"
    # The paths have no spaces.
    quietly rpm --force-debian -i --nodeps "--root=$root" --dbpath=/var/lib/rpm "--define=_db_backend sqlite" \
        $(cat "$work/rpms")
    for key in /etc/apt/trusted.gpg.d/*-stable.asc; do
        rpm --import "--root=$root" --dbpath=/var/lib/rpm "--define=_db_backend sqlite" "$key"
        break
    done
    rm -f "$root/var/lib/rpm/.rpm.lock"
}

packages .el9 AlmaLinux
distribution rpm-sqlite 'NAME="AlmaLinux"
VERSION="9.3 (Shamrock Pampas Cat)"
ID="almalinux"
ID_LIKE="rhel centos fedora"
VERSION_ID="9.3"
PLATFORM_ID="platform:el9"
PRETTY_NAME="AlmaLinux 9.3 (Shamrock Pampas Cat)"
CPE_NAME="cpe:/o:almalinux:almalinux:9::baseos"
HOME_URL="https://almalinux.org/"'
layer rpm-sqlite

packages .150500.1 'SUSE LLC <https://www.suse.com/>'
distribution rpm-ndb 'NAME="SLES"
VERSION="15-SP5"
VERSION_ID="15.5"
PRETTY_NAME="SUSE Linux Enterprise Server 15 SP5"
ID="sles"
ID_LIKE="suse"
CPE_NAME="cpe:/o:suse:sles:15:sp5"'
mkdir -p "$root/usr/lib/sysimage/rpm"
python3 "$here/rpmdb.py" "$root/var/lib/rpm/rpmdb.sqlite" ndb "$root/usr/lib/sysimage/rpm/Packages.db"
rm -r "$root/var/lib/rpm"
layer rpm-ndb

packages .el7 CentOS
distribution rpm-bdb 'NAME="CentOS Linux"
VERSION="7 (Core)"
ID="centos"
ID_LIKE="rhel fedora"
VERSION_ID="7"
PRETTY_NAME="CentOS Linux 7 (Core)"
CPE_NAME="cpe:/o:centos:centos:7"
HOME_URL="https://www.centos.org/"'
mv "$root/var/lib/rpm" "$work/sqlite"
mkdir "$root/var/lib/rpm"
python3 "$here/rpmdb.py" "$work/sqlite/rpmdb.sqlite" bdb "$root/var/lib/rpm/Packages"
layer rpm-bdb
