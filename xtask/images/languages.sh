# What the package managers of several languages install, a layer each, on no distribution's packages.

cargo_auditable=0.7.7

image languages
mkdir -p "$root/etc" "$root/opt/java" "$root/opt/js" "$root/opt/pnpm" "$root/usr/local/bin"
printf 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n' >"$root/etc/os-release"
layer languages

python3 -m venv "$root/opt/python"
"$root/opt/python/bin/pip" install -q --disable-pip-version-check \
    flask==2.3.2 pyyaml==6.0.1 requests==2.31.0 setuptools==68.0.0
layer languages

cd "$root/opt/js"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @babel/code-frame@7.22.5 express@4.17.1 lodash@4.17.20 left-pad@1.3.0
cd "$root/opt/pnpm"
npm init -y >/dev/null
quietly npm exec --yes --package=pnpm@9.15.0 -- pnpm add --silent chalk@4.1.2 minimist@1.2.5
layer languages

# Log4Shell three levels deep: the library in an executable archive of Spring Boot, and that in a web application.
cd "$work"
cat >pom.xml <<'END'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId>
  <artifactId>application</artifactId>
  <version>1.0.0</version>
  <dependencies>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>2.14.1</version></dependency>
    <dependency><groupId>org.springframework</groupId><artifactId>spring-webmvc</artifactId><version>5.3.17</version></dependency>
    <dependency><groupId>com.google.guava</groupId><artifactId>guava</artifactId><version>32.1.2-jre</version></dependency>
    <dependency><groupId>org.yaml</groupId><artifactId>snakeyaml</artifactId><version>1.30</version></dependency>
  </dependencies>
  <build><plugins>
    <plugin>
      <groupId>org.springframework.boot</groupId>
      <artifactId>spring-boot-maven-plugin</artifactId>
      <version>2.6.6</version>
      <configuration><mainClass>com.example.Main</mainClass></configuration>
      <executions><execution><goals><goal>repackage</goal></goals></execution></executions>
    </plugin>
  </plugins></build>
</project>
END
quietly mvn -q -B package
mkdir -p WEB-INF/lib
cp target/application-1.0.0.jar WEB-INF/lib/
python3 -m zipfile -c "$root/opt/java/shop.war" WEB-INF/
for artifact in org.apache.kafka:kafka-clients:3.6.0 commons-io:commons-io:2.6 org.hibernate.orm:hibernate-core:6.4.0.Final \
    org.apache.tomcat.embed:tomcat-embed-core:9.0.62; do
    quietly mvn -q -B dependency:copy "-Dartifact=$artifact" "-DoutputDirectory=$root/opt/java"
done
layer languages

# One program of Go as it is, and stripped with a version from the linker; one of Rust that lists its crates.
mkdir "$work/go" "$work/rust" "$work/rust/src"
cd "$work/go"
cat >main.go <<'END'
package main

import (
	"fmt"

	"github.com/google/uuid"
	"golang.org/x/text/language"
)

var version = "unset"

func main() { fmt.Println(version, uuid.New(), language.English) }
END
go mod init example.com/tool >/dev/null 2>&1
quietly go get github.com/google/uuid@v1.6.0 golang.org/x/text@v0.3.7
CGO_ENABLED=0 go build -o "$root/usr/local/bin/tool" .
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=1.2.3' -o "$root/usr/local/bin/tool-stripped" .
cd "$work/rust"
cat >Cargo.toml <<'END'
[package]
name = "tool"
version = "0.3.0"
edition = "2021"
[dependencies]
itoa = "=1.0.10"
smallvec = "=1.6.0"
END
echo 'fn main() { println!("{} {:?}", itoa::Buffer::new().format(1), smallvec::SmallVec::<[u8; 4]>::new()); }' >src/main.rs
quietly cargo install --quiet --locked --root "$work/cargo" "cargo-auditable@$cargo_auditable"
CARGO_TARGET_DIR=$work/rust-target "$work/cargo/bin/cargo-auditable" auditable build --quiet --release
cp "$work/rust-target/release/tool" "$root/usr/local/bin/tool-rust"
layer languages

# Gems and PEAR packages, of Debian's packages without Debian's database.
cd "$work"
quietly apt-get download ruby-nokogiri ruby-rack ruby-sinatra php-pear
for package in *.deb; do
    dpkg -x "$package" "$root"
done
rm -r "$root/usr/share/doc"
layer languages

# What is removed and what is replaced on top.
rm -r "$root/opt/js/node_modules/left-pad"
"$root/opt/python/bin/pip" install -q --disable-pip-version-check --upgrade requests==2.32.3
layer languages
cd /
