# Sourced by the other scripts: goes to the root of the repository and provides what a build needs.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  echo "error: $*" >&2
  exit 1
}

# Installs Debian packages, as root or with sudo.
install_packages() {
  local as_root=()
  if ! command -v apt-get >/dev/null; then
    fail "missing: $*. There is no apt-get here; install what these Debian packages hold by the system's own" \
      "means, so that libtcc.h and libtcc are found in the default places, then run this again."
  fi
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null ||
      fail "missing: $*. Ask someone who is root to run: apt-get install $*"
    as_root=(sudo)
  fi
  echo "Installing $* with apt-get."
  as_root+=(env DEBIAN_FRONTEND=noninteractive)
  "${as_root[@]}" apt-get install -y --no-install-recommends "$@" </dev/null ||
    { "${as_root[@]}" apt-get update </dev/null &&
      "${as_root[@]}" apt-get install -y --no-install-recommends "$@" </dev/null; } ||
    fail "apt-get could not install $*; see above."
}

has_libtcc() {
  [[ -e /usr/include/libtcc.h || -e /usr/local/include/libtcc.h ]]
}

# What every program needs: Swift, and libtcc to link with.
require_build_tools() {
  command -v swift >/dev/null ||
    fail "there is no 'swift' on PATH. Install Swift 6.1 or newer: https://www.swift.org/install/linux"
  has_libtcc || install_packages libtcc-dev
}

# What the tests compare with: another compiler for the same C, and an assembler for our encodings.
require_test_tools() {
  local missing=()
  command -v gcc >/dev/null || missing+=(gcc)
  command -v as >/dev/null || missing+=(binutils)
  has_libtcc || missing+=(libtcc-dev)
  if ((${#missing[@]})); then install_packages "${missing[@]}"; fi
}
