# shellcheck shell=bash disable=SC2034
# The Debian 12 packages behind `./dev setup`, and how to find and install them.

# Without these nothing builds, or a whole kind of test is lost.
required_packages=(
  # compilers and build
  g++ cmake make pkg-config git python3 clang-14 libclang-rt-14-dev llvm-14
  clang-format-14 clang-tools-14
  # libraries
  libboost1.81-dev nlohmann-json3-dev uuid-dev libssl-dev libsqlite3-dev libbtrfsutil-dev
  libtomlplusplus-dev libcli11-dev libfmt-dev libspdlog-dev libzstd-dev liblz4-dev libxxhash-dev
  prometheus-cpp-dev libfuse3-dev
  # tests
  libgtest-dev libgmock-dev libbenchmark-dev
)
# With these it is faster, or more of the tests can show what they are for; without them those skip
# and say so.
optional_packages=(
  ninja-build ccache mold
  btrfs-progs xfsprogs e2fsprogs fuse3 acl attr util-linux procps sqlite3
  python3-jsonschema shellcheck man-db systemd dpkg-dev restic borgbackup libesedb-utils zstd
  libdb5.3-dev
)

packages_missing() {
  local package
  command -v dpkg-query >/dev/null || return 0
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      printf '%s\n' "$package"
  done
}

packages_install() {
  local as_root=()
  if ! command -v apt-get >/dev/null; then
    say "setup: this is not Debian (no apt-get)"
    return 1
  fi
  if ((EUID != 0)); then
    command -v sudo >/dev/null || { say "setup: not root, and there is no sudo"; return 1; }
    as_root=(sudo)
  fi
  local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y
    --no-install-recommends)
  # Package lists may be recent enough, and a machine without a network may have the packages cached.
  "${install[@]}" "$@" >/dev/null 2>&1 && return 0
  "${as_root[@]}" apt-get update -qq || return 1
  "${install[@]}" "$@" >/dev/null
}
