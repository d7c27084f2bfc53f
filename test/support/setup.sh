# Makes a Debian 12 machine ready, for ./playbooks/quickstart and ./test/run (sourced by both; needs root).
# The only place that names packages. Every function does nothing where nothing is missing.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${TBU_BUILD:-$repo/build}
library=$repo/playbooks/library
kafka_jars=${TBU_KAFKA:-/var/cache/tidb-binlog-upgrade/kafka-2.8.2}
python=/usr/bin/python3  # Debian's, whatever else PATH holds: it has pytest and Ansible

packages_build="g++ cmake ninja-build ccache libboost1.81-dev libboost-json1.81-dev libboost-container1.81-dev
  libboost-system1.81-dev libboost-filesystem1.81-dev libfmt-dev libssl-dev zlib1g-dev liblzma-dev libzstd-dev libarchive-dev
  libtomlplusplus-dev"
packages_cluster="ansible-core zstd etcd-server daemontools golang-go ca-certificates python3 procps"
packages_test="catch2 python3-pytest etcd-client clang clang-format clang-tidy libclang-rt-14-dev yamllint
  ansible-lint git mmdebstrap binutils mariadb-server mariadb-client"
packages_kafka="maven default-jre-headless libzookeeper-java"
packages_hosts="systemd-container mmdebstrap iproute2 openssh-client util-linux openssl"

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# quietly LOG COMMAND...: runs the command with its output in LOG, shown (its end) only when it fails.
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 && return
  tail -n 40 "$log" >&2
  die "failed: $* (all of it in $log)"
}

need_root_on_debian() {
  [ "$(id -u)" = 0 ] || die "must run as root: it installs packages and runs Pumps as the user tidb"
  command -v apt-get >/dev/null || die "needs Debian 12: there is no apt-get here"
}

missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

install_packages() {
  local missing
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  say "installing" $missing
  export DEBIAN_FRONTEND=noninteractive
  (
    flock 9  # two checkouts side by side
    quietly "$build/log/apt-update" apt-get -q -o DPkg::Lock::Timeout=600 update
    quietly "$build/log/apt-install" apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends $missing
  ) 9>/run/tidb-binlog-upgrade.apt
  missing=$(missing_packages "$@")
  [ -z "$missing" ] || die "still not installed:" $missing
}

# The Pumps' user, as tidb-ansible has it; without a password, and with no rights of its own.
make_user() {
  id tidb >/dev/null 2>&1 || useradd --create-home --shell /bin/bash tidb
}

configure() { quietly "$build/log/cmake" cmake -G Ninja -S "$repo" -B "$build" "$@"; }

# build_all: the tools and everything the tests need.
build_all() {
  (
    flock 9
    configure -DBUILD_TESTING=ON -DWERROR=ON
    quietly "$build/log/ninja" ninja -C "$build"
  ) 9>"$build.lock"
}

# build_for_quickstart TARGET...: these alone, without what only tests need.
build_for_quickstart() {
  (
    flock 9
    [ -f "$build/build.ninja" ] || configure -DBUILD_TESTING=OFF
    quietly "$build/log/ninja" ninja -C "$build" "$@"
  ) 9>"$build.lock"
}

# Debian's Go, whatever else PATH holds.
debian_go() {
  local go
  for go in /usr/bin/go /usr/lib/go-1.19/bin/go; do
    [ -x "$go" ] && { echo "$go"; return; }
  done
  die "Debian's Go is missing (package golang-go)"
}

# The stand-ins: every program of test/peers, in $build/peers.
build_peers() {
  local go
  go=$(debian_go)
  mkdir -p "$build/peers"
  (
    flock 9
    cd "$repo/test/peers"
    quietly "$build/log/peers" env -u GOROOT CGO_ENABLED=0 GOFLAGS=-trimpath GOTOOLCHAIN=local \
      "$go" build -ldflags '-s -w' -o "$build/peers/" ./cmd/...
    install -m 0755 supervise "$build/peers/supervise"
  ) 9>"$build.lock"
}

# The jars of Kafka, by Maven, kept for later; each must be what SHA256SUMS says. Where Maven gets nothing,
# the tests of the old versions say "not tested here: no Kafka", and ctest lists them as skipped.
install_kafka() {
  local new
  [ ! -e "$kafka_jars/complete" ] || return 0
  mkdir -p "$(dirname "$kafka_jars")" "$build/log"
  new=$(mktemp -d "$kafka_jars.XXXXXX")
  say "fetching Kafka"
  if ! mvn -B -q -f "$repo/test/support/jars/pom.xml" -DoutputDirectory="$new" \
    org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies >"$build/log/kafka" 2>&1; then
    rm -rf "$new"
    say "not tested here: no Kafka (Maven brought nothing: $build/log/kafka)"
    return 0
  fi
  (cd "$new" && sha256sum --quiet -c "$repo/test/support/jars/SHA256SUMS") || { rm -rf "$new"; die "Kafka's jars are not what they were"; }
  chmod 755 "$new"
  touch "$new/complete"
  mv -T "$new" "$kafka_jars" 2>/dev/null || rm -rf "$new"  # another run was first
}

# The user lands of the hosts that tests run on: a minute or two each the first time, kept for later (test/hosts/rig).
make_images() {
  quietly "$build/log/images" env PYTHONPATH="$repo/test" "$python" -m hosts.rig.image
}

# install_modules DIR TOOL...: the tools as Ansible modules with what ansible-doc shows of them, and their aliases for places
# that allow no hyphen.
install_modules() {
  local dir=$1 tool
  shift
  mkdir -p "$dir"
  for tool in "$@"; do
    [ -x "$build/bin/$tool" ] || die "$build/bin/$tool was not built"
    if ! cmp -s "$build/bin/$tool" "$dir/$tool"; then
      install -m 0755 "$build/bin/$tool" "$dir/.$tool.$$"
      mv -f "$dir/.$tool.$$" "$dir/$tool"
    fi
    "$dir/$tool" --docs >"$dir/.$tool.yml.$$"
    mv -f "$dir/.$tool.yml.$$" "$dir/$tool.yml"
    [ "$tool" = "${tool//-/_}" ] || { ln -sfn "$tool" "$dir/${tool//-/_}"; ln -sfn "$tool.yml" "$dir/${tool//-/_}.yml"; }
  done
}
